package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// fireTimers does what the timers that have come due are for.
func (m *machine) fireTimers(now time.Time) {
	var silent []*entry
	for t, ok := m.timers.take(now); ok; t, ok = m.timers.take(now) {
		switch {
		case t.task().gone:
		case t.relaunch != nil:
			m.backlog.endHold(t.relaunch)
			m.demand.TaskArrived(t.relaunch.Info.Spec.Base().Role)
		case t.kill != nil:
			if e := t.kill; e.killTimer == t.number && !e.Info.State.Terminal() {
				m.sendKill(now, e)
			}
		default:
			e := t.launch
			if e.launchTimer == t.number && (e.Info.State == task.StateStaging || e.Info.State == task.StateUnknown) {
				silent = append(silent, e)
			}
		}
	}
	m.askAbout(now, silent)
}
