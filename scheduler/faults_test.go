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
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.at(20 * time.Second)
		w.master.CutStreams()
		w.at(21 * time.Second)

		events, times := w.connections()
		require.Len(w, events, 3)
		require.Equal(w, 20*time.Second, times[1], "noticed at once")
		require.Error(w, events[1].Err)
		require.Equal(w, events[1].NextAttempt.Sub(w.began), times[2])
		require.Less(w, times[2]-times[1], 100*time.Millisecond)
		require.True(w, events[2].Connected)
		require.Equal(w, events[0].FrameworkID, events[2].FrameworkID)

		info, err := w.sched.Task(ctx, "a")
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
		_, err = w.sched.Launch(ctx, sleeper("b"))
		require.NoError(w, err, "the new subscription works")
	})
}

// The link goes silent: it counts as lost five heartbeats after the last word, at 15 s.
func TestSilentLink(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		w.at(20 * time.Second)
		w.master.Silence(true)
		w.at(90*time.Second - 1)
		_, times := w.connections()
		require.Len(w, times, 1)
		w.at(90 * time.Second)
		events, times := w.connections()
		require.Equal(w, 90*time.Second, times[1])
		require.False(w, events[1].Connected)
		w.master.Silence(false)
		w.at(3 * time.Minute)
		events, _ = w.connections()
		require.True(w, events[len(events)-1].Connected)
	})
}

// A master that accepts the connection and never answers is noticed as well.
func TestHangingSubscribe(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{MissedHeartbeats: 2}, func(ctx context.Context, w *world) {
		w.at(time.Second)
		w.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if c.Type == calls.Call_SUBSCRIBE {
				return mesostest.Hang
			}
			return mesostest.Pass
		})
		w.master.CutStreams()
		synctest.Wait()
		events, _ := w.connections()
		attempt := events[1].NextAttempt
		time.Sleep(time.Until(attempt.Add(30 * time.Second)))
		synctest.Wait()
		events, times := w.connections()
		require.Len(w, events, 3)
		require.Equal(w, attempt.Add(30*time.Second), w.began.Add(times[2]))
		w.master.Intercept(nil)
		w.at(2 * time.Minute)
		events, _ = w.connections()
		require.True(w, events[len(events)-1].Connected)
	})
}

// Calls that fail on their way: whatever happens to one of each kind, the task runs in the end.
func TestFailingCalls(t *testing.T) {
	for _, call := range []calls.Call_Type{calls.Call_REVIVE, calls.Call_ACCEPT, calls.Call_DECLINE, calls.Call_SUPPRESS, calls.Call_ACKNOWLEDGE} {
		for _, fault := range []mesostest.Fault{http.StatusServiceUnavailable, http.StatusForbidden, http.StatusBadRequest} {
			t.Run(call.String()+http.StatusText(int(fault)), func(t *testing.T) {
				inWorld(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{}, func(ctx context.Context, w *world) {
					once := true
					w.master.Intercept(func(c *calls.Call) mesostest.Fault {
						if c.Type == call && once {
							once = false
							return fault
						}
						return mesostest.Pass
					})
					info, err := w.sched.Launch(ctx, sleeper("a"))
					require.NoError(w, err)
					require.Equal(w, task.Running, info.State)
					w.at(time.Minute)
					state := w.master.Snapshot()
					require.Empty(w, state.Offers, "what was not used was given back")
					require.Len(w, state.Frameworks[0].Tasks, 1)
					require.Zero(w, state.Frameworks[0].Tasks[0].Unacked)
					again, _ := w.connections()
					if fault == http.StatusForbidden {
						require.Len(w, again, 3, "the master knows no subscription")
					} else {
						require.Len(w, again, 1, "the subscription is as it was")
					}
				})
			})
		}
	}
}

func TestWithoutMaster(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{DialContext: nil}, func(ctx context.Context, w *world) {
		w.master.Intercept(func(*calls.Call) mesostest.Fault { return mesostest.Cut })
		w.at(time.Second)
		w.master.CutStreams()
		w.at(time.Hour)
		events, times := w.connections()
		require.Greater(w, len(events), 100, "it goes on trying")
		for i := 2; i < len(events); i++ {
			require.Equal(w, events[i-1].NextAttempt.Sub(w.began), times[i])
			require.Less(w, times[i]-times[i-1], 15*time.Second)
		}
		require.NoError(w, w.sched.Submit(ctx, sleeper("a")), "tasks are taken meanwhile")
		w.master.Intercept(nil)
		require.NoError(w, w.sched.Teardown(ctx), "done as soon as the master is back")
		require.NoError(w, w.end())
	})
}

// once gives the first call of a type the fault, and returns when that was.
func (w *world) once(call calls.Call_Type, fault mesostest.Fault) {
	done := false
	w.master.Intercept(func(c *calls.Call) mesostest.Fault {
		if c.Type == call && !done {
			done = true
			return fault
		}
		return mesostest.Pass
	})
}

// A call that hangs is given up after ten seconds, and made again a second later.
func TestHangingCall(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		w.once(calls.Call_REVIVE, mesostest.Hang)
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		require.Equal(w, 11*time.Second+100*time.Millisecond, time.Since(w.began))
	})
}

// A KILL that the master refuses, or whose answer is lost, is sent again.
func TestFailingKill(t *testing.T) {
	for _, fault := range []mesostest.Fault{http.StatusServiceUnavailable, http.StatusTooManyRequests, mesostest.Cut} {
		inWorld(t, mesostest.Config{Agents: agents(1), Reap: -1}, scheduler.Config{}, func(ctx context.Context, w *world) {
			_, err := w.sched.Launch(ctx, sleeper("a"))
			require.NoError(w, err)
			w.at(10 * time.Second)
			w.once(calls.Call_KILL, fault)
			_, err = w.sched.Kill(ctx, "a")
			require.NoError(w, err)
			require.Equal(w, 11*time.Second, time.Since(w.began))
		})
	}
}

// While an ACCEPT hangs, updates are acknowledged, for they do not wait behind it; what waits
// behind it when the stream breaks is not lost.
func TestCallsBehindAHangingOne(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		require.NoError(w, w.sched.Submit(ctx, sleeper("a")))
		w.at(50 * time.Millisecond)
		w.once(calls.Call_ACCEPT, mesostest.Hang)
		require.NoError(w, w.sched.Submit(ctx, sleeper("b")))
		w.at(time.Second)
		info, err := w.sched.Task(ctx, "a")
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
		require.Zero(w, w.master.Snapshot().Frameworks[0].Tasks[0].Unacked)

		require.NoError(w, w.sched.Submit(ctx, sleeper("c")))
		w.at(2 * time.Second)
		w.master.CutStreams()
		w.at(15 * time.Second)
		info, err = w.sched.Task(ctx, "c")
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
	})
}

// An ACCEPT of which nobody knows whether it arrived: a second later its offer is given back and
// the master asked for the task, which it does not know; the task is launched again.
func TestUnclearAccept(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		w.at(time.Second)
		w.once(calls.Call_ACCEPT, mesostest.Cut)
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		require.Equal(w, 2100*time.Millisecond, time.Since(w.began))
		require.Equal(w, []task.State{task.Pending, task.Staging, task.Pending, task.Staging, task.Starting, task.Running}, w.states("a"))
		w.at(time.Minute)
		require.Empty(w, w.master.Snapshot().Offers)
	})
}

// The launches that had not left when a run ended are made by the next.
func TestRunEndsWithLaunchesWaiting(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		w.once(calls.Call_ACCEPT, mesostest.Hang)
		big := sleeper("big") // one agent each
		big.CPUs = 4
		bigger := big
		bigger.ID = "bigger"
		require.NoError(w, w.sched.Submit(ctx, big))
		require.NoError(w, w.sched.Submit(ctx, bigger))
		w.at(time.Second)
		require.NoError(w, w.master.AddAgent(mesostest.Agent{}))
		require.NoError(w, w.master.AddAgent(mesostest.Agent{}))
		w.at(2 * time.Second)
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)

		again, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- w.sched.Run(again) }()
		w.at(20 * time.Second)
		var states []task.State
		all, err := w.sched.Tasks(ctx)
		require.NoError(w, err)
		for _, info := range all {
			states = append(states, info.State)
		}
		require.Equal(w, []task.State{task.Running, task.Running}, states)
		stop()
		require.ErrorIs(w, <-ended, context.Canceled)
	})
}

func TestSubscribeStatuses(t *testing.T) {
	for status, final := range map[int]bool{
		http.StatusBadRequest: true, http.StatusUnauthorized: true, http.StatusForbidden: true,
		http.StatusTemporaryRedirect: false, http.StatusNotFound: false, http.StatusTooManyRequests: false,
		http.StatusInternalServerError: false, http.StatusServiceUnavailable: false,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			inWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
				w.at(time.Second)
				w.once(calls.Call_SUBSCRIBE, mesostest.Fault(status))
				w.master.CutStreams()
				w.at(time.Minute)
				events, _ := w.connections()
				last := events[len(events)-1]
				if !final {
					require.True(w, last.Connected)
					require.Error(w, events[len(events)-2].Err)
					return
				}
				var refused *scheduler.SubscribeError
				require.ErrorAs(w, w.end(), &refused)
				require.Equal(w, status, refused.Status)
				require.ErrorAs(w, last.Err, &refused)
				require.Zero(w, last.NextAttempt)
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

func (h stateHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h stateHandler) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "state" && a.Value.String() == h.state {
			h.call()
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
		inWorld(t, mesostest.Config{Agents: agents(1)}, config, func(_ context.Context, w *world) {
			_, err := w.sched.Launch(ctx, sleeper("a"))
			w.at(time.Minute)
			states := w.states("a")
			if err == nil {
				require.Equal(w, task.Running, states[len(states)-1])
			} else {
				require.Equal(w, task.Killed, states[len(states)-1])
			}
		})
	}
}

// An event that makes no sense costs nothing but itself.
func TestGarbledEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &virtualnet.Network{}
		listener, err := network.Listen(address)
		require.NoError(t, err)
		subscribed, err := (&calls.Event{Type: calls.Event_SUBSCRIBED, Subscribed: &calls.Event_Subscribed{
			FrameworkID: &mesos.FrameworkID{Value: "fw"},
		}}).Marshal()
		require.NoError(t, err)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			w.Header().Set("Mesos-Stream-Id", "1")
			fmt.Fprintf(w, "3\n???%d\n%s", len(subscribed), subscribed)
			_ = http.NewResponseController(w).Flush()
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

// Kills that take long are not piled up: each task gets one, and what comes behind them is not held up.
func TestManySlowKills(t *testing.T) {
	const n = 500
	inWorld(t, mesostest.Config{Agents: agents(10)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		for i := range n {
			require.NoError(w, w.sched.Submit(ctx, task.Spec{ID: fmt.Sprint(i), CPUs: 0.01, Mem: 1, Command: task.Command{Shell: "sleep 3600"}}))
		}
		w.at(time.Minute)
		require.Len(w, w.master.Snapshot().Running, n)
		kills := 0
		w.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if c.GetType() == calls.Call_KILL {
				time.Sleep(20 * time.Millisecond) // on the master's loop: one after the other
				kills++
			}
			return mesostest.Pass
		})
		var killed sync.WaitGroup
		for i := range n {
			killed.Go(func() { _, _ = w.sched.Kill(ctx, fmt.Sprint(i)) })
		}
		killed.Wait()
		_, err := w.sched.Launch(ctx, sleeper("after"))
		require.NoError(w, err)
		require.Less(w, time.Since(w.began), time.Minute+n*20*time.Millisecond+time.Second)
		w.at(5 * time.Minute)
		require.Equal(w, n, kills)
	})
}
