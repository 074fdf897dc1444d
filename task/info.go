package task

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Info is what the scheduler knows about a task. Values that its fields point to are shared with the scheduler
// and must not be modified.
type Info struct {
	Spec  Spec
	State State
	// AgentID, Hostname and HostPorts are set when the task is launched. HostPorts are parallel to Spec.Ports, with 0 for a
	// port that has [Port.NoHost].
	AgentID   string
	Hostname  string
	HostPorts []uint16
	// Healthy is the result of the last health check. Nil: not checked yet, or no health check.
	Healthy *bool
	// Status is the last status update from Mesos, without its data. Nil before the first one.
	Status *mesos.TaskStatus
	// Submitted is when the task was submitted, Updated when Info last changed.
	Submitted time.Time
	Updated   time.Time
}
