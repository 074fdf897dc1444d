package task

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Info is what is known of a task. What its fields point to is shared with the scheduler and must
// not be changed.
type Info struct {
	Spec  Spec
	State State
	// AgentID, Hostname and HostPorts are set from the launch on.
	AgentID   string
	Hostname  string
	HostPorts []uint16
	// Healthy is what the last health check said. Nil: not checked yet, or no health check.
	Healthy *bool
	// Status is the last update from Mesos, without its data. Nil before the first.
	Status *mesos.TaskStatus
	// Submitted is when the task was accepted, Updated when Info last changed.
	Submitted time.Time
	Updated   time.Time
}
