package invoker

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/victims"
)

// container is what the machine knows of a container. It counts memory from the decision to start it until it is certainly
// gone.
type container struct {
	id         string
	serial     uint64 // in which order they became known
	instance   Instance
	shape      *shapeState
	key        *keyState   // nil until it is bound, then always the same
	agent      *agentState // where it runs; nil until that is known
	planned    *agentState // where it is expected to be started; may be nil
	agentIndex int         // among those of its agent
	state      State
	was        State // of a marked one: what it becomes if it is revived

	slots           []slot // who holds it
	initialised     bool
	start           StartKind // of the first grant
	quarantined     bool      // what it runs is not known: its holder is dead, or has not declared it; see until
	undeclared      bool      // a holder of an earlier term may still send to it, and declare it
	reserved        bool      // it is one of those that are reserved for its key
	retired         bool      // it is removed once nobody holds it
	unreachable     bool
	recalled        bool // the holder has been asked to release it
	adopted         bool // it was there when the run began
	suspending      bool // the engine has not answered suspend
	resumeWanted    bool // it is resumed as soon as the engine has answered suspend
	ended           bool // it was gone before its creation was answered
	recorded        bool // there may be a record of it
	sweeping        bool // it counts in agent.sweeps
	countedStarting bool // it counts among the starting containers of its shape
	surplus         bool // a stem cell that is not wanted, as of the last review
	countedStem     bool // it counts among the stem cells of its shape
	failures        int  // pings, or attempts to destroy it, in a row
	coming          int  // slots that it will soon add to those of its key

	created, used time.Time
	released      time.Time     // after an activation, unlike used; zero: there was none
	until         time.Time     // marked: when it is swept; quarantined: until when; removing: the next attempt; stem: the next ping
	reason        string        // of the mark, and of the removal
	limit         time.Duration // the time limit on record

	trial   *guard                   // that waits for what becomes of the container; nil: none does
	slot    victims.Slot[*container] // among those that may be removed
	indexed State                    // with which it is there; "": it is not

	timer         time.Time // when the machine looks at it: not later than its due
	timerPosition int
	inList        *containerList
	previous      *container
	next          *container
}

// slot is a part of a container that a session holds: one activation of this process, or all of it for another.
type slot struct {
	number  uint64
	session session
}

// held reports whether anybody may send to the container.
func (c *container) held() bool { return len(c.slots) > 0 }

// remote reports whether another process holds the container.
func (c *container) remote() bool { return c.held() && c.slots[0].session != 0 }

// draining reports whether the agent of the container is drained.
func (c *container) draining() bool { return c.agent != nil && c.agent.drains() }

// usable reports whether the container can be given to somebody at the moment: it can be reached, and on an agent that is drained
// it has not been used.
func (c *container) usable() bool { return !c.unreachable && (!c.draining() || !c.initialised) }

// hasRoom reports whether this process can be given a slot. What is being initialised takes nothing else meanwhile.
func (c *container) hasRoom() bool {
	switch c.state {
	case StateIdle:
		return c.usable()
	case StateBusy:
		return c.initialised && !c.quarantined && !c.retired && c.usable() && !c.remote() && len(c.slots) < c.key.Concurrency
	}
	return false
}

// list returns the list that the container belongs to: where those look who need it. Nil: nobody can use it now.
func (c *container) list() *containerList {
	if !c.usable() {
		return nil
	}
	switch c.state {
	case StateStem:
		return &c.shape.stems
	case StateIdle:
		return &c.key.open
	case StateBusy:
		if c.hasRoom() {
			return &c.key.open
		}
		switch {
		case c.retired || !c.remote():
		case c.recalled:
			return &c.key.recalled
		default:
			return &c.key.remote
		}
	case StateSuspended:
		if !c.resumeWanted {
			return &c.key.suspended
		}
	case StateMarked:
		if c.key != nil {
			return &c.key.marked
		}
		return &c.shape.marked
	}
	return nil
}

// slotsComing returns how many slots the container will add to those of its key without further decisions.
func (c *container) slotsComing() int {
	switch {
	case c.key == nil || c.retired || !c.usable():
		return 0
	case c.state == StateBinding, c.state == StateResuming, c.state == StateSuspended && c.resumeWanted:
		return c.key.Concurrency
	case c.state == StateBusy && c.held() && !c.initialised && !c.remote():
		return c.key.Concurrency - 1
	}
	return 0
}

// starting reports whether the container is on its way to be a stem cell.
func (c *container) starting() bool { return c.state == StateCreating || c.state == StateProbing }

// before orders containers by when the machine has to look at them.
func (c *container) before(o *container) bool {
	if !c.timer.Equal(o.timer) {
		return c.timer.Before(o.timer)
	}
	return c.serial < o.serial
}

func (c *container) position() *int { return &c.timerPosition }

// containerList is a list of containers, each of which is in at most one.
type containerList struct {
	head, tail *container
	size       int
}

// pushFront adds a container, which must be in no list.
func (l *containerList) pushFront(c *container) {
	c.inList, c.previous, c.next = l, nil, l.head
	if l.head != nil {
		l.head.previous = c
	} else {
		l.tail = c
	}
	l.head = c
	l.size++
}

// remove takes a container of the list out of it.
func (l *containerList) remove(c *container) {
	if c.previous != nil {
		c.previous.next = c.next
	} else {
		l.head = c.next
	}
	if c.next != nil {
		c.next.previous = c.previous
	} else {
		l.tail = c.previous
	}
	c.inList, c.previous, c.next = nil, nil, nil
	l.size--
}
