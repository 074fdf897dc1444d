package scheduler

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
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
	// ErrNotSubscribed is returned by Call while there is no subscription with the master.
	ErrNotSubscribed = errors.New("scheduler: not subscribed")
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

// FencedError ends [Scheduler.Lead], and Run, when its store or [Term.Confirm] says that another process leads
// by now: an error of theirs had a method Fenced() bool that returned true. What was not stored by then is lost to
// this process, and up to the one that leads.
type FencedError struct {
	Err error // of the store, or of Confirm
}

// Error says so, and what the store or Confirm said.
func (e *FencedError) Error() string {
	return fmt.Sprintf("scheduler: another process leads: %v", e.Err)
}

// Unwrap returns Err.
func (e *FencedError) Unwrap() error { return e.Err }

// Fenced returns true.
func (e *FencedError) Fenced() bool { return true }

// asFenced wraps an error that says that another process leads, and returns any other as it is.
func asFenced(err error) error {
	if !saysFenced(err) {
		return err
	}
	if done := (*FencedError)(nil); errors.As(err, &done) {
		return err
	}
	return &FencedError{Err: err}
}

// saysFenced reports whether an error, or one that it wraps, says that another process leads. It is not enough to
// ask the first that has the method: of several that are joined another one may say so.
func saysFenced(err error) bool {
	if e, able := any(err).(interface{ Fenced() bool }); able && e.Fenced() {
		return true
	}
	switch e := any(err).(type) {
	case interface{ Unwrap() error }:
		return saysFenced(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), saysFenced)
	}
	return false
}

// TaskError is returned by [Scheduler.Launch] when the task ended before it ran (and was healthy).
// Task.State is how it ended, Task.Status what Mesos said of that, with reason and message.
type TaskError struct {
	Task task.Info
	// Err is what went wrong on the scheduler's side, such as an error of the builder. Nil when
	// Mesos ended the task.
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

// Retryable tells whether the same spec under another ID may fare better: whether the task ended
// because of where it ran and not because of what it is. A task that was killed, that ended by
// itself, or whose description was refused would most likely do so again.
func (e *TaskError) Retryable() bool {
	if capacity := (*CapacityError)(nil); errors.As(e.Err, &capacity) {
		return true // there may be more another time
	}
	switch e.Task.State {
	case task.Lost, task.Dropped, task.Gone, task.GoneByOperator, task.Unreachable, task.Unknown:
		return true
	case task.Failed:
		return e.Task.Status != nil && (retryable(e.Task.Status) || isDockerRun(e.Task))
	case task.Killed:
		return e.Task.Status.GetReason() == mesos.REASON_AGENT_DRAINING
	}
	return false
}

// retryable is what the reason of a failed task says, see Mesos' docs/task-state-reasons.md.
func retryable(s *mesos.TaskStatus) bool {
	if s.Reason == nil {
		return false // the program's own end
	}
	switch *s.Reason {
	case
		mesos.REASON_CONTAINER_LAUNCH_FAILED,   // an image or a URI that could not be fetched, too
		mesos.REASON_CONTAINER_UPDATE_FAILED,   // the containerizer
		mesos.REASON_CONTAINER_PREEMPTED,       // by another task
		mesos.REASON_EXECUTOR_TERMINATED,       // with or without the agent's fault
		mesos.REASON_EXECUTOR_UNREGISTERED,     // likewise
		mesos.REASON_COMMAND_EXECUTOR_FAILED,   // likewise
		mesos.REASON_IO_SWITCHBOARD_EXITED,     // a helper of the containerizer
		mesos.REASON_MASTER_DISCONNECTED,       // the launch
		mesos.REASON_GC_ERROR,                  // of the agent's disk
		mesos.REASON_INVALID_OFFERS,            // taken back meanwhile
		mesos.REASON_RESOURCES_UNKNOWN,         // to the agent, after its restart
		mesos.REASON_RECONCILIATION,            // not known any more
		mesos.REASON_AGENT_DISCONNECTED,        // lost, in all its forms
		mesos.REASON_AGENT_DRAINING,            //
		mesos.REASON_AGENT_REMOVED,             //
		mesos.REASON_AGENT_REMOVED_BY_OPERATOR, //
		mesos.REASON_AGENT_RESTARTED,           //
		mesos.REASON_AGENT_UNKNOWN,             //
		mesos.REASON_EXECUTOR_REGISTRATION_TIMEOUT,
		mesos.REASON_EXECUTOR_REREGISTRATION_TIMEOUT:
		return true
	}
	return false // limits, validation, authorization, deadlines: of the task's own making
}

// isDockerRun tells whether a container failed because "docker run" itself did, not its program.
func isDockerRun(t task.Info) bool {
	return t.Spec.Container != nil && mastertext.IsDockerRunFailure(t.Status.GetMessage())
}

// CapacityError tells that a task was pending for too long, see [OfferPolicy.MaxCycles] and
// [OfferPolicy.MaxWait]. It is the Err of a [*TaskError] and of the [TaskEvent]; the task is [task.Failed].
type CapacityError struct {
	// Rejection is what the last cycle said of the task. Without reasons: none looked at it.
	Rejection task.Rejection
	// Cycles that looked at it, and how long it was pending.
	Cycles int
	Waited time.Duration
}

// Error tells for how long it was tried, and the reasons.
func (e *CapacityError) Error() string {
	s := fmt.Sprintf("scheduler: no place after %s in %v", counted(e.Cycles, "cycle"), e.Waited.Round(time.Millisecond))
	if len(e.Rejection.Reasons) > 0 {
		s += ": " + describeReasons(e.Rejection.Reasons)
	}
	return s
}

// SubscribeError ends Run when the master refuses the framework in a way that another attempt
// would only repeat: bad credentials (status 401), no permission (403), a role that does not
// exist, a changed principal.
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

// PanicError is a panic of user code: a matcher, a builder or a policy.
type PanicError struct {
	Who   string // such as "the builder"
	Value any    // that it panicked with
	Stack string
}

// Error gives the value and, on further lines, the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("scheduler: panic in %s: %v\n%s", e.Who, e.Value, e.Stack)
}

// Unwrap gives the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

func panicked(who string, value any) error {
	return &PanicError{Who: who, Value: value, Stack: string(debug.Stack())}
}
