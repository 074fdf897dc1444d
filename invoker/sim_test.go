package invoker

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	simSeeds = flag.Int("sim.seeds", 0, "how many worlds are simulated; 0: 1,000, or 40 with -short")
	simAll   = flag.Bool("sim.all", false, "go on after a world in which something is violated")
	simDepth = flag.Int("sim.depth", 7, "how many events small worlds go on for, in any order")
	simSeed  = flag.Uint64("sim.seed", 0, "simulate this world only, from 1 on")
)

// seeds returns the seeds of the worlds to simulate.
func seeds(t *testing.T, many int) (first, last uint64) {
	t.Helper()
	switch {
	case *simSeed > 0:
		return *simSeed, *simSeed
	case *simSeeds > 0:
		return 1, uint64(*simSeeds)
	case testing.Short():
		return 1, uint64(max(1, many/25))
	}
	return 1, uint64(many)
}

// oneGoroutine leaves out a long test of one goroutine with -short, which is how tests run with the race detector.
func oneGoroutine(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a long test of one goroutine")
	}
}

// TestSimulatedWorlds lets machines live in many worlds with all faults, checks what must hold after each step, and in the end that
// everybody is served and nothing is left. Run one world with -args -sim.seed, more of them with -args -sim.seeds.
func TestSimulatedWorlds(t *testing.T) {
	oneGoroutine(t)
	first, last := seeds(t, 1000)
	var steps, served, refused, runs int
	for seed := first; seed <= last; seed++ {
		w := newWorld(seed, mutation{})
		w.live()
		w.report(t)
		steps, served, refused, runs = steps+w.steps, served+w.served, refused+w.refused, runs+int(w.term)
	}
	t.Logf("%d worlds: %d steps, %d activations served, %d callers refused, %d leaders", last-first+1, steps, served, refused, runs)
	require.Greater(t, served, steps/100, "the worlds are too poor to find anything")
}

// TestLeaderKilledBetweenAnySteps kills a leader after some step, in the middle of its commands, and its successor once more. No
// container then stays that nobody knows, none serves two keys, and no activation runs twice.
func TestLeaderKilledBetweenAnySteps(t *testing.T) {
	oneGoroutine(t)
	first, last := seeds(t, 1000)
	for seed := first; seed <= last; seed++ {
		w := killWorld(seed)
		w.live()
		w.report(t)
	}
}

// killWorld returns a world in which nothing goes wrong but that two leaders are killed.
func killWorld(seed uint64) *simWorld {
	w := newWorld(seed, mutation{scene: func(s *scene) {
		s.faults = [faultKinds]bool{}
		s.length, s.durable = 10*time.Second, true
		s.pause = min(s.pause, 100*time.Millisecond)
	}})
	kill := 1 + w.random.IntN(400)
	w.crashes[kill], w.crashes[kill+1+w.random.IntN(100)] = true, true
	return w
}

// report fails the test if something is violated, with the seed and the last steps.
func (w *simWorld) report(t *testing.T) {
	t.Helper()
	switch {
	case w.broken == nil:
	case *simAll:
		t.Errorf("seed %d, step %d: %s: %s", w.seed, w.steps, w.broken.check, w.broken.text)
	default:
		require.Fail(t, w.broken.check+" does not hold", "seed %d, step %d: %s\n%+v\n%s", w.seed, w.steps, w.broken.text, w.scene, &w.trail)
	}
}

// live lets a world live, and settle in the end.
func (w *simWorld) live() {
	w.lead()
	for range w.scene.sessions {
		w.newSession()
	}
	w.callAgain()
	w.disturbAgain()
	w.play(w.now.Add(w.scene.length))
	w.settle()
}

// callAgain lets activations come in the process of the leader.
func (w *simWorld) callAgain() {
	w.after(w.between(0, 2*w.scene.pause), func() {
		if w.calm {
			return
		}
		burst := 1
		if w.random.IntN(20) == 0 {
			burst = 8
		}
		for range burst {
			w.inLeader(0, w.invoke)
		}
		w.callAgain()
	})
}

// disturbAgain lets what is not part of an answer go wrong.
func (w *simWorld) disturbAgain() {
	w.after(w.between(0, 2*time.Second), func() {
		if w.calm {
			return
		}
		w.engine.disturb()
		for _, s := range w.sessions {
			s.disturb()
		}
		switch {
		case !w.leading || w.now.Before(w.stalled):
		case w.fault(leaderCrashes, 50):
			w.crashes[w.steps+1+w.random.IntN(20)] = true
		case w.fault(leaderStalls, 50):
			w.stalled = w.now.Add(w.between(0, 15*time.Second))
		case w.fault(storeFails, 50):
			w.store.down = w.now.Add(w.between(0, 10*time.Second))
		}
		w.disturbAgain()
	})
}

// settle ends all faults. Soon everybody has to be served, then everything that is not used has to go, and what is left are the
// stem cells.
func (w *simWorld) settle() {
	w.calm, w.crashes = true, nil
	for _, a := range slices.Clone(w.engine.agents) {
		if w.engine.reach(a); a.drained && !w.scene.lister {
			w.engine.lose(a) // as all that are drained, in the end
		}
		a.drained = false
		if w.leading {
			w.step(drainAgent{a.id, false})
		}
	}
	w.orders.Drained = nil
	w.store.down = time.Time{}
	for _, s := range w.sessions {
		s.leave()
	}
	w.play(w.now.Add(20 * time.Second)) // what was under way ends, and a leader is there
	for i := range w.scene.keys {
		w.inLeader(0, func() { w.invokePatiently(w.scene.keys[i]) })
	}
	for range 120 {
		w.play(w.now.Add(10 * time.Second))
		if w.broken != nil || len(w.book.waiting) == 0 && len(w.book.leases) == 0 {
			break
		}
	}
	if w.broken == nil && len(w.book.waiting) > 0 {
		w.violate("I8", "%d callers still wait after 20 minutes without faults, the first for %v", len(w.book.waiting), w.book.waiting[0].key)
	}
	if w.broken == nil && len(w.book.leases) > 0 {
		w.violate("I8", "%d grants never end", len(w.book.leases))
	}
	for range 30 { // idle containers are kept as long as their actions' pauses suggest
		if w.play(w.now.Add(time.Minute)); w.broken != nil || w.rests() {
			break
		}
	}
	w.checkEnd()
}

// rests reports whether nothing is left but stem cells.
func (w *simWorld) rests() bool {
	return !slices.ContainsFunc(w.infos(), func(i Info) bool { return i.Key != Key{} })
}

// leave ends a process in order, as far as it reaches the leader.
func (s *simSession) leave() {
	w := s.w
	if s.cut || s.ended || s.with == 0 {
		s.ended = true
		return
	}
	var wait func()
	wait = func() {
		for _, h := range s.held {
			if h.active > 0 {
				s.do(time.Second, wait)
				return
			}
		}
		s.tell(closed{session: s.number})
		s.held, s.backlog = nil, nil
		w.after(20*time.Second, func() { s.ended = true })
	}
	s.do(0, wait)
}

// checkEnd checks I9, and that the pool's view is the world's.
func (w *simWorld) checkEnd() {
	if w.broken != nil {
		return
	}
	most := map[Shape]int{}
	stems := w.scene.settings.Stems
	if w.orders.Stems != nil {
		stems = *w.orders.Stems
	}
	for _, cells := range stems {
		most[Shape{Kind: cells.Kind, Image: cells.Image, Memory: cells.Memory}] = cells.Max
	}
	states := map[string]State{}
	for _, i := range w.infos() {
		states[i.ID] = i.State
		if i.State != StateStem && i.State != StateCreating && i.State != StateProbing && i.State != StateRemoving && i.State != StateMarked {
			w.violate("I9", "%s is still %s", i.ID, i.State)
		}
	}
	for _, c := range w.engine.containers {
		if !c.running || states[c.id] == StateRemoving || states[c.id] == StateMarked {
			continue
		}
		if most[c.spec.Shape]--; most[c.spec.Shape] < 0 {
			w.violate("I9", "%s still runs: %v", c.id, states[c.id])
		}
	}
	for id, state := range states {
		c := w.engine.byID[id]
		if !c.running && (state == StateStem || state == StateMarked) {
			w.violate("I9", "%s is %s, and does not run", id, state)
		}
	}
}

// invokePatiently begins an activation whose caller never leaves.
func (w *simWorld) invokePatiently(k simKey) {
	w.calls++
	c := &simCaller{w: w, a: &simActivation{number: w.calls, key: k}}
	c.ask()
}
