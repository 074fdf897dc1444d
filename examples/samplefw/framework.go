package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// This file is the framework: what a program of your own begins with. It needs progress.go, which waits for tasks, and a
// config where this one has flags.

// run runs the framework, with a store if there is to be one.
func run(ctx context.Context, o options) error {
	config := scheduler.Config{
		Framework: scheduler.Framework{Name: "samplefw", FailoverTimeout: time.Minute},
		Logger:    slog.New(slog.DiscardHandler),
	}
	if err := o.apply(&config); err != nil {
		return err
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
		say("the framework lives on; go on with --store %s", o.store)
		return nil
	}
	if err == nil || errors.Is(err, errFailed) { // the framework has ended
		return cmp.Or(err, closed, os.Remove(o.store))
	}
	return err
}

// sayer returns what prints a line for people, or nothing beside a log of the other kind.
func sayer(log string) func(format string, args ...any) {
	if log == "json" {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) {
		fmt.Println(time.Now().Format("15:04:05.000"), plain(format, args...))
	}
}

var (
	errTimeout     = errors.New("not all tasks run")
	errInterrupted = errors.New("interrupted")
	errFailed      = errors.New("tasks failed")
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
		say("a fake cluster runs in this process, with its master at %s: nothing is executed; --master takes a real one", config.Master)
	}
	s, err := served(serving, &services, o, config, say)
	if err != nil {
		return err
	}
	p := newProgress()
	events, watched := s.Watch(context.WithoutCancel(ctx)), make(chan struct{}) // until Run ends
	services.Go(func() {
		defer close(watched)
		p.follow(events, say)
	})
	running, end := context.WithCancelCause(ctx)
	services.Go(func() { end(s.Run(serving)) })

	err = launch(running, s, o, p)
	if err == nil {
		say("all %d tasks run; holding for %v", o.tasks, o.hold)
		err = hold(running, o.hold, p)
	}
	subscribed, obstacle := p.now()
	if err != nil && ctx.Err() != nil {
		say("interrupted")
		err = errInterrupted
	} else if errors.Is(err, errTimeout) {
		err = fmt.Errorf("%w within %v: %s", err, o.timeout, obstacle)
	}
	if err != nil && (!subscribed || o.store != "") {
		return err // there is no framework to end, or the next process continues with it
	}
	tasks, failure := finish(serving, s, o.timeout)
	if errors.Is(err, errInterrupted) {
		err = nil
	}
	if err = cmp.Or(err, failure); err != nil { // the first error is the one to report
		return err
	}
	<-watched // the summary comes last
	return summary(tasks, say)
}

// served returns the scheduler of the framework, and serves its API and page until ctx ends.
func served(ctx context.Context, services *sync.WaitGroup, o options, config scheduler.Config, say func(string, ...any)) (*scheduler.Scheduler, error) {
	listener, address, err := o.open()
	if err != nil {
		return nil, err
	}
	config.Framework.WebUIURL = "http://" + address // for the page of the masters
	s, err := scheduler.New(config)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server, err := o.server(s, nil)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	services.Go(func() { _ = server.Serve(ctx, listener) }) // it ends with ctx, and closes the listener
	say("its page is at http://%s, and its API: samplefw ls --at %s", address, address)
	return s, nil
}

// hold lets the tasks run for a time, or until all have ended.
func hold(ctx context.Context, d time.Duration, p *progress) error {
	over := errors.New("the time is over")
	ctx, cancel := context.WithTimeoutCause(ctx, d, over)
	defer cancel()
	if err := p.ended(ctx); err != nil && !errors.Is(err, over) {
		return err // an interrupt, or the error of Run
	}
	return nil
}

// summary says how the tasks ended, and fails if some of them failed.
func summary(tasks []task.Info, say func(string, ...any)) error {
	ends, failures, first := map[task.State]int{}, 0, ""
	for _, t := range tasks {
		ends[t.State]++
		if !failed(t.State) {
			continue
		}
		if failures++; first == "" {
			first = (&scheduler.TaskError{Task: t}).Error()
		}
	}
	if failures > 0 {
		return fmt.Errorf("%d of %d %w: %s", failures, len(tasks), errFailed, first)
	}
	say("done: %d tasks ran; how they ended: %v", len(tasks), ends)
	return nil
}

// launch submits those tasks that no earlier process left on record, and returns when all run, or
// when the first cannot.
func launch(ctx context.Context, s *scheduler.Scheduler, o options, p *progress) error {
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errTimeout)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var submissions sync.WaitGroup
	for _, spec := range o.specs() {
		submissions.Go(func() {
			t, err := s.Ensure(ctx, spec)
			if err != nil {
				fail(err)
				return
			}
			p.know(t)
		})
	}
	submissions.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return p.started(ctx)
}

// ran reports whether a task in this state has started, unless it failed before that.
func ran(s task.State) bool { return s == task.StateRunning || s == task.StateKilling || s.Terminal() }

// failed reports whether a task in this state has ended without success, and not because it was killed.
func failed(s task.State) bool {
	return s.Terminal() && s != task.StateFinished && s != task.StateKilled
}

// finish kills the tasks and ends the framework. It returns the tasks as they were before that.
func finish(ctx context.Context, s *scheduler.Scheduler, timeout time.Duration) ([]task.Info, error) {
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
	if tasks, err = s.Tasks(ctx); err != nil {
		return nil, err
	}
	tearing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.Teardown(tearing); err != nil {
		return nil, fmt.Errorf("teardown: %w", err)
	}
	return tasks, nil
}
