package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// runMember is "samplefw ha": one of several processes of which one leads and runs the framework. When that one ends, in
// whatever way, another goes on with the same framework and the same tasks.
func runMember(ctx context.Context, o haOptions) error {
	say, log := sayer(o.log), slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})) // alarms
	if o.log == "json" {
		log = slog.New(slog.NewJSONHandler(os.Stdout, nil))
	}
	listener, address, err := o.open()
	if err != nil {
		return err
	}
	defer listener.Close()
	elector, err := o.elector(address, log)
	if err != nil {
		return err
	}
	config := scheduler.Config{
		Framework: scheduler.Framework{
			Name:            "samplefw",
			FailoverTimeout: time.Hour, // so long the tasks run when no member does
			WebUIURL:        "http://" + address,
		},
		Logger: log,
	}
	if err := o.apply(&config); err != nil {
		return err
	}
	s, err := scheduler.New(config)
	if err != nil {
		return err
	}
	server, err := o.server(s, elector)
	if err != nil {
		return err
	}
	say("this member answers at http://%s: samplefw members --at %s", address, address)

	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var services sync.WaitGroup
	defer services.Wait()
	defer stop()
	services.Go(func() { _ = server.Serve(serving, listener) }) // it ends with serving
	services.Go(func() { tell(serving, elector, say) })
	services.Go(func() { keep(serving, s, o.specs(), say) })
	err = ha.Run(ctx, elector, s)
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		say("stopped; the framework and its tasks go on")
		return nil
	}
	return err
}

// tell prints each change of the leader.
func tell(ctx context.Context, elector ha.Elector, say func(string, ...any)) {
	var last ha.Status
	for now := range elector.Watch(ctx) {
		switch {
		case now.Leader == last.Leader && now.Term == last.Term && now.Reason == last.Reason:
		case now.Leader == "":
			say("nobody leads: %s", now.Reason)
		case now.Leads():
			say("this member, %s, leads term %d: %s", now.Self, now.Term, now.Reason)
		default:
			say("%s leads term %d: %s", now.Leader, now.Term, now.Reason)
		}
		last = now
	}
}

// keep prints what happens to tasks, and whenever this member has subscribed it submits those that are not on record. So a
// leader that dies before it has submitted all of them is made up for by the next.
func keep(ctx context.Context, s *scheduler.Scheduler, specs []task.Spec, say func(string, ...any)) {
	for ctx.Err() == nil {
		var told connection
		for event := range s.Watch(ctx) { // until the end of this term, or of the next one
			if _, cycle := event.(scheduler.OfferEvent); !cycle && told.isNew(event) {
				say("%v", event)
			}
			if c, is := event.(scheduler.ConnectionEvent); is && c.Connected {
				if err := submit(ctx, s, specs); err != nil {
					say("not all tasks were submitted: %v", err)
				}
			}
		}
	}
}

// submit submits the tasks that are not on record. It fails if the term ends meanwhile; the next leader submits the rest.
func submit(ctx context.Context, s *scheduler.Scheduler, specs []task.Spec) error {
	tasks, err := s.Tasks(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, t := range tasks {
		known[t.Spec.ID] = true
	}
	var submissions sync.WaitGroup // at once: they share their writings
	failed := make(chan error, len(specs))
	for _, spec := range specs {
		if !known[spec.ID] {
			submissions.Go(func() { failed <- s.Submit(ctx, spec) })
		}
	}
	submissions.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err // the others most likely say the same
		}
	}
	return nil
}
