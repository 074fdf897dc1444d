package scheduler

import "time"

// wait answers a caller when a task has come as far as the caller waits for.
func (m *machine) wait(now time.Time, in wait) {
	info, known := m.tasks.info(in.id)
	ended := info.State.Terminal()
	switch e := m.tasks.byID[in.id]; {
	case !known:
		m.emit(reply{ref: in.ref, err: unknown(in.id)})
	case ended && in.until != UntilEnded:
		m.whenStored(now, reply{ref: in.ref, info: &info, err: &TaskError{Task: info.Public(), Err: info.Err}})
	case ended, e.reached(in.until):
		m.whenStored(now, reply{ref: in.ref, info: &info})
	default:
		e.wait(caller{ref: in.ref, until: in.until})
	}
}
