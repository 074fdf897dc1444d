package scheduler

import (
	"cmp"
	"errors"
	"time"
)

// Defaults of [OfferPolicy].
const (
	defaultRefuse         = 30 * time.Second
	defaultReviveInterval = 100 * time.Millisecond
	defaultHold           = 100 * time.Millisecond
	defaultHoldPerAgent   = 2
	defaultHoldMax        = 10
	defaultPortQuarantine = 10 * time.Minute
	defaultStatsTTL       = 5 * time.Minute
)

// OfferPolicy configures how offers are treated. An offer that no pending task fits is held for a moment and then
// declined. Roles that no pending task can use are suppressed.
type OfferPolicy struct {
	// Refuse is how long the master does not offer again what was declined, or left over by a launch. The actual time
	// is random, up to a quarter longer, and at least 1 h while no task is pending for the role. A new task ends it.
	// Default 30 s; Mesos limits it to 365 days.
	Refuse time.Duration
	// ReviveInterval limits how often the master is asked for new offers, since it runs an allocation each time: 3
	// REVIVE calls may follow each other at once, and in the long run there is at most one in each interval. Default 100 ms.
	ReviveInterval time.Duration
	// Hold is how long an offer that no pending task fits is held for tasks to come, which then need not wait for the
	// master. Default 100 ms. If it is longer, offers are also asked for, and withheld from other frameworks, while
	// nothing is pending: up to HoldMax offers, and up to HoldPerAgent of one agent; the oldest are held. All others
	// are declined for the time of Refuse, unless a task needs them. If a pending task fits none of the held offers,
	// they are declined 100 ms later: the task may need other resources of the same agents as well, or the same ones
	// for another role.
	Hold time.Duration
	// HoldPerAgent and HoldMax limit the offers that are held for longer than 100 ms. Defaults 2 and 10.
	HoldPerAgent, HoldMax int
	// WaitPreferred packs tasks that are submitted one by one: after tasks were launched, others wait for up to this
	// time for the next offer of the agent that has the least memory left of those just used, before they use other
	// agents. That offer comes within the master's allocation interval, 1 s by default. A task stops waiting before its
	// MaxWait is over. Default 0: tasks do not wait.
	WaitPreferred time.Duration
	// NoOfferConstraints turns off the filtering of offers by the master. By default a master of Mesos 1.11 or later is
	// told what those tasks need that have been pending for 5 s: their constraints, as offer constraints, and the least
	// amounts, as min_allocatable_resources. It then sends no offers that none of them fits. A new task that needs
	// other offers lifts the filter at once. Set NoOfferConstraints for a matcher that ignores constraints, or places
	// tasks on less than they ask for. MaxCycles implies it, since without offers there are no cycles to count.
	NoOfferConstraints bool
	// PortQuarantine is how long the host ports of a container are not used on its agent after
	// docker run failed with exit status 125, most likely because one of them is in use. Default
	// 10 min; negative: not at all.
	PortQuarantine time.Duration
	// MaxCycles is how many cycles may look at a pending task without placing it: its first one, and each one with new
	// offers since. The task then fails with a [*CapacityError]. The count begins again for a task that is pending
	// again because its launch was lost, and in another process. Default 0: no limit.
	MaxCycles int
	// MaxWait is how long a task may be pending before it fails with a [*CapacityError]. The time also passes while no
	// scheduler runs. It begins again for a task that is pending again. Default 0: no limit.
	MaxWait time.Duration
	// StatsTTL is how long [Scheduler.Agents] returns what an agent offered last. Default 5 min.
	StatsTTL time.Duration
	// AcceptInverse decides whether an inverse offer is accepted. It is called on the scheduler's own goroutine, must
	// be quick and must not call the scheduler. Default: inverse offers are accepted if none of our tasks run on the
	// agent, and otherwise declined for the time of Refuse. After one was accepted, the offers of its agent are
	// declined until the maintenance is over, or an offer shows that it was cancelled. See Mesos' docs/maintenance.md.
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
	p.Refuse = cmp.Or(p.Refuse, defaultRefuse)
	p.ReviveInterval = cmp.Or(p.ReviveInterval, defaultReviveInterval)
	p.Hold = cmp.Or(p.Hold, defaultHold)
	p.HoldPerAgent = cmp.Or(p.HoldPerAgent, defaultHoldPerAgent)
	p.HoldMax = cmp.Or(p.HoldMax, defaultHoldMax)
	p.PortQuarantine = max(0, cmp.Or(p.PortQuarantine, defaultPortQuarantine))
	p.StatsTTL = cmp.Or(p.StatsTTL, defaultStatsTTL)
	return p, err
}
