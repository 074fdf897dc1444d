package scheduler

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// record is what the machine knows of one task.
type record struct {
	info    task.Info
	serial  int       // place in the order of submission
	offer   string    // that its last ACCEPT used
	uuid    []byte    // of the last update that was taken
	killing bool      // its end is wanted
	killAt  time.Time // when to send the next KILL
	err     error     // why it ended, when that was on our side
	callers []caller  // that wait for it
}

// caller waits for a task to run, or for its end.
type caller struct {
	ref ref
	end bool
}

func (m *machine) submit(now time.Time, in submit) {
	if m.tasks[in.spec.ID] != nil {
		m.do(reply{ref: in.ref, err: fmt.Errorf("%w: %q", ErrDuplicateTask, in.spec.ID)})
		return
	}
	m.serial++
	r := &record{
		info:   task.Info{Spec: in.spec, State: task.Pending, Submitted: now, Updated: now},
		serial: m.serial,
	}
	m.tasks[in.spec.ID] = r
	m.pending = append(m.pending, r)
	m.lift = m.lift || m.filtered
	m.do(notify{TaskEvent{Task: r.info, Previous: task.Pending}})
	if in.wait {
		r.callers = append(r.callers, caller{ref: in.ref})
	} else {
		m.do(reply{ref: in.ref, info: r.info})
	}
}

func (m *machine) kill(now time.Time, in kill) {
	r := m.tasks[in.id]
	switch {
	case r == nil:
		m.do(reply{ref: in.ref, err: fmt.Errorf("%w: %q", ErrUnknownTask, in.id)})
	case r.info.State.Terminal():
		m.do(reply{ref: in.ref, info: r.info})
	default:
		r.callers = append(r.callers, caller{ref: in.ref, end: true})
		m.end(now, r)
	}
}

// cancel drops a caller. Nobody will ever use a task whose Launch was given up, so it ends.
func (m *machine) cancel(now time.Time, in cancel) {
	m.tearWaiting = slices.DeleteFunc(m.tearWaiting, func(w ref) bool { return w == in.ref })
	r := m.tasks[in.id]
	if r == nil {
		return
	}
	i := slices.IndexFunc(r.callers, func(c caller) bool { return c.ref == in.ref })
	if i < 0 {
		return // answered meanwhile
	}
	launching := !r.callers[i].end
	r.callers = slices.Delete(r.callers, i, i+1)
	if launching {
		m.end(now, r)
	}
}

// end ends a task that is not terminal: withdraws it while it is pending, kills it afterwards.
func (m *machine) end(now time.Time, r *record) {
	if r.info.State == task.Pending {
		m.withdraw(r)
		m.fail(now, r, task.Killed, nil)
		return
	}
	r.killing = true
	if m.phase == connected {
		m.sendKill(now, r)
	}
}

// killRepeat is the time between two KILLs for a task that does not end. One can be lost behind the
// master, or come while the task's agent is away: a master that does not know the task forgets it.
const killRepeat = 15 * time.Second

func (m *machine) sendKill(now time.Time, r *record) {
	c := &scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{
		TaskID: mesos.TaskID{Value: r.info.Spec.ID},
		// With the agent's ID the master can say what became of a task it does not know.
		AgentID: &mesos.AgentID{Value: r.info.AgentID},
	}}
	m.call(c)
	r.killAt = now.Add(killRepeat)
	m.repeat(r.killAt, c)
}

// killAgain sends the KILL that has come due, unless the task has ended or another is planned.
func (m *machine) killAgain(now time.Time, due repeat) {
	r := m.tasks[due.call.Kill.TaskID.Value]
	if r != nil && !r.info.State.Terminal() && r.killAt.Equal(due.at) {
		m.sendKill(now, r)
	}
}

// update takes a status update: it is applied, told, and only then acknowledged.
func (m *machine) update(now time.Time, status mesos.TaskStatus) {
	r := m.tasks[status.TaskID.Value]
	known := r != nil && !r.info.State.Terminal()
	repeated := known && len(status.UUID) > 0 && bytes.Equal(status.UUID, r.uuid)
	if known && !repeated {
		m.apply(now, r, status)
	}
	// Also a repeated one and one about a task that is not on record: its agent goes on sending
	// it, and holds back what comes after it, until it is acknowledged.
	if len(status.UUID) > 0 && status.AgentID != nil {
		m.call(&scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{
			AgentID: *status.AgentID,
			TaskID:  status.TaskID,
			UUID:    status.UUID,
		}})
	}
}

// apply changes a task as the update says.
func (m *machine) apply(now time.Time, r *record, status mesos.TaskStatus) {
	r.uuid = status.UUID
	state := task.Unknown // also what a newer Mesos may invent
	if status.State != nil {
		state = task.FromMesos(*status.State)
	}
	if status.GetReason() == mesos.REASON_INVALID_OFFERS && state.Terminal() {
		// The offer was gone when the ACCEPT arrived. That is nobody's fault and nothing ran.
		if r.info.State == task.Staging {
			m.requeue(now, r)
		}
		return
	}
	if r.info.State == task.Pending {
		// Its launch was taken for refused and was not.
		m.withdraw(r)
	}
	r.info.Status = &status
	if status.AgentID != nil {
		r.info.AgentID = status.AgentID.Value
	}
	if status.Healthy != nil {
		r.info.Healthy = status.Healthy
	}
	m.change(now, r, state)
}

// requeue makes a launched task pending again, at its old place in the order.
func (m *machine) requeue(now time.Time, r *record) {
	r.offer = ""
	r.info.AgentID, r.info.Hostname, r.info.HostPorts, r.info.Status = "", "", nil, nil
	if r.killing {
		m.fail(now, r, task.Killed, nil)
		return
	}
	at, _ := slices.BinarySearchFunc(m.pending, r, bySerial)
	m.pending = slices.Insert(m.pending, at, r)
	m.lift = m.lift || m.filtered
	m.change(now, r, task.Pending)
}

// withdraw takes a task out of the pending ones.
func (m *machine) withdraw(r *record) {
	if at, found := slices.BinarySearchFunc(m.pending, r, bySerial); found {
		m.pending = slices.Delete(m.pending, at, at+1)
	}
}

func bySerial(a, b *record) int { return cmp.Compare(a.serial, b.serial) }

// fail ends a task on our side.
func (m *machine) fail(now time.Time, r *record, state task.State, err error) {
	r.err = err
	m.change(now, r, state)
}

// change moves a task to a state, tells the watchers and answers whoever waited for it.
func (m *machine) change(now time.Time, r *record, state task.State) {
	previous := r.info.State
	r.info.State, r.info.Updated = state, now
	m.do(notify{TaskEvent{Task: r.info, Previous: previous}})
	ended := state.Terminal()
	up := state == task.Running && (r.info.Spec.HealthCheck == nil || r.info.Healthy != nil && *r.info.Healthy)
	r.callers = slices.DeleteFunc(r.callers, func(c caller) bool {
		switch {
		case ended && c.end, up && !c.end:
			m.do(reply{ref: c.ref, info: r.info})
		case ended:
			m.do(reply{ref: c.ref, err: &TaskError{Task: r.info, Err: r.err}})
		default:
			return false
		}
		return true
	})
	if ended {
		m.retire(r)
	}
}

// retire keeps an ended task for its history and drops the oldest beyond the limit.
func (m *machine) retire(r *record) {
	m.history = append(m.history, r.info.Spec.ID)
	for len(m.history) > m.settings.history {
		delete(m.tasks, m.history[0])
		m.history = m.history[1:]
	}
}

// tornDown takes the end of the framework: Mesos has killed its tasks.
func (m *machine) tornDown(now time.Time) {
	for _, r := range m.inOrder() {
		if !r.info.State.Terminal() {
			m.fail(now, r, task.Killed, nil)
		}
	}
	m.pending = nil
	for _, w := range m.tearWaiting {
		m.do(reply{ref: w})
	}
	m.tearing, m.tearWaiting = false, nil
	m.framework = "" // it can never be used again
	m.do(closeStream{stream: m.stream})
	m.halt(nil)
}

// inOrder lists all tasks on record in order of submission.
func (m *machine) inOrder() []*record {
	records := make([]*record, 0, len(m.tasks))
	for _, r := range m.tasks {
		records = append(records, r)
	}
	slices.SortFunc(records, bySerial)
	return records
}
