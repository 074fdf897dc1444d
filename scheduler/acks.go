package scheduler

import mesos "github.com/mesos/mesos-go/api/v1/lib"

// acks are the updates of the present subscription whose acknowledgement waits for the store, is under way, or is to be made
// again. An update that is repeated meanwhile needs no other one. There is a limit, since a master that takes no calls may go
// on to send updates: those beyond are not acknowledged, so that their agents repeat them, at first after 10 s.
type acks struct {
	limit int
	open  map[ackKey]struct{}
}

type ackKey struct{ task, agent, uuid string }

func ackKeyOf(task mesos.TaskID, agent mesos.AgentID, uuid []byte) ackKey {
	return ackKey{task.Value, agent.Value, string(uuid)}
}

// add adds an update. It returns false for isNew if it is there, and true for full if there is no room.
func (a *acks) add(key ackKey) (isNew, full bool) {
	if _, open := a.open[key]; open {
		return false, false
	}
	if len(a.open) >= a.limit {
		return false, true
	}
	a.open[key] = struct{}{}
	return true, false
}

// remove removes an update: the master has taken its acknowledgement.
func (a *acks) remove(key ackKey) { delete(a.open, key) }

// reset removes all: agents repeat their updates to the next subscription.
func (a *acks) reset() { a.open = map[ackKey]struct{}{} }
