package scheduler

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// again makes a call about a task that was submitted with success before, whatever has become of it: another Submit, an
// Ensure, or a Wait. None of them launches anything.
func (c *chaos) again(ctx context.Context, random *rand.Rand) {
	c.mu.Lock()
	tasks := slices.DeleteFunc(slices.Clone(c.order), func(w *wantedTask) bool { return !w.submitted || w.spec.Pod != "" })
	c.mu.Unlock()
	if len(tasks) == 0 {
		return
	}
	w := tasks[random.IntN(len(tasks))]
	until := Until(random.IntN(2))
	patience := time.Second + time.Duration(random.ExpFloat64()*float64(10*time.Second)) // nobody waits for ever for the end of a service
	switch random.IntN(3) {
	case 0:
		c.call(ctx, "submit again "+w.id, patience, func(ctx context.Context) error {
			err := c.current().Submit(ctx, w.spec)
			c.checkAgain(ctx, w, "Submit", err, ErrDuplicateTask)
			return err
		})
	case 1:
		c.call(ctx, "ensure "+w.id, patience, func(ctx context.Context) error {
			_, err := c.current().Ensure(ctx, w.spec)
			c.checkAgain(ctx, w, "Ensure", err, nil)
			return err
		})
	default:
		c.call(ctx, "wait "+w.id, patience, func(ctx context.Context) error {
			info, err := c.current().Wait(ctx, w.id, until)
			if ended := (*TaskError)(nil); errors.As(err, &ended) && until == UntilRunning {
				return err
			}
			c.checkAgain(ctx, w, "Wait", err, nil)
			if d := c.store.of(w.id); err == nil && d.there && (until == UntilEnded && !d.state.Terminal() || until == UntilRunning && !d.states[task.StateRunning]) {
				c.history.violate("answer before store", w.id, "Wait for %s returned %v, and on record it is %v", w.id, info.State, d.state)
			}
			return err
		})
	}
}

// checkAgain checks the answer to such a call, given what it is if Run goes on and the caller is patient.
func (c *chaos) checkAgain(ctx context.Context, w *wantedTask, call string, err, want error) {
	if ctx.Err() == nil && !errors.Is(err, ErrNotRunning) && !errors.Is(err, want) {
		c.history.violate("answer", w.id, "%s of %s, which is on record, returned %v", call, w.id, err)
	}
}

// checkRemembered checks that the tasks are known of which nothing else is on record.
func (c *chaos) checkRemembered(ctx context.Context, known map[string]task.Info) {
	for _, w := range c.order {
		if _, full := known[w.id]; full || !w.submitted {
			continue
		}
		if info, err := c.current().Task(ctx, w.id); err != nil || !info.State.Terminal() {
			c.history.violate("task lost", w.id, "%s was submitted, and Task returns %v, %v", w.id, info.State, err)
		}
	}
}
