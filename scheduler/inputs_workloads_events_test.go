package scheduler

import (
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// updates are status updates, and what follows from them.
func updates() []workload {
	launchedOn := func(i int) string { return fmt.Sprint("a", i/100) }
	update := func(w *workbench, state mesos.TaskState) func(int) {
		return func(i int) { w.event(statusUpdate(id(i), launchedOn(i), state, i)) }
	}
	return []workload{
		{"update/running", 0, func(w *workbench, n int) func() { w.launched(n); return each(n, update(w, mesos.TASK_RUNNING)) }},
		{"update/with a store", 0, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.durable = true })
			w.launched(n)
			return each(n, update(w, mesos.TASK_RUNNING))
		}},
		{"update/a store that hangs", 0, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.durable = true })
			w.launched(n)
			w.storeHangs = true
			return each(n, update(w, mesos.TASK_RUNNING))
		}},
		{"update/failed", 0, func(w *workbench, n int) func() { w.launched(n); return inAnyOrder(n, update(w, mesos.TASK_FAILED)) }},
		{"update/dropped", 0, func(w *workbench, n int) func() {
			w.launched(n)
			return func() { each(n, update(w, mesos.TASK_DROPPED))(); w.wait(10 * time.Second) }
		}},
		{"update/not on record", 0, func(w *workbench, n int) func() { return each(n, update(w, mesos.TASK_RUNNING)) }},
		{"update/adopted", 0, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.unknown = AdoptUnknown })
			return each(n, update(w, mesos.TASK_RUNNING))
		}},
		{"update/killed because it is not on record", 0, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.unknown = KillUnknown })
			return each(n, update(w, mesos.TASK_RUNNING))
		}},
		{"update/acknowledgements are refused", 0, func(w *workbench, n int) func() {
			w.launched(n)
			w.took = refused
			return func() { each(n, update(w, mesos.TASK_RUNNING))(); w.wait(10 * time.Second) }
		}},
		{"update/members of pods of two", 0, func(w *workbench, n int) func() {
			for i := range n / 2 {
				w.feed(submitPod{ref: w.ref(), specs: podSpecs(fmt.Sprint("p", i), 2), wait: true})
			}
			w.now = w.now.Add(time.Second)
			w.event(offersEvent(offersOf(w.offers(n/100+1, 100))))
			w.wait(time.Second)
			return each(n, func(i int) {
				member := fmt.Sprintf("p%d-%d", i/2, i%2)
				w.event(statusUpdate(member, w.m.tasks.byID[member].Info.AgentID, mesos.TASK_RUNNING, i))
			})
		}},
		{"update/members of one pod", 10_000, func(w *workbench, n int) func() {
			w.feed(submitPod{ref: w.ref(), specs: podSpecs("p", n), wait: true})
			w.now = w.now.Add(time.Second)
			w.event(offersEvent(offersOf(w.offers(1, n))))
			w.wait(time.Second)
			return each(n, func(i int) { w.event(statusUpdate(fmt.Sprint("p-", i), "a0", mesos.TASK_RUNNING, i)) })
		}},
		{"update/the master does not know them", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			return func() {
				each(n, func(i int) { w.event(statusUpdate(id(i), fmt.Sprint("a", i%(n/100+1)), mesos.TASK_UNKNOWN, -1)) })()
				w.wait(time.Minute)
			}
		}},
		{"reconciliation/answers", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			w.feed(reconcile{ref: w.ref()})
			return each(n, func(i int) { w.event(statusUpdate(id(i), fmt.Sprint("a", i%(n/100+1)), mesos.TASK_RUNNING, -1)) })
		}},
		{"reconciliation/no answers", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			return func() { w.feed(reconcile{ref: w.ref()}); w.wait(10 * time.Minute) }
		}},
	}
}

// agentEvents are about agents.
func agentEvents() []workload {
	return []workload{
		{"agents/lost, with 100 tasks each", 0, func(w *workbench, n int) func() {
			agents := n/100 + 1
			w.running(n, agents)
			w.event(offersEvent(offersOf(w.offers(agents, 1))))
			return func() {
				for i := range agents {
					w.rescind(i)
					w.event(failureEvent(fmt.Sprint("a", i), nil))
				}
				each(n, func(i int) { w.event(statusUpdate(id(i), fmt.Sprint("a", i%agents), mesos.TASK_UNREACHABLE, -1)) })()
			}
		}},
		{"agents/lost, with a task each", 0, func(w *workbench, n int) func() {
			w.running(n, n)
			return each(n, func(i int) {
				w.event(failureEvent(fmt.Sprint("a", i), nil))
				w.event(statusUpdate(id(i), fmt.Sprint("a", i), mesos.TASK_LOST, -1))
			})
		}},
		{"agents/back after a failover, with 100 unknown tasks each", 0, func(w *workbench, n int) func() {
			agents := n/100 + 1
			w.running(n, agents)
			for i := range n {
				w.event(statusUpdate(id(i), fmt.Sprint("a", i%agents), mesos.TASK_UNKNOWN, -1))
			}
			return each(agents, func(i int) { w.event(offersEvent(offersOf([]string{fmt.Sprintf("o%d@a%d:1:64", i, i)}))) })
		}},
		{"executors/lost", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			return each(n, func(i int) { w.event(failureEvent(fmt.Sprint("a", i%(n/100+1)), &mesos.ExecutorID{Value: id(i)})) })
		}},
		{"inverse offers/together", 0, func(w *workbench, n int) func() {
			agents := n/100 + 1
			w.running(n, agents)
			return each(agents, func(i int) { w.event(inverseEvent(fmt.Sprint("i", i), &mesos.AgentID{Value: fmt.Sprint("a", i)})) })
		}},
		{"inverse offers/accepted while offers are at hand", 10_000, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.hold, s.holdMax, s.holdPerAgent = time.Hour, 1<<30, 1<<30 })
			w.event(offersEvent(offersOf(w.offers(n, 1))))
			return each(n, func(i int) { w.event(inverseEvent(fmt.Sprint("i", i), &mesos.AgentID{Value: fmt.Sprint("a", i)})) })
		}},
		{"inverse offers/while tasks change", 100_000, func(w *workbench, n int) func() {
			agents := n/100 + 1
			w.running(n, agents)
			return each(agents, func(i int) {
				w.event(statusUpdate(id(i), fmt.Sprint("a", i), mesos.TASK_FINISHED, i))
				w.event(inverseEvent(fmt.Sprint("i", i), &mesos.AgentID{Value: fmt.Sprint("a", i)}))
			})
		}},
	}
}

// subscriptions are their ends and beginnings, and events that change nothing.
func subscriptions() []workload {
	idle := func(w *workbench, n int, event func(i int) *scheduler.Event) func() {
		w.running(n, n/100+1)
		return each(n, func(i int) { w.event(event(i)) })
	}
	again := func(how func(w *workbench) input) func(w *workbench, n int) func() {
		return func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			return func() { w.feed(how(w)); w.wait(10 * time.Second) }
		}
	}
	typed := func(t scheduler.Event_Type) func(w *workbench, n int) func() {
		return func(w *workbench, n int) func() {
			return idle(w, n, func(int) *scheduler.Event { return &scheduler.Event{Type: t} })
		}
	}
	return []workload{
		{"subscription/closed", 0, again(func(w *workbench) input { return streamClosed{w.m.conn.stream, errWorkload} })},
		{"subscription/another master", 0, again(func(*workbench) input { return leaderElected{} })},
		{"subscription/ERROR", 0, again(func(w *workbench) input {
			return streamEvent{stream: w.m.conn.stream, event: &scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: "no"}}}
		})},
		{"subscription/the framework was removed", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1, func(s *settings) { s.renew = true })
			return func() {
				w.event(&scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: "Framework has been removed"}})
				w.wait(10 * time.Second)
			}
		}},
		{"subscription/in the middle of launches", 0, func(w *workbench, n int) func() {
			w.heldLaunches(n)
			return func() { w.feed(streamClosed{w.m.conn.stream, errWorkload}) }
		}},
		{"end and start", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			return func() { w.feed(end{}); w.feed(start{}) }
		}},
		{"garbled", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			return each(n, func(int) { w.feed(streamGarbled{w.m.conn.stream, errWorkload}) })
		}},
		{"busy", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			return each(n, func(int) { w.feed(busy{time.Second}) })
		}},
		{"HEARTBEAT", 0, typed(scheduler.Event_HEARTBEAT)},
		{"MESSAGE", 0, typed(scheduler.Event_MESSAGE)},
		{"RESCIND_INVERSE_OFFER", 0, typed(scheduler.Event_RESCIND_INVERSE_OFFER)},
		{"UPDATE_OPERATION_STATUS", 0, typed(scheduler.Event_UPDATE_OPERATION_STATUS)},
		{"UNKNOWN", 0, typed(scheduler.Event_UNKNOWN)},
	}
}

// stores are outcomes of writes.
func stores() []workload {
	pending := func(w *workbench, n int) (writing int) {
		w.begin(func(s *settings) { s.durable = true })
		w.storeHangs = true
		for i := range n {
			w.feed(submit{ref: w.ref(), spec: specOf(id(i), nil)})
		}
		w.feed(stored{records: 1})
		return n - 1
	}
	return []workload{
		{"stored/together", 0, func(w *workbench, n int) func() {
			left := pending(w, n)
			return func() { w.feed(stored{records: left}) }
		}},
		{"stored/one by one", 0, func(w *workbench, n int) func() {
			return each(pending(w, n), func(int) { w.feed(stored{records: 1}) })
		}},
		{"stored/one by one/with launches", 0, func(w *workbench, n int) func() {
			w.heldLaunches(n)
			w.now = w.now.Add(time.Second)
			return each(n, func(int) { w.now = w.now.Add(time.Millisecond); w.feed(stored{records: 1}) })
		}},
		{"stored/callers give up", 0, func(w *workbench, n int) func() {
			pending(w, n)
			return inAnyOrder(n, func(i int) { w.feed(cancel{ref: ref(i + 1), id: id(i)}) })
		}},
		{"stored/failed", 0, func(w *workbench, n int) func() {
			pending(w, n)
			return each(10, func(int) { w.feed(stored{err: errWorkload}); w.wait(time.Minute) })
		}},
	}
}

// timersDue is what the machine does when time has passed.
func timersDue() []workload {
	return []workload{
		{"timers/no update about launches", 0, func(w *workbench, n int) func() {
			w.launched(n)
			return func() { w.wait(2 * time.Hour) }
		}},
		{"timers/kills are repeated", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			for i := range n {
				w.feed(kill{id: id(i)})
			}
			return func() { w.wait(7 * time.Second) }
		}},
		{"timers/overdue", 0, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.maxWait = time.Minute })
			for i := range n {
				w.now = w.now.Add(time.Microsecond)
				w.feed(submit{spec: specOf(id(i), nil)})
			}
			return func() { w.wait(2 * time.Minute) }
		}},
		{"timers/held offers, one by one", 10_000, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.hold, s.holdMax, s.holdPerAgent = time.Minute, 1<<30, 1<<30 })
			for i := range n {
				w.event(offersEvent(offersOf([]string{fmt.Sprintf("o%d@a%d:1:64", i, i)})))
			}
			return func() { w.wait(2 * time.Minute) }
		}},
		{"timers/IDs that are remembered", 0, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.history, s.remember.For = 1, time.Minute })
			for i := range n {
				w.now = w.now.Add(time.Microsecond)
				w.feed(submit{spec: specOf(id(i), nil)})
				w.feed(kill{id: id(i)})
			}
			return func() { w.wait(2 * time.Minute) }
		}},
	}
}
