package ha_test

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

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A member that is stopped on purpose hands over at that instant: the next one leads with the same framework and the whole
// table, nothing runs that did not, and nothing is said to the master but what the next one has to say.
func TestPlannedStop(t *testing.T) {
	inWorld(t, electiontest.Config{}, func(w *world) {
		w.launch(3)
		id := w.master.Snapshot().Frameworks[0].ID
		for i := range 3 { // the members one after the other
			w.at(time.Duration(i+1) * time.Minute)
			old := w.leader()
			require.NoError(w, old.sched.Submit(w.ctx, tooLarge(i))) // which holds offers, and keeps them coming
			w.at(time.Duration(i+1)*time.Minute + 10*time.Second)
			w.takeCalls()
			old.stop()
			<-old.ended
			require.ErrorIs(w, old.err, context.Canceled)
			synctest.Wait()
			require.NotEqual(w, old, w.leader())
			kinds, times := w.takeCalls()
			require.Equal(w, calls.Call_SUBSCRIBE, kinds[0], kinds)
			require.Equal(w, time.Duration(i+1)*time.Minute+10*time.Second, times[0], "at that instant")
			require.NotContains(w, kinds, calls.Call_TEARDOWN)
			require.NotContains(w, kinds, calls.Call_DECLINE)
			require.NotContains(w, kinds, calls.Call_KILL)
			_, err := w.leader().sched.Kill(w.ctx, fmt.Sprint("large-", i))
			require.NoError(w, err)
			all, err := w.leader().sched.Tasks(w.ctx)
			require.NoError(w, err)
			require.Len(w, all, 4+i)
			snapshot := w.master.Snapshot()
			require.Equal(w, id, snapshot.Frameworks[0].ID)
			require.Len(w, snapshot.Running, 3)
			w.start(old.member)
		}
	})
}

// Whoever stops leading sends nothing, on purpose or not: the end of its stream gives the offers that it holds back at that
// instant, as good as a DECLINE that refuses them for no time. On purpose that is at once; a leader that is cut off notices
// after the election's StepDown. The next one has them all again, and nothing is torn down.
func TestHeldOffersGoBack(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(w *world)
		late time.Duration
	}{
		"stopped":       {func(w *world) { w.leader().stop() }, 0},
		"hands over":    {func(w *world) { w.election.HandOver() }, 0},
		"loses its way": {func(w *world) { w.election.Cut(0) }, 250 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, electiontest.Config{Members: 1}, func(w *world) {
				w.processes[0].stop()
				<-w.processes[0].ended
				w.offers = scheduler.OfferPolicy{Hold: time.Hour}
				w.start(0)
				w.at(10 * time.Second)
				w.launch(1)
				w.at(20 * time.Second)
				require.NotEmpty(w, w.master.Snapshot().Offers, "kept for tasks to come")
				w.takeCalls()
				c.end(w)
				if c.late > 0 {
					w.at(20*time.Second + c.late - 1)
					require.NotEmpty(w, w.master.Snapshot().Offers)
					w.at(20*time.Second + c.late)
				}
				synctest.Wait()
				require.Empty(w, w.master.Snapshot().Offers)
				w.at(20*time.Second + time.Second)
				kinds, _ := w.takeCalls()
				require.Empty(w, kinds)
				if name == "hands over" { // to itself, after the pause of the election
					w.at(30 * time.Second)
					require.NotEmpty(w, w.master.Snapshot().Offers)
				}
				require.Len(w, w.master.Snapshot().Running, 1)
			})
		})
	}
}

// tooLarge fits on no agent.
func tooLarge(i int) task.Spec {
	spec := sleeper(fmt.Sprint("large-", i))
	spec.CPUs = 5000
	return spec
}

// A torn-down framework stays so: the member that has done it leaves with nil, and the others find it on record.
func TestTeardown(t *testing.T) {
	inWorld(t, electiontest.Config{}, func(w *world) {
		w.launch(2)
		first := w.leader()
		require.NoError(w, first.sched.Teardown(w.ctx))
		w.at(time.Minute)
		for _, p := range w.processes {
			<-p.ended
			if p == first {
				require.NoError(w, p.err)
				continue
			}
			var removed *scheduler.FrameworkRemovedError
			require.ErrorAs(w, p.err, &removed)
		}
		snapshot := w.master.Snapshot()
		require.Empty(w, snapshot.Frameworks)
		require.Empty(w, snapshot.Running)
		require.Equal(w, 1, snapshot.Calls[calls.Call_TEARDOWN])
	})
}

// An operator has ended the framework. The leader is told so, puts it on record and stops; the others find it there, and
// nobody registers another one.
func TestRemovedByOperator(t *testing.T) {
	inWorld(t, electiontest.Config{}, func(w *world) {
		w.launch(2)
		first := w.leader()
		w.at(10 * time.Second)
		id := w.master.Snapshot().Frameworks[0].ID
		require.NoError(w, w.master.Teardown(id))
		w.at(time.Minute)
		for _, p := range w.processes {
			<-p.ended
			var removed *scheduler.FrameworkRemovedError
			require.ErrorAs(w, p.err, &removed)
			require.Equal(w, id, removed.FrameworkID)
		}
		snapshot := w.master.Snapshot()
		require.Empty(w, snapshot.Frameworks)
		require.Equal(w, []string{id}, snapshot.Completed)
		require.Equal(w, 3, snapshot.Calls[calls.Call_SUBSCRIBE], "two to register, one to be told")
		require.Equal(w, 0, first.member)
	})
}

// A leader that was paused between its proof and its SUBSCRIBE evicts the one that leads by now. Its second proof fails and it
// closes; the rightful one ends its term, and the next term has the stream. That happens once.
func TestPausedLeaderEvictsOnce(t *testing.T) {
	inWorld(t, electiontest.Config{}, func(w *world) {
		w.launch(3)
		stale := w.leader()
		w.at(10 * time.Second)
		var paused atomic.Bool
		stale.dialing = func(context.Context) error {
			if paused.CompareAndSwap(false, true) {
				w.election.Pause(stale.member)
			}
			return nil
		}
		w.master.CutStreams() // it proves that it leads, and sleeps before it connects
		w.at(20 * time.Second)
		require.True(w, paused.Load())
		rightful := w.leader()
		if rightful == stale {
			rightful = w.processes[1]
		}
		require.True(w, w.election.Member(rightful.member).Status().Leads())
		require.EqualValues(w, 2, w.election.Member(rightful.member).Status().Term)
		w.takeCalls()

		w.election.Resume(stale.member)
		w.at(20 * time.Second)
		kinds, times := w.takeCalls()
		require.Equal(w, []calls.Call_Type{calls.Call_SUBSCRIBE, calls.Call_SUBSCRIBE}, kinds[:2], "the stale one, and that of the next term")
		require.Equal(w, times[0], times[1], "at the same instant")
		status := w.election.Member(2).Status()
		require.True(w, status.Leads(), "who was evicted pauses")
		require.EqualValues(w, 3, status.Term)

		w.at(time.Hour)
		kinds, _ = w.takeCalls()
		require.NotContains(w, kinds, calls.Call_SUBSCRIBE, "nobody evicts anybody any more")
		require.EqualValues(w, 3, w.election.Member(2).Status().Term)
		w.requireTasks("task-0", "task-1", "task-2")
		for _, p := range w.processes {
			select {
			case <-p.ended:
				require.Fail(w, "a member has left", p.err)
			default:
			}
		}
	})
}

// A scheduler outside the election subscribes with the framework's ID, again and again. Each member is evicted three times,
// says so and stops; nothing fights for ever. The foreign one begins after a minute, and again 10 s after it was evicted
// itself. A single member comes back 2 s after each eviction; of several, another one at once.
func TestForeignSchedulerStopsMembers(t *testing.T) {
	for members, last := range map[int]time.Duration{1: 84 * time.Second, 3: 144 * time.Second} {
		inWorld(t, electiontest.Config{Members: members}, func(w *world) {
			w.launch(2)
			w.at(time.Minute)
			records, err := w.election.Store().Load(w.ctx)
			require.NoError(w, err)
			copied := &ha.Memory{}
			require.NoError(w, copied.Apply(w.ctx, records))
			foreign, err := scheduler.New(scheduler.Config{
				Master: address, Framework: scheduler.Framework{Name: "test"}, DialContext: w.network.DialContext,
				Store: copied, Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(w, err)
			ctx, stop := context.WithCancel(w.ctx)
			done := make(chan error, 1)
			go func() {
				for {
					err := foreign.Run(ctx)
					if !errors.Is(err, scheduler.ErrEvicted) {
						done <- err
						return
					}
					time.Sleep(10 * time.Second)
				}
			}()
			defer func() {
				stop()
				<-done
			}()
			var latest time.Duration
			for _, p := range w.processes {
				<-p.ended
				latest = max(latest, time.Since(w.began))
				var alarm *ha.ForeignSchedulerError
				require.ErrorAs(w, p.err, &alarm)
				require.ErrorIs(w, alarm, scheduler.ErrEvicted)
				require.Equal(w, 3, alarm.Evictions)
			}
			require.Equal(w, last, latest)
			w.at(time.Hour)
			snapshot := w.master.Snapshot()
			require.Len(w, snapshot.Running, 2, "whoever leads, the tasks go on")
			require.Zero(w, snapshot.Calls[calls.Call_TEARDOWN])
			// Two of the registration; each eviction; and the next member's after each but the last.
			require.Equal(w, 2+3*members+3*members-1, snapshot.Calls[calls.Call_SUBSCRIBE])
		})
	}
}
