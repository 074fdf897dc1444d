package tracing_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/tracing"
)

// printer stands for the exporter of a real program, such as one for OTLP.
type printer struct{ run chan struct{} }

func (p printer) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	for _, span := range spans {
		fmt.Println(span.Name())
		if span.Name() == "task.run" {
			close(p.run)
		}
	}
	return nil
}

func (printer) Shutdown(context.Context) error { return nil }

// A program with a tracer of its own: the spans of the task are children of its span "order". On the cluster of this example,
// which is a fake, a task starts at once.
func Example() {
	cluster, err := mesosfake.New(mesosfake.Config{Agents: make([]mesosfake.Agent, 1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := scheduler.New(scheduler.Config{
		Master: cluster.Master(), DialContext: cluster.DialContext,
		Framework: scheduler.Framework{Name: "shop"}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var framework tracing.Framework = s // or a controlapi.Client, in a process of its own
	run := make(chan struct{})
	provider := sdk.NewTracerProvider(sdk.WithSyncer(printer{run}))

	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = cluster.Run(ctx) })
	running.Go(func() { tracing.Follow(ctx, framework, provider) })
	running.Go(func() { _ = s.Run(ctx) })

	order, span := provider.Tracer("shop").Start(ctx, "order")
	spec := task.Spec{ID: "web-1", CPUs: 1, Mem: 64, Command: task.Command{Shell: "sleep 86400"}}
	tracing.Inject(order, &spec)
	if _, err := s.Launch(order, spec); err != nil {
		fmt.Println(err)
	}
	if _, err := s.Kill(order, "web-1"); err != nil {
		fmt.Println(err)
	}
	<-run
	span.End()
	stop()
	running.Wait()
	// Output:
	// task.pending
	// task.accept
	// task.start
	// task.launch
	// task.run
	// order
}
