package invoker

import (
	"cmp"
	"slices"
	"time"
)

// Check what must hold after each step:
//
//	I1        a container serves one key, which is on record before anything is sent
//	I2        no more activations at once than its concurrency, and one holder
//	I3        what runs is in the pool, and what is in the pool runs
//	I4        memory is counted once, from the start to the certain end, and does not exceed the limit
//	I5        an activation is sent at most once
//	I6        only who holds a container sends to it, and only as long as it is not being removed
//	I7        nobody waits for what is there
//	I8        each container will leave its state
//	I9        in the end nothing is left
//	adoption  nothing is started or removed before it is known what runs
//	answers   each caller gets one answer
//	init      /init succeeds once, before the first /run
//	victims   what is removed to make room does so in one place
func (w *simWorld) check() {
	if w.broken != nil || !w.leading || w.blind {
		return
	}
	infos := w.infos()
	w.checkMemory(infos)
	w.checkPool(infos)
	w.checkVictims(infos)
	w.checkWaiting(infos)
	w.checkExits(infos)
}

// infos returns all that the machine says of its containers, in a fixed order.
func (w *simWorld) infos() []Info {
	infos := make([]Info, 0, len(w.machine.containers))
	for _, c := range w.machine.containers {
		infos = append(infos, c.info())
	}
	slices.SortFunc(infos, func(a, b Info) int { return cmp.Compare(a.ID, b.ID) })
	return infos
}

// checkMemory checks I4: what the machine has counted, and what really runs.
func (w *simWorld) checkMemory(infos []Info) {
	sum, limit := 0, w.scene.settings.Memory
	for _, i := range infos {
		if i.State != StateGone {
			sum += i.Shape.Memory
		}
	}
	if used := w.machine.used; used != sum || used < 0 {
		w.violate("I4", "%d MiB are counted, and %d are in use", used, sum)
	}
	running := 0
	for _, c := range w.engine.containers {
		if c.running {
			running += c.spec.Memory
		}
	}
	if limit > 0 && running > limit {
		w.violate("I4", "%d MiB run, of %d", running, limit)
	}
}

// checkPool checks I3.
func (w *simWorld) checkPool(infos []Info) {
	known := func(id string) bool {
		_, ok := slices.BinarySearchFunc(infos, id, func(i Info, id string) int { return cmp.Compare(i.ID, id) })
		return ok
	}
	for _, i := range infos {
		if w.book.gone[i.ID] && i.State != StateRemoving && i.State != StateGone && i.State != StateCreating {
			w.violate("I3", "%s is gone, and the pool says %s", i.ID, i.State)
		}
	}
	for _, c := range w.engine.containers {
		switch {
		case !c.running || !w.book.adopted || known(c.id):
			c.strayed = time.Time{}
		case c.strayed.IsZero():
			c.strayed = w.now
		case w.now.Sub(c.strayed) > 10*time.Second:
			w.violate("I3", "%s runs, and the pool does not know it", c.id)
		}
	}
}

// checkVictims checks that where containers were removed to make room, somebody who waits will fit. It is only checked where agents
// are all that limits the pool.
func (w *simWorld) checkVictims(infos []Info) {
	b := w.book
	victims := b.victims
	b.victims = nil
	if w.scene.settings.Memory > 0 || b.memory == nil || len(b.waiting) == 0 {
		return
	}
	need := b.waiting[0].key.Memory
	for _, a := range b.waiting {
		need = min(need, a.key.Memory)
	}
	for _, id := range victims {
		agent := w.engine.byID[id].agent.id
		room, told := b.memory[agent]
		for _, i := range infos {
			if i.State != StateRemoving && i.Agent != "" && w.engine.byID[i.ID].agent.id == agent {
				room -= i.Shape.Memory
			}
		}
		if told && room < need {
			w.violate("victims", "%s is removed from %s, which then has room for %d MiB, and %d are needed", id, agent, room, need)
		}
	}
}

// checkExits checks I8: an answer is to come, or a timer, or somebody holds the container.
func (w *simWorld) checkExits(infos []Info) {
	b, timer := w.book, !w.machine.deadline().IsZero()
	for _, i := range infos {
		id, ok := i.ID, timer
		switch i.State {
		case StateCreating:
			ok = b.creates[id] != nil || b.answering(id)
		case StateProbing:
			ok = b.probes[id] > 0
		case StateBinding:
			ok = b.binds[id] > 0
		case StateResuming:
			ok = b.freezes[id] > 0
		case StateRemoving:
			ok = b.destroys[id] > 0 || timer
		case StateBusy:
			ok = b.holds(id) > 0 || timer
		case StateStem:
			ok = true // a caller comes, or none
		}
		if !ok && !i.Unreachable { // else its agent comes back, or is gone
			w.violate("I8", "%s is %s, and nothing is to come", id, i.State)
		}
	}
	if !w.machine.listed && w.engine.listings == 0 && !timer {
		w.violate("I8", "there is no listing, and none is asked for")
	}
}

// checkWaiting checks I7.
func (w *simWorld) checkWaiting(infos []Info) {
	b := w.book
	if len(b.waiting) == 0 || !b.adopted {
		return
	}
	coming := map[Key]int{}
	starting := map[Shape]int{}
	stems := map[Shape]int{}
	starts := 0
	for _, i := range infos {
		switch i.State {
		case StateBinding, StateResuming:
			coming[i.Key] += i.Key.Concurrency
		case StateCreating, StateProbing:
			starting[i.Shape]++
			starts++
		case StateStem:
			if !i.Unreachable && !b.isDrained(i.Agent) {
				stems[i.Shape]++
			}
		case StateBusy:
			if !i.Initialised { // the rest of its slots is there when /init has succeeded
				coming[i.Key] += i.Key.Concurrency - 1
			}
		case StateSuspended:
			if b.freezes[i.ID] > 0 { // it is resumed when it is frozen
				coming[i.Key] += i.Key.Concurrency
			}
		}
	}
	uncovered := false
	for _, a := range b.waiting {
		for _, i := range infos {
			w.checkUsable(a, i, coming[a.key])
		}
		slots := 1
		if a.session != 0 { // another process takes a whole one
			slots = a.key.Concurrency
		}
		if coming[a.key] >= slots {
			coming[a.key] -= slots
			continue
		}
		switch shape := a.key.Shape; {
		case stems[shape] > 0 && w.since(b.bindFailed) > 6*time.Minute && !w.rationed(a.key):
			w.violate("I7", "caller %d waits for %v, and there is a stem cell", a.ref, a.key)
		case starting[shape] > 0:
			starting[shape]--
			coming[a.key] += a.key.Concurrency - slots
		case !uncovered && !w.rationed(a.key):
			uncovered = true
			w.checkRoom(a, starts)
		}
	}
}

// rationed reports whether the key gets one container at a time, since they die.
func (w *simWorld) rationed(k Key) bool {
	state := w.machine.keys[k]
	return state != nil && state.guard.breaker.Open()
}

// since returns how long ago something was, a long time for what never was.
func (w *simWorld) since(at time.Time) time.Duration { return w.now.Sub(at) }

// checkUsable checks that a caller does not wait for a container that it could have.
func (w *simWorld) checkUsable(a asking, i Info, coming int) {
	b := w.book
	if i.Key != a.key || i.Unreachable || b.dying[i.ID] || b.isDrained(i.Agent) {
		return
	}
	switch held := b.holds(i.ID); {
	case i.State == StateIdle && held == 0:
		w.violate("I7", "caller %d waits for %v, and %s is idle", a.ref, a.key, i.ID)
	case i.State == StateMarked && held == 0 && coming == 0:
		w.violate("I7", "caller %d waits for %v, and %s is marked", a.ref, a.key, i.ID)
	case i.State == StateSuspended && b.freezes[i.ID] == 0 && coming == 0:
		w.violate("I7", "caller %d waits for %v, and %s is suspended", a.ref, a.key, i.ID)
	case i.State == StateBusy && a.session == 0 && b.inited[i.ID] && !b.doomed[i.ID] && held > 0 && held < a.key.Concurrency:
		for l, s := range b.leases {
			if l.Container == i.ID && s != 0 {
				return
			}
		}
		w.violate("I7", "caller %d waits for %v, and %s has a slot", a.ref, a.key, i.ID)
	}
}

// checkRoom checks that a container is started, if there is room, for the caller that waits longest of those for whom none is on its
// way.
func (w *simWorld) checkRoom(a asking, starts int) {
	s := w.scene.settings
	if s.Memory == 0 || s.Memory > w.scene.agents*w.scene.memory || w.scene.lister || w.since(w.book.startFailed) < 10*time.Minute || w.since(w.book.bindFailed) < 10*time.Minute {
		return
	}
	if w.machine.used+a.key.Memory <= s.Memory && starts < s.MaxStarts {
		w.violate("I7", "caller %d waits for %v, and there is room", a.ref, a.key)
	}
}
