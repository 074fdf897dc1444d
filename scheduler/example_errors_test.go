package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// advise says what the caller of a method should do about its error.
func advise(err error) string {
	var (
		field    *task.FieldError
		capacity *scheduler.CapacityError
		ended    *scheduler.TaskError
		differs  *scheduler.SpecDiffError
		active   *scheduler.ForgetError
		refused  *scheduler.CallError
		output   *scheduler.LogError
		waited   *scheduler.WaitError
		panicked *scheduler.PanicError
	)
	switch {
	case errors.As(err, &field):
		return "correct " + field.Field + ", which " + field.Reason
	case errors.As(err, &capacity): // before TaskError, which wraps it
		return "add agents: " + capacity.Rejection.String()
	case errors.As(err, &panicked):
		return "repair " + panicked.Who
	case errors.As(err, &ended) && ended.Retryable():
		return "launch it again under another ID"
	case errors.As(err, &ended):
		return fmt.Sprintf("look at its output: it ended as %v", ended.Task.State)
	case errors.As(err, &differs):
		var first scheduler.FieldDiff
		if len(differs.Fields) > 0 {
			first = differs.Fields[0]
		}
		return fmt.Sprintf("use another ID than %q (%v)", differs.ID, first)
	case errors.As(err, &active):
		return fmt.Sprintf("kill it first: it is %v", active.State)
	case errors.As(err, &refused):
		return "correct the call " + refused.Call
	case errors.As(err, &output):
		return "no output: " + output.Reason
	case errors.As(err, &waited):
		return "wait longer: " + waited.Explanation.String()
	case errors.Is(err, scheduler.ErrUnknownTask):
		return "submit it first"
	}
	return fmt.Sprintf("log the code %q", scheduler.ErrorCode(err))
}

// Errors have types that say what to do about them.
func Example_errors() {
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
		Offers:      scheduler.OfferPolicy{MaxCycles: 1},
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = s.Run(ctx) }()

	launch := func(spec task.Spec) {
		_, err := s.Launch(ctx, spec)
		fmt.Println(advise(err))
	}
	launch(task.Spec{ID: "bad", CPUs: -1, Command: task.Command{Shell: "exit 0"}})
	launch(task.Spec{ID: "large", CPUs: 64, Command: task.Command{Shell: "exit 0"}})
	web := task.Spec{ID: "web-1", CPUs: 1, Mem: 64, Command: task.Command{Shell: "sleep 3600"}}
	if _, err := s.Launch(ctx, web); err != nil {
		log.Fatal(err)
	}
	fmt.Println(advise(s.Forget(ctx, "web-1")))
	fmt.Println(advise(s.Forget(ctx, "web-2")))
	web.CPUs = 2
	_, err = s.Ensure(ctx, web)
	fmt.Println(advise(err))
	for _, err := range s.Logs(ctx, "large", scheduler.LogOptions{}) {
		fmt.Println(advise(err))
	}
	// Output:
	// correct CPUs, which must not be negative
	// add agents: large: cpus: not enough on 1 agent; closest agent1.example, 60 short
	// kill it first: it is running
	// submit it first
	// use another ID than "web-1" (CPUs: 1 on record, 2 wanted)
	// no output: it never ran: it is failed
}
