package scheduler

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// What docs/security.md says of calls per minute that fail: the pauses are 1 s, 2 s and so on up to a minute, less a quarter.
// After each there is a call, and one or two follow before the loop knows that it has failed.
const (
	mostCallsInFirstMinute = 20
	mostCallsPerMinute     = 6
	acksUnderWay           = 8 * ackConns * ackBatch // are made before the loop knows that the first has failed, at most
)

// failingTypes are the calls that a scheduler makes by itself.
func failingTypes() map[string][]scheduler.Call_Type {
	return map[string][]scheduler.Call_Type{
		"ACCEPT":             {scheduler.Call_ACCEPT},
		"DECLINE":            {scheduler.Call_DECLINE},
		"ACKNOWLEDGE":        {scheduler.Call_ACKNOWLEDGE},
		"KILL":               {scheduler.Call_KILL},
		"RECONCILE":          {scheduler.Call_RECONCILE},
		"REVIVE or SUPPRESS": {scheduler.Call_REVIVE, scheduler.Call_SUPPRESS},
		"UPDATE_FRAMEWORK":   {scheduler.Call_UPDATE_FRAMEWORK},
		"inverse":            {scheduler.Call_ACCEPT_INVERSE_OFFERS, scheduler.Call_DECLINE_INVERSE_OFFERS},
	}
}

// busyCluster answers SUBSCRIBE with updates about all tasks, and each second with offers.
func busyCluster(tasks int) func(a *exchange) {
	return func(a *exchange) {
		subscribed := subscribedEvent(ownID)
		subscribed.Subscribed.MasterInfo = &mesos.MasterInfo{ID: "m1", IP: 1, Port: proto(uint32(5050)), Version: proto("1.11.0")}
		a.stream(false, subscribed)
		for i := range tasks {
			a.event(&scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: mesos.TaskStatus{
				TaskID: mesos.TaskID{Value: fmt.Sprint("t", i)}, State: mesos.TASK_RUNNING.Enum(),
				AgentID: &mesos.AgentID{Value: "a1"}, UUID: fmt.Appendf(nil, "%016d", i),
			}}})
		}
		for second := 0; ; second++ {
			select {
			case <-a.request.Context().Done():
				return
			case <-time.After(time.Second):
			}
			agent := fmt.Sprint("a", second%10)
			a.event(offersEvent(offersOf([]string{fmt.Sprintf("o%d@%s:8:8192", second, agent)})))
			if second%10 == 0 {
				a.event(&scheduler.Event{Type: scheduler.Event_INVERSE_OFFERS, InverseOffers: &scheduler.Event_InverseOffers{InverseOffers: []mesos.InverseOffer{{
					OfferID: mesos.OfferID{Value: fmt.Sprint("i", second)}, FrameworkID: mesos.FrameworkID{Value: ownID}, AgentID: &mesos.AgentID{Value: "a1"},
				}}}})
			}
		}
	}
}

// busyRun runs a scheduler with tasks that run and are to be killed, and as many that are pending.
func busyRun(t *testing.T, tasks, minutes int, change func(*Scheduler, *settings), call func(*exchange, *scheduler.Call)) *oddRun {
	store := recordedStore(t)
	for i := range tasks {
		spec := specOf(fmt.Sprint("t", i), nil)
		var err error
		store["spec/"+spec.ID], err = record.EncodeSpec(&spec)
		require.NoError(t, err)
		store["task/"+spec.ID], err = record.EncodeTask(&record.Task{Info: record.NewInfo(task.Info{Spec: spec, State: task.StateRunning, AgentID: "a1"}), Confirmed: true})
		require.NoError(t, err)
	}
	master := &oddMaster{subscribe: busyCluster(tasks), call: call}
	return master.runWith(t, Config{Store: store}, minutes, change, func(ctx context.Context, s *Scheduler) {
		for i := range tasks {
			_ = s.Submit(ctx, specOf(fmt.Sprint("p", i), map[string]string{"cpus": "1", "like": "rack:r1"}))
			_ = s.Submit(ctx, specOf(fmt.Sprint("q", i), map[string]string{"cpus": "4"}))
		}
		for i := range tasks {
			go func() { _, _ = s.Kill(ctx, fmt.Sprint("t", i)) }()
		}
	})
}

func checkCallRate(run *oddRun, minutes int) (wrong []string) {
	for kind, types := range failingTypes() {
		for minute, n := range run.master.perMinute(minutes, types...) {
			most := mostCallsPerMinute
			if minute == 0 {
				most = mostCallsInFirstMinute
				if kind == "ACKNOWLEDGE" {
					most += acksUnderWay
				}
			}
			if n > most {
				wrong = append(wrong, fmt.Sprintf("%d calls %s in minute %d", n, kind, minute))
			}
		}
	}
	return wrong
}

// Whatever becomes of all calls, for ever, there are a few of each kind in a minute, however many wait.
func TestFailingCallsPerMinute(t *testing.T) {
	const minutes = 8
	tasks := 2500
	faults := []int{0, -1, http.StatusServiceUnavailable, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusGatewayTimeout, http.StatusNoContent}
	if testing.Short() {
		tasks, faults = 500, faults[:3]
	}
	for _, fault := range faults {
		synctest.Test(t, func(t *testing.T) {
			run := busyRun(t, tasks, minutes, nil, func(a *exchange, _ *scheduler.Call) {
				switch fault {
				case 0:
					a.reset()
				case -1:
					a.hang()
				default:
					a.status(fault, "no")
				}
			})
			require.ErrorIs(t, run.err, context.DeadlineExceeded)
			require.Len(t, run.events, 1, "the subscription goes on")
			require.Empty(t, checkCallRate(run, minutes), "fault %d", fault)
			for kind, types := range failingTypes() {
				made := 0
				for _, n := range run.master.perMinute(minutes, types...) {
					made += n
				}
				require.Greater(t, made, 2, "fault %d, %s", fault, kind)
			}
		})
	}
}

// TestFailingCallsPerMinuteControl is the negative test: a scheduler that forgets at once what has failed makes very many calls.
func TestFailingCallsPerMinuteControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forget := func(s *Scheduler, _ *settings) {
			s.decide = func(m *machine, now time.Time, in input) []action {
				m.backoff.reset(now)
				return m.step(now, in)
			}
		}
		run := busyRun(t, 100, 1, forget, func(a *exchange, _ *scheduler.Call) { a.status(http.StatusServiceUnavailable, "") })
		require.NotEmpty(t, checkCallRate(run, 1))
	})
}

// When calls succeed again, all that waited is made.
func TestCallsAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tasks = 2500
		began := time.Now()
		var mu sync.Mutex
		acknowledged, killed, launched := map[string]bool{}, map[string]bool{}, 0
		busyRun(t, tasks, 5, nil, func(a *exchange, c *scheduler.Call) {
			if time.Since(began) < 2*time.Minute {
				a.status(http.StatusServiceUnavailable, "")
				return
			}
			mu.Lock()
			defer mu.Unlock()
			switch c.Type {
			case scheduler.Call_ACKNOWLEDGE:
				acknowledged[c.Acknowledge.TaskID.Value] = true
			case scheduler.Call_KILL:
				killed[c.Kill.TaskID.Value] = true
			case scheduler.Call_ACCEPT:
				launched += len(launchedBy(c))
			}
			a.WriteHeader(http.StatusAccepted)
		})
		require.Len(t, acknowledged, tasks)
		require.Len(t, killed, tasks)
		require.Greater(t, launched, 100)
	})
}

// A master says by Retry-After when calls of a kind are to follow, up to a quarter of an hour. Other kinds go on.
func TestCallsObeyRetryAfter(t *testing.T) {
	for after, want := range map[string]time.Duration{"200": 200 * time.Second, "86400": 15 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			run := busyRun(t, 10, 60, nil, func(a *exchange, c *scheduler.Call) {
				if c.Type == scheduler.Call_KILL {
					a.Header().Set("Retry-After", after)
					a.status(http.StatusTooManyRequests, "")
					return
				}
				a.WriteHeader(http.StatusAccepted)
			})
			kills := run.master.calls[scheduler.Call_KILL]
			require.Greater(t, len(kills), 3)
			for i := range kills[1:] {
				pause := kills[i+1] - kills[i]
				require.True(t, pause == 0 || pause >= want, "%v", pause) // two may be under way
			}
			require.Greater(t, len(run.master.calls[scheduler.Call_DECLINE]), 100)
		})
	}
}
