package invoker

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSmallWorldsInAnyOrder lets small worlds go on in every order in which their messages, answers, timers and a death can come, to
// a depth. There are three containers at most, two processes that hold them, and two keys, and what must hold does so after each
// step. Processes and the engine may be as slow as they like; only what a lease bounds is: what is sent arrives within the margin of
// leases, and runs no longer than its timeout.
func TestSmallWorldsInAnyOrder(t *testing.T) {
	oneGoroutine(t)
	for name, build := range smallWorlds() {
		t.Run(name, func(t *testing.T) {
			x := explorer{build: func() *simWorld { return build(mutation{}) }, depth: *simDepth, seen: map[uint64]int{}}
			w := x.search(x.build(), nil)
			if w != nil {
				w.report(t)
			}
			require.Greater(t, len(x.seen), 100, "the world is too small")
			t.Logf("%d states, %d of them settled", len(x.seen), x.settled)
		})
	}
}

// TestSmallWorldsControl is the negative test of the search: it finds what goes wrong in few orders only.
func TestSmallWorldsControl(t *testing.T) {
	oneGoroutine(t)
	for world, c := range map[string]struct {
		check string
		mutation
	}{
		"revoke and acquire":  {"I6", mutation{noLeaseCheck: true}},
		"mark and activation": {"I6", mutation{commands: sweptWhileHeld}},
		"revival and kill":    {"I1", mutation{storedAtOnce: true}},
	} {
		t.Run(world, func(t *testing.T) {
			x := explorer{build: func() *simWorld { return smallWorlds()[world](c.mutation) }, depth: 9, seen: map[uint64]int{}}
			w := x.search(x.build(), nil)
			require.NotNil(t, w, "nothing is violated in %d states", len(x.seen))
			require.Equal(t, c.check, w.broken.check, w.broken.text)
		})
	}
}

// sweptWhileHeld destroys a container that was granted after it had been marked.
func sweptWhileHeld(w *simWorld, _ input, commands []command) []command {
	for _, c := range commands {
		if n, ok := c.(notify); ok && n.event.Kind == EventRevived && w.book.holds(n.event.Container.ID) == 0 {
			return append(commands, destroy{id: n.event.Container.ID})
		}
	}
	return commands
}

// smallWorlds are where the search begins.
func smallWorlds() map[string]func(mutation) *simWorld {
	return map[string]func(mutation) *simWorld{
		"revoke and acquire": func(m mutation) *simWorld { // both hold one, there is no room, and each needs the other's key
			w := smallWorld(m, 512, 5*time.Second)
			w.prepare(0, 0)
			w.prepare(1, 1)
			w.choice(func() { w.sessions[0].asks(w.scene.keys[1]) })
			w.choice(func() { w.sessions[1].asks(w.scene.keys[0]) })
			return w
		},
		"mark and activation": func(m mutation) *simWorld { // what is idle is about to be marked
			w := smallWorld(m, 768, 5*time.Second)
			w.prepare(0, 0)
			w.play(w.now.Add(4 * time.Second))
			w.choice(func() { w.sessions[0].asks(w.scene.keys[0]) })
			w.choice(func() { w.sessions[1].asks(w.scene.keys[0]) })
			w.choice(func() { w.sessions[1].asks(w.scene.keys[1]) })
			return w
		},
		"revival and kill": func(m mutation) *simWorld { // two are idle or marked, and there is room for one more
			w := smallWorld(m, 768, 3*time.Second)
			w.prepare(0, 0)
			w.prepare(1, 1)
			w.play(w.now.Add(4500 * time.Millisecond))
			w.choice(func() { w.sessions[0].asks(w.scene.keys[1]) })
			w.choice(func() { w.sessions[1].asks(w.scene.keys[0]) })
			w.choice(func() { w.engine.dieOne() })
			return w
		},
	}
}

// smallWorld has two processes and two keys.
func smallWorld(m mutation, memory int, idle time.Duration) *simWorld {
	m.scene = func(s *scene) {
		*s = scene{agents: 1, memory: 768, durable: true, length: time.Minute, pause: time.Second, settings: settings{
			owner: "o", PoolConfig: PoolConfig{
				Memory: memory, MemoryPerCPU: 1024, MaxStarts: 3, MaxWaiting: 10, IdleTimeout: idle, KeepAlive: KeepFixed(idle),
				MarkGrace: 2 * time.Second, PauseGrace: -1,
			},
		}}
		for _, action := range []string{"a", "b"} {
			s.keys = append(s.keys, simKey{timeout: time.Second, Key: Key{
				Namespace: "ns", Action: action, Revision: "1", Shape: Shape{Kind: "k", Memory: 256}, Concurrency: 1,
			}})
		}
	}
	w := newWorld(1, m)
	w.calm, w.timeless, w.blind = true, true, true
	w.trail.max = 400
	w.lead()
	w.newSession()
	w.newSession()
	w.play(w.now)
	return w
}

// prepare lets a session run an activation of a key.
func (w *simWorld) prepare(s, key int) {
	w.sessions[s].asks(w.scene.keys[key])
	w.play(w.now)
}

// choice plans something that may happen at any time from now on.
func (w *simWorld) choice(do func()) { w.after(0, do) }

// dieOne has the oldest container end by itself.
func (e *simEngine) dieOne() {
	for _, c := range e.containers {
		if c.running {
			c.die(errSimEnded)
			return
		}
	}
}

// explorer searches all orders to a depth.
type explorer struct {
	build   func() *simWorld
	depth   int
	seen    map[uint64]int // how deep was searched from a state
	leaves  int
	settled int
}

// search goes on from a world, to which the path leads. It returns a world in which something is violated, if it finds one.
func (x *explorer) search(w *simWorld, path []int) *simWorld {
	if w.broken != nil {
		return w
	}
	left := x.depth - len(path)
	print := w.fingerprint()
	if deep, ok := x.seen[print]; ok && deep >= left {
		return nil
	}
	x.seen[print] = left
	if left == 0 {
		return x.settle(w)
	}
	last := len(w.choices()) - 1
	for choice := range last + 1 {
		next := w // which is not needed any more in the end
		if choice < last {
			next = x.replay(path)
		}
		next.blind = false
		next.choose(choice)
		if broken := x.search(next, append(path, choice)); broken != nil {
			return broken
		}
	}
	return nil
}

// replay returns the world to which a path leads.
func (x *explorer) replay(path []int) *simWorld {
	w := x.build()
	for _, choice := range path {
		w.choose(choice)
	}
	return w
}

// settle lets some worlds go on in order: everybody is served in the end.
func (x *explorer) settle(w *simWorld) *simWorld {
	if x.leaves++; x.leaves%50 != 0 {
		return nil
	}
	x.settled++
	w.timeless = false
	for _, s := range w.sessions {
		s.renew(false)
		s.renewAgain()
	}
	w.play(w.now.Add(2 * time.Minute))
	if w.broken == nil && len(w.book.waiting) > 0 {
		w.violate("I8", "%d callers still wait, the first for %v", len(w.book.waiting), w.book.waiting[0].key)
	}
	if w.broken != nil {
		return w
	}
	return nil
}

// choices returns which events may come next, by their numbers, and 0 for that the machine is woken.
func (w *simWorld) choices() []int {
	var choices []int
	var bound time.Time // by when something has to happen
	heads := map[string]int{}
	for _, e := range w.queue {
		bound = earlier(bound, e.latest)
		if n, ok := heads[e.lane]; !ok || e.number < n {
			heads[e.lane] = e.number
		}
	}
	for _, e := range w.queue {
		if (e.lane == "" || heads[e.lane] == e.number) && (bound.IsZero() || !e.at.After(bound)) {
			choices = append(choices, e.number)
		}
	}
	slices.Sort(choices)
	if at := w.machine.deadline(); !at.IsZero() && (bound.IsZero() || !at.After(bound)) {
		choices = append(choices, 0)
	}
	return choices
}

// choose lets the event of a choice happen.
func (w *simWorld) choose(choice int) {
	number := w.choices()[choice]
	if number == 0 {
		w.now = later(w.now, w.machine.deadline())
		w.step(wake{})
		return
	}
	i := slices.IndexFunc(w.queue, func(e simEvent) bool { return e.number == number })
	e := heap.Remove(&w.queue, i).(simEvent)
	w.now = later(w.now, e.at)
	e.do()
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// fingerprint identifies what the world and the machine are in, as far as it decides what can follow.
func (w *simWorld) fingerprint() uint64 {
	h := fnv.New64a()
	since := func(at time.Time) time.Duration {
		if at.IsZero() {
			return -1
		}
		return at.Sub(w.now)
	}
	m := w.machine
	for _, c := range m.inOrder() {
		fmt.Fprint(h, c.id, c.state, c.key != nil, c.slots, c.initialised, c.quarantined, c.retired, c.recalled, c.ended, since(c.until), since(c.used))
	}
	for q := m.queue.head; q != nil; q = m.queue.next(q) {
		fmt.Fprint(h, q.ref, q.session, q.key.Action, since(q.since))
	}
	for _, s := range m.sessions {
		fmt.Fprint(h, s.session, since(s.until))
	}
	fmt.Fprint(h, since(m.deadline()), m.used)
	w.fingerprintWorld(h, since)
	return h.Sum64()
}

func (w *simWorld) fingerprintWorld(h io.Writer, since func(time.Time) time.Duration) {
	for _, c := range w.engine.containers {
		fmt.Fprint(h, c.id, c.running, c.runtime.key != nil, c.runtime.inited, c.runtime.active)
	}
	for _, s := range w.sessions {
		fmt.Fprint(h, s.number, since(s.lease), len(s.backlog), len(s.asked))
		for _, o := range s.held {
			fmt.Fprint(h, o.lease, o.init, o.busy, o.active, o.recalled, o.outcome, since(o.used))
		}
	}
	events := slices.Clone(w.queue)
	slices.SortFunc(events, func(a, b simEvent) int { return a.number - b.number })
	for _, e := range events {
		fmt.Fprintf(h, "%s %v %v %p;", e.lane, max(0, since(e.at)), since(e.latest), e.do)
	}
}
