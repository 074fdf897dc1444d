// Samplefw is a complete Mesos framework: it launches a few tasks, watches them for a while, kills
// them and tears itself down. Without options it does so on a cluster inside its own process. It is
// meant to be copied. It promises nothing beyond that, and its goroutines end with it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// options are the flags; each can also be set by the environment, such as SAMPLEFW_TASKS.
type options struct {
	master, image, command, role, log string
	tasks                             int
	hold, timeout                     time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	opts, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, opts)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "samplefw:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("samplefw", flag.ContinueOnError)
	f.StringVar(&o.master, "master", "embedded", `leading master such as http://host:5050, or "embedded" for one in this process`)
	f.IntVar(&o.tasks, "tasks", 3, "how many tasks to launch")
	f.DurationVar(&o.hold, "hold", 10*time.Second, "how long to let them run")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long to wait until all tasks run")
	f.StringVar(&o.image, "image", "", "Docker image to run (default: a plain command)")
	f.StringVar(&o.command, "command", "", `shell command to run (default "sleep 3600", or what the image says)`)
	f.StringVar(&o.role, "role", "*", "role of the framework")
	f.StringVar(&o.log, "log", "text", "text (one line per change) or json (the scheduler's log)")
	f.VisitAll(func(fl *flag.Flag) {
		name := "SAMPLEFW_" + strings.ToUpper(fl.Name)
		if v, ok := os.LookupEnv(name); ok && err == nil {
			if err = f.Set(fl.Name, v); err != nil {
				err = fmt.Errorf("%s=%q: %w", name, v, err)
			}
		}
	})
	f.SetOutput(io.Discard) // main prints the error
	if err = cmp.Or(err, f.Parse(args)); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			f.SetOutput(os.Stdout)
			f.Usage()
		}
		return o, err
	}
	if o.tasks < 1 || o.hold < 0 || o.timeout <= 0 || o.log != "text" && o.log != "json" || f.NArg() > 0 {
		return o, fmt.Errorf("bad options: -tasks %d (at least 1), -hold %v, -timeout %v (more than 0), -log %q (text or json), arguments %q (none)",
			o.tasks, o.hold, o.timeout, o.log, f.Args())
	}
	if o.image == "" {
		o.command = cmp.Or(o.command, "sleep 3600")
	}
	return o, nil
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
	logger, print := slog.New(slog.DiscardHandler), func(format string, args ...any) {
		fmt.Println(time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
	}
	if o.log == "json" {
		logger, print = slog.New(slog.NewJSONHandler(os.Stdout, nil)), func(string, ...any) {}
	}
	s, err := scheduler.New(scheduler.Config{
		Master:    o.master,
		Framework: scheduler.Framework{Name: "samplefw", Roles: []string{o.role}, FailoverTimeout: time.Minute},
		Logger:    logger,
	})
	if err != nil {
		return err
	}
	p := &progress{obstacle: "the master does not answer", ended: map[task.State]int{}}
	events, watched := s.Watch(context.WithoutCancel(ctx)), make(chan struct{}) // until Run ends
	services.Go(func() {
		defer close(watched)
		for e := range events {
			if _, cycle := e.(scheduler.OfferEvent); !cycle {
				print("%v", e)
			}
			p.note(e)
		}
	})
	services.Go(func() { _ = s.Run(serving) }) // what ends it, the other methods return

	if err := launch(ctx, s, o); err != nil {
		if errors.Is(err, errTimeout) {
			err = fmt.Errorf("%w within %v: %s", err, o.timeout, p.why())
		}
		if p.connected() {
			_ = finish(serving, s, o.timeout) // the first error is the one to tell
		}
		return err
	}
	print("all %d tasks run; holding for %v", o.tasks, o.hold)
	select {
	case <-time.After(o.hold):
	case <-ctx.Done():
		print("interrupted")
	}
	err = finish(serving, s, o.timeout)
	stop()
	<-watched
	print("done: %d tasks ran; how they ended: %v", o.tasks, p.ended)
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

// finish kills the tasks and ends the framework, each within the timeout.
func finish(ctx context.Context, s *scheduler.Scheduler, timeout time.Duration) error {
	killing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var kills sync.WaitGroup
	for t := range s.Tasks(killing) {
		kills.Go(func() { _, _ = s.Kill(killing, t.Spec.ID) }) // Teardown ends what is left
	}
	kills.Wait()
	ctx, cancel = context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.Teardown(ctx); err != nil && !errors.Is(err, scheduler.ErrNotRunning) {
		return fmt.Errorf("teardown: %w", err)
	}
	return nil
}

// progress remembers what stands in the way of the tasks, and how they ended.
type progress struct {
	mu         sync.Mutex
	subscribed bool
	obstacle   string
	ended      map[task.State]int
}

func (p *progress) note(e scheduler.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case scheduler.ConnectionEvent:
		p.subscribed, p.obstacle = e.Connected, "no offer came"
		if !e.Connected {
			p.obstacle = e.Err.Error()
		}
	case scheduler.OfferEvent:
		p.obstacle = "tasks are slow to start"
		if len(e.Rejections) > 0 {
			p.obstacle = fmt.Sprintf("no capacity: %v", e.Rejections[0])
		}
	case scheduler.TaskEvent:
		if e.Task.State.Terminal() {
			p.ended[e.Task.State]++
		}
	}
}

func (p *progress) connected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.subscribed
}

func (p *progress) why() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.obstacle
}
