package mesosengine

import (
	"context"
	"iter"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Watch tells of the ends of containers, of agents that cannot be reached, by their containers, and of agents that are asked to be
// vacated for maintenance. It begins with the containers that cannot be reached. It goes on over the runs of the scheduler;
// when another one has begun it says that changes may have been missed.
func (e *Engine) Watch(ctx context.Context) iter.Seq[invoker.Change] {
	events := e.scheduler.Watch(ctx)
	return func(yield func(invoker.Change) bool) {
		w := watcher{engine: e, away: map[string]bool{}}
		all := func(changes []invoker.Change) bool {
			for _, change := range changes {
				if !yield(change) {
					return false
				}
			}
			return true
		}
		if !all(w.unreachable(ctx)) {
			return
		}
		for between := false; ; between = true {
			for event := range events {
				if between && !all(w.lagged(ctx)) || !all(w.changes(ctx, event)) {
					return
				}
				between = false
			}
			if ctx.Err() != nil {
				return
			}
			events = e.scheduler.Watch(ctx) // it ends with the next run
		}
	}
}

// watcher knows which containers of the watched ones cannot be reached.
type watcher struct {
	engine *Engine
	away   map[string]bool
}

// lagged says that changes were missed, and what cannot be reached now: the others count as reachable then.
func (w *watcher) lagged(ctx context.Context) []invoker.Change {
	return append([]invoker.Change{{State: invoker.Lagged}}, w.unreachable(ctx)...)
}

// unreachable tells of the containers that cannot be reached.
func (w *watcher) unreachable(ctx context.Context) (all []invoker.Change) {
	tasks, err := w.engine.scheduler.Tasks(ctx)
	if err != nil {
		return nil // no run is under way, or ctx has ended
	}
	clear(w.away)
	for i := range tasks {
		if t := &tasks[i]; ours(t) && isAway(t.State) {
			all = append(all, w.isAway(t, t.State.String()))
		}
	}
	return all
}

// isAway notes that a container cannot be reached.
func (w *watcher) isAway(t *task.Info, reason string) invoker.Change {
	w.away[t.Spec.ID] = true
	w.engine.agents.lost(t.AgentID)
	return invoker.Change{ID: t.Spec.ID, Agent: t.AgentID, State: invoker.Unreachable, Reason: reason}
}

func (w *watcher) changes(ctx context.Context, event scheduler.Event) []invoker.Change {
	switch event := event.(type) {
	case scheduler.LagEvent:
		return w.lagged(ctx)
	case scheduler.TaskEvent:
		if ours(&event.Task) {
			return w.task(&event)
		}
	case scheduler.RemovedEvent: // somebody has given up one that is unreachable; what has ended was told before
		var all []invoker.Change
		for _, id := range event.Tasks {
			if w.away[id] {
				delete(w.away, id)
				all = append(all, invoker.Change{ID: id, State: invoker.Gone, Reason: "it was unreachable, and is forgotten", Err: invoker.ErrUnavailable})
			}
		}
		return all
	case scheduler.InverseOfferEvent:
		if event.Offer.AgentID != "" {
			return []invoker.Change{{Agent: event.Offer.AgentID, State: invoker.Draining, Reason: "it will be under maintenance"}}
		}
	case scheduler.FailureEvent:
		if event.ExecutorID == "" {
			w.engine.agents.lost(event.AgentID)
		}
	}
	return nil
}

// task returns the change of a container, if it is one.
func (w *watcher) task(event *scheduler.TaskEvent) []invoker.Change {
	t := &event.Task
	change := invoker.Change{ID: t.Spec.ID, Agent: t.AgentID, Reason: event.Message}
	if change.Reason == "" {
		change.Reason = t.State.String()
	}
	switch away := isAway(t.State); {
	case t.State.Terminal() && event.Previous.Terminal():
		return nil
	case t.State.Terminal():
		change.State, change.Err = invoker.Gone, endOf(t)
		delete(w.away, t.Spec.ID)
	case away: // a new process may be told again of what is on record
		change = w.isAway(t, change.Reason)
	case !away && isAway(event.Previous):
		change.State = invoker.Reachable
		delete(w.away, t.Spec.ID)
	default:
		return nil
	}
	return []invoker.Change{change}
}

// isAway reports whether nobody knows if a task runs.
func isAway(s task.State) bool { return s == task.StateUnreachable || s == task.StateUnknown }
