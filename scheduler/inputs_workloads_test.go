package scheduler

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func workloads() []workload {
	var all []workload
	for _, of := range [][]workload{requests(), offerEvents(), updates(), agentEvents(), subscriptions(), stores(), timersDue()} {
		all = append(all, of...)
	}
	return all
}

// each returns a function that calls of with the numbers below n in order.
func each(n int, of func(i int)) func() {
	return func() {
		for i := range n {
			of(i)
		}
	}
}

// inAnyOrder does so in a random order, and backwards in the reverse of theirs.
func inAnyOrder(n int, of func(i int)) func() {
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	return each(n, func(i int) { of(order[i]) })
}

func backwards(n int, of func(i int)) func() { return each(n, func(i int) { of(n - 1 - i) }) }

func id(i int) string { return fmt.Sprint("t", i) }

// requests are those of users.
func requests() []workload {
	killOf := func(w *workbench) func(int) { return func(i int) { w.feed(kill{id: id(i)}) } }
	return []workload{
		{"submit", 0, func(w *workbench, n int) func() {
			return each(n, func(i int) { w.feed(submit{spec: specOf(id(i), nil)}) })
		}},
		{"submit/each of its class", 0, func(w *workbench, n int) func() {
			return each(n, func(i int) {
				w.feed(submit{spec: specOf(id(i), map[string]string{"cpus": fmt.Sprint(float64(i) / 1000)})})
			})
		}},
		{"submit/with a store", 0, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.durable = true })
			return each(n, func(i int) { w.feed(submit{spec: specOf(id(i), nil)}) })
		}},
		{"submit again", 0, func(w *workbench, n int) func() {
			w.submitted(n, nil)
			return each(n, func(i int) { w.feed(submit{spec: specOf(id(i), nil)}) })
		}},
		{"ensure", 0, func(w *workbench, n int) func() {
			w.submitted(n/2, nil)
			return each(n, func(i int) { w.feed(ensure{spec: specOf(id(i), nil)}) })
		}},
		{"submit pods", 0, func(w *workbench, n int) func() {
			return each(n/2, func(i int) { w.feed(submitPod{specs: podSpecs(fmt.Sprint("p", i), 2)}) })
		}},
		{"kill pending/from the front", 0, func(w *workbench, n int) func() { w.submitted(n, nil); return each(n, killOf(w)) }},
		{"kill pending/in any order", 0, func(w *workbench, n int) func() { w.submitted(n, nil); return inAnyOrder(n, killOf(w)) }},
		{"kill pending/from the end", 0, func(w *workbench, n int) func() { w.submitted(n, nil); return backwards(n, killOf(w)) }},
		{"kill running", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			return each(n, func(i int) {
				w.feed(kill{id: id(i)})
				w.event(statusUpdate(id(i), fmt.Sprint("a", i%(n/100+1)), mesos.TASK_KILLED, i))
			})
		}},
		{"kill running/no answer", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			w.took = unclear
			return func() { each(n, killOf(w))(); w.wait(3 * time.Second) }
		}},
		{"wait", 0, func(w *workbench, n int) func() {
			w.submitted(n, nil)
			return each(n, func(i int) { w.feed(wait{ref: w.ref(), id: id(i)}) })
		}},
		{"cancel/one task/in order", 0, func(w *workbench, n int) func() { w.waitingFor("t0", n); return each(n, w.cancel("t0")) }},
		{"cancel/one task/in any order", 0, func(w *workbench, n int) func() { w.waitingFor("t0", n); return inAnyOrder(n, w.cancel("t0")) }},
		{"cancel/one task/others come", 0, func(w *workbench, n int) func() {
			w.waitingFor("t0", n)
			return each(n, func(i int) { w.feed(wait{ref: w.ref(), id: "t0"}); w.cancel("t0")(n/2 + i) })
		}},
		{"cancel/launches", 0, func(w *workbench, n int) func() {
			for i := range n {
				w.feed(submit{ref: w.ref(), spec: specOf(id(i), nil), wait: true})
			}
			return each(n, func(i int) { w.feed(cancel{ref: ref(i + 1), id: id(i)}) })
		}},
		{"cancel/reconciliations", 0, func(w *workbench, n int) func() {
			w.running(10, 1)
			for range n {
				w.feed(reconcile{ref: w.ref()})
			}
			return inAnyOrder(n, w.cancel(""))
		}},
		{"cancel/teardowns", 0, func(w *workbench, n int) func() {
			w.silent = true
			for range n {
				w.feed(teardown{ref: w.ref()})
			}
			return inAnyOrder(n, w.cancel(""))
		}},
		{"cancel/one pod", 0, func(w *workbench, n int) func() {
			w.feed(submitPod{specs: podSpecs("p", 2), wait: true})
			for range n {
				w.feed(submitPod{ref: w.ref(), specs: podSpecs("p", 2), wait: true})
			}
			return inAnyOrder(n, w.cancel("p-0"))
		}},
		{"forget/from the front", 0, func(w *workbench, n int) func() { w.ended(n); return each(n, w.forget) }},
		{"forget/in any order", 0, func(w *workbench, n int) func() { w.ended(n); return inAnyOrder(n, w.forget) }},
		{"forget/with timers", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			for i := range n {
				w.event(statusUpdate(id(i), fmt.Sprint("a", i%(n/100+1)), mesos.TASK_UNKNOWN, -1))
			}
			return each(n, w.forget)
		}},
		{"remembered", 0, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.history, s.remember.Count = 10, n/2 })
			w.submitted(n, nil)
			return each(n, killOf(w))
		}},
		{"calls of users", 0, func(w *workbench, n int) func() {
			return each(n, func(int) { w.feed(rawCall{ref: w.ref(), call: &scheduler.Call{Type: scheduler.Call_REQUEST}}) })
		}},
		{"teardown", 0, func(w *workbench, n int) func() {
			w.running(n, n/100+1)
			return func() { w.feed(teardown{ref: w.ref()}) }
		}},
	}
}

// podSpecs returns the specs of a pod with so many members.
func podSpecs(name string, members int) []task.Spec {
	specs := make([]task.Spec, members)
	for i := range specs {
		specs[i] = specOf(fmt.Sprint(name, "-", i), map[string]string{"cpus": "0.1"})
		specs[i].Pod, specs[i].RequestID = name, "r"
	}
	return specs
}

// waitingFor has n callers wait for a task.
func (w *workbench) waitingFor(id string, n int) {
	w.feed(submit{spec: specOf(id, nil)})
	for range n {
		w.feed(wait{ref: w.ref(), id: id})
	}
}

func (w *workbench) cancel(id string) func(int) {
	return func(i int) { w.feed(cancel{ref: ref(i + 1), id: id}) }
}

// ended has n tasks on record that have ended.
func (w *workbench) ended(n int) {
	w.submitted(n, nil)
	for i := range n {
		w.feed(kill{id: id(i)})
	}
}

func (w *workbench) forget(i int) { w.feed(forget{id: id(i)}) }

// offerEvents are about offers: those that come, launches on them, and those that are taken back.
func offerEvents() []workload {
	held := func(s *settings) { s.hold, s.holdMax, s.holdPerAgent = time.Hour, 1<<30, 1<<30 }
	offer := func(w *workbench, i int) {
		w.event(offersEvent(offersOf([]string{fmt.Sprintf("o%d@a%d:1:64", i, i%10_000)})))
	}
	return []workload{
		{"offers/in one event", 0, func(w *workbench, n int) func() {
			words := w.offers(n, 1)
			return func() { w.event(offersEvent(offersOf(words))); w.wait(time.Second) }
		}},
		{"offers/one by one", 0, func(w *workbench, n int) func() {
			return func() { each(n, func(i int) { offer(w, i) })(); w.wait(time.Second) }
		}},
		{"offers/one by one/held", 10_000, func(w *workbench, n int) func() {
			w.begin(held)
			return func() { each(n, func(i int) { offer(w, i) })(); w.wait(time.Second) }
		}},
		{"offers/refused calls", 0, func(w *workbench, n int) func() {
			w.took = refused
			return func() { each(n, func(i int) { offer(w, i) })(); w.wait(10 * time.Second) }
		}},
		{"launch/tasks together", 0, func(w *workbench, n int) func() {
			w.submitted(n, nil)
			w.now = w.now.Add(time.Second)
			words := w.offers(n/100, 100)
			return func() { w.event(offersEvent(offersOf(words))); w.wait(time.Second) }
		}},
		{"launch/one by one", 0, func(w *workbench, n int) func() {
			return each(n, func(i int) {
				w.feed(submit{spec: specOf(id(i), nil)})
				w.now = w.now.Add(time.Second)
				w.event(offersEvent(offersOf([]string{fmt.Sprintf("o%d@a%d:1:64", i, i%100)})))
				w.wait(time.Millisecond)
			})
		}},
		{"launch/one by one/on ever more agents", 10_000, func(w *workbench, n int) func() {
			return each(n, func(i int) {
				w.feed(submit{spec: specOf(id(i), nil)})
				w.now = w.now.Add(time.Second)
				offer(w, i)
				w.wait(time.Millisecond)
			})
		}},
		{"launch/pods", 0, func(w *workbench, n int) func() {
			for i := range n / 2 {
				w.feed(submitPod{specs: podSpecs(fmt.Sprint("p", i), 2)})
			}
			w.now = w.now.Add(time.Second)
			words := w.offers(n/100+1, 100)
			return func() { w.event(offersEvent(offersOf(words))); w.wait(time.Second) }
		}},
		{"launch/a group on many agents", 0, func(w *workbench, n int) func() {
			w.submitted(n, map[string]string{"group": "g"})
			w.now = w.now.Add(time.Second)
			words := w.offers(n, 1)
			return func() { w.event(offersEvent(offersOf(words))); w.wait(time.Second) }
		}},
		{"launch/with a store", 0, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.durable = true })
			w.submitted(n, nil)
			w.now = w.now.Add(time.Second)
			words := w.offers(n/10, 10)
			return func() { w.event(offersEvent(offersOf(words))); w.wait(time.Second) }
		}},
		{"launch/refused", 0, func(w *workbench, n int) func() { return w.unlaunched(n, refused) }},
		{"launch/not sent", 0, func(w *workbench, n int) func() { return w.unlaunched(n, unsent) }},
		{"launch/the stream is stale", 0, func(w *workbench, n int) func() { return w.unlaunched(n, stale) }},
		{"launch/the master is told what fits", 10_000, func(w *workbench, n int) func() {
			w.begin(func(s *settings) { s.filterOffers = true })
			return func() {
				each(n, func(i int) {
					w.feed(submit{spec: specOf(id(i), map[string]string{"cpus": fmt.Sprint(1 + float64(i)/1000)})})
				})()
				w.wait(10 * time.Second)
			}
		}},
		{"rescind/at hand/from the front", 0, func(w *workbench, n int) func() { w.atHand(n, held); return each(n, w.rescind) }},
		{"rescind/at hand/in any order", 0, func(w *workbench, n int) func() { w.atHand(n, held); return inAnyOrder(n, w.rescind) }},
		{"rescind/of held launches", 0, func(w *workbench, n int) func() { w.heldLaunches(n); return each(n, w.rescind) }},
		{"rescind/of held launches/in any order", 0, func(w *workbench, n int) func() { w.heldLaunches(n); return inAnyOrder(n, w.rescind) }},
	}
}

// unlaunched has launches of n tasks, ten on each offer, whose calls have this outcome.
func (w *workbench) unlaunched(n int, took outcome) func() {
	w.submitted(n, nil)
	w.now, w.took = w.now.Add(time.Second), took
	words := w.offers(n/10, 10)
	return func() { w.event(offersEvent(offersOf(words))); w.wait(500 * time.Millisecond) }
}

// atHand has n offers at hand.
func (w *workbench) atHand(n int, held func(*settings)) {
	w.begin(held)
	w.event(offersEvent(offersOf(w.offers(n, 1))))
	w.wait(time.Second)
}

// heldLaunches has n launches, of a task each, wait for the store.
func (w *workbench) heldLaunches(n int) {
	w.begin(func(s *settings) { s.durable = true })
	w.submitted(n, nil)
	w.now, w.storeHangs = w.now.Add(time.Second), true
	w.event(offersEvent(offersOf(w.offers(n, 1))))
	w.wait(time.Second)
}

func (w *workbench) rescind(i int) { w.event(rescindEvent(fmt.Sprint("o", i))) }

var errWorkload = errors.New("the end of a workload")
