package invoker

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// simWorld is all that surrounds a machine: engine, store, runtimes, callers of this process and sessions of others. It plays in
// virtual time, and all that happens in it follows from the seed. The machine is stepped in one place, and what must
// hold is checked after each step.
type simWorld struct {
	seed   uint64
	random *rand.Rand
	now    time.Time
	queue  simQueue
	number int       // of the last event
	lane   string    // of what is being planned
	latest time.Time // when that has to happen

	scene    scene
	calm     bool // no more faults
	blind    bool // what must hold is not checked: it was before
	timeless bool // nothing takes time but what the machine and the sessions wait for
	mutation mutation

	machine *machine
	leading bool
	run     int       // of the leader; what is meant for an earlier one is dropped
	stalled time.Time // until then the leader does not get on
	term    uint64
	steps   int
	woken   time.Time    // last
	wakes   int          // at that time
	crashes map[int]bool // after which steps the leader is killed

	engine   *simEngine
	store    *simStore
	orders   orders
	book     *book
	sessions []*simSession
	sent     map[int]int // how often the activation was sent
	calls    int
	refs     ref
	served   int // activations that ran
	refused  int

	trail  trail
	broken *violation
}

// violation says which invariant does not hold, and why.
type violation struct{ check, text string }

// simStart is when all worlds begin.
func simStart() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func newWorld(seed uint64, mutation mutation) *simWorld {
	w := &simWorld{
		seed: seed, random: rand.New(rand.NewPCG(seed, 13)), now: simStart(), mutation: mutation,
		trail: trail{max: 80}, crashes: map[int]bool{}, sent: map[int]int{},
	}
	w.scene = newScene(w.random)
	if mutation.scene != nil {
		mutation.scene(&w.scene)
	}
	w.engine, w.store = newSimEngine(w), newSimStore(w)
	return w
}

// violate records the first violation. The world stops at it.
func (w *simWorld) violate(check, format string, args ...any) {
	if w.broken == nil {
		w.broken = &violation{check: check, text: fmt.Sprintf(format, args...)}
	}
}

// after lets something happen after d.
func (w *simWorld) after(d time.Duration, do func()) { w.at(w.now.Add(d), do) }

func (w *simWorld) at(at time.Time, do func()) {
	w.number++
	heap.Push(&w.queue, simEvent{at: at, number: w.number, do: do, lane: w.lane, latest: w.latest})
}

// inLane has what is planned happen in the order in which it is planned, in whatever order other things happen.
func (w *simWorld) inLane(lane string, plan func()) {
	before := w.lane
	w.lane = lane
	plan()
	w.lane = before
}

// within has what is planned happen not later than in d.
func (w *simWorld) within(d time.Duration, plan func()) {
	w.latest = w.now.Add(d)
	plan()
	w.latest = time.Time{}
}

// inLeader lets something happen in the process of the present leader after d, if it lives then. While that process
// is stalled, it waits.
func (w *simWorld) inLeader(d time.Duration, do func()) {
	run := w.run
	var try func()
	try = func() {
		switch {
		case run != w.run || !w.leading:
		case w.now.Before(w.stalled):
			w.at(w.stalled, try)
		default:
			do()
		}
	}
	w.after(d, try)
}

// tell brings an input to the machine after d.
func (w *simWorld) tell(d time.Duration, in input) { w.inLeader(d, func() { w.step(in) }) }

// play lets the world go on until then, or until something is violated.
func (w *simWorld) play(until time.Time) {
	for w.broken == nil {
		if w.steps > maxSteps {
			w.violate("I8", "there are %d steps: something goes in circles", w.steps)
		}
		at, wakes := w.next()
		if at.IsZero() || at.After(until) {
			w.now = until
			return
		}
		if at.After(w.now) {
			w.now = at
		}
		if !wakes {
			heap.Pop(&w.queue).(simEvent).do()
			continue
		}
		if w.step(wake{}); !w.woken.Equal(w.now) {
			w.woken, w.wakes = w.now, 0
		}
		if w.wakes++; w.wakes > maxWakes {
			w.violate("I8", "after %d wakes the deadline is still %v", w.wakes, w.woken.Sub(simStart()))
		}
	}
}

// maxWakes is how often the machine may want to be woken at the same time.
const maxWakes = 4

// maxSteps is far more than a world needs.
const maxSteps = 20000

// next returns when the next thing happens, and whether that is that the machine's deadline comes.
func (w *simWorld) next() (at time.Time, wakes bool) {
	if len(w.queue) > 0 {
		at = w.queue[0].at
	}
	if !w.leading {
		return at, false
	}
	deadline := w.machine.deadline()
	if deadline.IsZero() {
		return at, false
	}
	if deadline.Before(w.stalled) {
		deadline = w.stalled
	}
	if at.IsZero() || deadline.Before(at) {
		return deadline, true
	}
	return at, false
}

// step gives the machine an input, carries out its commands, and checks what must hold.
func (w *simWorld) step(in input) {
	if w.broken != nil {
		return
	}
	w.book.heard(in)
	inputs := []input{in}
	if w.mutation.input != nil {
		inputs = w.mutation.input(w, in)
	}
	for _, in := range inputs {
		w.stepMachine(in)
		if w.broken != nil || !w.leading {
			return
		}
	}
	w.check()
}

// stepMachine passes an input to the machine and carries out its commands. In a crash only some of them are.
func (w *simWorld) stepMachine(in input) {
	w.steps++
	commands := w.machine.step(w.now, passed(in))
	if w.mutation.commands != nil {
		commands = w.mutation.commands(w, in, commands)
	}
	w.trail.add(w.now, in, commands)
	crashes := w.crashes[w.steps]
	if crashes {
		commands = commands[:w.random.IntN(len(commands)+1)]
	}
	for _, c := range commands {
		w.book.said(c)
		if w.broken != nil {
			return
		}
		w.perform(c)
	}
	if crashes {
		w.crash()
	}
}

// passed returns the input as the pool passes it: the frequent ones by pointer.
func passed(in input) input {
	switch in := in.(type) {
	case acquire:
		return &in
	case release:
		return &in
	}
	return in
}

// perform carries out a command. It never steps the machine: what answers comes later.
func (w *simWorld) perform(c command) {
	switch c := c.(type) {
	case create:
		w.engine.create(c.id, c.spec)
	case probe:
		w.engine.probe(c.instance, c.ping)
	case bind:
		w.store.bind(c.record)
	case note:
		w.store.later(c.record.ID, &c.record)
	case forget:
		w.store.later(c.id, nil)
	case destroy:
		w.engine.destroy(c.id)
	case suspend:
		w.engine.suspend(c.id, true)
	case resume:
		w.engine.suspend(c.id, false)
	case list:
		w.engine.list()
	case *grant:
		w.book.callers[c.ref].granted(c)
	case refuse:
		w.book.callers[c.ref].refused()
	case recall:
		if s := w.session(c.session); s != nil {
			s.hear(func() { s.recalled(c.grant) })
		}
	case revoke:
		if s := w.session(c.session); s != nil {
			s.hear(func() { s.revoked(c.grant) })
		}
	}
}

// lead begins the run of a leader.
func (w *simWorld) lead() {
	w.run++
	w.term++
	w.leading = true
	w.stalled = time.Time{}
	w.book = newBook(w)
	settings := w.scene.settings
	if w.mutation.settings != nil {
		w.mutation.settings(&settings)
	}
	w.machine = newMachine(settings)
	w.trail.say(w.now, fmt.Sprintf("term %d begins", w.term))
	w.step(start{w.term, w.orders})
	if w.leading && w.engine.listings == 0 {
		w.engine.list()
	}
	for _, s := range w.sessions {
		w.after(w.between(0, 9*time.Second), s.connect)
	}
	if w.scene.lister {
		w.engine.tellAgents()
	}
}

// order has an agent be drained, or used again, or other stem cells be kept.
func (w *simWorld) order(agent string) {
	switch drained := slices.Index(w.orders.Drained, agent); {
	case w.random.IntN(3) == 0:
		n := w.random.IntN(4)
		cells := []StemCells{{Kind: "k", Memory: 256 << w.random.IntN(2), Initial: n, Max: n + w.random.IntN(2)}}
		w.orders.Stems = &cells
		w.step(setStemCells{cells})
	case drained >= 0:
		w.orders.Drained = slices.Delete(slices.Clone(w.orders.Drained), drained, drained+1)
		w.step(drainAgent{agent, false})
	default:
		w.orders.Drained = append(slices.Clone(w.orders.Drained), agent)
		w.step(drainAgent{agent, true})
	}
}

// crash kills the leader. Another one follows.
func (w *simWorld) crash() {
	w.trail.say(w.now, "the leader is killed")
	w.leading = false
	w.run++
	w.engine.leaderDied()
	w.store.leaderDied()
	for _, s := range w.sessions {
		s.disconnected()
	}
	w.after(w.between(100*time.Millisecond, 3*time.Second), w.lead)
}

// between returns a duration between two, evenly.
func (w *simWorld) between(least, most time.Duration) time.Duration {
	if w.timeless {
		return 0
	}
	return least + time.Duration(w.random.Int64N(int64(most-least)+1))
}

// fault reports whether something of a kind goes wrong now. Each scene has only some kinds of faults.
func (w *simWorld) fault(f fault, perMille int) bool {
	return !w.calm && w.scene.faults[f] && w.random.IntN(1000) < perMille
}

// simEvent is something that will happen.
type simEvent struct {
	at     time.Time
	number int
	do     func()
	lane   string    // what happens in order; "": by itself
	latest time.Time // zero: it may be late
}

// simQueue is a heap of events: the earliest first, those of the same time in the order in which they were planned.
type simQueue []simEvent

func (q simQueue) Len() int { return len(q) }
func (q simQueue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].number < q[j].number
	}
	return q[i].at.Before(q[j].at)
}
func (q simQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *simQueue) Push(x any)   { *q = append(*q, x.(simEvent)) }
func (q *simQueue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = simEvent{}
	*q = (*q)[:last]
	return e
}

// trail keeps the last steps for a failure's report.
type trail struct {
	entries []trailEntry
	begin   int
	max     int // entries
}

type trailEntry struct {
	at       time.Time
	text     string
	in       input
	commands []command
}

func (t *trail) add(at time.Time, in input, commands []command) {
	kept := slices.Clone(commands)
	for i, c := range kept {
		if g, ok := c.(*grant); ok { // it is valid until the next step
			copied := *g
			kept[i] = &copied
		}
	}
	t.keep(trailEntry{at: at, in: in, commands: kept})
}

func (t *trail) say(at time.Time, text string) { t.keep(trailEntry{at: at, text: text}) }

func (t *trail) keep(e trailEntry) {
	if len(t.entries) < t.max {
		t.entries = append(t.entries, e)
		return
	}
	t.entries[t.begin] = e
	t.begin = (t.begin + 1) % t.max
}

// String returns the last steps as in the files of scenarios.
func (t *trail) String() string {
	var b strings.Builder
	for i := range t.entries {
		e := t.entries[(t.begin+i)%len(t.entries)]
		fmt.Fprintf(&b, "%-12v ", e.at.Sub(simStart()))
		if e.in == nil {
			fmt.Fprintf(&b, "# %s\n", e.text)
			continue
		}
		fmt.Fprintf(&b, "> %s\n", describeInput(e.in))
		for _, c := range e.commands {
			fmt.Fprintf(&b, "%-12s   %s\n", "", describeCommand(c))
		}
	}
	return b.String()
}
