package scheduler

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Event is what [Scheduler.Watch] yields: a [TaskEvent], a [RemovedEvent], a [ConnectionEvent], an [OfferEvent], an
// [InverseOfferEvent], a [FailureEvent], an [UnknownTaskEvent], a [NeverOfferedEvent], a [StoreEvent] or a [LagEvent].
// Later versions may add types: a type switch should ignore the types that it does not know.
type Event interface {
	fmt.Stringer
	isEvent()
}

// TaskEvent reports a change of a task: of its state, its health or its last status.
type TaskEvent struct {
	// Task is the task after the change. It is shared and must not be changed.
	Task task.Info `json:"task"`
	// Previous is the state before the change. It equals Task.State if the state has not changed.
	Previous task.State `json:"previous"`
	// Err is Task.Err: why the scheduler ended the task, such as a [*CapacityError]. Nil if it has not ended, or was
	// ended by Mesos.
	Err error `json:"-"`
	// Message is why the task changed, see [task.Transition].
	Message string `json:"message,omitzero"`
	// Launch is set on the first event of a launch with [task.StateRunning]: how long its phases took. It is shared and must
	// not be changed.
	Launch *LaunchTimes `json:"launch,omitempty"`
}

// RemovedEvent reports tasks that are not on record any more: they were forgotten, or dropped from the history. See
// [Scheduler.Forget] and [Config.History].
type RemovedEvent struct {
	Tasks []string `json:"tasks"` // their IDs
	// Version orders the removal among the changes of tasks, see [task.Info]. A task of the same ID with a higher version
	// is another one, submitted later.
	Version uint64 `json:"version,omitzero"`
}

// ConnectionEvent reports that a subscription with the master began, ended, or could not be made.
type ConnectionEvent struct {
	// Connected reports whether there is a subscription now.
	Connected bool `json:"connected"`
	// FrameworkID is the ID that the master assigned. Empty before the first subscription.
	FrameworkID string `json:"frameworkID,omitzero"`
	// Err is why the attempt to subscribe failed, or the subscription ended. Nil when Connected.
	Err error `json:"err,omitzero"`
	// NextAttempt is when the next attempt will be made; sooner if ZooKeeper names another master before. Zero when
	// Connected, and when Run ends because of Err.
	NextAttempt time.Time `json:"nextAttempt,omitzero"`
}

// OfferEvent reports the outcome of one matching cycle.
type OfferEvent struct {
	// Offers is the number of offers that were looked at, and Placed the number of tasks placed on them.
	Offers int `json:"offers"`
	Placed int `json:"placed"`
	// Pending is the number of tasks that are pending after the cycle.
	Pending int `json:"pending"`
	// Rejections are why the other tasks were not placed: one for each class of tasks, if the matcher groups them. They are
	// shared and must not be changed. Nil if the same watcher had not yet received this event when the next cycle ended.
	Rejections []task.Rejection `json:"rejections,omitempty"`
	// Err is set if the matcher violated its contract or panicked. Nothing was launched for the placements
	// concerned.
	Err error `json:"err,omitzero"`
}

// InverseOffer is a request to vacate an agent for maintenance.
type InverseOffer struct {
	// AgentID is the ID of the agent. Empty: the request is for all of the framework's resources.
	AgentID string `json:"agentID,omitzero"`
	// Start is when the maintenance begins, and Duration how long it takes; 0: unknown.
	Start    time.Time     `json:"start,omitzero"`
	Duration time.Duration `json:"duration,omitzero"`
	// Tasks are the IDs of the framework's tasks on the agent, in order of submission.
	Tasks []string `json:"tasks,omitempty"`
}

// MarshalJSON encodes Duration as text.
func (o InverseOffer) MarshalJSON() ([]byte, error) {
	type plain InverseOffer
	text := ""
	if o.Duration != 0 {
		text = o.Duration.String()
	}
	return json.Marshal(struct {
		plain
		Duration string `json:"duration,omitzero"`
	}{plain(o), text})
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (o *InverseOffer) UnmarshalJSON(data []byte) error {
	type plain InverseOffer
	into := struct {
		*plain
		Duration string `json:"duration"`
	}{plain: (*plain)(o)}
	err := json.Unmarshal(data, &into)
	if o.Duration = 0; err == nil && into.Duration != "" {
		o.Duration, err = time.ParseDuration(into.Duration)
	}
	return err
}

// InverseOfferEvent reports an inverse offer and its answer, see [OfferPolicy.AcceptInverse]. Accepting it promises to
// vacate the agent before the maintenance starts. The scheduler then launches nothing more on the agent; the user has
// to end the tasks that run there.
type InverseOfferEvent struct {
	Offer    InverseOffer `json:"offer"`
	Accepted bool         `json:"accepted"`
	// Err is set if the policy panicked.
	Err error `json:"err,omitzero"`
}

// FailureEvent reports that an agent was lost or an executor ended. What happened to its tasks is in a [TaskEvent] for
// each.
type FailureEvent struct {
	AgentID string `json:"agentID,omitzero"`
	// ExecutorID is empty if the agent is lost.
	ExecutorID string `json:"executorID,omitzero"`
	// Status is the executor's wait status, nil if unknown.
	Status *int32 `json:"status,omitzero"`
}

// UnknownTaskEvent reports an update about a task of this framework that is not on record, see [Config.UnknownTasks].
// There is one for each update, including answers to reconciliation.
type UnknownTaskEvent struct {
	// Status is what is kept of the update, see [task.Info].Status.
	Status mesos.TaskStatus `json:"status,omitzero"`
}

// NeverOfferedEvent reports pending tasks that would wait for ever, because the framework no longer subscribes for what
// they need: a role or [Framework.GPUs]. There is one for each reason, when a run begins with such tasks on record and
// after an UPDATE_FRAMEWORK. The tasks stay pending: kill them, or change the framework back.
type NeverOfferedEvent struct {
	// Err is a [*task.FieldError] with what the tasks need.
	Err error `json:"err,omitzero"`
	// Tasks are the IDs of the tasks in order of submission. Of a pod they include all members.
	Tasks []string `json:"tasks,omitempty"`
}

// StoreEvent reports that the store failed, or works again. While it fails nothing is launched and no update is
// acknowledged.
type StoreEvent struct {
	// Err is why the last write failed. Nil: the store works again.
	Err error `json:"err,omitzero"`
	// NextAttempt is when the write will be tried again.
	NextAttempt time.Time `json:"nextAttempt,omitzero"`
}

// LagEvent is sent to a watcher that was too slow and missed events, and to all if more than 64 MiB of events waited for a slow
// store, which is some 40,000 events. [Scheduler.Tasks] returns the present state.
type LagEvent struct {
	Missed int `json:"missed"` // the number of events
}

func (TaskEvent) isEvent()         {}
func (RemovedEvent) isEvent()      {}
func (ConnectionEvent) isEvent()   {}
func (OfferEvent) isEvent()        {}
func (InverseOfferEvent) isEvent() {}
func (FailureEvent) isEvent()      {}
func (UnknownTaskEvent) isEvent()  {}
func (NeverOfferedEvent) isEvent() {}
func (StoreEvent) isEvent()        {}
func (LagEvent) isEvent()          {}

// String returns one line for logs.
func (e TaskEvent) String() string {
	e.Task.Err = cmp.Or(e.Err, e.Task.Err)
	return e.Task.String()
}

// String returns one line for logs.
func (e RemovedEvent) String() string {
	return printable.Linef("%s not on record any more: %s", counted(len(e.Tasks), "task"), describeIDs(e.Tasks))
}

// String returns one line for logs.
func (e ConnectionEvent) String() string {
	if e.Connected {
		return printable.Line("subscribed as " + e.FrameworkID)
	}
	return printable.Linef("disconnected: %v", e.Err)
}

// String returns one line for logs.
func (e OfferEvent) String() string {
	s := fmt.Sprintf("cycle: %d offers, %d placed, %d pending", e.Offers, e.Placed, e.Pending)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return printable.Line(s)
}

// String returns one line for logs.
func (e LagEvent) String() string { return fmt.Sprintf("lagged: events missed: %d", e.Missed) }

// String returns one line for logs.
func (e InverseOfferEvent) String() string {
	s := fmt.Sprintf("inverse offer for %s from %s", e.Offer.AgentID, e.Offer.Start.Format(time.RFC3339))
	if e.Accepted {
		return printable.Line(s + " accepted")
	}
	return printable.Linef("%s declined, %d tasks there", s, len(e.Offer.Tasks))
}

// String returns one line for logs.
func (e FailureEvent) String() string {
	if e.ExecutorID == "" {
		return printable.Line("agent " + e.AgentID + " lost")
	}
	s := fmt.Sprintf("executor %s on %s ended", e.ExecutorID, e.AgentID)
	if e.Status != nil {
		s += fmt.Sprintf(" with status %d", *e.Status)
	}
	return printable.Line(s)
}

// String returns one line for logs.
func (e UnknownTaskEvent) String() string {
	return printable.Linef("unknown task %s %s on %s", e.Status.TaskID.Value, task.StateFromMesos(e.Status.GetState()), e.Status.GetAgentID().GetValue())
}

// String returns one line for logs.
func (e NeverOfferedEvent) String() string {
	return printable.Linef("%s never offered what is needed (%s): %s", counted(len(e.Tasks), "task"), describeIDs(e.Tasks), describeField(e.Err))
}

// describeIDs returns the first IDs of a list as text, and how many follow.
func describeIDs(all []string) string {
	const most = 5
	names := strings.Join(all[:min(len(all), most)], ", ")
	if more := len(all) - most; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return names
}

// String returns one line for logs.
func (e StoreEvent) String() string {
	if e.Err == nil {
		return "the store works again"
	}
	return printable.Linef("the store fails: %v", e.Err)
}
