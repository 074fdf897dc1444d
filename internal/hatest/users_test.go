package hatest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// users submit and kill tasks, by whoever leads.
type users struct {
	world *world
	calls sync.WaitGroup

	mu     sync.Mutex
	wanted map[string]*wanted
	order  []*wanted
}

// wanted is a task that a user wants, and the answers about it.
type wanted struct {
	id        string
	submitted bool   // Submit returned nil
	killed    bool   // Kill returned nil
	excuse    string // why it may have ended, "": it may not
}

// mostTasks is how many are wanted at a time; two agents have room for them.
const mostTasks = 24

// work submits and kills until ctx ends.
func (u *users) work(ctx context.Context, random *rand.Rand) {
	for sleep(ctx, time.Duration(random.ExpFloat64()*float64(time.Second))) == nil {
		if alive := u.alive(); len(alive) > 0 && (len(alive) >= mostTasks || random.IntN(5) < 2) {
			w := alive[random.IntN(len(alive))]
			u.excuse(w.id, "it was killed")
			u.calls.Go(func() { u.kill(ctx, w) })
			continue
		}
		w := u.want(random.IntN(3) == 0)
		u.calls.Go(func() { u.submit(ctx, w) })
	}
}

// want returns a new task, which ends by itself if it is short.
func (u *users) want(short bool) *wanted {
	u.mu.Lock()
	defer u.mu.Unlock()
	w := &wanted{id: fmt.Sprintf("t%d", len(u.order)+1)}
	if short {
		w.excuse = "it ends by itself"
	}
	u.wanted[w.id] = w
	u.order = append(u.order, w)
	return w
}

func (w *wanted) spec() task.Spec {
	command := "sleep 1000000"
	if w.excuse == "it ends by itself" {
		command = []string{"sleep 5", "sleep 3; exit 4"}[len(w.id)%2]
	}
	return task.Spec{ID: w.id, CPUs: 0.5, Mem: 64, Command: task.Command{Shell: command}}
}

// alive returns the tasks that are to run, as far as users know.
func (u *users) alive() []*wanted {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(u.order), func(w *wanted) bool { return w.excuse != "" || !w.submitted })
}

func (u *users) excuse(id, why string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if w := u.wanted[id]; w != nil && w.excuse == "" {
		w.excuse = why
	}
}

// submit submits a task once. A user who gets no answer cannot know whether it is on record.
func (u *users) submit(ctx context.Context, w *wanted) {
	spec := w.spec()
	err := u.ask(ctx, 30*time.Second, func(ctx context.Context, s *scheduler.Scheduler) error { return s.Submit(ctx, spec) })
	u.world.note("user: submit %s: %v", w.id, err)
	if err == nil || errors.Is(err, scheduler.ErrDuplicateTask) {
		u.mu.Lock()
		defer u.mu.Unlock()
		w.submitted = true
		return
	}
	u.excuse(w.id, "its submission was given up")
}

// kill kills a task, until that has succeeded or the user gives up.
func (u *users) kill(ctx context.Context, w *wanted) {
	err := u.ask(ctx, time.Minute, func(ctx context.Context, s *scheduler.Scheduler) error {
		_, err := s.Kill(ctx, w.id)
		return err
	})
	u.world.note("user: kill %s: %v", w.id, err)
	if errors.Is(err, scheduler.ErrUnknownTask) {
		u.world.violate("I7", "nobody knows %s, which was submitted", w.id)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	w.killed = err == nil
}

// ask asks whoever leads, again while the answer is that it does not lead.
func (u *users) ask(ctx context.Context, patience time.Duration, question func(context.Context, *scheduler.Scheduler) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := scheduler.ErrNotRunning
		if m := u.world.leader(); m != nil && m.host.Awake(ctx) == nil {
			err = question(ctx, m.sched)
		}
		if !errors.Is(err, scheduler.ErrNotRunning) {
			return err
		}
		if ended := sleep(ctx, 200*time.Millisecond); ended != nil {
			return errors.Join(err, ended)
		}
	}
}
