package scheduler

import mesos "github.com/mesos/mesos-go/api/v1/lib"

// acks are the updates of the present subscription whose acknowledgement waits for the store, is under way, or is to be made
// again. An update that is repeated meanwhile needs no other one. There is a limit, since a master that takes no calls may go
// on to send updates: those beyond are not acknowledged, so that their agents repeat them, at first after 10 s. That would
// delay launches, since agents hold back what follows. So the limit has room for the updates of some 75,000 tasks at once,
// while a slow store is written to.
type acks struct {
	limit int // of bytes
	bytes int
	open  map[ackKey]struct{}
}

type ackKey struct{ task, agent, uuid string }

// ackOverhead is about how many bytes an acknowledgement that waits takes without its IDs.
const ackOverhead = 800

func (k *ackKey) size() int { return ackOverhead + len(k.task) + len(k.agent) + len(k.uuid) }

func ackKeyOf(task mesos.TaskID, agent mesos.AgentID, uuid []byte) ackKey {
	return ackKey{task.Value, agent.Value, string(uuid)}
}

// add adds an update. It returns false for isNew if it is there, and true for full if there is no room.
func (a *acks) add(key ackKey) (isNew, full bool) {
	before := len(a.open)
	a.open[key] = struct{}{} // and not first a look: the map is large, and its keys are long
	if len(a.open) == before {
		return false, false
	}
	if a.bytes+key.size() > a.limit {
		delete(a.open, key)
		return false, true
	}
	a.bytes += key.size()
	return true, false
}

// remove removes an update: the master has taken its acknowledgement.
func (a *acks) remove(key ackKey) {
	before := len(a.open)
	if delete(a.open, key); len(a.open) < before {
		a.bytes -= key.size()
	}
}

// reset removes all: agents repeat their updates to the next subscription.
func (a *acks) reset() { a.open, a.bytes = map[ackKey]struct{}{}, 0 }
