package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// unknownTasks are the tasks in state StateUnknown about which the master is asked again and again, on this subscription. A
// master that has failed over without a registry does not know a task whose agent is not back yet, and can tell what became of it
// as soon as it is.
type unknownTasks struct {
	questions map[*entry]*question
	planned   time.Time // when the last question that was planned is to be asked
}

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

// unknownTogether is for how long a question waits for others: the master's answers about thousands of tasks come one after the
// other, and are not to cause as many calls.
const unknownTogether = time.Second

func newUnknownTasks() unknownTasks { return unknownTasks{questions: map[*entry]*question{}} }

// add adds a task, and reports whether it is new.
func (u *unknownTasks) add(e *entry) (added bool) {
	if u.questions[e] != nil {
		return false
	}
	u.questions[e] = &question{pause: unknownMin}
	return true
}

// remove drops a task that is known now, or has ended.
func (u *unknownTasks) remove(e *entry) { delete(u.questions, e) }

// reset drops all: the next subscription begins with a reconciliation.
func (u *unknownTasks) reset() { clear(u.questions) }

// next returns when to ask about a task the next time: after the pause, which doubles, but at the end of unknownLimit at the
// latest, since the answer decides then.
func (u *unknownTasks) next(now time.Time, e *entry) time.Time {
	q := u.questions[e]
	if q == nil {
		return now.Add(unknownMin)
	}
	at := now.Add(q.pause)
	q.pause = min(2*q.pause, unknownMax)
	if limit := e.UnknownSince.Add(unknownLimit); now.Before(limit) && limit.Before(at) {
		at = limit
	}
	return u.plan(at)
}

// plan returns the time of a question that is to be asked at the given time, or up to unknownTogether later with others: with
// the last one that was planned, or with those that follow, since one just before it shows that there are many.
func (u *unknownTasks) plan(at time.Time) time.Time {
	switch d := u.planned.Sub(at); {
	case d > unknownTogether || d <= -unknownTogether:
		u.planned = at
	case d < 0:
		u.planned = at.Add(unknownTogether)
	}
	return u.planned
}

// on returns the tasks on the agents that make these offers, in order of submission. Each is returned once in unknownMin: an
// agent that is back may make many offers until the master answers.
func (u *unknownTasks) on(now time.Time, offers []task.Offer) []*entry {
	if len(u.questions) == 0 {
		return nil
	}
	back := make(map[string]bool, len(offers)) // agents; after a failover there may be very many of both
	for i := range offers {
		back[offers[i].Agent.ID] = true
	}
	var found []*entry
	for e, q := range u.questions {
		if back[e.Info.AgentID] && now.Sub(q.offered) >= unknownMin {
			q.offered, q.pause = now, unknownMin
			found = append(found, e)
		}
	}
	sortBySerial(found)
	return found
}
