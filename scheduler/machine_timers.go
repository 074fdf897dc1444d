package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// fireTimers does what has come due.
func (m *machine) fireTimers(now time.Time) {
	var silent []*entry
	for t, ok := m.timers.take(now); ok; t, ok = m.timers.take(now) {
		switch {
		case t.call != nil:
			m.do(send{stream: m.conn.stream, call: t.call})
		case t.relaunch != nil:
			m.backlog.release(t.relaunch)
			m.demand.TaskCame(t.relaunch.info.Spec.Role)
		case t.kill != nil:
			if r := t.kill; r.killTimer == t.number && !r.info.State.Terminal() {
				m.sendKill(now, r)
			}
		default:
			if r := t.launch; r.launchTimer == t.number && r.info.State == task.Staging {
				silent = append(silent, r)
			}
		}
	}
	m.askAfterLaunches(now, silent)
}
