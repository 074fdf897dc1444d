package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// framework is what the benchmark drives: it subscribes without wanting offers, and launches what
// is submitted.
type framework interface {
	// run ends when ctx does. It closes subscribed once.
	run(ctx context.Context, subscribed chan<- struct{})
	submit(context.Context, []task.Spec) error
}

// BenchmarkSubmitToRunning measures tasks per second from their submission, all at once, until the
// master has the last acknowledgement of a TASK_RUNNING, over loopback TCP. The rows are this
// scheduler and a loop on mesos-go; "benchstat -col /client" shows them side by side. The fake
// master shares the processors and is part of both.
func BenchmarkSubmitToRunning(b *testing.B) {
	for _, tasks := range []int{1000, 10_000} {
		for _, client := range []struct {
			name string
			make func(b *testing.B, master string) framework
		}{{"mesosgo", newMesosGo}, {"ours", newOurs}} {
			b.Run(fmt.Sprintf("tasks=%d/client=%s", tasks, client.name), func(b *testing.B) {
				b.ReportAllocs()
				b.StopTimer()
				for range b.N {
					launchAll(b, tasks, client.make)
				}
				b.ReportMetric(float64(tasks*b.N)/b.Elapsed().Seconds(), "tasks/s")
			})
		}
	}
}

// launchAll measures one cluster with one client.
func launchAll(b *testing.B, tasks int, client func(*testing.B, string) framework) {
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	master, address, acknowledged := runBenchMaster(ctx, b, &running, tasks)
	c := client(b, address)
	subscribed := make(chan struct{})
	running.Go(func() { c.run(ctx, subscribed) })
	<-subscribed
	specs := benchSpecs(tasks)

	b.StartTimer()
	err := c.submit(ctx, specs)
	if err == nil {
		<-acknowledged
	}
	b.StopTimer()

	require.NoError(b, err)
	require.Empty(b, notRunning(master, tasks))
}

// runBenchMaster runs a master of 100 agents, on loopback. Acknowledged is closed when it has all acknowledgements of so many tasks: an
// agent holds TASK_RUNNING back until TASK_STARTING is acknowledged, so that there are two for each.
func runBenchMaster(ctx context.Context, t testing.TB, running *sync.WaitGroup, tasks int) (master *mesostest.Master, address string, acknowledged <-chan struct{}) {
	cluster := mesostest.Config{Launch: -1}
	for range 100 {
		cluster.Agents = append(cluster.Agents, mesostest.Agent{Resources: "cpus:32;mem:65536;disk:100000;ports:[31000-32000]"})
	}
	master, err := mesostest.New(cluster)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	running.Go(func() { _ = master.Run(ctx, listener) })
	all, left := make(chan struct{}), 2*tasks
	master.Intercept(func(c *calls.Call) mesostest.Fault {
		if c.Type == calls.Call_ACKNOWLEDGE {
			if left--; left == 0 {
				close(all)
			}
		}
		return mesostest.Pass
	})
	return master, listener.Addr().String(), all
}

// benchSpecs returns so many tasks, which all fit the cluster of runBenchMaster.
func benchSpecs(tasks int) []task.Spec {
	specs := make([]task.Spec, tasks)
	for i := range specs {
		specs[i] = task.Spec{ID: fmt.Sprintf("t%d", i), CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 3600"}}
	}
	return specs
}

// notRunning returns what is wrong if not all tasks run, with all their updates acknowledged.
func notRunning(m *mesostest.Master, tasks int) string {
	known := m.Snapshot().Frameworks[0].Tasks
	if len(known) != tasks {
		return fmt.Sprintf("%d tasks instead of %d", len(known), tasks)
	}
	for _, t := range known {
		if t.State != mesos.TASK_RUNNING || t.Unacked > 0 {
			return fmt.Sprintf("%+v", t)
		}
	}
	return ""
}

// ours is this package, with its defaults.
type ours struct {
	*scheduler.Scheduler
}

func newOurs(b *testing.B, master string) framework {
	s, err := scheduler.New(scheduler.Config{
		Master:    master,
		Framework: scheduler.Framework{Name: "bench"},
		Logger:    slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	return ours{s}
}

func (o ours) run(ctx context.Context, subscribed chan<- struct{}) {
	watching, stop := context.WithCancel(ctx)
	events := o.Watch(watching)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		defer stop()
		for e := range events {
			if c, ok := e.(scheduler.ConnectionEvent); ok && c.Connected {
				close(subscribed)
				return
			}
		}
	})
	_ = o.Run(ctx)
	watcher.Wait()
}

// submit has 100 callers at once, each with tasks that follow each other.
func (o ours) submit(ctx context.Context, specs []task.Spec) error {
	const callers = 100
	errs := make([]error, callers)
	var calling sync.WaitGroup
	for i := range callers {
		calling.Go(func() {
			for n := i; n < len(specs) && errs[i] == nil; n += callers {
				errs[i] = o.Submit(ctx, specs[n])
			}
		})
	}
	calling.Wait()
	return errors.Join(errs...)
}
