package mesosengine

import (
	"cmp"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// What suits the containers of invokers.
const (
	launchTime      = 45 * time.Second // OpenWhisk's task-launch
	holdTime        = 30 * time.Second
	heldOffers      = 3
	history         = 4096
	failoverTimeout = time.Hour
)

// SchedulerConfig returns a config for the scheduler of an [Engine]: c, and in place of what it leaves out:
//
//   - the matcher taskmatcher.BestFit, so that whole agents stay free;
//   - KillUnknown: what runs and is not on record is nobody's container;
//   - Offers.MaxWait of 45 s, after which a container that finds no place fails;
//   - Offers.Hold of 30 s and HoldMax of 3. A start then needs not wait for an offer, and the scheduler is offered new agents and
//     what becomes free on others also while nothing is pending. Without it [Engine.Agents] grows old. Other frameworks do
//     not have what is held;
//   - a History of 4096 tasks, whose output can be read, and RememberIDs of none, since no ID of a container is used again;
//   - with a Store, a FailoverTimeout of 1 h. An invoker whose store is lost leaves its containers to Mesos, which ends them then. If
//     the store is that of a scheduler.Term, set it yourself: the default of the scheduler is a week.
func SchedulerConfig(c scheduler.Config) scheduler.Config {
	if c.Matcher == nil {
		c.Matcher = taskmatcher.BestFit{}
	}
	if c.UnknownTasks == scheduler.ReportUnknown {
		c.UnknownTasks = scheduler.KillUnknown
	}
	if c.Framework.FailoverTimeout == 0 && c.Store != nil {
		c.Framework.FailoverTimeout = failoverTimeout
	}
	c.Offers.MaxWait = cmp.Or(c.Offers.MaxWait, launchTime)
	c.Offers.Hold = cmp.Or(c.Offers.Hold, holdTime)
	c.Offers.HoldMax = cmp.Or(c.Offers.HoldMax, heldOffers)
	c.History = cmp.Or(c.History, history)
	c.RememberIDs = cmp.Or(c.RememberIDs, scheduler.Retention{Count: -1})
	return c
}
