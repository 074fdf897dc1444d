package scheduler

import (
	"cmp"
	"errors"
	"time"
)

// Defaults of [OfferPolicy].
const (
	DefaultRefuse         = 30 * time.Second
	DefaultReviveInterval = 100 * time.Millisecond
	DefaultHold           = 100 * time.Millisecond
	DefaultHoldPerAgent   = 2
	DefaultHoldMax        = 10
	DefaultPortQuarantine = 10 * time.Minute
	DefaultStatsTTL       = 5 * time.Minute
)

// OfferPolicy says how offers are treated. An offer that no pending task fits is kept for a moment and then
// declined; for roles that no pending task can use the master is told to send none.
type OfferPolicy struct {
	// Refuse is how long the master keeps what was declined, or left over by a launch, from being offered
	// again: that or up to a quarter longer, at random, and at least 1 h while no task is
	// pending for the role. A new task lifts it. Default 30 s; Mesos limits it to 365 days.
	Refuse time.Duration
	// ReviveInterval is the least time between two calls for new offers in the long run; 3 may follow each
	// other at once. Each makes the master allocate at once. Default 100 ms.
	ReviveInterval time.Duration
	// Hold is how long an offer that no pending task fits is kept for tasks to come, which then need
	// not wait for the master. Default 100 ms. With more, offers are also asked for, and kept from
	// other frameworks, while nothing is pending: HoldMax of them, and HoldPerAgent of one agent, the
	// oldest first; others, and those that are given back, are left to other frameworks for
	// the time of Refuse unless a task needs them. A task that fits none of them has them go back 100 ms
	// later: it may fit one with what else there is on its agent, or need it for another role.
	Hold time.Duration
	// HoldPerAgent and HoldMax limit the offers that are kept for longer than 100 ms. Defaults 2 and 10.
	HoldPerAgent, HoldMax int
	// WaitPreferred is how long, after tasks were launched, other tasks wait at most for the next offer of the
	// agent that has the least memory left of those just used, rather than begin another agent.
	// It comes within the master's allocation interval, 1 s by default. No task waits until its MaxWait
	// is over. Default 0: they do not wait.
	WaitPreferred time.Duration
	// NoOfferConstraints keeps from the master what the pending tasks need. By default it is told, if it is of Mesos
	// 1.11 or later: of tasks that have been waiting for 5 s the constraints, as offer constraints, and the
	// least amounts, as min_allocatable_resources, so that it keeps back offers that no task would fit. A new
	// task that needs others lifts that at once. A matcher that places tasks in spite of their constraints, or on less
	// than they ask for, needs NoOfferConstraints. MaxCycles implies it: without offers there are no cycles to count.
	NoOfferConstraints bool
	// PortQuarantine is how long the host ports of a container are not used on its agent after
	// docker run failed with exit status 125, most likely because one of them is taken. Default
	// 10 min; negative: not at all.
	PortQuarantine time.Duration
	// MaxCycles is how many cycles may look at a pending task in vain: its first one, and each with new
	// offers since. It has then failed with a [*CapacityError]. It is counted anew for a task that is pending
	// again, since its launch came to nothing, and by another process. Default 0: without limit.
	MaxCycles int
	// MaxWait is how long a task may be pending, counted on while no scheduler runs, before it has failed with
	// a [*CapacityError]. It is counted anew for a task that is pending again. Default 0: without limit.
	MaxWait time.Duration
	// StatsTTL is how long [Scheduler.Agents] tells what an agent offered last. Default 5 min.
	StatsTTL time.Duration
	// AcceptInverse decides on inverse offers, on the scheduler's own goroutine: it must be quick
	// and must not call the scheduler. Default: they are accepted where none of our tasks run,
	// else declined for the time of Refuse. An accepted one is kept: the agent's offers are declined until the
	// end of the maintenance, or until they say that it was called off. See Mesos' docs/maintenance.md.
	AcceptInverse func(InverseOffer) bool
}

func (p OfferPolicy) normalize() (OfferPolicy, error) {
	err := errors.Join(
		notNegative("Offers.Refuse", p.Refuse),
		notNegative("Offers.ReviveInterval", p.ReviveInterval),
		notNegative("Offers.Hold", p.Hold),
		notNegative("Offers.HoldPerAgent", p.HoldPerAgent),
		notNegative("Offers.HoldMax", p.HoldMax),
		notNegative("Offers.WaitPreferred", p.WaitPreferred),
		notNegative("Offers.MaxCycles", p.MaxCycles),
		notNegative("Offers.MaxWait", p.MaxWait),
		notNegative("Offers.StatsTTL", p.StatsTTL),
	)
	p.Refuse = cmp.Or(p.Refuse, DefaultRefuse)
	p.ReviveInterval = cmp.Or(p.ReviveInterval, DefaultReviveInterval)
	p.Hold = cmp.Or(p.Hold, DefaultHold)
	p.HoldPerAgent = cmp.Or(p.HoldPerAgent, DefaultHoldPerAgent)
	p.HoldMax = cmp.Or(p.HoldMax, DefaultHoldMax)
	p.PortQuarantine = max(0, cmp.Or(p.PortQuarantine, DefaultPortQuarantine))
	p.StatsTTL = cmp.Or(p.StatsTTL, DefaultStatsTTL)
	return p, err
}
