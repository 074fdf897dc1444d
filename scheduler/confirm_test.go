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
			inIdleWorldOf(t, threeMasters(), mesostest.Config{}, scheduler.Config{Master: c.master, Store: c.store}, func(ctx context.Context, w *world) {
				d := w.keep()
				w.dialing = func(_ context.Context, address string) error { d.add("dial " + address); return nil }
				w.lead(ctx, scheduler.Term{Confirm: d.confirm()})
				w.at(time.Second)
				require.Equal(w, c.want, d.take())
				events, times := w.connections()
				require.Len(w, events, 1)
				require.Zero(w, times[0])
				w.master.CutStreams()
				w.at(20 * time.Second)
				require.Equal(w, c.again, d.take())
			})
		})
	}
}

var errNoQuorum = errors.New("no quorum")

// Without a proof before SUBSCRIBE there is none. It is asked for again after a pause.
func TestNotConfirmed(t *testing.T) {
	inIdleWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		d := w.keep()
		w.lead(ctx, scheduler.Term{Confirm: d.confirm(errNoQuorum, fmt.Errorf("wrapped: %w", errNoQuorum), unsure{})})
		w.at(time.Second)
		lines, asked := d.takeTimes()
		require.Equal(w, []string{"confirm", "confirm", "confirm", "confirm", "SUBSCRIBE", "confirm"}, lines)
		events, times := w.connections()
		require.Len(w, events, 4)
		for i, e := range events[:3] {
			require.False(w, e.Connected)
			require.ErrorContains(w, e.Err, "leadership is not confirmed: ")
			require.Equal(w, asked[i], times[i], "told at once")
			require.Equal(w, e.NextAttempt.Sub(w.began), asked[i+1], "tried again at the announced instant")
			require.LessOrEqual(w, asked[i+1]-asked[i], 100*time.Millisecond<<i, "the pauses are those of any other failure")
		}
		require.ErrorIs(w, events[0].Err, errNoQuorum)
		require.ErrorIs(w, events[1].Err, errNoQuorum)
		require.ErrorIs(w, events[2].Err, unsure{})
		require.True(w, events[3].Connected)
	})
}

// Without a proof after SUBSCRIBED the stream is closed unread. Nothing is sent on it, though there is much to be
// said: a task to be killed, one to be launched, all to be reconciled.
func TestNotConfirmedAfterSubscribed(t *testing.T) {
	inIdleWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: &testStore{}}, func(ctx context.Context, w *world) {
		d, fails := w.keep(), make(chan error, 2)
		w.lead(ctx, scheduler.Term{Confirm: func(context.Context) error {
			d.add("confirm")
			select {
			case err := <-fails:
				return err
			default:
				return nil
			}
		}})
		_, err := w.sched.Launch(ctx, sleeper("killed"))
		require.NoError(w, err)
		w.at(time.Second)
		w.once(calls.Call_KILL, mesostest.Swallow)
		killed := make(chan error, 1)
		go func() {
			_, err := w.sched.Kill(ctx, "killed")
			killed <- err
		}()
		w.at(2 * time.Second)
		w.keepIn(d)
		d.take()
		fails <- nil
		fails <- errNoQuorum
		w.master.CutStreams()
		synctest.Wait()
		require.NoError(w, w.sched.Submit(ctx, sleeper("pending")))
		w.at(3 * time.Second)

		lines := d.take()
		require.Equal(w, []string{"confirm", "SUBSCRIBE", "confirm", "confirm", "SUBSCRIBE", "confirm"}, lines[:6])
		require.Contains(w, lines[6:], "RECONCILE")
		require.Contains(w, lines[6:], "KILL")
		require.Contains(w, lines[6:], "ACCEPT")
		require.NoError(w, <-killed)
		events, _ := w.connections()
		require.Len(w, events, 4)
		require.ErrorIs(w, events[2].Err, errNoQuorum)
		require.True(w, events[3].Connected, "connected again without having been so in between")
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
			inIdleWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: &testStore{}}, func(ctx context.Context, w *world) {
				d, again := w.keep(), make(chan func(context.Context) error, 1)
				again <- d.confirm()
				w.lead(ctx, scheduler.Term{Confirm: func(ctx context.Context) error {
					f := <-again
					again <- f
					return f(ctx)
				}})
				_, err := w.sched.Launch(ctx, sleeper("a"))
				require.NoError(w, err)
				launched := make(chan error, 1)
				go func() {
					big := sleeper("waits")
					big.CPUs = 1000
					_, err := w.sched.Launch(ctx, big)
					launched <- err
				}()
				events := w.sched.Watch(context.Background())
				w.at(10 * time.Second)
				d.take()
				<-again
				again <- d.confirm(c.errs...)
				w.master.CutStreams()
				began := time.Since(w.began)
				w.requireFenced(ctx, w.end(), launched)
				require.Less(w, time.Since(w.began)-began, 100*time.Millisecond, "by the first attempt")
				require.Equal(w, c.want, d.take())
				var last scheduler.Event
				for e := range events {
					last = e
				}
				require.ErrorAs(w, last.(scheduler.ConnectionEvent).Err, new(*scheduler.FencedError))
				w.at(time.Hour)
				require.Empty(w, d.take())
				require.Len(w, w.master.Snapshot().Running, 1, "tasks live on")
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
		check     func(w *world, err error)
	}{
		"hangs": {hang, 10 * time.Second, func(w *world, err error) {
			require.ErrorContains(w, err, "Confirm took longer than 10s")
		}},
		"panics": {func(context.Context) error { panic(errNoQuorum) }, 0, func(w *world, err error) {
			var panicked *scheduler.PanicError
			require.ErrorAs(w, err, &panicked)
			require.Equal(w, "Confirm", panicked.Who)
			require.ErrorIs(w, err, errNoQuorum)
		}},
	} {
		for _, nth := range []int{1, 2} {
			t.Run(fmt.Sprint(name, nth), func(t *testing.T) {
				inIdleWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
					d, asked := w.keep(), 0
					w.lead(ctx, scheduler.Term{Confirm: func(ctx context.Context) error {
						d.add("confirm")
						if asked++; asked == nth {
							return c.misbehave(ctx)
						}
						return nil
					}})
					w.at(time.Minute)
					events, times := w.connections()
					require.Len(w, events, 2)
					c.check(w, events[0].Err)
					require.Equal(w, c.takes, times[0])
					require.True(w, events[1].Connected)
					require.Equal(w, events[0].NextAttempt.Sub(w.began), times[1])
					require.Equal(w, map[int][]string{
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
	inIdleWorldOf(t, threeMasters(), mesostest.Config{}, config, func(ctx context.Context, w *world) {
		var dials, asked, busy atomic.Int32
		w.dialing = func(context.Context, string) error {
			if dials.Add(1) == 1 { // the first master takes its time, and has another one asked
				time.Sleep(14 * time.Second)
				return errNoQuorum
			}
			return nil
		}
		w.lead(ctx, scheduler.Term{Confirm: func(ctx context.Context) error {
			require.EqualValues(w, 1, busy.Add(1))
			defer busy.Add(-1)
			if asked.Add(1) == 2 { // at 14 s; a second later the subscription is given up
				<-ctx.Done()
				require.Equal(w, 15*time.Second, time.Since(w.began))
				time.Sleep(3 * time.Second)
				require.EqualValues(w, 2, asked.Load())
			}
			return nil
		}})
		w.at(17 * time.Second)
		require.EqualValues(w, 2, asked.Load())
		w.at(time.Minute)
		events, times := w.connections()
		require.Equal(w, 15*time.Second, times[0])
		require.True(w, events[1].Connected)
		require.Equal(w, 18*time.Second, times[1])
	})
}

// A process was paused between the proof and SUBSCRIBE. It evicts the one that leads by now, for that instant only:
// the next proof fails, nothing is sent, and that one leads again. What runs knows nothing of it.
func TestPausedLeader(t *testing.T) {
	e := &election{}
	inIdleWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		paused := make(chan struct{})
		var pause atomic.Bool
		w.dialing = func(context.Context, string) error {
			if pause.Load() {
				<-paused
			}
			return nil
		}
		w.lead(ctx, e.elect())
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.at(10 * time.Second)
		pause.Store(true)
		w.master.CutStreams()
		w.at(20 * time.Second)

		s, err := scheduler.New(scheduler.Config{Master: address, Framework: scheduler.Framework{Name: "test"},
			DialContext: w.network.DialContext, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(w, err)
		rightful := make(chan error, 1)
		go func() { rightful <- s.Lead(ctx, e.elect()) }()
		synctest.Wait()
		_, err = s.Launch(ctx, sleeper("b"))
		require.NoError(w, err)
		w.at(40 * time.Second)

		d := w.keep()
		close(paused)
		require.ErrorIs(w, <-rightful, scheduler.ErrEvicted)
		var fenced *scheduler.FencedError
		require.ErrorAs(w, w.end(), &fenced)
		require.Equal(w, 40*time.Second, time.Since(w.began), "both at once")
		require.Equal(w, []string{"SUBSCRIBE"}, d.take(), "nothing but that")

		events := s.Watch(ctx)
		go w.collect(events)
		go func() { rightful <- s.Lead(ctx, e.elect()) }()
		synctest.Wait()
		for _, id := range []string{"a", "b"} {
			info, err := s.Task(ctx, id)
			require.NoError(w, err)
			require.Equal(w, task.Running, info.State)
		}
		w.at(time.Hour)
		require.Empty(w, rightful)
		require.Len(w, w.master.Snapshot().Running, 2)
		require.Equal(w, []task.State{task.Pending, task.Staging, task.Starting, task.Running}, w.states("a"), "nobody noticed")
		require.True(w, w.master.Snapshot().Frameworks[0].Connected)
	})
}
