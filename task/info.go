package task

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// Info is what the scheduler knows about a task. Values that its fields point to are shared with the scheduler
// and must not be modified.
//
// In JSON, Err is its text, and Status has the form that Mesos uses. Decoding gives the same Info, with an error that
// has only the text. The JSON includes the values of secrets in the Spec.
type Info struct {
	Spec  Spec  `json:"spec"`
	State State `json:"state"`
	// Version orders the changes of all tasks of the framework: each change gives its task the next higher version, and so
	// does the removal of tasks from the record, whose event has a version of its own. Of
	// two Infos of a task the one with the higher version is newer, and an event is newer than a list if its version is
	// higher than all versions in the list. Versions also rise across restarts and changes of the leader: a run begins
	// with the time in microseconds since 1970, or with the highest version in the store if that is higher. Only if a
	// clock is set back can a change that was seen but not stored have a higher version than later ones. Versions are
	// below 2^53.
	Version uint64 `json:"version,omitzero"`
	// AgentID, Hostname and HostPorts are set when the task is launched. HostPorts are parallel to Spec.Ports, with 0 for a
	// port that has [Port.NoHost].
	AgentID   string   `json:"agentID,omitzero"`
	Hostname  string   `json:"hostname,omitzero"`
	HostPorts []uint16 `json:"hostPorts,omitempty"`
	// AgentAddress is where the agent serves HTTP, from its offers: "host:port", or "https://host:port" if it uses TLS.
	// Empty: unknown, such as for an adopted task whose agent has made no offer since.
	AgentAddress string `json:"agentAddress,omitzero"`
	// IPs are the addresses of the task's container, in the order of the last status that has any. On the host network
	// they are those of the agent.
	IPs []string `json:"ips,omitempty"`
	// Healthy is the result of the last health check. Nil: not checked yet, or no health check.
	Healthy *bool `json:"healthy,omitempty"`
	// ExitStatus is the status with which the task's command or container exited, from 0 to 255, or 128 plus the number
	// of the signal that ended it, as in a shell: 137 after SIGKILL. Mesos has no field for it: it is read from the
	// messages of Mesos' own executors. Nil: the task has not ended, or the message does not say it, such as with a
	// custom executor.
	ExitStatus *int `json:"exitStatus,omitempty"`
	// Err is why the scheduler ended the task, such as a CapacityError of package scheduler. After a restart only its
	// text is left. Nil: the task has not ended, or was ended by Mesos.
	Err error `json:"err,omitempty"`
	// Status is what is kept of the last status update from Mesos. Nil before the first one. The ID of an executor that the
	// builder gave the task, and the ID of the container, are added if the update does not have them. Its message is cut at 4 KiB, and
	// says then how many bytes more it had. Its data is always left out, and so are its labels, container status, check
	// status and limitation if they take more than 4 KiB each, or their lists have more than 100 elements; of a larger container
	// status the IDs and addresses of up to 32 networks are kept. [Scheduler.WatchRaw] of package scheduler has updates whole.
	Status *mesos.TaskStatus `json:"status,omitempty"`
	// Submitted is when the task was submitted, Updated when Info last changed.
	Submitted time.Time `json:"submitted,omitzero"`
	Updated   time.Time `json:"updated,omitzero"`
}

// String returns one line for logs: ID, state, health, host, the message of the last status, and Err. What is not printable in
// them is escaped.
func (i Info) String() string {
	s := fmt.Sprintf("task %s %s", i.Spec.ID, i.State)
	if i.Healthy != nil {
		s += map[bool]string{true: " healthy", false: " unhealthy"}[*i.Healthy]
	}
	if i.Hostname != "" {
		s += " on " + i.Hostname
	}
	if m := i.Status.GetMessage(); m != "" {
		s += ": " + m
	}
	if i.Err != nil {
		s += ": " + i.Err.Error()
	}
	return printable.Line(s)
}

// MarshalJSON encodes Err as its text.
func (i Info) MarshalJSON() ([]byte, error) {
	type plain Info
	text := ""
	if i.Err != nil {
		text = i.Err.Error()
	}
	return json.Marshal(struct {
		plain
		Err string `json:"err,omitzero"`
	}{plain(i), text})
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (i *Info) UnmarshalJSON(data []byte) error {
	type plain Info
	into := struct {
		*plain
		Err string `json:"err"`
	}{plain: (*plain)(i)}
	if err := json.Unmarshal(data, &into); err != nil {
		return err
	}
	i.Err = nil
	if into.Err != "" {
		i.Err = errors.New(into.Err)
	}
	return nil
}
