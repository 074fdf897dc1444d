package main

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// progress is what the events have told so far.
type progress struct {
	mu         sync.Mutex
	subscribed bool                           // at least once
	obstacle   string                         // why tasks are not running yet
	tasks      map[string]scheduler.TaskEvent // the latest of each
	changed    chan struct{}                  // closed and replaced by each event
}

func newProgress() *progress {
	return &progress{
		obstacle: "the master does not answer", tasks: map[string]scheduler.TaskEvent{}, changed: make(chan struct{}),
	}
}

// follow notes events until they end, and says all but the offer cycles.
func (p *progress) follow(events iter.Seq[scheduler.Event], say func(string, ...any)) {
	var told connection
	for e := range events {
		if _, cycle := e.(scheduler.OfferEvent); !cycle && told.isNew(e) {
			say("%v", e)
		}
		p.note(e)
	}
}

// connection is what was said last of the connection with the master: attempts to subscribe may fail alike for hours.
type connection string

// isNew reports whether an event says something else of the connection than the one before, or is of another kind.
func (c *connection) isNew(e scheduler.Event) bool {
	if _, is := e.(scheduler.ConnectionEvent); !is {
		return true
	}
	before, now := *c, connection(e.String())
	*c = now
	return now != before
}

func (p *progress) note(e scheduler.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case scheduler.ConnectionEvent:
		p.subscribed, p.obstacle = p.subscribed || e.Connected, "no offer came"
		if !e.Connected {
			p.obstacle = e.Err.Error()
		}
	case scheduler.OfferEvent:
		p.obstacle = "tasks are slow to start"
		if len(e.Rejections) > 0 {
			p.obstacle = fmt.Sprintf("no capacity: %v", e.Rejections[0])
		}
	case scheduler.TaskEvent:
		p.tasks[e.Task.Spec.ID] = e
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *progress) now() (subscribed bool, obstacle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.subscribed, p.obstacle
}

// know takes over what is on record of a task that no event has told of yet.
func (p *progress) know(t task.Info) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, told := p.tasks[t.Spec.ID]; !told {
		p.tasks[t.Spec.ID] = scheduler.TaskEvent{Task: t, Previous: t.State}
	}
}

// until waits until is says that it is done, or fails. It is asked again after each event.
func (p *progress) until(ctx context.Context, is func() (done bool, err error)) error {
	for {
		p.mu.Lock()
		changed := p.changed
		done, err := is()
		p.mu.Unlock()
		if err != nil || done {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// started waits until the framework is subscribed and all tasks have started, or one of them cannot.
func (p *progress) started(ctx context.Context) error {
	return p.until(ctx, func() (bool, error) {
		all := p.subscribed
		for _, e := range p.tasks {
			if failed(e.Task.State) && e.Previous < task.StateRunning {
				return false, &scheduler.TaskError{Task: e.Task, Err: e.Err}
			}
			all = all && ran(e.Task.State)
		}
		return all, nil
	})
}

// ended waits until all tasks have ended.
func (p *progress) ended(ctx context.Context) error {
	return p.until(ctx, func() (bool, error) {
		for _, e := range p.tasks {
			if !e.Task.State.Terminal() {
				return false, nil
			}
		}
		return true, nil
	})
}
