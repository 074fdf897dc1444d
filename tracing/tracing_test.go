package tracing_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/tracing"
)

// world is a cluster, and the spans that were written, in a bubble of virtual time.
type world struct {
	*testing.T
	ctx      context.Context
	cluster  *mesosfake.Cluster
	spans    *tracetest.InMemoryExporter
	provider *sdk.TracerProvider
	began    time.Time
}

func inWorld(t *testing.T, f func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewInMemoryExporter()
		f(&world{
			T: t, ctx: t.Context(), spans: spans, provider: sdk.NewTracerProvider(sdk.WithSyncer(spans)), began: time.Now(),
			cluster: mesosfake.Start(t, mesosfake.Config{Agents: []mesosfake.Agent{{Hostname: "h1"}}}),
		})
	})
}

// lead runs a scheduler that is followed, for as long as f takes.
func (w *world) lead(config scheduler.Config, f func(s *scheduler.Scheduler)) {
	config.Master, config.DialContext = w.cluster.Master(), w.cluster.DialContext
	config.Framework.Name, config.Logger = "shop", slog.New(slog.DiscardHandler)
	s, err := scheduler.New(config)
	require.NoError(w, err)
	ctx, stop := context.WithCancel(w.ctx)
	var running sync.WaitGroup
	running.Go(func() { tracing.Follow(ctx, s, w.provider) })
	synctest.Wait()
	running.Go(func() { _ = s.Run(ctx) })
	synctest.Wait()
	f(s)
	synctest.Wait()
	stop()
	running.Wait()
}

// at waits until that much time has passed since the beginning.
func (w *world) at(d time.Duration) {
	time.Sleep(time.Until(w.began.Add(d)))
	synctest.Wait()
}

// lines returns the spans in the order in which they ended: those without a parent that is among them, and below each its
// children.
func (w *world) lines() (lines []string) {
	synctest.Wait()
	all := w.spans.GetSpans()
	for _, s := range all {
		if s.Name == "task.launch" || s.Name == "task.run" {
			lines = append(lines, w.line(s))
			for _, child := range all {
				if child.Parent.SpanID() == s.SpanContext.SpanID() {
					require.Equal(w, s.SpanContext.TraceID(), child.SpanContext.TraceID())
					lines = append(lines, "  "+w.line(child))
				}
			}
		}
	}
	return lines
}

func (w *world) line(s tracetest.SpanStub) string {
	line := fmt.Sprintf("%s %v-%v", s.Name, s.StartTime.Sub(w.began), s.EndTime.Sub(w.began))
	for _, e := range s.Events {
		line += fmt.Sprintf(" [%s %v]", e.Name, e.Time.Sub(w.began))
	}
	if s.Status.Code == codes.Error {
		line += " error: " + s.Status.Description
	}
	return line
}

func sleeper(id string) task.Spec {
	return task.Spec{ID: id, CPUs: 1, Mem: 128, Command: task.Command{Shell: "sleep 3600"}}
}

// store keeps records, and takes a tenth of a second for each writing.
type store struct {
	mu      sync.Mutex
	records map[string][]byte
}

func (s *store) Load(context.Context) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.records), nil
}

func (s *store) Apply(_ context.Context, changes map[string][]byte) error {
	time.Sleep(100 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records == nil {
		s.records = map[string][]byte{}
	}
	maps.Copy(s.records, changes)
	maps.DeleteFunc(s.records, func(_ string, value []byte) bool { return value == nil })
	return nil
}

// A task is a launch with its phases, and a run, in one trace. Their times are those of the events, not of their writing.
func TestTask(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lead(scheduler.Config{Store: &store{}}, func(s *scheduler.Scheduler) {
			w.at(time.Second)
			spec := sleeper("a")
			spec.Name, spec.Group, spec.Role = "web", "g", "*"
			info, err := s.Launch(w.ctx, spec)
			require.NoError(w, err)
			w.at(10 * time.Second)
			require.NoError(w, w.cluster.EndTask("a", 3))
			w.at(time.Minute)
			require.Equal(w, []string{
				"task.launch 1s-1.4s",
				"  task.pending 1s-1s",
				"  task.store 1s-1.2s",
				"  task.accept 1.2s-1.2s",
				"  task.start 1.2s-1.4s",
				"task.run 1.4s-10.05s error: Command exited with status 3",
			}, w.lines())

			status, err := s.Status(w.ctx)
			require.NoError(w, err)
			spans := w.spans.GetSpans()
			launch, run := spans[len(spans)-2], spans[len(spans)-1]
			about := []attribute.KeyValue{
				tracing.KeyFrameworkID.String(status.FrameworkID), tracing.KeyTaskID.String("a"), tracing.KeyTaskName.String("web"),
				tracing.KeyTaskGroup.String("g"), tracing.KeyTaskRole.String("*"), tracing.KeyAgentID.String(info.AgentID), tracing.KeyHostname.String("h1"),
			}
			require.ElementsMatch(w, append(about, tracing.KeyAttempt.Int(1), tracing.KeyState.String("running")), launch.Attributes)
			require.ElementsMatch(w, append(about, tracing.KeyState.String("failed"), tracing.KeyExitStatus.Int(3),
				tracing.KeyMessage.String("Command exited with status 3")), run.Attributes)
			require.Equal(w, launch.SpanContext.TraceID(), run.SpanContext.TraceID())
			for _, span := range []tracetest.SpanStub{launch, run} {
				require.False(w, span.Parent.SpanID().IsValid(), "it has no parent")
			}
		})
	})
}

// A launch that comes to nothing is a span of its own, with the reason; the next one begins with its end.
func TestLaunchThatIsLost(t *testing.T) {
	inWorld(t, func(w *world) {
		lost := false
		w.cluster.Intercept(func(c mesosfake.Call) mesosfake.Fault {
			if c.Type == "ACCEPT" && !lost {
				lost = true
				return mesosfake.FaultSwallow
			}
			return mesosfake.FaultNone
		})
		w.lead(scheduler.Config{LaunchTimeout: 10 * time.Second}, func(s *scheduler.Scheduler) {
			w.at(time.Second)
			_, err := s.Launch(w.ctx, sleeper("a"))
			require.NoError(w, err)
			require.Equal(w, []string{
				"task.launch 1s-11s error: gone: REASON_RECONCILIATION: Reconciliation: Task is unknown to the agent",
				"  task.pending 1s-1s",
				"task.launch 11s-11.1s",
				"  task.pending 11s-11s",
				"  task.accept 11s-11s",
				"  task.start 11s-11.1s",
			}, w.lines())
			attempts := 0
			for _, span := range w.spans.GetSpans() {
				if span.Name == "task.launch" {
					attempts++
					require.Contains(w, span.Attributes, tracing.KeyAttempt.Int(attempts))
				}
			}
		})
	})
}

// Tasks that never run have one span: one that was not wanted any more without an error, one that found no place with.
func TestTasksThatNeverRun(t *testing.T) {
	inWorld(t, func(w *world) {
		config := scheduler.Config{Offers: scheduler.OfferPolicy{MaxWait: time.Minute}}
		w.lead(config, func(s *scheduler.Scheduler) {
			big := sleeper("killed")
			big.CPUs = 100
			w.at(time.Second)
			require.NoError(w, s.Submit(w.ctx, big))
			w.at(2 * time.Second)
			_, err := s.Kill(w.ctx, "killed")
			require.NoError(w, err)
			big.ID = "failed"
			require.NoError(w, s.Submit(w.ctx, big))
			w.at(2 * time.Minute)
			lines := w.lines()
			require.Equal(w, []string{"task.launch 1s-2s", "  task.pending 1s-2s"}, lines[:2])
			require.True(w, strings.HasPrefix(lines[2], "task.launch 2s-1m2s error: scheduler: no place after 1 cycle in 1m0s"), lines[2])
			require.Equal(w, "  task.pending 2s-1m2s", lines[3])
		})
	})
}

// What happens to a task while it runs are events of its span.
func TestEventsOfARun(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lead(scheduler.Config{}, func(s *scheduler.Scheduler) {
			w.at(time.Second)
			_, err := s.Launch(w.ctx, sleeper("a"))
			require.NoError(w, err)
			require.NoError(w, w.cluster.LoseAgent("h1"))
			w.at(10 * time.Minute)
			require.NoError(w, w.cluster.ReturnAgent("h1"))
			w.at(11 * time.Minute)
			_, err = s.Kill(w.ctx, "a")
			require.NoError(w, err)
			lines := w.lines()
			require.Regexp(w, `^task.run 1.1s-11m0.05s \[unreachable 1m.*\] \[running 10m0s\] \[killing 11m0s\]$`, lines[len(lines)-1])
		})
	})
}

// Each member of a pod has spans of its own.
func TestPod(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lead(scheduler.Config{}, func(s *scheduler.Scheduler) {
			w.at(time.Second)
			members := []task.Spec{sleeper("p-1"), sleeper("p-2")}
			for i := range members {
				members[i].Pod = "p"
			}
			_, err := s.LaunchPod(w.ctx, members...)
			require.NoError(w, err)
			_, err = s.Kill(w.ctx, "p-1")
			require.NoError(w, err)
			w.at(time.Minute)
			ids, traces := map[string]int{}, map[string]bool{}
			for _, span := range w.spans.GetSpans() {
				traces[span.SpanContext.TraceID().String()] = true
				for _, a := range span.Attributes {
					if a.Key == tracing.KeyTaskID {
						ids[span.Name+" "+a.Value.AsString()]++
					}
				}
			}
			require.Equal(w, map[string]int{"task.launch p-1": 1, "task.launch p-2": 1, "task.run p-1": 1, "task.run p-2": 1}, ids)
			require.Len(w, traces, 2)
		})
	})
}

// Two schedulers lead one after the other, the second one in the middle of a launch and the third one while the task runs:
// all spans are in one trace, and their times are right.
func TestFailover(t *testing.T) {
	inWorld(t, func(w *world) {
		config := scheduler.Config{Store: &store{}}
		w.lead(config, func(s *scheduler.Scheduler) {
			w.at(time.Second)
			require.NoError(w, s.Submit(w.ctx, sleeper("a")))
			w.at(time.Second + 250*time.Millisecond) // its ACCEPT was sent 50 ms ago
		})
		w.lead(config, func(s *scheduler.Scheduler) {
			_, err := s.Wait(w.ctx, "a", scheduler.UntilRunning)
			require.NoError(w, err)
			w.at(10 * time.Second)
		})
		w.lead(config, func(s *scheduler.Scheduler) {
			_, err := s.Kill(w.ctx, "a")
			require.NoError(w, err)
			w.at(time.Minute)
		})
		require.Equal(w, []string{
			"task.launch 1s-1.4s",
			"  task.pending 1s-1s",
			"  task.start 1s-1.4s",
			"task.run 1.4s-10.2s [killing 10s]",
		}, w.lines())
		first := w.spans.GetSpans()[0].SpanContext.TraceID()
		for _, span := range w.spans.GetSpans() {
			require.Equal(w, first, span.SpanContext.TraceID())
		}
	})
}

// The span that a program injects is the parent, and its labels stay as they were.
func TestInject(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lead(scheduler.Config{}, func(s *scheduler.Scheduler) {
			shared := map[string]string{"team": "shop"}
			spec := sleeper("a")
			spec.Labels = shared
			tracing.Inject(w.ctx, &spec)
			require.Equal(w, shared, spec.Labels, "there is no span")
			ctx, parent := w.provider.Tracer("test").Start(w.ctx, "request")
			tracing.Inject(ctx, &spec)
			require.Equal(w, map[string]string{"team": "shop"}, shared)
			require.Len(w, spec.Labels, 2)
			plain := sleeper("b")
			tracing.Inject(ctx, &plain)
			require.Contains(w, plain.Labels, tracing.Label)

			_, err := s.Launch(ctx, spec)
			require.NoError(w, err)
			_, err = s.Kill(ctx, "a")
			require.NoError(w, err)
			synctest.Wait()
			found := 0
			for _, span := range w.spans.GetSpans() {
				require.Equal(w, parent.SpanContext().TraceID(), span.SpanContext.TraceID())
				if span.Name == "task.launch" || span.Name == "task.run" {
					found++
					require.Equal(w, parent.SpanContext().SpanID(), span.Parent.SpanID())
				}
			}
			require.Equal(w, 2, found)
		})
	})
}

// A label that is none, such as another program's, is as good as none.
func TestOddLabel(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lead(scheduler.Config{}, func(s *scheduler.Scheduler) {
			for i, label := range []string{"", "x", "00-00000000000000000000000000000000-0000000000000000-01", strings.Repeat("0", 1000)} {
				spec := sleeper(fmt.Sprint("t", i))
				spec.CPUs, spec.Labels = 0.1, map[string]string{tracing.Label: label}
				_, err := s.Launch(w.ctx, spec)
				require.NoError(w, err)
			}
			synctest.Wait()
			for _, span := range w.spans.GetSpans() {
				require.True(w, span.SpanContext.IsValid())
			}
			require.Len(w, w.spans.GetSpans(), 4*4)
		})
	})
}

// Who begins to follow late writes what ends from then on, with the times from before.
func TestFollowedLate(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lead(scheduler.Config{}, func(s *scheduler.Scheduler) {
			w.at(time.Second)
			_, err := s.Launch(w.ctx, sleeper("a"))
			require.NoError(w, err)
			w.at(time.Minute)
			late := tracetest.NewInMemoryExporter()
			ctx, stop := context.WithCancel(w.ctx)
			done := make(chan struct{})
			go func() {
				defer close(done)
				tracing.Follow(ctx, s, sdk.NewTracerProvider(sdk.WithSyncer(late)))
			}()
			synctest.Wait()
			_, err = s.Kill(w.ctx, "a")
			require.NoError(w, err)
			synctest.Wait()
			stop()
			<-done
			w.lines()
			spans := late.GetSpans()
			require.Len(w, spans, 1)
			require.Equal(w, "task.run 1.1s-1m0.05s [killing 1m0s]", w.line(spans[0]))
			require.Equal(w, w.spans.GetSpans()[0].SpanContext.TraceID(), spans[0].SpanContext.TraceID())
		})
	})
}
