package controlapi_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// crowd is a framework with many running tasks, of which so many change each second.
type crowd struct {
	controlapi.Framework
	tasks   []task.Info
	changes int
	version atomic.Uint64
}

func newCrowd(tasks, changes int) *crowd {
	c := &crowd{changes: changes, tasks: make([]task.Info, tasks)}
	for i := range c.tasks {
		s := spec(fmt.Sprintf("web-%d", i))
		s.Group, s.Labels = fmt.Sprintf("group-%d", i%50), map[string]string{"team": "blue", "version": "1.2.3"}
		s.Command.Env = map[string]string{"PORT": "8080", "MODE": "production"}
		s.Constraints = []task.Constraint{{Attribute: "rack", Operator: "GROUP_BY"}}
		message := "Command executor is running the task"
		state, agent := mesos.TASK_RUNNING, &mesos.AgentID{Value: "682d108a-a90b-4099-b594-fb45c2e995df-S0"}
		c.tasks[i] = task.Info{
			Spec: s, State: task.StateRunning, Version: uint64(i + 1), AgentID: agent.Value, Hostname: fmt.Sprintf("agent-%d.example", i%100), HostPorts: []uint16{31000},
			Status:    &mesos.TaskStatus{TaskID: mesos.TaskID{Value: s.ID}, State: &state, Message: &message, AgentID: agent, UUID: make([]byte, 16)},
			Submitted: time.Unix(int64(i), 0), Updated: time.Unix(int64(i), 0),
		}
	}
	c.version.Store(uint64(tasks))
	return c
}

func (c *crowd) Version() uint64                            { return c.version.Load() }
func (c *crowd) Tasks(context.Context) ([]task.Info, error) { return c.tasks, nil }
func (c *crowd) Status(context.Context) (scheduler.Status, error) {
	return scheduler.Status{Connected: true}, nil
}
func (c *crowd) Agents(context.Context) ([]scheduler.AgentStats, error)     { return nil, nil }
func (c *crowd) Offers(context.Context) ([]scheduler.OfferAtHand, error)    { return nil, nil }
func (c *crowd) Task(_ context.Context, _ string) (task.Info, error)        { return c.tasks[0], nil }
func (c *crowd) History(context.Context, string) ([]task.Transition, error) { return nil, nil }

func (c *crowd) Watch(ctx context.Context) iter.Seq[scheduler.Event] {
	return func(yield func(scheduler.Event) bool) {
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			for range c.changes / 100 {
				info := c.tasks[int(c.version.Load())%len(c.tasks)]
				info.Version = c.version.Add(1)
				info.Updated = time.Now()
				if !yield(scheduler.TaskEvent{Task: info, Previous: info.State}) {
					return
				}
			}
		}
	}
}

// serveCrowd serves a framework on loopback.
func serveCrowd(b *testing.B, f controlapi.Framework) string {
	s, err := controlapi.New(controlapi.Config{Framework: f})
	require.NoError(b, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	ctx, stop := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	b.Cleanup(func() { stop(); <-served })
	return "http://" + listener.Addr().String()
}

// followEvents opens a stream, whose events are counted.
func followEvents(b *testing.B, base, view string, events *atomic.Int64) {
	r, err := http.NewRequestWithContext(b.Context(), "GET", base+"/v1/events?view="+view, nil)
	require.NoError(b, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(b, err)
	go func() {
		defer response.Body.Close()
		for buffer := make([]byte, 32<<10); ; {
			n, err := response.Body.Read(buffer)
			events.Add(int64(n))
			if err != nil {
				return
			}
		}
	}()
}

// BenchmarkReads measures how long reads of 10,000 tasks take on loopback, with 100 who watch a hundred changes a second. All
// of that, readers and watchers included, shares the processors.
func BenchmarkReads(b *testing.B) {
	for _, row := range []struct{ name, path string }{
		{"one task", "/v1/tasks/web-1"},
		{"status", "/v1/status"},
		{"page of 100", "/v1/tasks"},
		{"page of 1000 summaries", "/v1/tasks?limit=1000&view=summary&sort=-updated"},
		{"search", "/v1/tasks?q=99&label=team=blue&state=running&view=summary"},
	} {
		b.Run(row.name, func(b *testing.B) {
			base := serveCrowd(b, newCrowd(10_000, 100))
			var bytes atomic.Int64
			for range 100 {
				followEvents(b, base, "summary", &bytes)
			}
			time.Sleep(2 * time.Second) // until they have their snapshots
			const clients = 2
			took := make([][]time.Duration, clients)
			var all sync.WaitGroup
			b.ResetTimer()
			for c := range clients {
				all.Go(func() {
					for range b.N {
						began := time.Now()
						response, err := http.Get(base + row.path)
						if err == nil {
							_, _ = io.Copy(io.Discard, response.Body)
							_ = response.Body.Close()
						}
						if err != nil || response.StatusCode != 200 {
							b.Error(row.path, err)
							return
						}
						took[c] = append(took[c], time.Since(began))
					}
				})
			}
			all.Wait()
			b.StopTimer()
			sorted := slices.Sorted(slices.Values(slices.Concat(took...)))
			b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(sorted[len(sorted)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkWatcher measures what the server keeps in memory for each who watches, with what the kernel keeps left out.
func BenchmarkWatcher(b *testing.B) {
	base := serveCrowd(b, newCrowd(10_000, 0))
	time.Sleep(200 * time.Millisecond)
	var bytes atomic.Int64
	followEvents(b, base, "summary", &bytes)
	time.Sleep(time.Second) // all is encoded by now
	const watchers = 500
	before := heap()
	for range watchers { // once, however large b.N is
		conn, err := net.Dial("tcp", base[len("http://"):])
		require.NoError(b, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "GET /v1/events?view=summary&since=10000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
		require.NoError(b, err)
	}
	time.Sleep(2 * time.Second)
	b.ReportMetric(float64(heap()-before)/watchers/1024, "KiB/watcher")
}
