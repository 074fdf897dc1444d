package invoker

import (
	lists "container/list"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/victims"
)

// machine is the whole state of a pool and makes all of its decisions. One method changes it, step, and it does nothing by
// itself: it has no goroutine, lock, channel, clock, log or I/O. An input and the time go in, commands come out. The same inputs
// at the same times give the same commands. Each run has a machine of its own.
//
// Its owner passes each input to step as it comes, carries out the commands, and passes wake once the deadline has come. Each
// command that an input answers has to be answered, once, in the end.
//
// It alone emits commands. What it has to remember is in parts, which never see it:
//
//	container   container.go  a container, and the list that it is in
//	keyState    waiting.go    who waits for a key, and its containers; likewise by shape and by size
//	agentState  agents.go     a machine, what is on it and what is free
//	guard       guard.go      what is begun rarely, since it keeps failing
//	pause       pause.go      what is not tried for a while, since it failed
//	priority    priority.go   a queue by age or by time
//
// Its methods, by what they are about:
//
//	machine.go           inputs, deadlines and emitted commands
//	machine_acquire.go   callers: acquire, cancel, release
//	machine_supply.go    where those who wait get a container from
//	machine_bind.go      a container becomes that of a key
//	machine_start.go     starts, and how they end
//	machine_room.go      memory: who fits, who has to go
//	machine_victims.go   what is removed to make room
//	machine_review.go    what is looked at now and then
//	machine_guards.go    what keeps failing
//	machine_stems.go     stem cells: how many, and whether they live
//	machine_idle.go      suspending, and what idles too long
//	machine_mark.go      marking and sweeping
//	machine_reserve.go   what is kept for an action
//	machine_orders.go    what an operator asks for at run time
//	machine_remove.go    the end of containers
//	machine_sessions.go  other processes that hold containers
//	machine_adopt.go     listings: at the beginning of a run, and after changes were missed
//	machine_agents.go    changes that the engine tells of
//	machine_index.go     where a container is found, after each change of it
//	machine_explain.go   why a caller waits
//	machine_info.go      what users see
type machine struct {
	settings settings // never change
	term     uint64
	listed   bool // the first listing is there

	containers  map[string]*container
	addresses   map[string]*container // the newest that listens there
	keys        map[Key]*keyState
	shapes      map[Shape]*shapeState
	shapeOrder  lists.List    // of *shapeState, in the order in which they became known
	stemmed     []*shapeState // those with configured stem cells
	cells       []StemCells   // the configured ones; replaced, not modified
	sizes       []*sizeState  // by memory
	agents      map[string]*agentState
	agentsKnown bool          // the engine says what is free where
	agentOrder  []*agentState // in which they became known
	drained     []string      // agents, by the operator; replaced, not modified
	sessions    []*sessionState

	waiters    map[ref]*waiter
	queue      waiterList // all of them
	rounds     uint64     // in which was decided what to start for them
	timers     priority[*container]
	guards     priority[*guard] // those that are blocked for a time
	listing    listing
	engine     pause // starts
	store      pause // binding
	room       room
	idle       victims.Index[*container] // what may be removed to make room
	used       int                       // MiB
	ahead      int                       // starting containers that nobody waits for
	startable  int                       // sizes of which somebody needs a start, and for which there may be room
	starting   int                       // containers
	started    [Recreated + 1]uint64     // grants, by how they were had
	early      []declared                // came before the first listing, and are taken after it
	unusedKeys lists.List                // of *keyState with no container, waiter or reservation, the longest unused first

	nextReview time.Time // zero: there is nothing to look at
	nextCheck  time.Time // of stem cells that are sized by OpenWhisk's formula

	grants    uint64      // the number of the last one
	serial    uint64      // of the last container
	waited    uint64      // the number of the last caller that had to wait
	events    uint64      // the number of the last one
	blocked   uint64      // guards, ever
	unsettled bool        // something has changed that starts depend on
	resupply  []*keyState // less comes for them than before this step, or they may bind again
	commands  []command
	granted   []grant // of the current step
}

// settings are what a machine is told at its beginning.
type settings struct {
	PoolConfig        // with its defaults; Memory 0: what the engine has
	owner      string // of all containers
	env        map[string]string
	canSuspend bool // the engine is a Suspender
	elected    bool // other processes may hold containers that an earlier leader has granted
}

// sessionMargin is how much longer the machine waits for the end of a session than its holder, which counts from before it sent its
// renewal.
const sessionMargin = time.Second

func newMachine(s settings) *machine {
	return &machine{
		settings: s, containers: map[string]*container{}, addresses: map[string]*container{}, keys: map[Key]*keyState{}, shapes: map[Shape]*shapeState{},
		agents: map[string]*agentState{}, waiters: map[ref]*waiter{}, queue: waiterList{links: 1},
	}
}

// step takes one input at the time now and returns the commands to be carried out, in order. The slice, and grants in it, are
// valid until the next step.
func (m *machine) step(now time.Time, in input) []command {
	clear(m.commands)
	m.commands, m.granted = m.commands[:0], m.granted[:0]
	switch in := in.(type) {
	case *acquire:
		m.acquire(now, in)
	case *release:
		m.release(now, in)
	case acquire:
		m.acquire(now, &in)
	case release:
		m.release(now, &in)
	case cancel:
		m.cancel(in.ref)
	case reserve:
		m.reserve(now, in)
	case setStemCells:
		m.setStemCells(in.cells)
	case drainAgent:
		m.drainAgent(now, in.agent, in.on)
	case initialised:
		m.initialised(now, in.grant)
	case opened, declared, closed:
		m.serveSession(now, in)
	case start:
		m.start(now, in)
	case wake:
		m.wake(now)
	default:
		m.answer(now, in)
	}
	if m.unsettled && m.listed {
		m.settle(now)
	}
	return m.commands
}

// answer takes what the engine, the store or a container says.
func (m *machine) answer(now time.Time, in input) {
	switch in := in.(type) {
	case listed:
		m.takeListing(now, in)
	case created:
		m.created(now, in)
	case probed:
		m.probed(now, in)
	case stored:
		m.stored(now, in)
	case destroyed:
		m.destroyed(now, in)
	case suspended:
		m.suspended(now, in)
	case resumed:
		m.resumed(now, in)
	case changed:
		m.changed(now, in.change)
	case agentsSeen:
		m.agentsSeen(now, in.agents)
	}
}

// deadline returns when the machine wants to be woken; the zero time: never.
func (m *machine) deadline() time.Time {
	first := m.listing.again
	sooner := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if c, ok := m.timers.first(); ok {
		sooner(c.timer)
	}
	if g, ok := m.guards.first(); ok {
		sooner(g.until)
	}
	sooner(m.nextReview)
	if len(m.waiters) > 0 || m.listed {
		sooner(m.engine.until)
		sooner(m.store.until)
		sooner(m.room.look)
	}
	for _, s := range m.sessions {
		sooner(s.until)
	}
	return first
}

// wake does whatever has come due.
func (m *machine) wake(now time.Time) {
	if due(m.listing.again, now) {
		m.list(now)
	}
	m.expireSessions(now)
	for g, ok := m.guards.first(); ok && due(g.until, now); g, ok = m.guards.first() {
		m.guardChanged(now, g)
	}
	if due(m.nextReview, now) {
		m.review(now)
	}
	if m.engine.over(now) {
		m.unsettled = true
	}
	if m.store.over(now) {
		m.supplyAll(now)
	}
	if due(m.room.look, now) {
		m.room.forget()
		m.unsettled = true
	}
	for {
		c, ok := m.timers.first()
		if !ok || now.Before(c.timer) {
			return
		}
		switch at := m.due(c); {
		case at.IsZero():
			m.timers.remove(c)
		case now.Before(at):
			c.timer = at
			m.timers.put(c)
		default:
			m.timers.remove(c)
			m.fire(now, c)
		}
	}
}

// settle decides what follows from all that has changed in this step.
func (m *machine) settle(now time.Time) {
	for i := 0; i < len(m.resupply); i++ {
		m.supply(now, m.resupply[i])
	}
	m.resupply = m.resupply[:0]
	m.startWanted(now)
	m.startStems(now)
	m.unsettled = len(m.resupply) > 0
}

func (m *machine) emit(c command) { m.commands = append(m.commands, c) }

// notify tells the watchers what happened to a container.
func (m *machine) notify(now time.Time, kind EventKind, c *container, reason string) {
	m.events++
	m.emit(notify{event: Event{Epoch: m.epoch(), Seq: m.events, Time: now, Kind: kind, Container: c.info(), Reason: reason}})
}
