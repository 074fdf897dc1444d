package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Until is what [Scheduler.Wait] waits for.
type Until int

const (
	UntilRunning          Until = iota // the task is running and, if it has a health check, healthy
	UntilEnded                         // the task has ended, however it did
	UntilRunningAnyHealth              // the task is running, whatever its health check says
)

// String returns "running", "ended" or "running_any_health".
func (u Until) String() string {
	switch u {
	case UntilRunning:
		return "running"
	case UntilEnded:
		return "ended"
	case UntilRunningAnyHealth:
		return "running_any_health"
	}
	return fmt.Sprintf("Until(%d)", int(u))
}

// Wait waits until a task on record is running, or has ended, and returns what is known of it then. If that is already
// so, it returns at once. The task may have been submitted by an earlier process. If ctx ends first the task goes on,
// unlike with [Scheduler.Launch].
//
// With [UntilRunning] and [UntilRunningAnyHealth] it returns a [*TaskError] if the task ends first, or has ended. With [UntilEnded] that is no
// error: the state of the task says how it ended. Of a task that is only remembered Wait returns the same as
// [Scheduler.Task]. It returns [ErrUnknownTask] for an ID that is neither on record nor remembered, or is forgotten
// meanwhile, [ErrNotRunning] when Run ends, and a [*WaitError] when ctx does.
func (s *Scheduler) Wait(ctx context.Context, id string, until Until) (task.Info, error) {
	if until < UntilRunning || until > UntilRunningAnyHealth {
		return task.Info{}, &task.FieldError{Field: "until", Value: int(until), Reason: "must be UntilRunning, UntilEnded or UntilRunningAnyHealth"}
	}
	return s.ask(ctx, &request{
		input: func(r ref) input { return wait{ref: r, id: id, until: until} },
		waits: []string{id},
	})
}

// WaitError is returned by methods that wait for a task, such as [Scheduler.Launch] and [Scheduler.Wait], when their
// context ends first. It wraps the context's error. If the task is not on record by then, such as before Run has begun,
// they return an error that wraps the context's without an Explanation.
type WaitError struct {
	// Err is why the context ended: its error and, if that is another one, its cause.
	Err error
	// Explanation says why the task had not come further at that moment. For a pod it is about the first member that
	// was waited for.
	Explanation Explanation
}

// Error returns Err and the explanation.
func (e *WaitError) Error() string {
	return printable.Linef("scheduler: %v: %v", e.Err, e.Explanation)
}

// Unwrap returns Err.
func (e *WaitError) Unwrap() error { return e.Err }

// contextError returns why a context ended. A cause of its own is wrapped together with the context's error.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// explainWait returns why a task has not come as far as somebody waits for: that of a pod's first member of which this is
// true. It returns nil if none is on record.
func explainWait(m *machine, now time.Time, ids []string) *Explanation {
	var found *entry
	for _, id := range ids {
		if e := m.tasks.byID[id]; e != nil && (found == nil || found.up() && !e.up()) {
			found = e
		}
	}
	if found == nil {
		return nil
	}
	x := m.explain(now, found)
	return &x
}
