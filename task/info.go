package task

import (
	"encoding/json"
	"errors"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Info is what the scheduler knows about a task. Values that its fields point to are shared with the scheduler
// and must not be modified.
//
// In JSON the error is its text, and Status has the form that Mesos has for it. To decode it gives the same Info, with an
// error that has the text only. The values of secrets in the Spec are in it, too.
type Info struct {
	Spec  Spec  `json:"spec"`
	State State `json:"state"`
	// Version rises with each change of any task of the framework: each change gives its task the next higher version. So of
	// two Infos of a task the one with the higher version is newer, and an event whose task has a higher version than the
	// highest one of a list is newer than the list. It rises over restarts and changes of the leader as well: a run begins
	// with the time in microseconds since 1970, or with the highest version in the store if that is higher. So changes that
	// somebody saw and that were not stored any more have lower versions, too, unless a clock was set back meanwhile. All are
	// below 2^53.
	Version uint64 `json:"version,omitzero"`
	// AgentID, Hostname and HostPorts are set when the task is launched. HostPorts are parallel to Spec.Ports, with 0 for a
	// port that has [Port.NoHost].
	AgentID   string   `json:"agentID,omitzero"`
	Hostname  string   `json:"hostname,omitzero"`
	HostPorts []uint16 `json:"hostPorts,omitempty"`
	// AgentAddress is where the agent serves HTTP, as its offers say: "host:port", or "https://host:port" if it speaks TLS.
	// Empty: unknown, as for a task that was adopted and whose agent has made no offer since.
	AgentAddress string `json:"agentAddress,omitzero"`
	// IPs are the addresses of the task's container, in the order in which its last status that has any lists them. Without
	// a network of its own they are the agent's.
	IPs []string `json:"ips,omitempty"`
	// Healthy is the result of the last health check. Nil: not checked yet, or no health check.
	Healthy *bool `json:"healthy,omitempty"`
	// ExitStatus is the status with which the task's command or container exited, from 0 to 255, or 128 plus the number of the
	// signal that ended it, as in a shell: 137 after SIGKILL. Mesos has no field for it: it is read from the texts
	// of its own executors. Nil: the task has not ended, or the text says nothing of the kind, as with an executor of one's own.
	ExitStatus *int `json:"exitStatus,omitempty"`
	// Err is why the scheduler ended the task, such as a CapacityError of package scheduler. After a restart only its text is
	// left. Nil: the task has not ended, or Mesos ended it.
	Err error `json:"err,omitempty"`
	// Status is the last status update from Mesos, without its data. Nil before the first one.
	Status *mesos.TaskStatus `json:"status,omitempty"`
	// Submitted is when the task was submitted, Updated when Info last changed.
	Submitted time.Time `json:"submitted,omitzero"`
	Updated   time.Time `json:"updated,omitzero"`
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
