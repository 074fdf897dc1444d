package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Before each SUBSCRIBE there is a proof, and another one before anything of its stream is acted upon.
func TestConfirm(t *testing.T) {
	const m0, m1, m2 = "dial m0.example:5050", "dial m1.example:5050", "dial m2.example:5050"
	for name, c := range map[string]struct {
		master string
		store  scheduler.Store
		want   []string
		again  []string // after the stream has ended
	}{
		"one": {"m0.example:5050", nil,
			[]string{"confirm", m0, "SUBSCRIBE", "confirm"},
			[]string{"confirm", m0, "SUBSCRIBE", "confirm", m0, "RECONCILE"}},
		"redirected": {"m2.example:5050", nil,
			[]string{"confirm", m2, m0, "SUBSCRIBE", "confirm"},
			[]string{"confirm", m2, m0, "SUBSCRIBE", "confirm", m0, "RECONCILE"}},
		"of a list": {"gone.example:5050,m1.example:5050", nil,
			[]string{"confirm", "dial gone.example:5050", "confirm", m1, m0, "SUBSCRIBE", "confirm"},
			[]string{"confirm", m1, m0, "SUBSCRIBE", "confirm", m0, "RECONCILE"}},
		"a new framework": {"m0.example:5050", &testStore{},
			[]string{"confirm", m0, "SUBSCRIBE", "confirm", "confirm", m0, "SUBSCRIBE", "confirm", m0, "RECONCILE"},
			[]string{"confirm", m0, "SUBSCRIBE", "confirm", "RECONCILE"}},
	} {
		t.Run(name, func(t *testing.T) {
			withIdleScheduler(t, threeMasters(), mesostest.Config{}, scheduler.Config{Master: c.master, Store: c.store}, func(ctx context.Context, h *harness) {
				d := h.keep()
				h.dialing = func(_ context.Context, address string) error { d.add("dial " + address); return nil }
				h.lead(ctx, scheduler.Term{Confirm: d.confirm()})
				h.at(time.Second)
				require.Equal(h, c.want, d.take())
				events, times := h.connections()
				require.Len(h, events, 1)
				require.Zero(h, times[0])
				h.master.CutStreams()
				h.at(20 * time.Second)
				require.Equal(h, c.again, d.take())
			})
		})
	}
}

var errNoQuorum = errors.New("no quorum")

// Without a proof before SUBSCRIBE there is none. It is asked for again after a pause.
func TestNotConfirmed(t *testing.T) {
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		d := h.keep()
		h.lead(ctx, scheduler.Term{Confirm: d.confirm(errNoQuorum, fmt.Errorf("wrapped: %w", errNoQuorum), unsure{})})
		h.at(time.Second)
		lines, asked := d.takeTimes()
		require.Equal(h, []string{"confirm", "confirm", "confirm", "confirm", "SUBSCRIBE", "confirm"}, lines)
		events, times := h.connections()
		require.Len(h, events, 4)
		for i, e := range events[:3] {
			require.False(h, e.Connected)
			require.ErrorContains(h, e.Err, "leadership is not confirmed: ")
			require.Equal(h, asked[i], times[i], "told at once")
			require.Equal(h, e.NextAttempt.Sub(h.began), asked[i+1], "tried again at the announced instant")
			require.LessOrEqual(h, asked[i+1]-asked[i], 100*time.Millisecond<<i, "the pauses are those of any other failure")
		}
		require.ErrorIs(h, events[0].Err, errNoQuorum)
		require.ErrorIs(h, events[1].Err, errNoQuorum)
		require.ErrorIs(h, events[2].Err, unsure{})
		require.True(h, events[3].Connected)
	})
}

// Without a proof after SUBSCRIBED the stream is closed unread. Nothing is sent on it, though there is much to be
// said: a task to be killed, one to be launched, all to be reconciled.
func TestNotConfirmedAfterSubscribed(t *testing.T) {
	withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: &testStore{}}, func(ctx context.Context, h *harness) {
		d, fails := h.keep(), make(chan error, 2)
		h.lead(ctx, scheduler.Term{Confirm: func(context.Context) error {
			d.add("confirm")
			select {
			case err := <-fails:
				return err
			default:
				return nil
			}
		}})
		_, err := h.sched.Launch(ctx, sleeper("killed"))
		require.NoError(h, err)
		h.at(time.Second)
		h.once(calls.Call_KILL, mesostest.Swallow)
		killed := make(chan error, 1)
		go func() {
			_, err := h.sched.Kill(ctx, "killed")
			killed <- err
		}()
		h.at(2 * time.Second)
		h.keepIn(d)
		d.take()
		fails <- nil
		fails <- errNoQuorum
		h.master.CutStreams()
		synctest.Wait()
		require.NoError(h, h.sched.Submit(ctx, sleeper("pending")))
		h.at(3 * time.Second)

		lines := d.take()
		require.Equal(h, []string{"confirm", "SUBSCRIBE", "confirm", "confirm", "SUBSCRIBE", "confirm"}, lines[:6])
		require.Contains(h, lines[6:], "RECONCILE")
		require.Contains(h, lines[6:], "KILL")
		require.Contains(h, lines[6:], "ACCEPT")
		require.NoError(h, <-killed)
		events, _ := h.connections()
		require.Len(h, events, 4)
		require.ErrorIs(h, events[2].Err, errNoQuorum)
		require.True(h, events[3].Connected, "connected again without having been so in between")
	})
}

// A process that does not lead any more ends, and sends nothing after that.
func TestConfirmedDeposed(t *testing.T) {
	for name, c := range map[string]struct {
		errs []error
		want []string
	}{
		"before SUBSCRIBE": {[]error{deposed{"b"}}, []string{"confirm"}},
		"after SUBSCRIBED": {[]error{nil, fmt.Errorf("term 3: %w", deposed{"b"})}, []string{"confirm", "SUBSCRIBE", "confirm"}},
		"joined":           {[]error{errors.Join(errNoQuorum, unsure{}, deposed{"b"})}, []string{"confirm"}},
	} {
		t.Run(name, func(t *testing.T) {
			withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: &testStore{}}, func(ctx context.Context, h *harness) {
				d, again := h.keep(), make(chan func(context.Context) error, 1)
				again <- d.confirm()
				h.lead(ctx, scheduler.Term{Confirm: func(ctx context.Context) error {
					f := <-again
					again <- f
					return f(ctx)
				}})
				_, err := h.sched.Launch(ctx, sleeper("a"))
				require.NoError(h, err)
				launched := make(chan error, 1)
				go func() {
					big := sleeper("waits")
					big.CPUs = 1000
					_, err := h.sched.Launch(ctx, big)
					launched <- err
				}()
				events := h.sched.Watch(context.Background())
				h.at(10 * time.Second)
				d.take()
				<-again
				again <- d.confirm(c.errs...)
				h.master.CutStreams()
				began := time.Since(h.began)
				h.requireFenced(ctx, h.end(), launched)
				require.Less(h, time.Since(h.began)-began, 100*time.Millisecond, "by the first attempt")
				require.Equal(h, c.want, d.take())
				var last scheduler.Event
				for e := range events {
					last = e
				}
				require.ErrorAs(h, last.(scheduler.ConnectionEvent).Err, new(*scheduler.FencedError))
				h.at(time.Hour)
				require.Empty(h, d.take())
				require.Len(h, h.master.Snapshot().Running, 1, "tasks live on")
			})
		})
	}
}

// One that hangs is given up after ten seconds, one that panics is contained: leadership is not confirmed then.
func TestConfirmMisbehaves(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
	for name, c := range map[string]struct {
		misbehave func(context.Context) error
		takes     time.Duration
		check     func(h *harness, err error)
	}{
		"hangs": {hang, 10 * time.Second, func(h *harness, err error) {
			require.ErrorContains(h, err, "Confirm took longer than 10s")
		}},
		"panics": {func(context.Context) error { panic(errNoQuorum) }, 0, func(h *harness, err error) {
			var panicked *scheduler.PanicError
			require.ErrorAs(h, err, &panicked)
			require.Equal(h, "Confirm", panicked.Who)
			require.ErrorIs(h, err, errNoQuorum)
		}},
	} {
		for _, nth := range []int{1, 2} {
			t.Run(fmt.Sprint(name, nth), func(t *testing.T) {
				withIdleHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
					d, asked := h.keep(), 0
					h.lead(ctx, scheduler.Term{Confirm: func(ctx context.Context) error {
						d.add("confirm")
						if asked++; asked == nth {
							return c.misbehave(ctx)
						}
						return nil
					}})
					h.at(time.Minute)
					events, times := h.connections()
					require.Len(h, events, 2)
					c.check(h, events[0].Err)
					require.Equal(h, c.takes, times[0])
					require.True(h, events[1].Connected)
					require.Equal(h, events[0].NextAttempt.Sub(h.began), times[1])
					require.Equal(h, map[int][]string{
						1: {"confirm", "confirm", "SUBSCRIBE", "confirm"},
						2: {"confirm", "SUBSCRIBE", "confirm", "confirm", "SUBSCRIBE", "confirm"},
					}[nth], d.take())
				})
			})
		}
	}
}

// Confirm is called once at a time, even if one returns long after its stream was given up.
func TestConfirmsOneAtATime(t *testing.T) {
	config := scheduler.Config{Master: "m0.example:5050,m1.example:5050", MissedHeartbeats: 1}
	withIdleScheduler(t, threeMasters(), mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		var dials, asked, busy atomic.Int32
		h.dialing = func(context.Context, string) error {
			if dials.Add(1) == 1 { // the first master takes its time, and has another one asked
				time.Sleep(14 * time.Second)
				return errNoQuorum
			}
			return nil
		}
		h.lead(ctx, scheduler.Term{Confirm: func(ctx context.Context) error {
			require.EqualValues(h, 1, busy.Add(1))
			defer busy.Add(-1)
			if asked.Add(1) == 2 { // at 14 s; a second later the subscription is given up
				<-ctx.Done()
				require.Equal(h, 15*time.Second, time.Since(h.began))
				time.Sleep(3 * time.Second)
				require.EqualValues(h, 2, asked.Load())
			}
			return nil
		}})
		h.at(17 * time.Second)
		require.EqualValues(h, 2, asked.Load())
		h.at(time.Minute)
		events, times := h.connections()
		require.Equal(h, 15*time.Second, times[0])
		require.True(h, events[1].Connected)
		require.Equal(h, 18*time.Second, times[1])
	})
}

// A process was paused between the proof and SUBSCRIBE. It evicts the one that leads by now, for that instant only:
// the next proof fails, nothing is sent, and that one leads again. What runs knows nothing of it.
func TestPausedLeader(t *testing.T) {
	e := &election{}
	withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		paused := make(chan struct{})
		var pause atomic.Bool
		h.dialing = func(context.Context, string) error {
			if pause.Load() {
				<-paused
			}
			return nil
		}
		h.lead(ctx, e.elect())
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(10 * time.Second)
		pause.Store(true)
		h.master.CutStreams()
		h.at(20 * time.Second)

		s, err := scheduler.New(scheduler.Config{Master: address, Framework: scheduler.Framework{Name: "test"},
			DialContext: h.network.DialContext, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(h, err)
		rightful := make(chan error, 1)
		go func() { rightful <- s.Lead(ctx, e.elect()) }()
		synctest.Wait()
		_, err = s.Launch(ctx, sleeper("b"))
		require.NoError(h, err)
		h.at(24 * time.Second)

		d := h.keep()
		close(paused)
		require.ErrorIs(h, <-rightful, scheduler.ErrEvicted)
		var fenced *scheduler.FencedError
		require.ErrorAs(h, h.end(), &fenced)
		require.Equal(h, 24*time.Second, time.Since(h.began), "both at once")
		require.Equal(h, []string{"SUBSCRIBE"}, d.take(), "nothing but that")

		events := s.Watch(ctx)
		go h.collect(events)
		go func() { rightful <- s.Lead(ctx, e.elect()) }()
		synctest.Wait()
		for _, id := range []string{"a", "b"} {
			info, err := s.Task(ctx, id)
			require.NoError(h, err)
			require.Equal(h, task.StateRunning, info.State)
		}
		h.at(time.Hour)
		require.Empty(h, rightful)
		require.Len(h, h.master.Snapshot().Running, 2)
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("a"), "nobody noticed")
		require.True(h, h.master.Snapshot().Frameworks[0].Connected)
	})
}
