package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// office stands for an election, such as one of etcd, Raft or ZooKeeper, and for a store that all processes share.
type office struct {
	records ha.Memory
	vacant  chan struct{} // this process is to be elected

	mu     sync.Mutex
	number uint64 // of the newest term
}

// elect waits until this process leads.
func (o *office) elect() *tenure {
	<-o.vacant
	return o.next()
}

// next has a process lead.
func (o *office) next() *tenure {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.number++
	return &tenure{o, o.number}
}

// tenure is one term of one process: a Store that takes its writings until another process leads.
type tenure struct {
	office *office
	number uint64
}

// overError is what a process gets that does not lead any more.
type overError struct{ number uint64 }

func (e overError) Error() string { return fmt.Sprintf("term %d is over", e.number) }

// Fenced tells the scheduler what the error means.
func (e overError) Fenced() bool { return true }

// confirm is a proof of leadership. An election asks its quorum here.
func (t *tenure) confirm(context.Context) error {
	t.office.mu.Lock()
	defer t.office.mu.Unlock()
	if t.number != t.office.number {
		return overError{t.number}
	}
	return nil
}

func (t *tenure) Load(ctx context.Context) (map[string][]byte, error) {
	if err := t.confirm(ctx); err != nil {
		return nil, err
	}
	return t.office.records.Load(ctx)
}

// Apply should check the term and write in one step: a transaction, or one entry of a log.
func (t *tenure) Apply(ctx context.Context, changes map[string][]byte) error {
	if err := t.confirm(ctx); err != nil {
		return err
	}
	return t.office.records.Apply(ctx, changes)
}

// Of several processes the one that is elected runs the framework. The next one goes on with its tasks.
func ExampleScheduler_Lead() {
	cluster, err := mesosfake.New(mesosfake.Config{}) // a real program has the address of a real master
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = cluster.Run(ctx) }()
	s, err := scheduler.New(scheduler.Config{
		Master:      cluster.Master(),
		DialContext: cluster.DialContext,
		Framework:   scheduler.Framework{Name: "example"},
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	o := &office{vacant: make(chan struct{})}
	ended := make(chan error)
	go func() {
		for {
			t := o.elect()
			err := s.Lead(ctx, scheduler.Term{Number: t.number, Store: t, Confirm: t.confirm})
			var fenced *scheduler.FencedError
			if errors.As(err, &fenced) || errors.Is(err, scheduler.ErrEvicted) {
				continue // another process leads; this one may be elected again
			}
			ended <- err // the end of ctx, of the framework, or of what an election can mend
			return
		}
	}()

	o.vacant <- struct{}{} // term 1: this process
	info, err := s.Launch(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
	fmt.Println(info.Spec.ID, info.State, err)

	o.next() // term 2: another process
	err = s.Submit(ctx, task.Spec{ID: "t2", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
	fmt.Println(err)

	events := s.Watch(ctx)
	o.vacant <- struct{}{} // term 3: this process again
	for e := range events {
		if c, ok := e.(scheduler.ConnectionEvent); ok && c.Connected {
			break
		}
	}
	info, err = s.Task(ctx, "t1")
	fmt.Println(info.Spec.ID, info.State, err)
	fmt.Println(s.Teardown(ctx), <-ended)
	// Output:
	// t1 running <nil>
	// scheduler: not running: scheduler: another process leads: term 1 is over
	// t1 running <nil>
	// <nil> <nil>
}
