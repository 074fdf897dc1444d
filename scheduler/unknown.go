package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// unknownTasks are the tasks in state StateUnknown about which the master is asked again and again, on this subscription. A
// master that has failed over without a registry does not know a task whose agent is not back yet, and can tell what became
// of it as soon as it is.
type unknownTasks map[*entry]*question

// question is about one of them.
type question struct {
	pause   time.Duration // before the next one
	offered time.Time     // when it was last asked because the task's agent made an offer
}

// unknownLimit is for how long a master must say that it does not know a task before the task is taken for lost.
// Agents have ten minutes to re-register after a failover of the master.
const unknownLimit = 10 * time.Minute

// The pauses between two questions: the first one, and the longest. They double.
const (
	unknownMin = reconcileMin
	unknownMax = reconcileMax
)

// add adds a task, and reports whether it is new.
func (u unknownTasks) add(e *entry) (added bool) {
	if u[e] != nil {
		return false
	}
	u[e] = &question{pause: unknownMin}
	return true
}

// remove drops a task that is known now, or has ended.
func (u unknownTasks) remove(e *entry) { delete(u, e) }

// reset drops all: the next subscription begins with a reconciliation.
func (u unknownTasks) reset() { clear(u) }

// next returns when to ask about a task the next time: after the pause, which doubles, but at the end of unknownLimit at the
// latest, since the answer decides then.
func (u unknownTasks) next(now time.Time, e *entry) time.Time {
	q := u[e]
	if q == nil {
		return now.Add(unknownMin)
	}
	at := now.Add(q.pause)
	q.pause = min(2*q.pause, unknownMax)
	if limit := e.UnknownSince.Add(unknownLimit); now.Before(limit) && limit.Before(at) {
		return limit
	}
	return at
}

// on returns the tasks on the agents that make these offers, in order of submission. Each is returned once in unknownMin: an
// agent that is back may make many offers until the master answers.
func (u unknownTasks) on(now time.Time, offers []task.Offer) []*entry {
	back := make(map[string]bool, len(offers)) // agents; after a failover there may be very many of both
	for i := range offers {
		back[offers[i].Agent.ID] = true
	}
	var found []*entry
	for e, q := range u {
		if back[e.Info.AgentID] && now.Sub(q.offered) >= unknownMin {
			q.offered, q.pause = now, unknownMin
			found = append(found, e)
		}
	}
	sortBySerial(found)
	return found
}
