package scheduler

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/fenced"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
	"github.com/mesos-actor/mesos-actor-go/task"
)

var (
	// ErrNotRunning is returned by methods that need [Scheduler.Run] when it has ended.
	// It is then wrapped together with the error that ended Run.
	ErrNotRunning = errors.New("scheduler: not running")
	// ErrRunning is returned by [Scheduler.Run] and [Scheduler.Lead] while another call of either has not returned.
	ErrRunning = errors.New("scheduler: already running")
	// ErrDuplicateTask is returned by Submit and Launch for an ID that is on record or remembered, even if that task
	// has ended: a late update for the old task could be applied to the new one, and a program that submits its tasks
	// again after a restart would run those again that have ended. It is not returned to a request that is made again, see
	// [task.Spec.RequestID]. See also [Config.RememberIDs] and [Scheduler.Forget].
	ErrDuplicateTask = errors.New("scheduler: duplicate task ID")
	// ErrUnknownTask is returned for an ID that is neither on record nor remembered.
	ErrUnknownTask = errors.New("scheduler: unknown task")
	// ErrNotSubscribed is returned by Call while there is no subscription with the master.
	ErrNotSubscribed = errors.New("scheduler: not subscribed")
	// ErrReentrant is returned by the methods of [Scheduler] that are called by a matcher, a builder, the policy for inverse
	// offers or a log handler: the scheduler waits for these, and could not answer. Other goroutines may call them
	// meanwhile, and are answered when the user code has returned. If that waits for them, directly or by way of another
	// Scheduler, they wait until their context ends, or until 2 s after that of Run.
	ErrReentrant = errors.New("scheduler: called by a matcher, a builder, a policy or a log handler, for which the scheduler waits")
	// ErrEvicted is returned by Run when another scheduler has subscribed with the same framework ID. Run does
	// not subscribe again, since two schedulers that both did would evict each other for ever.
	ErrEvicted = errors.New("scheduler: another scheduler took over the framework")
)

func duplicate(id string) error { return fmt.Errorf("%w: %q", ErrDuplicateTask, id) }

func unknown(id string) error { return fmt.Errorf("%w: %q", ErrUnknownTask, id) }

// ConfigError is returned by [New] if a field of [Config] is invalid.
type ConfigError struct {
	Field  string // such as "Framework.Name"
	Value  any
	Reason string
}

// Error returns field, value and reason.
func (e *ConfigError) Error() string {
	verb := "%v" // a duration as "-1m0s", not as a number
	switch e.Value.(type) {
	case string, []string:
		verb = "%q"
	}
	return printable.Linef("scheduler: config: %s: "+verb+": %s", e.Field, e.Value, e.Reason)
}

// FencedError is returned by [Scheduler.Lead] and [Scheduler.Run] when the store or [Term.Confirm] has reported that
// another process leads: its error had a method Fenced() bool that returned true. Changes that were not stored
// by then are lost; the process that leads reconciles its tasks with Mesos.
type FencedError struct {
	Err error // of the store, or of Confirm
}

// Error returns the text of Err with an introduction.
func (e *FencedError) Error() string {
	return printable.Linef("scheduler: another process leads: %v", e.Err)
}

// Unwrap returns Err.
func (e *FencedError) Unwrap() error { return e.Err }

// Fenced returns true.
func (e *FencedError) Fenced() bool { return true }

// asFenced wraps an error whose method Fenced returns true in a FencedError, and returns any other as it is.
func asFenced(err error) error {
	if !fenced.Is(err) {
		return err
	}
	if done := (*FencedError)(nil); errors.As(err, &done) {
		return err
	}
	return &FencedError{Err: err}
}

// TaskError is returned by [Scheduler.Launch] and [Scheduler.Wait] when the task ended before it was running and healthy.
// Task.State is how it ended, and Task.Status is Mesos' last status of it, with reason and message.
type TaskError struct {
	Task task.Info
	// Err is why the scheduler ended the task, such as an error of the builder. Nil if
	// Mesos ended it.
	Err error
}

// Error returns state, reason and message.
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
	return printable.Line(s)
}

// Unwrap returns Err.
func (e *TaskError) Unwrap() error { return e.Err }

// Retryable reports whether another attempt with the same spec, under another ID, may succeed: whether the task ended
// because of where it ran, not because of what it is. A task that was killed, that ended by
// itself, or whose description was refused would most likely end the same way.
func (e *TaskError) Retryable() bool {
	if capacity := (*CapacityError)(nil); errors.As(e.Err, &capacity) {
		return true // there may be more resources later
	}
	switch e.Task.State {
	case task.StateLost, task.StateDropped, task.StateGone, task.StateGoneByOperator, task.StateUnreachable, task.StateUnknown:
		return true
	case task.StateFailed:
		return e.Task.Status != nil && (retryable(e.Task.Status) || isDockerRun(&e.Task.Spec, e.Task.Status))
	case task.StateKilled:
		return e.Task.Status.GetReason() == mesos.REASON_AGENT_DRAINING
	}
	return false
}

// retryable reports whether the reason of a failed task is retryable, see Mesos' docs/task-state-reasons.md.
func retryable(s *mesos.TaskStatus) bool {
	if s.Reason == nil {
		return false // the program itself ended
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
		mesos.REASON_INVALID_OFFERS,            // rescinded before the launch
		mesos.REASON_RESOURCES_UNKNOWN,         // to the agent, after its restart
		mesos.REASON_RECONCILIATION,            // no longer known to the master
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
	return false // limits, validation, authorization, deadlines: these depend on the task
}

// isDockerRun reports whether a container failed because "docker run" itself did, not the program in it.
func isDockerRun(spec *task.Spec, status *mesos.TaskStatus) bool {
	return spec.Container != nil && mastertext.IsDockerRunFailure(status.GetMessage())
}

// ForgetError is returned by [Scheduler.Forget] for a task that is pending or runs.
type ForgetError struct {
	ID    string     `json:"id"`    // of the task, or of the member of its pod that is in the way
	State task.State `json:"state"` // of that task
}

// Error returns ID and state.
func (e *ForgetError) Error() string {
	return printable.Linef("scheduler: task %q is %v: only what has ended, or is unreachable or unknown, can be forgotten", e.ID, e.State)
}

// CapacityError is the reason for the failure of a task that was pending for too long, see [OfferPolicy.MaxCycles] and
// [OfferPolicy.MaxWait]. It is the Err of a [*TaskError] and of the [TaskEvent]; the task is [task.StateFailed].
type CapacityError struct {
	// Rejection is why the last cycle did not place the task. It has no reasons if no cycle looked at the task.
	Rejection task.Rejection
	// Cycles is how many cycles looked at the task, and Waited how long it was pending.
	Cycles int
	Waited time.Duration
}

// Error returns the number of cycles, the time and the reasons.
func (e *CapacityError) Error() string {
	s := fmt.Sprintf("scheduler: no place after %s in %v", counted(e.Cycles, "cycle"), e.Waited.Round(time.Millisecond))
	if len(e.Rejection.Reasons) > 0 {
		s += ": " + describeReasons(e.Rejection.Reasons)
	}
	return printable.Line(s)
}

// SubscribeError is returned by Run when the master refuses the framework, and would refuse it again: bad
// credentials (status 401), no permission (403, or an ERROR event), a role that does not exist, a changed principal. What
// may pass, such as a failure of the master's authorizer, is the Err of a [ConnectionEvent] instead, and tried again.
type SubscribeError struct {
	// Master is the URL of the master.
	Master string
	// Status is the HTTP status, 200 when the master refused with an ERROR event.
	Status int
	// Message is the master's text, which may be empty.
	Message string
}

// Error returns master, status and text.
func (e *SubscribeError) Error() string {
	s := "scheduler: subscription refused"
	if e.Master != "" {
		s += " by " + e.Master
	}
	s += fmt.Sprintf(": status %d", e.Status)
	if e.Message != "" {
		s += ": " + e.Message
	}
	return printable.Line(s)
}

// FrameworkIDError is the Err of a [ConnectionEvent] when a master has subscribed the framework under another ID than its own,
// or under an invalid ID: an empty one, one of more than 255 bytes, or one with characters that Mesos does not allow. What is
// on record stays as it is, and another attempt follows.
type FrameworkIDError struct {
	Master      string // base URL
	FrameworkID string // the framework's own; empty if it has none yet
	Subscribed  string // what the master said, up to 255 bytes of it
}

// Error returns the master and both IDs.
func (e *FrameworkIDError) Error() string {
	if e.FrameworkID == "" {
		return printable.Linef("scheduler: %s has subscribed a new framework as %q, which is no ID", e.Master, e.Subscribed)
	}
	return printable.Linef("scheduler: %s has subscribed framework %q as %q", e.Master, e.FrameworkID, e.Subscribed)
}

// FingerprintError is returned by Run when the store has the records of another framework: two frameworks use the same
// store, or the framework was moved to another cluster. Nothing was changed. To take over the records, see
// [Config.AdoptRecords].
type FingerprintError struct {
	Field          string // "name", "principal" or "master"
	Stored, Config string // what is on record, and what this framework's Config says
}

// Error returns the field and both values.
func (e *FingerprintError) Error() string {
	return printable.Linef("scheduler: the store is that of another framework: its %s is %q on record, and %q here; if it is meant to be this one's, set Config.AdoptRecords for one start",
		e.Field, e.Stored, e.Config)
}

// FrameworkRemovedError is returned by Run when the framework was torn down by somebody else, or its failover timeout
// ran out. The master has killed its tasks, and its ID can never be used again. That is put on record, so that later runs
// end with the same error and do not subscribe. With [Config.RenewFramework] Run goes on with a new framework and the pending
// tasks instead, and this error is why the others were lost.
type FrameworkRemovedError struct {
	FrameworkID string
	// TornDown is set if the framework was ended by [Scheduler.Teardown], in an election. It is not renewed.
	TornDown bool

	renewed bool // another framework follows
}

// Error returns a text with the framework's ID, which says what to do.
func (e *FrameworkRemovedError) Error() string {
	if e.TornDown {
		return printable.Linef("scheduler: framework %s has been torn down; a new one needs an empty store", e.FrameworkID)
	}
	s := fmt.Sprintf("scheduler: framework %s has been removed, and its tasks with it", e.FrameworkID)
	if e.renewed {
		return printable.Line(s)
	}
	return printable.Line(s + "; set Config.RenewFramework to go on with a new one and the pending tasks")
}

// CallError is returned for a call that was refused, by the master or by the scheduler itself.
type CallError struct {
	Master  string // URL of the master that has answered; empty: none has
	Call    string // such as "ACCEPT"
	Status  int    // HTTP status; 0: the scheduler refused it
	Message string // the master's text, or the scheduler's

	retryAfter time.Duration // how long the master asked to wait; 0: it did not
}

// Error returns call, master, status and text.
func (e *CallError) Error() string {
	if e.Status == 0 {
		return printable.Linef("scheduler: %s refused: %s", e.Call, e.Message)
	}
	s := fmt.Sprintf("scheduler: %s refused: status %d", e.Call, e.Status)
	for _, part := range []string{e.Master, e.Message} {
		if part != "" {
			s += ": " + part
		}
	}
	return printable.Line(s)
}

// PanicError is a panic of user code: a matcher, a builder or a policy.
type PanicError struct {
	Who   string // such as "the builder"
	Value any    // of the panic
	Stack string
}

// Error returns the value. The stack is in the log, at level Error.
func (e *PanicError) Error() string {
	return printable.Linef("scheduler: panic in %s: %v", e.Who, e.Value)
}

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return printable.Error(err)
}

func panicked(who string, value any) error {
	return &PanicError{Who: who, Value: value, Stack: string(debug.Stack())}
}
