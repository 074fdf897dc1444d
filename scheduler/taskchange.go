package scheduler

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// taskChange is a [TaskEvent] in the form in which the machine emits it, with a copy of what is on record of the task. The event
// is larger, and is made only if somebody watches: each task has some four of them.
type taskChange struct {
	info     record.Info
	status   *mesos.TaskStatus // that of info; nil: if there is one, it is still to be decoded
	previous task.State
	message  string
	launch   *LaunchTimes
	minor    bool // neither the state nor the health has changed
}

func (*taskChange) isEvent() {}

// String returns one line for logs.
func (c *taskChange) String() string { return c.event().String() }

// task returns what users are told of the task.
func (c *taskChange) task() task.Info {
	if c.status == nil {
		return c.info.Public()
	}
	return c.info.PublicWith(c.status)
}

// event returns what watchers are told.
func (c *taskChange) event() TaskEvent {
	return TaskEvent{Task: c.task(), Previous: c.previous, Err: c.info.Err, Message: c.message, Launch: c.launch}
}
