// Samplefw is a complete Mesos framework: it launches a few tasks, watches them for a while, kills
// them and tears itself down. Without options it does so on a cluster inside its own process. With
// -store it can be killed at any moment: started again, it continues with the same framework and tasks. It is meant
// to be copied, except for cluster.go. Its goroutines end with it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	if err := command(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "samplefw:", err)
		os.Exit(1)
	}
}

// command runs the command that the arguments begin with, or without one the whole framework in this process.
func command(ctx context.Context, args []string) error {
	commands := map[string]func(context.Context, []string) error{
		"ha": runMember, "members": runMembers, "recover": runRecover, "cluster": runCluster, "demo": runDemo,
	}
	if len(args) > 0 {
		if run, known := commands[args[0]]; known {
			return run(ctx, args[1:])
		}
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	return run(ctx, o)
}

func run(ctx context.Context, o options) error {
	config := scheduler.Config{
		Master:    o.master,
		Framework: scheduler.Framework{Name: "samplefw", Roles: []string{o.role}, FailoverTimeout: time.Minute},
		Logger:    slog.New(slog.DiscardHandler),
	}
	say := sayer(o.log)
	if o.log == "json" {
		config.Logger = slog.New(slog.NewJSONHandler(os.Stdout, nil))
	}
	if o.store == "" {
		return work(ctx, o, config, say)
	}
	file, err := ha.OpenFile(o.store)
	if err != nil {
		return err
	}
	config.Store, config.Framework.FailoverTimeout = file, time.Hour // the time for starting the program again
	err = work(ctx, o, config, say)
	closed := file.Close()
	if errors.Is(err, errInterrupted) {
		say("the framework lives on; go on with -store %s", o.store)
		return nil
	}
	if err = cmp.Or(err, closed); err != nil {
		return err
	}
	return os.Remove(o.store) // its framework has ended
}

// sayer returns what prints a line for people, or nothing beside a log of the other kind.
func sayer(log string) func(format string, args ...any) {
	if log == "json" {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) {
		fmt.Println(time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
	}
}

var (
	errTimeout     = errors.New("not all tasks run")
	errInterrupted = errors.New("interrupted")
)

// work runs the framework from the subscription to the teardown.
func work(ctx context.Context, o options, config scheduler.Config, say func(string, ...any)) error {
	// The scheduler must outlive an interrupt, to tear the framework down.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var services sync.WaitGroup
	defer services.Wait()
	defer stop()
	if o.master == "embedded" {
		var err error
		if config.Master, err = startCluster(serving, &services); err != nil {
			return err
		}
	}
	s, err := scheduler.New(config)
	if err != nil {
		return err
	}
	p := &progress{obstacle: "the master does not answer"}
	events, watched := s.Watch(context.WithoutCancel(ctx)), make(chan struct{}) // until Run ends
	services.Go(func() {
		defer close(watched)
		for e := range events {
			if _, cycle := e.(scheduler.OfferEvent); !cycle {
				say("%v", e)
			}
			p.note(e)
		}
	})
	running, end := context.WithCancelCause(ctx)
	services.Go(func() { end(s.Run(serving)) })

	err = launch(running, s, o)
	if err == nil {
		say("all %d tasks run; holding for %v", o.tasks, o.hold)
		select {
		case <-time.After(o.hold):
		case <-running.Done():
			err = context.Cause(running) // an interrupt, or the error of Run
		}
	}
	subscribed, obstacle := p.now()
	switch {
	case err == nil:
	case ctx.Err() != nil:
		say("interrupted")
		err = errInterrupted
	case errors.Is(err, errTimeout):
		err = fmt.Errorf("%w within %v: %s", err, o.timeout, obstacle)
	}
	if err != nil && (!subscribed || o.store != "") {
		return err // there is no framework to end, or the next process continues with it
	}
	ends, failed := finish(serving, s, o.timeout)
	if errors.Is(err, errInterrupted) {
		err = nil
	}
	if err = cmp.Or(err, failed); err == nil { // the first error is the one to report
		<-watched // the summary comes last
		say("done: %d tasks ran; how they ended: %v", o.tasks, ends)
	}
	return err
}

// launch submits those tasks that no earlier process left on record, and returns when all run, or
// when the first cannot.
func launch(ctx context.Context, s *scheduler.Scheduler, o options) error {
	var submissions sync.WaitGroup
	defer submissions.Wait()
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errTimeout)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	events := s.Watch(ctx) // from before the first task is there
	found := map[string]task.State{}
	tasks, err := s.Tasks(ctx)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		found[t.Spec.ID] = t.State
	}
	waiting := map[string]bool{}
	for _, spec := range o.specs() {
		state, known := found[spec.ID]
		if !known {
			submissions.Go(func() {
				if err := s.Submit(ctx, spec); err != nil {
					fail(err)
				}
			})
		}
		if !known || !ran(state) {
			waiting[spec.ID] = true
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	for e := range events {
		switch e, ok := e.(scheduler.TaskEvent); {
		case !ok || !waiting[e.Task.Spec.ID]:
		case e.Task.State.Terminal():
			return &scheduler.TaskError{Task: e.Task}
		case ran(e.Task.State):
			if delete(waiting, e.Task.Spec.ID); len(waiting) == 0 {
				return nil
			}
		}
	}
	return context.Cause(ctx)
}

// ran reports whether a task in this state has started, unless it failed before that.
func ran(s task.State) bool { return s == task.StateRunning || s == task.StateKilling || s.Terminal() }

// finish kills the tasks and ends the framework. It returns how many tasks ended in which state.
func finish(ctx context.Context, s *scheduler.Scheduler, timeout time.Duration) (map[task.State]int, error) {
	killing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var kills sync.WaitGroup
	tasks, err := s.Tasks(killing)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		kills.Go(func() { _, _ = s.Kill(killing, t.Spec.ID) }) // Teardown ends what is left
	}
	kills.Wait()
	ends := map[task.State]int{}
	if tasks, err = s.Tasks(ctx); err != nil {
		return nil, err
	}
	for _, t := range tasks {
		ends[t.State]++
	}
	tearing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.Teardown(tearing); err != nil {
		return ends, fmt.Errorf("teardown: %w", err)
	}
	return ends, nil
}
