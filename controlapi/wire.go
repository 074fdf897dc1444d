package controlapi

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// These are the bodies of requests and answers, beside those that other packages define: task.Spec, task.Info,
// scheduler.Explanation and so on.

// Overview is the answer of GET /v1/status, and the data of the event "overview".
type Overview struct {
	// Framework is the name of the framework.
	Framework string `json:"framework"`
	// Election is what the member that was asked knows of the election. Nil: there is none, the process runs alone.
	Election *ha.Status `json:"election,omitempty"`
	// Connection is the state of the leader's connection with the master. Nil: nobody leads, or the leader does not answer.
	Connection *scheduler.Status `json:"connection,omitempty"`
	// Tasks counts the tasks on record by state, such as "running". Nil together with Connection.
	Tasks map[string]int `json:"tasks,omitempty"`
	// Offers is the number of offers at hand, Agents what is known of agents. Agents are only in the event.
	Offers int                    `json:"offers"`
	Agents []scheduler.AgentStats `json:"agents,omitempty"`
	// Extensions name what else is served: of the paths of [Config.Routes] the parts behind "/v1/", such as "invoker".
	Extensions []string `json:"extensions,omitempty"`
	// NoTasks says that there is nothing else: [Config.Framework] is nil.
	NoTasks bool `json:"noTasks,omitzero"`
	// Error says why Connection is nil, and Code is the code of that error. Both are empty otherwise.
	Error string         `json:"error,omitzero"`
	Code  scheduler.Code `json:"code,omitzero"`
}

// Health is the answer of GET /healthz and GET /readyz.
type Health struct {
	OK bool `json:"ok"`
}

// TeardownRequest is the body of POST /v1/teardown.
type TeardownRequest struct {
	// FrameworkID is the ID of the framework to end. That of another one is refused.
	FrameworkID string `json:"frameworkID"`
}

// TaskDetail is the answer of GET /v1/tasks/{id}.
type TaskDetail struct {
	Task task.Info `json:"task"`
	// History is what has become of the task, the oldest first: see [scheduler.Scheduler.History].
	History []task.Transition `json:"history"`
}

// LogFailure is the last line of an output that could not be read to its end, and the data of the event "error".
type LogFailure struct {
	Error *Error `json:"error"`
}

// TaskPage is one page of a list of tasks.
type TaskPage[T task.Info | Summary] struct {
	Tasks []T `json:"tasks"` // summaries with view=summary
	// Total is how many tasks pass the filter, on all pages.
	Total int `json:"total"`
	// Next is the parameter "after" of the next page. Empty: this is the last one.
	Next string `json:"next,omitzero"`
	// Version is the highest version of all tasks: the parameter "since" for events that follow this list.
	Version uint64 `json:"version"`
}

// Summary is a task in a list, without most of its spec: some 200 bytes of JSON.
type Summary struct {
	ID       string     `json:"id"`
	State    task.State `json:"state"`
	Healthy  *bool      `json:"healthy,omitempty"`
	Group    string     `json:"group,omitzero"`
	Pod      string     `json:"pod,omitzero"`
	Role     string     `json:"role,omitzero"`
	AgentID  string     `json:"agentID,omitzero"`
	Hostname string     `json:"hostname,omitzero"`
	CPUs     float64    `json:"cpus,omitzero"` // cores
	Mem      float64    `json:"mem,omitzero"`  // MiB
	// Message is why the task is in this state, cut at 256 bytes.
	Message   string    `json:"message,omitzero"`
	Submitted time.Time `json:"submitted,omitzero"`
	Updated   time.Time `json:"updated,omitzero"`
	Version   uint64    `json:"version"`
}

// Snapshot is the data of the events "snapshot", of which several follow each other: together they have all tasks.
type Snapshot[T task.Info | Summary] struct {
	Tasks []T `json:"tasks"`
	// First is set in the first part: what the reader knew before is void. Last is set in the last part.
	First bool `json:"first,omitzero"`
	Last  bool `json:"last,omitzero"`
}

// SummaryEvent is the data of the event "task" with view=summary. With view=full it is a [scheduler.TaskEvent].
type SummaryEvent struct {
	Task     Summary    `json:"task"`
	Previous task.State `json:"previous"`
}
