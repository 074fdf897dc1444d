package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// unknownTasks are the tasks in state StateUnknown about which the master is asked again and again, on this subscription. A
// master that has failed over without a registry does not know a task whose agent is not back yet, and can tell what became
// of it as soon as it is.
type unknownTasks struct {
	questions map[*entry]*question
	onAgent   map[string]map[*entry]*question // the same, by the ID of the task's agent
}

// question is about one of them.
type question struct {
	agentID string        // under which it is in onAgent
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

func newUnknownTasks() unknownTasks {
	return unknownTasks{questions: map[*entry]*question{}, onAgent: map[string]map[*entry]*question{}}
}

// add adds a task, and reports whether it is new.
func (u *unknownTasks) add(e *entry) (added bool) {
	if u.questions[e] != nil {
		return false
	}
	u.file(e, &question{pause: unknownMin})
	return true
}

// file files a question under the task's agent.
func (u *unknownTasks) file(e *entry, q *question) {
	q.agentID, u.questions[e] = e.Info.AgentID, q
	if u.onAgent[q.agentID] == nil {
		u.onAgent[q.agentID] = map[*entry]*question{}
	}
	u.onAgent[q.agentID][e] = q
}

// remove drops a task that is known now, or has ended.
func (u *unknownTasks) remove(e *entry) {
	q := u.questions[e]
	if q == nil {
		return
	}
	delete(u.questions, e)
	if there := u.onAgent[q.agentID]; len(there) > 1 {
		delete(there, e)
	} else {
		delete(u.onAgent, q.agentID)
	}
}

// moved notes that a task may be on another agent than before.
func (u *unknownTasks) moved(e *entry) {
	if q := u.questions[e]; q != nil && q.agentID != e.Info.AgentID {
		u.remove(e)
		u.file(e, q)
	}
}

// reset drops all: the next subscription begins with a reconciliation.
func (u *unknownTasks) reset() {
	clear(u.questions)
	clear(u.onAgent)
}

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
		return limit
	}
	return at
}

// on returns the tasks on the agents that make these offers, in order of submission. Each is returned once in unknownMin: an
// agent that is back may make many offers until the master answers.
func (u *unknownTasks) on(now time.Time, offers []task.Offer) []*entry {
	var found []*entry // after a failover there may be very many, and of agents, too
	for i := range offers {
		for e, q := range u.onAgent[offers[i].Agent.ID] {
			if now.Sub(q.offered) >= unknownMin {
				q.offered, q.pause = now, unknownMin
				found = append(found, e)
			}
		}
	}
	sortBySerial(found)
	return found
}
