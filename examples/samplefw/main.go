// Samplefw is a complete Mesos framework: it launches a few tasks, watches them for a while, kills
// them and tears itself down. Without options it does so on a cluster inside its own process. It is
// meant to be copied. It promises nothing beyond that, and its goroutines end with it.
package main

import (
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

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	opts, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, opts)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "samplefw:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	// The scheduler must outlive an interrupt, to tear the framework down.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var services sync.WaitGroup
	defer services.Wait()
	defer stop()

	if o.master == "embedded" {
		var err error
		if o.master, err = startCluster(serving, &services); err != nil {
			return err
		}
	}
	logger, say := slog.New(slog.DiscardHandler), func(format string, args ...any) {
		fmt.Println(time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
	}
	if o.log == "json" {
		logger, say = slog.New(slog.NewJSONHandler(os.Stdout, nil)), func(string, ...any) {}
	}
	s, err := scheduler.New(scheduler.Config{
		Master:    o.master,
		Framework: scheduler.Framework{Name: "samplefw", Roles: []string{o.role}, FailoverTimeout: time.Minute},
		Logger:    logger,
	})
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
	ended := make(chan error, 1)
	services.Go(func() { ended <- s.Run(serving) })

	if err := launch(ctx, s, o); err != nil {
		subscribed, obstacle := p.now()
		if errors.Is(err, errTimeout) {
			err = fmt.Errorf("%w within %v: %s", err, o.timeout, obstacle)
		}
		if subscribed {
			_, _ = finish(serving, s, o.timeout) // the first error is the one to tell
		}
		return err
	}
	say("all %d tasks run; holding for %v", o.tasks, o.hold)
	select {
	case <-time.After(o.hold):
	case <-ctx.Done():
		say("interrupted")
	case err := <-ended:
		return err // it lost its framework, or cannot go on
	}
	ends, err := finish(serving, s, o.timeout)
	if err == nil {
		<-watched // the summary comes last
		say("done: %d tasks ran; how they ended: %v", o.tasks, ends)
	}
	return err
}

var errTimeout = errors.New("not all tasks run")

// launch returns when all tasks run, or when the first cannot.
func launch(ctx context.Context, s *scheduler.Scheduler, o options) error {
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errTimeout)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var launches sync.WaitGroup
	for i := range o.tasks {
		spec := task.Spec{ID: fmt.Sprintf("sample-%d", i+1), CPUs: 0.1, Mem: 32, Command: task.Command{Shell: o.command}}
		if o.image != "" {
			spec.Container = &task.Container{Image: o.image}
		}
		launches.Go(func() {
			if _, err := s.Launch(ctx, spec); err != nil {
				fail(err)
			}
		})
	}
	launches.Wait()
	return context.Cause(ctx)
}

// finish kills the tasks, ends the framework, and tells how many tasks ended in which state.
func finish(ctx context.Context, s *scheduler.Scheduler, timeout time.Duration) (map[task.State]int, error) {
	killing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var kills sync.WaitGroup
	for t := range s.Tasks(killing) {
		kills.Go(func() { _, _ = s.Kill(killing, t.Spec.ID) }) // Teardown ends what is left
	}
	kills.Wait()
	ends := map[task.State]int{}
	for t := range s.Tasks(ctx) {
		ends[t.State]++
	}
	tearing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.Teardown(tearing); err != nil {
		return ends, fmt.Errorf("teardown: %w", err)
	}
	return ends, nil
}

// progress remembers what stands in the way of the tasks.
type progress struct {
	mu         sync.Mutex
	subscribed bool // ever
	obstacle   string
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
	}
}

func (p *progress) now() (subscribed bool, obstacle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.subscribed, p.obstacle
}
