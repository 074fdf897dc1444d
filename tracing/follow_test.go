package tracing_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/tracing"
)

// played is a framework that tells these events, once, and knows these histories.
type played struct {
	events    []scheduler.Event
	histories map[string][]task.Transition
	asked     int // how often somebody began to watch
}

func (p *played) Watch(ctx context.Context) iter.Seq[scheduler.Event] {
	p.asked++
	return func(yield func(scheduler.Event) bool) {
		for len(p.events) > 0 && ctx.Err() == nil {
			e := p.events[0]
			p.events = p.events[1:]
			if !yield(e) {
				return
			}
		}
	}
}

func (p *played) Status(context.Context) (scheduler.Status, error) {
	return scheduler.Status{FrameworkID: "f"}, nil
}

func (p *played) History(_ context.Context, id string) ([]task.Transition, error) {
	if all := p.histories[id]; all != nil {
		return all, nil
	}
	return nil, errors.New("it is not known")
}

// change is the event that a task is in another state, some seconds after the beginning.
func (w *world) change(id string, from, to task.State, seconds int) scheduler.TaskEvent {
	at := w.began.Add(time.Duration(seconds) * time.Second)
	return scheduler.TaskEvent{Task: task.Info{Spec: task.Spec{ID: id}, State: to, Submitted: w.began, Updated: at}, Previous: from}
}

// play lets Follow read events, which it has done when the framework has no more.
func (w *world) play(p *played) {
	ctx, stop := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() { defer close(done); tracing.Follow(ctx, p, w.provider) }()
	synctest.Wait()
	require.Empty(w, p.events)
	stop()
	<-done
}

// What was missed is read from the history, and what is not there is left out: the spans that follow are right.
func TestMissedEvents(t *testing.T) {
	inWorld(t, func(w *world) {
		transition := func(state task.State, seconds int) task.Transition {
			return task.Transition{At: w.began.Add(time.Duration(seconds) * time.Second), State: state}
		}
		w.play(&played{
			events: []scheduler.Event{
				w.change("a", task.StatePending, task.StatePending, 0),
				w.change("b", task.StatePending, task.StatePending, 0),
				w.change("c", task.StatePending, task.StatePending, 0),
				scheduler.RemovedEvent{Tasks: []string{"c"}},
				scheduler.LagEvent{Missed: 4},
				w.change("a", task.StateRunning, task.StateFinished, 9),
				w.change("b", task.StateStaging, task.StatePending, 7),
				w.change("b", task.StatePending, task.StateStaging, 7),
				w.change("b", task.StateStaging, task.StateLost, 8),
				w.change("gone", task.StateRunning, task.StateKilled, 8),
			},
			histories: map[string][]task.Transition{
				"a": {transition(task.StatePending, 0), transition(task.StateStaging, 2), transition(task.StateRunning, 3), transition(task.StateFinished, 9)},
				// Two launches were lost, the second one in the moment of the third.
				"b": {
					transition(task.StatePending, 0), transition(task.StateStaging, 1), transition(task.StatePending, 5), transition(task.StateStaging, 6),
					transition(task.StatePending, 7), transition(task.StateStaging, 7), transition(task.StateLost, 8),
				},
			},
		})
		require.Equal(t, []string{
			"task.run 3s-9s",
			"task.launch 5s-7s error: ",
			"  task.pending 5s-6s",
			"task.launch 7s-8s error: ",
			"  task.pending 7s-7s",
			"task.launch 0s-8s",
			"  task.pending 0s-8s",
		}, w.lines())
	})
}

// A watch that ends at once is begun again a second later, and not in a circle.
func TestWatchThatEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		p := &played{}
		ctx, stop := context.WithTimeout(w.ctx, time.Minute-time.Millisecond)
		defer stop()
		tracing.Follow(ctx, p, w.provider)
		require.Equal(t, time.Minute-time.Millisecond, time.Since(w.began))
		require.Equal(t, 60, p.asked)
	})
}

// What masters and agents say may be no UTF-8. Exporters take none, and would lose the other spans with it.
func TestTextsThatAreNotUTF8(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.change("web", task.StatePending, task.StateFailed, 1)
		e.Task.Hostname, e.Message = "h\xff", "bad\xc3"
		w.play(&played{events: []scheduler.Event{e}})
		all := w.spans.GetSpans()
		require.NotEmpty(t, all)
		seen := 0
		for _, s := range all {
			require.True(t, utf8.ValidString(s.Status.Description))
			for _, a := range s.Attributes {
				require.True(t, utf8.ValidString(a.Value.AsString()), string(a.Key))
				if a.Key == tracing.KeyHostname {
					require.Equal(t, "h\uFFFD", a.Value.AsString())
					seen++
				}
			}
		}
		require.NotZero(t, seen)
	})
}
