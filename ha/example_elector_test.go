package ha_test

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// alone is an elector without others: this member always leads. It shows what an elector has to do.
type alone struct {
	id    string
	store ha.Memory
	terms uint64
}

func (a *alone) Run(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
	for ctx.Err() == nil {
		a.terms++
		err := lead(ctx, scheduler.Term{Number: a.terms, Store: &a.store})
		var stop *ha.StopError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &stop):
			return stop.Err
		} // any other error ends the term only
	}
	return context.Cause(ctx)
}

func (a *alone) Status() ha.Status {
	return ha.Status{
		Self: a.id, Leader: a.id, Term: a.terms, Reason: "there is nobody else",
		Members: []ha.Member{{ID: a.id, Alive: true, Voter: true}},
	}
}

func (a *alone) Watch(ctx context.Context) iter.Seq[ha.Status] {
	return func(yield func(ha.Status) bool) {
		if yield(a.Status()) {
			<-ctx.Done()
		}
	}
}

// Follow makes it a Replica: it yields the records once, since nobody else changes them.
func (a *alone) Follow(ctx context.Context) iter.Seq[map[string][]byte] {
	return func(yield func(map[string][]byte) bool) {
		if records, err := a.store.Load(ctx); err == nil {
			yield(records)
		}
	}
}

// Metrics makes it Measured.
func (a *alone) Metrics() ha.Metrics { return ha.Metrics{LeaderChanges: a.terms} }

var (
	_ ha.Replica  = (*alone)(nil)
	_ ha.Measured = (*alone)(nil)
)

// An elector of your own. Package electiontest checks whether it keeps its promises.
func ExampleElector() {
	var elector ha.Elector = &alone{id: "member-1"}
	err := elector.Run(context.Background(), func(ctx context.Context, t scheduler.Term) error {
		if t.Number == 1 {
			return errors.New("no master answers")
		}
		return &ha.StopError{Err: errors.New("the framework was removed")}
	})
	fmt.Println(err, "in term", elector.Status().Term)
	// Output: the framework was removed in term 2
}
