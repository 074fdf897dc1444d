package tracing

import (
	"context"
	"iter"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Framework is what Follow needs of a [scheduler.Scheduler].
type Framework interface {
	Watch(ctx context.Context) iter.Seq[scheduler.Event]
	Status(ctx context.Context) (scheduler.Status, error)
	History(ctx context.Context, id string) ([]task.Transition, error)
}

var _ Framework = (*scheduler.Scheduler)(nil)

// scope is the name of the tracer.
const scope = "github.com/mesos-actor/mesos-actor-go/tracing"

// watchPause is the pause after a watch without any event, before the next one.
const watchPause = time.Second

// Follow writes the spans of all tasks of a framework, until ctx ends, over all of its runs and terms. It may be called before the
// first of them begins.
func Follow(ctx context.Context, f Framework, provider trace.TracerProvider) {
	w := &follower{framework: f, tracer: provider.Tracer(scope), tasks: map[string]*progress{}}
	for ctx.Err() == nil {
		seen := false
		for e := range f.Watch(ctx) {
			w.take(ctx, e)
			seen = true
		}
		clear(w.tasks) // another process may lead next; what comes before the next event of a task is in its history
		if !seen {
			wait(ctx, watchPause)
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// follower writes spans.
type follower struct {
	framework Framework
	tracer    trace.Tracer
	id        string // of the framework
	tasks     map[string]*progress
}

// progress is how far a task has come that has not ended.
type progress struct {
	attempt int       // of its launch, from 1
	began   time.Time // when this attempt began: the task was submitted, or pending again
	placed  time.Time // zero: it has no place
	ran     time.Time // when it first ran; zero: it has not
}

func (w *follower) take(ctx context.Context, e scheduler.Event) {
	switch e := e.(type) {
	case scheduler.ConnectionEvent:
		if e.FrameworkID != "" {
			w.id = e.FrameworkID
		}
	case scheduler.LagEvent:
		clear(w.tasks)
	case scheduler.RemovedEvent:
		for _, id := range e.Tasks {
			delete(w.tasks, id)
		}
	case scheduler.TaskEvent:
		if w.id == "" { // the subscription began earlier
			status, _ := w.framework.Status(ctx)
			w.id = status.FrameworkID
		}
		w.taskChanged(ctx, &e)
	}
}

// taskChanged writes the span that ends with a change of a task.
func (w *follower) taskChanged(ctx context.Context, e *scheduler.TaskEvent) {
	t := &e.Task
	p := w.tasks[t.Spec.ID]
	if p == nil {
		p = w.before(ctx, e)
		w.tasks[t.Spec.ID] = p
	}
	ctx = withParent(ctx, w.id, t)
	switch {
	case t.State.Terminal():
		w.ended(ctx, e, p)
		delete(w.tasks, t.Spec.ID)
	case t.State == task.StatePending && e.Previous != task.StatePending:
		w.launched(ctx, e, p)
		*p = progress{attempt: p.attempt + 1, began: t.Updated}
	case e.Launch != nil:
		w.launched(ctx, e, p)
		p.ran = t.Updated
	default:
		p.step(t.State, t.Updated)
	}
}

// step notes a state that a task has reached.
func (p *progress) step(s task.State, at time.Time) {
	switch {
	case s == task.StatePending && (!p.placed.IsZero() || !p.ran.IsZero()):
		*p = progress{attempt: p.attempt + 1, began: at}
	case s == task.StateStaging && p.placed.IsZero():
		p.placed = at
	case s == task.StateRunning && p.ran.IsZero():
		p.ran = at
	}
}

// before returns how far a task had come before an event, by its history.
func (w *follower) before(ctx context.Context, e *scheduler.TaskEvent) *progress {
	p := &progress{attempt: 1, began: e.Task.Submitted}
	if e.Task.State == task.StatePending && e.Previous == task.StatePending {
		return p // it was just submitted
	}
	all, err := w.framework.History(ctx, e.Task.Spec.ID)
	if err != nil {
		return p
	}
	for _, t := range earlier(all, e) {
		p.step(t.State, t.At)
	}
	return p
}

// earlier returns the transitions before that of an event. Several may have happened at one instant.
func earlier(all []task.Transition, e *scheduler.TaskEvent) []task.Transition {
	for i, t := range slices.Backward(all) {
		if t.At.Equal(e.Task.Updated) && t.State == e.Task.State && t.Message == e.Message {
			return all[:i]
		}
	}
	later := slices.IndexFunc(all, func(t task.Transition) bool { return t.At.After(e.Task.Updated) })
	if later < 0 {
		return all
	}
	return all[:later]
}
