package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// wantedTask is a task that a user wants, and the answers that users got about it.
type wantedTask struct {
	id        string
	submitted bool          // Submit or Launch returned nil
	killed    bool          // Kill returned nil
	doomed    bool          // the caller of Kill stopped waiting after the kill was stored
	excuse    string        // why it may have ended; "": it may not
	mates     []*wantedTask // the other members of its pod
	spec      task.Spec
}

// most is how many tasks are wanted at a time; the agents that are never removed have room for all.
const most = 40

// want returns a new task that a user wants.
func (c *chaos) want(random *rand.Rand) (*wantedTask, task.Spec) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &wantedTask{id: fmt.Sprintf("t%d", len(c.order)+1)}
	spec := task.Spec{
		ID: w.id, CPUs: 0.1 + random.Float64(), Mem: 32,
		Command: task.Command{Shell: "sleep 100000"},
		Ports:   make([]task.Port, random.IntN(3)),
	}
	if random.IntN(3) == 0 {
		spec.Command.Shell = []string{"sleep 20", "exit 3", "sleep 600"}[random.IntN(3)]
		w.excuse = "it ends by itself"
	}
	if len(spec.Ports) > 0 && random.IntN(2) == 0 {
		spec.HealthCheck = &task.HealthCheck{}
	}
	if roles := c.roles(); random.IntN(2) == 0 {
		spec.Role = roles[random.IntN(len(roles))]
	}
	switch random.IntN(4) {
	case 0:
		spec.Constraints = []task.Constraint{{Attribute: "rack", Operator: task.OpLike, Value: fmt.Sprintf("r[%d]", random.IntN(3))}}
	case 1:
		spec.Group = fmt.Sprintf("g%d", random.IntN(3))
		spec.Constraints = []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpUnique}}
	}
	w.spec = spec
	c.wanted[w.id] = w
	c.order = append(c.order, w)
	return w, spec
}

// call makes a user's call. The user waits for as long as patience, or for ever if that is 0.
func (c *chaos) call(ctx context.Context, name string, patience time.Duration, f func(context.Context) error) {
	c.mu.Lock()
	c.waiting[name]++
	c.mu.Unlock()
	c.users.Go(func() {
		if patience > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, patience)
			defer cancel()
		}
		c.delay("before " + name)
		err := f(ctx)
		c.delay("after " + name)
		c.history.about("user: %s: %v", name, err)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.waiting[name]--; c.waiting[name] == 0 {
			delete(c.waiting, name)
		}
	})
}

// patience returns how long a user waits, at random.
func patience(random *rand.Rand) time.Duration {
	if random.IntN(2) == 0 {
		return 0
	}
	return time.Duration(random.ExpFloat64() * float64(10*time.Second))
}

func (c *chaos) submit(ctx context.Context, random *rand.Rand) {
	if len(c.live()) >= most {
		c.kill(ctx, random)
		return
	}
	w, spec := c.want(random)
	c.call(ctx, "submit "+w.id, patience(random), func(ctx context.Context) error {
		err := c.current().Submit(ctx, spec)
		switch {
		case err == nil:
			if !c.store.of(w.id).there && !c.forgets() {
				c.history.violate("answer before store", w.id, "Submit of %s returned before it was stored", w.id)
			}
			c.noteReply(func() { w.submitted = true })
		case ctx.Err() != nil:
			c.allowTaskEnd(w.id, "its Submit was given up")
		case !errors.Is(err, ErrNotRunning):
			c.history.violate("answer", w.id, "Submit of %s: %v", w.id, err)
		}
		return err
	})
}

// submitPod submits a pod of two tasks.
func (c *chaos) submitPod(ctx context.Context, random *rand.Rand) {
	if len(c.live()) >= most-1 {
		c.kill(ctx, random)
		return
	}
	a, first := c.want(random)
	b, second := c.want(random)
	first.Pod, second.Pod = "pod-"+a.id, "pod-"+a.id
	second.Role, second.Group = first.Role, first.Group
	c.mu.Lock()
	a.mates, b.mates = []*wantedTask{b}, []*wantedTask{a}
	a.spec, b.spec = first, second
	a.excuse = cmp.Or(a.excuse, b.excuse)
	b.excuse = a.excuse
	c.mu.Unlock()
	c.call(ctx, "submit "+a.id, patience(random), func(ctx context.Context) error {
		err := c.current().SubmitPod(ctx, first, second)
		for _, w := range []*wantedTask{a, b} {
			switch {
			case err == nil:
				if !c.store.of(w.id).there && !c.forgets() {
					c.history.violate("answer before store", w.id, "SubmitPod of %s returned before it was stored", w.id)
				}
				c.noteReply(func() { w.submitted = true })
			case ctx.Err() != nil:
				c.allowTaskEnd(w.id, "its SubmitPod was given up")
			case !errors.Is(err, ErrNotRunning):
				c.history.violate("answer", w.id, "SubmitPod of %s: %v", w.id, err)
			}
		}
		return err
	})
}

func (c *chaos) launch(ctx context.Context, random *rand.Rand) {
	if len(c.live()) >= most {
		c.kill(ctx, random)
		return
	}
	w, spec := c.want(random)
	c.call(ctx, "launch "+w.id, patience(random), func(ctx context.Context) error {
		info, err := c.current().Launch(ctx, spec)
		var ended *TaskError
		switch {
		case err == nil:
			// What came after it may have been stored in its place.
			d := c.store.of(w.id)
			if d.there && !d.states[task.StateRunning] && d.state < task.StateRunning || info.State != task.StateRunning {
				c.history.violate("answer before store", w.id, "Launch of %s returned before it was stored as running", w.id)
			}
			c.checkRan(w)
			c.noteReply(func() { w.submitted = true })
		case ctx.Err() != nil:
			c.allowTaskEnd(w.id, "its Launch was given up")
		case !errors.Is(err, ErrNotRunning) && !errors.As(err, &ended):
			c.history.violate("answer", w.id, "Launch of %s: %v", w.id, err)
		}
		return err
	})
}

// checkRan checks that a task which Launch has returned is running, or may have ended.
func (c *chaos) checkRan(w *wantedTask) {
	if c.replies(w).excuse == "" && !slices.ContainsFunc(c.master.Snapshot().Running, func(r mesostest.RunningTask) bool { return r.ID == w.id }) {
		c.history.violate("answer", w.id, "Launch of %s returned and it does not run", w.id)
	}
}

// kill kills a task, usually one that is alive. A user who waits for ever asks again after the
// process was killed.
func (c *chaos) kill(ctx context.Context, random *rand.Rand) {
	tasks := c.live()
	if len(tasks) == 0 || random.IntN(8) == 0 {
		c.mu.Lock()
		tasks = c.order
		c.mu.Unlock()
	}
	if len(tasks) == 0 {
		return
	}
	w, most := tasks[random.IntN(len(tasks))], patience(random)
	c.allowTaskEnd(w.id, "it was killed")
	c.call(ctx, "kill "+w.id, most, func(ctx context.Context) error {
		for {
			before := c.store.writings()
			_, err := c.current().Kill(ctx, w.id)
			switch {
			case ctx.Err() != nil:
				// The first write may have been under way when Kill was called. Where writes are divided, or are
				// those of several processes, their number says nothing.
				counts := !c.elects() && c.limit() == batchLimit{}
				c.noteReply(func() { w.doomed = w.doomed || counts && c.store.writings() >= before+2 })
			case err == nil:
				if d := c.store.of(w.id); d.there && !d.state.Terminal() {
					c.history.violate("answer before store", w.id, "Kill of %s returned before its end was stored", w.id)
				}
				c.noteReply(func() { w.killed = true })
			case errors.Is(err, ErrUnknownTask):
				if w := c.replies(w); w.submitted {
					c.history.violate("task lost", w.id, "Kill does not know %s", w.id)
				}
			case errors.Is(err, ErrNotRunning) && most == 0 && ctx.Err() == nil:
				time.Sleep(time.Second)
				c.delay("again " + w.id)
				continue
			}
			return err
		}
	})
}

func (c *chaos) reconcile(ctx context.Context) {
	c.call(ctx, "reconcile", 0, func(ctx context.Context) error { return c.current().Reconcile(ctx) })
}

// noteReply notes the answer that a user got.
func (c *chaos) noteReply(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// replies returns the answers that users got about a task.
func (c *chaos) replies(w *wantedTask) wantedTask {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *w
}
