package electiontest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// What happens when the leader is cut off: another member leads the next term, and has the records.
func ExampleElection() {
	election := electiontest.New(electiontest.Config{Members: 2, StepDown: 10 * time.Millisecond, ElectAfter: 50 * time.Millisecond})
	ctx, stop := context.WithCancel(context.Background())
	leads := make(chan int)
	var running sync.WaitGroup
	for i := range election.Members() {
		var member *electiontest.Member = election.Member(i)
		running.Go(func() {
			_ = member.Run(ctx, func(ctx context.Context, t scheduler.Term) error {
				if err := t.Store.Apply(ctx, map[string][]byte{fmt.Sprint("term ", t.Number): []byte(member.Status().Self)}); err != nil {
					return err
				}
				leads <- i
				<-ctx.Done()
				return ctx.Err()
			})
		})
	}
	first := <-leads
	election.Cut(first)
	second := <-leads
	fmt.Println("another member leads:", second != first, "in term", election.Member(second).Status().Term)
	stop()
	running.Wait()
	records, err := election.Store().Load(context.Background())
	fmt.Println("records:", len(records), err)
	// Output:
	// another member leads: true in term 2
	// records: 2 <nil>
}

// The test of an elector of your own: start returns its cluster, with three members, in a bubble of virtual time.
func ExampleRun() {
	start := func() electiontest.Cluster { return electiontest.New(electiontest.Config{}) }
	testElector := func(t *testing.T) {
		electiontest.Run(t, func(t *testing.T, check func(*testing.T, electiontest.Cluster)) {
			synctest.Test(t, func(t *testing.T) { check(t, start()) })
		})
	}
	_ = testElector // in a file of tests: func TestElector(t *testing.T)
}
