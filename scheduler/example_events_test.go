package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// headline says what an operator wants to know of an event; "" for most.
func headline(e scheduler.Event) string {
	switch e := e.(type) {
	case scheduler.TaskEvent:
		if e.Launch != nil {
			return e.Task.Spec.ID + " came to run" + slowPhase(e.Launch)
		}
		if e.Task.State.Terminal() {
			return fmt.Sprintf("%s %v: %s", e.Task.Spec.ID, e.Task.State, e.Message)
		}
	case scheduler.RemovedEvent:
		return fmt.Sprint("forgotten: ", e.Tasks)
	case scheduler.ConnectionEvent:
		if e.Connected {
			return "subscribed"
		}
		return fmt.Sprint("not subscribed: ", e.Err)
	case scheduler.OfferEvent:
		if e.Err != nil {
			return fmt.Sprint("the matcher is at fault: ", e.Err)
		}
	case scheduler.InverseOfferEvent:
		return "maintenance of " + e.Offer.AgentID
	case scheduler.FailureEvent:
		return "lost: agent " + e.AgentID
	case scheduler.UnknownTaskEvent:
		return "not on record: " + e.Status.TaskID.Value
	case scheduler.NeverOfferedEvent:
		return fmt.Sprintf("%v wait in vain: %v", e.Tasks, e.Err)
	case scheduler.StoreEvent:
		return fmt.Sprint("store: ", e.Err)
	case scheduler.LagEvent:
		return fmt.Sprint("events missed: ", e.Missed)
	}
	return "" // also for types of later versions
}

// slowPhase names the phase of a launch that took longer than a minute.
func slowPhase(t *scheduler.LaunchTimes) string {
	switch {
	case t.Placed.Sub(t.Submitted).Minutes() > 1:
		return " after a long wait for offers"
	case t.Running.Sub(t.Accepted).Minutes() > 1:
		return " after a long download of its image"
	}
	return ""
}

// A type switch over all events.
func ExampleEvent() {
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
	events := s.Watch(ctx)
	go func() { _ = s.Run(ctx) }()
	go func() {
		_, _ = s.Launch(ctx, task.Spec{ID: "job-1", CPUs: 1, Mem: 64, Command: task.Command{Shell: "exit 3"}})
		_, _ = s.Wait(ctx, "job-1", scheduler.UntilEnded)
		_ = s.Forget(ctx, "job-1")
	}()
	for e := range events {
		if text := headline(e); text != "" {
			fmt.Println(text)
		}
		if _, forgotten := e.(scheduler.RemovedEvent); forgotten {
			break
		}
	}
	// Output:
	// subscribed
	// job-1 came to run
	// job-1 failed: Command exited with status 3
	// forgotten: [job-1]
}
