package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// witness counts beside the scheduler, by what the master and WatchRaw see.
type witness struct {
	mu                 sync.Mutex
	handled, refused   map[calls.Call_Type]uint64
	events             map[calls.Event_Type]uint64
	offers             uint64
	accepted, declined uint64 // offers
	refuse             map[calls.Call_Type]bool
}

// watch counts what comes and goes from now on.
func (w *witness) watch(ctx context.Context, h *harness) (wait func()) {
	w.handled, w.refused, w.events = map[calls.Call_Type]uint64{}, map[calls.Call_Type]uint64{}, map[calls.Event_Type]uint64{}
	w.refuse = map[calls.Call_Type]bool{}
	h.master.Intercept(func(c *calls.Call) mesostest.Fault {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.refuse[c.GetType()] {
			return mesostest.Pass
		}
		w.refused[c.GetType()]++
		return http.StatusServiceUnavailable
	})
	h.master.Observe(func(one mesostest.Handled) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.handled[one.Call.GetType()]++
		w.accepted += uint64(len(one.Call.GetAccept().GetOfferIDs()))
		w.declined += uint64(len(one.Call.GetDecline().GetOfferIDs()))
	})
	var watching sync.WaitGroup
	raw := h.sched.WatchRaw(ctx)
	watching.Go(func() {
		for e := range raw {
			w.mu.Lock()
			w.events[e.GetType()]++
			w.offers += uint64(len(e.GetOffers().GetOffers()))
			w.mu.Unlock()
		}
	})
	return watching.Wait
}

// refuses sets whether the master answers 503 to calls of a type.
func (w *witness) refuses(kind calls.Call_Type, refuse bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse[kind] = refuse
}

// check compares metrics, beginning with those before, with what the witness has seen.
func (w *witness) check(t require.TestingT, before, m scheduler.Metrics) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for kind := range calls.Event_Type_name {
		require.Equal(t, w.events[calls.Event_Type(kind)], m.Events[kind]-before.Events[kind], "events %v", calls.Event_Type(kind))
	}
	for kind := range calls.Call_Type_name {
		if kind := calls.Call_Type(kind); kind != calls.Call_SUBSCRIBE {
			require.Equal(t, w.handled[kind], m.Calls[kind].Accepted-before.Calls[kind].Accepted, "%v taken", kind)
			require.Equal(t, w.refused[kind], m.Calls[kind].Refused-before.Calls[kind].Refused, "%v refused", kind)
		}
	}
	attempts, failed := m.Subscription.Attempts-before.Subscription.Attempts, m.Subscription.Failed-before.Subscription.Failed
	require.Equal(t, w.handled[calls.Call_SUBSCRIBE], attempts-failed, "SUBSCRIBE")
	require.Equal(t, w.offers, m.Offers.Received-before.Offers.Received)
	require.Equal(t, w.accepted, m.Offers.Accepted-before.Offers.Accepted)
	require.Equal(t, w.declined, m.Offers.Declined-before.Offers.Declined)
	require.Equal(t, w.events[calls.Event_RESCIND], m.Offers.Rescinded-before.Offers.Rescinded)
}

// states are the numbers of tasks in some states.
func statesOf[N int | uint64](all [task.StateUnknown + 1]N) map[task.State]N {
	some := map[task.State]N{}
	for state, tasks := range all {
		if tasks != 0 {
			some[task.State(state)] = tasks
		}
	}
	return some
}

// All that is counted, over two runs with a store that takes 10 ms for each write: three tasks are launched, one is killed, an
// agent is lost, offers are declined and rescinded, calls are refused, the store fails, and another master leads.
func TestMetricsCountExactly(t *testing.T) {
	store := &limitedStore{}
	store.takes.Store(int64(10 * time.Millisecond))
	config := scheduler.Config{Store: store, Offers: scheduler.OfferPolicy{Hold: time.Minute}}
	cluster := mesostest.Config{Agents: agents(2), Launch: time.Second}
	withIdleScheduler(t, []string{address}, cluster, config, func(ctx context.Context, h *harness) {
		require.Equal(t, scheduler.Metrics{Framework: "test"}, withoutWatchers(h.sched.Metrics()), "before the first run")
		var first witness
		firstWatched := first.watch(ctx, h)
		h.lead(ctx, scheduler.Term{})

		h.at(1500 * time.Millisecond)
		require.Equal(t, 2, h.sched.Metrics().Offers.Held, "for Hold")
		h.master.RescindOffers()
		synctest.Wait()
		m := h.sched.Metrics()
		require.Zero(t, m.Offers.Held)
		require.EqualValues(t, 2, m.Offers.Rescinded)

		for _, id := range []string{"a", "b", "c"} {
			spec := sleeper(id)
			spec.Constraints = []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpUnique}}
			if id == "c" {
				spec.Constraints = nil
			}
			require.NoError(t, h.sched.Submit(ctx, spec))
		}
		h.at(10 * time.Second)
		m = h.sched.Metrics()
		require.Equal(t, map[task.State]int{task.StateRunning: 3}, statesOf(m.Tasks))
		require.Equal(t, [3]uint64{3, 3, 0}, [3]uint64{m.Submitted, m.Launched, m.Requeued})
		require.Zero(t, m.OldestPending)
		require.EqualValues(t, 3, m.Launches.Total.Count)
		require.EqualValues(t, 3, m.Launches.Store.Count)
		require.Equal(t, m.Launches.Total.Sum, m.Launches.Place.Sum+m.Launches.Store.Sum+m.Launches.Accept.Sum+m.Launches.Run.Sum, "the phases")
		require.GreaterOrEqual(t, m.Launches.Store.Sum, 30*time.Millisecond, "a write for each, and for some one before that")
		require.Zero(t, m.Launches.Accept.Sum, "the network takes no time")
		require.GreaterOrEqual(t, m.Launches.Run.Sum, 3*time.Second, "Config.Launch of the master, for each")

		_, err := h.sched.Kill(ctx, "b")
		require.NoError(t, err)
		h.master.RemoveAgent("agent1.example")
		h.at(20 * time.Second)
		m = h.sched.Metrics()
		require.Equal(t, h.countedTasks(ctx), statesOf(m.Tasks))
		require.Equal(t, map[task.State]uint64{task.StateKilled: 1, task.StateLost: 2}, statesOf(m.Ended))
		require.EqualValues(t, 1, m.Events[calls.Event_FAILURE])

		large := sleeper("large")
		large.CPUs = 1000
		require.NoError(t, h.sched.Submit(ctx, large))
		pending := time.Now()
		h.at(30 * time.Second)
		m = h.sched.Metrics()
		require.Equal(t, 1, m.Tasks[task.StatePending])
		require.WithinDuration(t, pending, m.OldestPending, 10*time.Millisecond)
		require.NotZero(t, m.Offers.Declined)

		first.refuses(calls.Call_DECLINE, true)
		h.at(40 * time.Second)
		first.refuses(calls.Call_DECLINE, false)
		h.at(50 * time.Second)
		_, err = h.sched.Kill(ctx, "large")
		require.NoError(t, err)
		require.Zero(t, h.sched.Metrics().OldestPending)

		require.NoError(t, h.sched.Submit(ctx, sleeper("d")))
		h.at(71 * time.Second)

		store.fail(errors.New("full"))
		refused, giveUp := context.WithTimeout(ctx, 5*time.Second)
		require.Error(t, h.sched.Submit(refused, sleeper("e")))
		giveUp()
		m = h.sched.Metrics()
		require.True(t, m.Store.Failing)
		failures := m.Store.Failed
		require.NotZero(t, failures)
		store.fail(nil)
		h.at(2 * time.Minute)
		m = h.sched.Metrics()
		require.False(t, m.Store.Failing)
		require.GreaterOrEqual(t, m.Store.Failed, failures)
		require.Equal(t, time.Duration(m.Store.Writes.Count)*10*time.Millisecond, m.Store.Writes.Sum)
		store.noted.Lock()
		require.Len(t, store.writings, int(m.Store.Writes.Count+m.Store.Failed))
		store.noted.Unlock()

		h.master.Failover(time.Second)
		h.at(3 * time.Minute)
		m = h.sched.Metrics()
		require.True(t, m.Subscription.Subscribed)
		require.Equal(t, [2]uint64{2, 1}, [2]uint64{m.Subscription.Begun, m.Subscription.Lost})
		require.EqualValues(t, 2, m.Reconciliation.Rounds.Count, "after each subscription")
		require.NotZero(t, m.Reconciliation.Last)
		h.stop()
		require.ErrorIs(t, h.end(), context.Canceled)
		firstWatched()
		one := h.sched.Metrics()
		first.check(t, scheduler.Metrics{}, one)

		require.False(t, one.Running)
		require.False(t, one.Subscription.Subscribed)
		require.Zero(t, one.Tasks, "another process may run the framework")
		require.Zero(t, one.Offers.Held)
		require.Equal(t, m.Ended, one.Ended)

		var second witness
		secondWatched := second.watch(ctx, h)
		h.lead(ctx, scheduler.Term{})
		time.Sleep(time.Minute)
		synctest.Wait()
		m = h.sched.Metrics()
		require.EqualValues(t, 2, m.Runs)
		require.Equal(t, one.Submitted, m.Submitted, "tasks that were read from the store were counted before")
		require.Equal(t, one.Ended, m.Ended)
		require.Equal(t, h.countedTasks(ctx), statesOf(m.Tasks))
		require.Equal(t, 1, m.Tasks[task.StateRunning])
		require.NoError(t, h.sched.Submit(ctx, sleeper("f")))
		time.Sleep(10 * time.Second)
		h.stop()
		require.ErrorIs(t, h.end(), context.Canceled)
		secondWatched()
		two := h.sched.Metrics()
		require.Equal(t, one.Submitted+1, two.Submitted)
		require.Equal(t, one.Launches.Total.Count+1, two.Launches.Total.Count)
		second.check(t, one, two)
		requireNoneSmaller(t, reflect.ValueOf(one), reflect.ValueOf(two))

		require.Panics(t, func() { requireNoneSmaller(panics{}, reflect.ValueOf(two), reflect.ValueOf(one)) }, "a control")
		two.Calls[calls.Call_KILL].Accepted++
		require.Panics(t, func() { second.check(panics{}, one, two) }, "a control")
	})
}

// While a matcher does not return, metrics say so, and for how long. The matcher may ask for them as well.
func TestMetricsWhileAMatcherHangs(t *testing.T) {
	var hangs chan struct{}
	var sched *scheduler.Scheduler
	var inside scheduler.Metrics
	matcher := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		inside = sched.Metrics()
		<-hangs
		return taskmatcher.FirstFit{}.Match(c)
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: matcher}, func(ctx context.Context, h *harness) {
		sched, hangs = h.sched, make(chan struct{})
		require.NoError(t, h.sched.Submit(ctx, sleeper("a")))
		h.at(time.Minute)
		m := h.sched.Metrics()
		require.GreaterOrEqual(t, m.Loop.Busy, 55*time.Second)
		require.Equal(t, 1, m.Tasks[task.StatePending])
		require.NotZero(t, m.Loop.Inputs, "heartbeats")
		steps, events := m.Loop.Steps.Count, m.Events[calls.Event_HEARTBEAT]
		h.at(2 * time.Minute)
		m = h.sched.Metrics()
		require.GreaterOrEqual(t, m.Loop.Busy, 115*time.Second)
		require.Equal(t, steps, m.Loop.Steps.Count)
		require.Equal(t, events, m.Events[calls.Event_HEARTBEAT])
		close(hangs)
		synctest.Wait()
		m = h.sched.Metrics()
		require.Zero(t, m.Loop.Busy)
		require.Greater(t, m.Events[calls.Event_HEARTBEAT], events)
		require.EqualValues(t, 1, m.Cycles.Durations.Count)
		require.GreaterOrEqual(t, m.Cycles.Durations.Sum, 115*time.Second)
		require.EqualValues(t, 1, m.Cycles.Placed)
		require.NotZero(t, inside.Loop.Busy)
		require.Equal(t, 1, inside.Tasks[task.StatePending])
	})
}

// Many scrape while tasks come and go, and runs begin and end: to be run under -race.
func TestMetricsAreReadByMany(t *testing.T) {
	withIdleScheduler(t, []string{address}, mesostest.Config{Agents: agents(3), Launch: time.Millisecond}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		reading, stop := context.WithCancel(ctx)
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				before := scheduler.Metrics{}
				for reading.Err() == nil {
					now := h.sched.Metrics()
					requireNoneSmaller(t, reflect.ValueOf(before), reflect.ValueOf(now))
					before = now
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		for n := range 3 {
			h.lead(ctx, scheduler.Term{})
			synctest.Wait()
			for i := range 5 {
				id := fmt.Sprintf("t%d-%d", n, i)
				_, err := h.sched.Launch(ctx, sleeper(id))
				require.NoError(t, err)
				_, err = h.sched.Kill(ctx, id)
				require.NoError(t, err)
			}
			h.stop()
			require.ErrorIs(t, h.end(), context.Canceled)
		}
		stop()
		readers.Wait()
		m := h.sched.Metrics()
		require.EqualValues(t, 3, m.Runs)
		require.EqualValues(t, 15, m.Ended[task.StateKilled])
		require.EqualValues(t, 15, m.Launches.Total.Count)
	})
}

// countedTasks returns how many tasks are on record by state.
func (h *harness) countedTasks(ctx context.Context) map[task.State]int {
	all, err := h.sched.Tasks(ctx)
	require.NoError(h, err)
	states := map[task.State]int{}
	for _, info := range all {
		states[info.State]++
	}
	return states
}

// withoutWatchers returns metrics without those of the harness's own watcher.
func withoutWatchers(m scheduler.Metrics) scheduler.Metrics {
	m.Watchers.Watching = 0
	return m
}

// requireNoneSmaller: no counter of the first is larger than that of the second.
func requireNoneSmaller(t require.TestingT, one, two reflect.Value) {
	switch one.Kind() {
	case reflect.Struct:
		for i := range one.NumField() {
			if one.Type().Field(i).IsExported() {
				requireNoneSmaller(t, one.Field(i), two.Field(i))
			}
		}
	case reflect.Array:
		for i := range one.Len() {
			requireNoneSmaller(t, one.Index(i), two.Index(i))
		}
	case reflect.Uint64:
		require.LessOrEqual(t, one.Uint(), two.Uint())
	}
}
