package scheduler

import (
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/task"
)

var (
	// ErrNotRunning is returned by methods that need [Scheduler.Run] when it has ended.
	// It then wraps what ended it.
	ErrNotRunning = errors.New("scheduler: not running")
	// ErrRunning is returned by a second [Scheduler.Run] beside a first.
	ErrRunning = errors.New("scheduler: already running")
	// ErrDuplicateTask is returned by Submit and Launch for an ID that is on record, also of
	// a task that has ended: a late word about the old task would otherwise hit the new one.
	ErrDuplicateTask = errors.New("scheduler: duplicate task ID")
	// ErrUnknownTask is returned for an ID that is not on record.
	ErrUnknownTask = errors.New("scheduler: unknown task")
	// ErrEvicted ends Run when another scheduler subscribed with the same framework ID. Nothing
	// is done about it: two schedulers that both came back would evict each other for ever.
	ErrEvicted = errors.New("scheduler: another scheduler took over the framework")
)

// ConfigError is returned by [New]: a field of [Config] cannot be used.
type ConfigError struct {
	Field  string // such as "Framework.Name"
	Value  any
	Reason string
}

// Error names field, value and reason.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("scheduler: config: %s: %#v: %s", e.Field, e.Value, e.Reason)
}

// TaskError is returned by [Scheduler.Launch] when the task ended before it ran (and was healthy).
type TaskError struct {
	Task task.Info
	// Err is what went wrong on the scheduler's side, such as an error of the builder. Nil when
	// Mesos ended the task; Task.Status then tells why.
	Err error
}

// Error tells the state and the reason.
func (e *TaskError) Error() string {
	s := fmt.Sprintf("scheduler: task %s: %s", e.Task.Spec.ID, e.Task.State)
	if st := e.Task.Status; st != nil {
		if st.Reason != nil {
			s += ": " + st.Reason.String()
		}
		if st.Message != nil {
			s += ": " + *st.Message
		}
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives Err.
func (e *TaskError) Unwrap() error { return e.Err }

// SubscribeError ends Run when the master refuses the framework in a way that another attempt
// would only repeat: bad credentials, a role that does not exist, a changed principal.
type SubscribeError struct {
	// Status is the HTTP status, 200 when the master refused with an ERROR event.
	Status int
	// Message is the master's text.
	Message string
}

// Error gives status and text.
func (e *SubscribeError) Error() string {
	return fmt.Sprintf("scheduler: subscription refused: status %d: %s", e.Status, e.Message)
}

// FrameworkRemovedError ends Run when the framework was torn down or its failover timeout ran out.
// The master killed its tasks; its ID can never be used again.
type FrameworkRemovedError struct {
	FrameworkID string
}

// Error names the framework.
func (e *FrameworkRemovedError) Error() string {
	return fmt.Sprintf("scheduler: framework %s has been removed", e.FrameworkID)
}

// CallError tells that the master refused a call.
type CallError struct {
	Call    string // such as "ACCEPT"
	Status  int    // HTTP status
	Message string // the master's text
}

// Error gives call, status and text.
func (e *CallError) Error() string {
	return fmt.Sprintf("scheduler: %s refused: status %d: %s", e.Call, e.Status, e.Message)
}
