package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The stream breaks: another subscription follows at the announced instant, within the first step
// of the backoff, under the same framework ID, and tasks go on.
func TestCutStream(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(20 * time.Second)
		h.master.CutStreams()
		h.at(21 * time.Second)

		events, times := h.connections()
		require.Len(h, events, 3)
		require.Equal(h, 20*time.Second, times[1], "noticed at once")
		require.Error(h, events[1].Err)
		require.Equal(h, events[1].NextAttempt.Sub(h.began), times[2])
		require.Less(h, times[2]-times[1], 100*time.Millisecond)
		require.True(h, events[2].Connected)
		require.Equal(h, events[0].FrameworkID, events[2].FrameworkID)

		info, err := h.sched.Task(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
		_, err = h.sched.Launch(ctx, sleeper("b"))
		require.NoError(h, err, "the new subscription works")
	})
}

// The connection goes silent: it counts as lost five heartbeats of 15 s after the last event.
func TestSilentLink(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.at(20 * time.Second)
		h.master.Silence(true)
		h.at(90*time.Second - 1)
		_, times := h.connections()
		require.Len(h, times, 1)
		h.at(90 * time.Second)
		events, times := h.connections()
		require.Equal(h, 90*time.Second, times[1])
		require.False(h, events[1].Connected)
		h.master.Silence(false)
		h.at(3 * time.Minute)
		events, _ = h.connections()
		require.True(h, events[len(events)-1].Connected)
	})
}

// A master that accepts the connection and never answers is given 15 s, however many heartbeats may be missed.
func TestHangingSubscribe(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		h.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if c.Type == calls.Call_SUBSCRIBE {
				return mesostest.Hang
			}
			return mesostest.Pass
		})
		h.master.CutStreams()
		synctest.Wait()
		events, _ := h.connections()
		attempt := events[1].NextAttempt
		time.Sleep(time.Until(attempt.Add(15 * time.Second)))
		synctest.Wait()
		events, times := h.connections()
		require.Len(h, events, 3)
		require.Equal(h, attempt.Add(15*time.Second), h.began.Add(times[2]))
		require.ErrorContains(h, events[2].Err, "SUBSCRIBE to http://"+address+": no answer within 15 s")
		h.master.Intercept(nil)
		h.at(2 * time.Minute)
		events, _ = h.connections()
		require.True(h, events[len(events)-1].Connected)
	})
}

// Calls that fail on their way: whatever happens to one of each kind, the task runs in the end.
func TestFailingCalls(t *testing.T) {
	for _, call := range []calls.Call_Type{calls.Call_REVIVE, calls.Call_ACCEPT, calls.Call_DECLINE, calls.Call_SUPPRESS, calls.Call_ACKNOWLEDGE} {
		for _, fault := range []mesostest.Fault{http.StatusServiceUnavailable, http.StatusForbidden, http.StatusBadRequest} {
			t.Run(call.String()+http.StatusText(int(fault)), func(t *testing.T) {
				withHarness(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
					once := true
					h.master.Intercept(func(c *calls.Call) mesostest.Fault {
						if c.Type == call && once {
							once = false
							return fault
						}
						return mesostest.Pass
					})
					info, err := h.sched.Launch(ctx, sleeper("a"))
					require.NoError(h, err)
					require.Equal(h, task.StateRunning, info.State)
					h.at(time.Minute)
					state := h.master.Snapshot()
					require.Empty(h, state.Offers, "what was not used was given back")
					require.Len(h, state.Frameworks[0].Tasks, 1)
					require.Zero(h, state.Frameworks[0].Tasks[0].Unacked)
					again, _ := h.connections()
					if fault == http.StatusForbidden {
						require.Len(h, again, 3, "the master knows no subscription")
					} else {
						require.Len(h, again, 1, "the subscription is as it was")
					}
				})
			})
		}
	}
}

func TestWithoutMaster(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{DialContext: nil}, func(ctx context.Context, h *harness) {
		h.master.Intercept(func(*calls.Call) mesostest.Fault { return mesostest.Cut })
		h.at(time.Second)
		h.master.CutStreams()
		h.at(time.Hour)
		events, times := h.connections()
		require.Greater(h, len(events), 100, "it goes on trying")
		for i := 2; i < len(events); i++ {
			require.Equal(h, events[i-1].NextAttempt.Sub(h.began), times[i])
			require.Less(h, times[i]-times[i-1], 15*time.Second)
		}
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")), "tasks are taken meanwhile")
		h.master.Intercept(nil)
		require.NoError(h, h.sched.Teardown(ctx), "done as soon as the master is back")
		require.NoError(h, h.end())
	})
}

// once makes the first call of a type fail in this way.
func (h *harness) once(call calls.Call_Type, fault mesostest.Fault) {
	done := false
	h.master.Intercept(func(c *calls.Call) mesostest.Fault {
		if c.Type == call && !done {
			done = true
			return fault
		}
		return mesostest.Pass
	})
}

// A call that hangs is aborted after ten seconds, and made again a second later.
func TestHangingCall(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.once(calls.Call_REVIVE, mesostest.Hang)
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.Equal(h, 11*time.Second+100*time.Millisecond, time.Since(h.began))
	})
}

// A KILL that the master refuses, or whose answer is lost, is sent again.
func TestFailingKill(t *testing.T) {
	for _, fault := range []mesostest.Fault{http.StatusServiceUnavailable, http.StatusTooManyRequests, mesostest.Cut} {
		withHarness(t, mesostest.Config{Agents: agents(1), Reap: -1}, scheduler.Config{}, func(ctx context.Context, h *harness) {
			_, err := h.sched.Launch(ctx, sleeper("a"))
			require.NoError(h, err)
			h.at(10 * time.Second)
			h.once(calls.Call_KILL, fault)
			_, err = h.sched.Kill(ctx, "a")
			require.NoError(h, err)
			require.Equal(h, 11*time.Second, time.Since(h.began))
		})
	}
}

// While an ACCEPT hangs, updates are acknowledged, for they do not wait behind it; what waits
// behind it when the stream breaks is not lost.
func TestCallsBehindAHangingOne(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		h.at(50 * time.Millisecond)
		h.once(calls.Call_ACCEPT, mesostest.Hang)
		require.NoError(h, h.sched.Submit(ctx, sleeper("b")))
		h.at(time.Second)
		info, err := h.sched.Task(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
		require.Zero(h, h.master.Snapshot().Frameworks[0].Tasks[0].Unacked)

		require.NoError(h, h.sched.Submit(ctx, sleeper("c")))
		h.at(2 * time.Second)
		h.master.CutStreams()
		h.at(15 * time.Second)
		info, err = h.sched.Task(ctx, "c")
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
	})
}

// The outcome of an ACCEPT is unclear: a second later its offer is declined and the master is asked about the
// task, which it does not know; the task is launched again.
func TestUnclearAccept(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		h.once(calls.Call_ACCEPT, mesostest.Cut)
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.Equal(h, 2100*time.Millisecond, time.Since(h.began))
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("a"))
		h.at(time.Minute)
		require.Empty(h, h.master.Snapshot().Offers)
	})
}

// Launches that were not sent when a run ended are made by the next run.
func TestRunEndsWithLaunchesWaiting(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.once(calls.Call_ACCEPT, mesostest.Hang)
		big := sleeper("big") // one agent each
		big.CPUs = 4
		bigger := big
		bigger.ID = "bigger"
		require.NoError(h, h.sched.Submit(ctx, big))
		require.NoError(h, h.sched.Submit(ctx, bigger))
		h.at(time.Second)
		require.NoError(h, h.master.AddAgent(mesostest.Agent{}))
		require.NoError(h, h.master.AddAgent(mesostest.Agent{}))
		h.at(2 * time.Second)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)

		again, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- h.sched.Run(again) }()
		h.at(20 * time.Second)
		var states []task.State
		all, err := h.sched.Tasks(ctx)
		require.NoError(h, err)
		for _, info := range all {
			states = append(states, info.State)
		}
		require.Equal(h, []task.State{task.StateRunning, task.StateRunning}, states)
		stop()
		require.ErrorIs(h, <-ended, context.Canceled)
	})
}

func TestSubscribeStatuses(t *testing.T) {
	for status, final := range map[int]bool{
		http.StatusUnauthorized: true, http.StatusForbidden: true,
		http.StatusBadRequest: false, http.StatusMethodNotAllowed: false, http.StatusNotAcceptable: false, http.StatusUnsupportedMediaType: false, // without a master's text
		http.StatusTemporaryRedirect: false, http.StatusNotFound: false, http.StatusTooManyRequests: false,
		http.StatusInternalServerError: false, http.StatusServiceUnavailable: false,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				h.once(calls.Call_SUBSCRIBE, mesostest.Fault(status))
				h.master.CutStreams()
				h.at(time.Minute)
				events, _ := h.connections()
				last := events[len(events)-1]
				if !final {
					require.True(h, last.Connected)
					require.Error(h, events[len(events)-2].Err)
					return
				}
				var refused *scheduler.SubscribeError
				require.ErrorAs(h, h.end(), &refused)
				require.Equal(h, status, refused.Status)
				require.ErrorAs(h, last.Err, &refused)
				require.Zero(h, last.NextAttempt)
			})
		})
	}
}

// stateHandler calls a function when a task reaches a state, on the loop.
type stateHandler struct {
	slog.Handler
	state string
	call  func()
}

func (s stateHandler) Enabled(context.Context, slog.Level) bool { return true }

func (s stateHandler) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "state" && a.Value.String() == s.state {
			s.call()
		}
		return true
	})
	return nil
}

// A Launch whose context ends at the very moment of success has succeeded, or the task is killed:
// never an error while the task runs on.
func TestLaunchGivenUpTooLate(t *testing.T) {
	for range 50 {
		ctx, cancel := context.WithCancel(context.Background())
		config := scheduler.Config{Logger: slog.New(stateHandler{slog.DiscardHandler, "running", cancel})}
		withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(_ context.Context, h *harness) {
			_, err := h.sched.Launch(ctx, sleeper("a"))
			h.at(time.Minute)
			states := h.states("a")
			if err == nil {
				require.Equal(h, task.StateRunning, states[len(states)-1])
			} else {
				require.Equal(h, task.StateKilled, states[len(states)-1])
			}
		})
	}
}

// An event after SUBSCRIBED that cannot be decoded is skipped.
func TestGarbledEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &virtualnet.Network{}
		listener, err := network.Listen(address)
		require.NoError(t, err)
		subscribed, err := (&calls.Event{Type: calls.Event_SUBSCRIBED, Subscribed: &calls.Event_Subscribed{
			FrameworkID: &mesos.FrameworkID{Value: "fw"},
		}}).Marshal()
		require.NoError(t, err)
		server := &http.Server{Handler: http.HandlerFunc(func(h http.ResponseWriter, r *http.Request) {
			h.Header().Set("Content-Type", "application/x-protobuf")
			h.Header().Set("Mesos-Stream-Id", "1")
			fmt.Fprintf(h, "%d\n%s3\n???", len(subscribed), subscribed)
			_ = http.NewResponseController(h).Flush()
			<-r.Context().Done()
		})}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()

		s, err := scheduler.New(scheduler.Config{
			Master: address, Framework: scheduler.Framework{Name: "test"},
			DialContext: network.DialContext, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		events := s.Watch(context.Background())
		require.ErrorIs(t, s.Run(ctx), context.DeadlineExceeded)
		require.Equal(t, []scheduler.Event{scheduler.ConnectionEvent{Connected: true, FrameworkID: "fw"}}, slices.Collect(events))
	})
}

// Kills that take long do not accumulate: there is one for each task, and the calls behind them are not delayed.
func TestManySlowKills(t *testing.T) {
	const n = 500
	withHarness(t, mesostest.Config{Agents: agents(10)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		for i := range n {
			require.NoError(h, h.sched.Submit(ctx, task.Spec{ID: fmt.Sprint(i), CPUs: 0.01, Mem: 1, Command: task.Command{Shell: "sleep 3600"}}))
		}
		h.at(time.Minute)
		require.Len(h, h.master.Snapshot().Running, n)
		kills := 0
		h.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if c.GetType() == calls.Call_KILL {
				time.Sleep(20 * time.Millisecond) // on the master's loop: one after the other
				kills++
			}
			return mesostest.Pass
		})
		var killed sync.WaitGroup
		for i := range n {
			killed.Go(func() { _, _ = h.sched.Kill(ctx, fmt.Sprint(i)) })
		}
		killed.Wait()
		_, err := h.sched.Launch(ctx, sleeper("after"))
		require.NoError(h, err)
		require.Less(h, time.Since(h.began), time.Minute+n*20*time.Millisecond+time.Second)
		h.at(5 * time.Minute)
		require.Equal(h, n, kills)
	})
}
