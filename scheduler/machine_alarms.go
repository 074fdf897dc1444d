package scheduler

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// alarm is something to be done later: a call that is made again, a KILL for a task that has not
// ended, a question about a launch that nothing was heard of, another launch of what was dropped.
type alarm struct {
	at     time.Time
	turn   uint32          // of those of the same time; no two have the same
	call   *scheduler.Call // that does no harm when it arrives twice, or late
	kill   *record         // unless its killTurn is another
	launch *record         // unless its launchTurn is another
	again  *record
}

// alarm sets an alarm and returns its turn.
func (m *machine) alarm(a alarm) uint32 {
	m.alarmed++
	a.turn = m.alarmed
	heap.Push(&m.alarms, a)
	return a.turn
}

// alarms is a heap, since there may be one for each of very many tasks.
type alarms []alarm

func (as alarms) Len() int { return len(as) }
func (as alarms) Less(i, j int) bool {
	return cmp.Or(as[i].at.Compare(as[j].at), cmp.Compare(as[i].turn, as[j].turn)) < 0
}
func (as alarms) Swap(i, j int) { as[i], as[j] = as[j], as[i] }
func (as *alarms) Push(a any)   { *as = append(*as, a.(alarm)) }
func (as *alarms) Pop() any {
	last := len(*as) - 1
	a := (*as)[last]
	(*as)[last] = alarm{}
	*as = (*as)[:last]
	return a
}

// keepAlarms drops those of the last subscription: the master has taken back its offers; kills and questions
// will be sent anew. Not so the launches of what is held back, which no offer that comes before them is for.
func (m *machine) keepAlarms() {
	m.alarms = slices.DeleteFunc(m.alarms, func(a alarm) bool { return a.again == nil })
	heap.Init(&m.alarms)
}

// ring does what the alarms that have come due are about.
func (m *machine) ring(now time.Time) {
	var silent []*record
	for len(m.alarms) > 0 && !now.Before(m.alarms[0].at) {
		a := heap.Pop(&m.alarms).(alarm)
		switch {
		case a.call != nil:
			m.do(send{stream: m.conn.stream, call: a.call})
		case a.again != nil:
			m.fresh.add(a.again, 0, len(m.pending))
			m.queue.stale = true // it belongs at its old place there
			m.demand.TaskCame(a.again.info.Spec.Role)
		case a.kill != nil:
			if r := a.kill; r.killTurn == a.turn && !r.info.State.Terminal() {
				m.sendKill(now, r)
			}
		default:
			if r := a.launch; r.launchTurn == a.turn && r.info.State == task.Staging {
				silent = append(silent, r)
			}
		}
	}
	m.askAfterLaunches(now, silent)
}
