package scheduler

import (
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func (m *machine) submit(now time.Time, in submit) {
	if m.tasks.byID[in.spec.ID] != nil {
		m.do(reply{ref: in.ref, err: duplicate(in.spec.ID)})
		return
	}
	if err := m.notOffered(&in.spec); err != nil {
		m.do(reply{ref: in.ref, err: err})
		return
	}
	r := m.tasks.submit(now, in.spec)
	m.classify(r, &r.info.Spec)
	m.enqueue(r)
	m.touch(in.spec.ID)
	m.after(now, notify{TaskEvent{Task: r.info, Previous: task.Pending}})
	if in.wait {
		r.callers = append(r.callers, caller{ref: in.ref})
	} else {
		m.after(now, reply{ref: in.ref, info: r.info})
	}
}

// notOffered returns why the framework, as it is subscribed now, will never be offered what a task needs.
func (m *machine) notOffered(s *task.Spec) error {
	can := func(t mesos.FrameworkInfo_Capability_Type) bool {
		return slices.ContainsFunc(m.conn.info.Capabilities, func(c mesos.FrameworkInfo_Capability) bool { return c.Type == t })
	}
	switch {
	case s.GPUs > 0 && !can(mesos.FrameworkInfo_Capability_GPU_RESOURCES):
		return &task.FieldError{Field: "GPUs", Value: s.GPUs, Reason: "needs Framework.GPUs: agents with GPUs are not offered otherwise"}
	case s.Revocable && !can(mesos.FrameworkInfo_Capability_REVOCABLE_RESOURCES):
		return &task.FieldError{Field: "Revocable", Value: s.Revocable, Reason: "needs Framework.Revocable: revocable resources are not offered otherwise"}
	case s.Role != "" && !slices.Contains(m.conn.info.Roles, s.Role):
		return &task.FieldError{Field: "Role", Value: s.Role, Reason: fmt.Sprintf("is not a role of the framework %v", m.conn.info.Roles)}
	}
	return nil
}

func duplicate(id string) error { return fmt.Errorf("%w: %q", ErrDuplicateTask, id) }

// enqueue puts a new task at the end of the backlog.
func (m *machine) enqueue(r *entry) {
	m.backlog.add(r, true)
	m.demand.TaskCame(r.info.Spec.Role)
}

func (m *machine) kill(now time.Time, in kill) {
	r := m.tasks.byID[in.id]
	switch {
	case r == nil:
		m.do(reply{ref: in.ref, err: fmt.Errorf("%w: %q", ErrUnknownTask, in.id)})
	case r.info.State.Terminal():
		m.after(now, reply{ref: in.ref, info: r.info})
	default:
		r.callers = append(r.callers, caller{ref: in.ref, end: true})
		m.end(now, r)
	}
}

// cancel drops a caller. Nobody will ever use a task whose Launch was given up, or that nobody was
// told is recorded, so it ends.
func (m *machine) cancel(now time.Time, in cancel) {
	same := func(w ref) bool { return w == in.ref }
	m.tearWaiting = slices.DeleteFunc(m.tearWaiting, same)
	m.reconciliation.callers = slices.DeleteFunc(m.reconciliation.callers, same)
	r := m.tasks.byID[in.id]
	if r == nil {
		return
	}
	unwanted := m.isWaiting(in.ref)
	if i := slices.IndexFunc(r.callers, func(c caller) bool { return c.ref == in.ref }); i >= 0 {
		unwanted = !r.callers[i].end
		r.callers = slices.Delete(r.callers, i, i+1)
	}
	if r.pod != nil && slices.ContainsFunc(r.pod.callers, same) {
		unwanted = true
		r.pod.callers = slices.DeleteFunc(r.pod.callers, same)
	}
	if unwanted {
		m.end(now, r)
	}
}

// end ends a task and those that share its fate: withdraws them while they are pending, kills them
// afterwards.
func (m *machine) end(now time.Time, r *entry) {
	m.backlog.remove(r)
	for _, r := range r.members() {
		switch {
		case r.info.State == task.Pending:
			m.change(now, r, task.Killed, nil)
		case !r.info.State.Terminal():
			m.endOne(now, r)
		}
	}
}

func (m *machine) endOne(now time.Time, r *entry) {
	r.killing, r.killPause = true, 0
	m.touch(r.info.Spec.ID)
	if m.conn.phase == connected && r.launch != launchHeld {
		m.sendKill(now, r)
	}
}

// The pause between two KILLs for a task that does not end. One can be lost behind the master, or
// come while the task's agent is away: a master that does not know the task forgets it.
const (
	killMin = 5 * time.Second
	killMax = time.Minute
)

func (m *machine) sendKill(now time.Time, r *entry) {
	m.tasks.moves(r, eventAsked) // a master that does not know the task says so
	m.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{
		TaskID: mesos.TaskID{Value: r.info.Spec.ID},
		// With the agent's ID the master can say what became of a task it does not know.
		AgentID: &mesos.AgentID{Value: r.info.AgentID},
	}})
	r.killPause = min(max(killMin, 2*r.killPause), killMax) // from its answer on
	r.killTimer = 0
}

// startKillTimer plans the next KILL, in place of any planned before.
func (m *machine) startKillTimer(r *entry, at time.Time) {
	r.killTimer = m.timers.start(timer{at: at, kill: r})
}

// requeue makes a launched task pending again, at its old place in the order.
func (m *machine) requeue(now time.Time, r *entry) { m.requeueUntil(now, r, now) }

// requeueUntil does so, and has it wait until then.
func (m *machine) requeueUntil(now time.Time, r *entry, then time.Time) {
	if r.killing {
		m.change(now, r, task.Killed, nil)
		return
	}
	if r.pod != nil {
		switch {
		case r.pod.broken():
			m.change(now, r, task.Lost, errPodBroken)
			return
		}
		m.tasks.moves(r, eventVoided)
		if !r.pod.voided() { // the others may run
			return
		}
	}
	for _, r := range r.members() {
		m.requeueOne(now, r, then)
	}
	r = r.head()
	if r.heldBack(now) {
		m.timers.start(timer{at: then, relaunch: r})
	}
	m.backlog.add(r, !r.heldBack(now))
	m.demand.TaskCame(r.info.Spec.Role)
}

func (m *machine) requeueOne(now time.Time, r *entry, then time.Time) {
	m.tasks.moves(r, eventWithdrawn)
	r.offer, r.unknownSince = "", time.Time{}
	r.former = &lastPlacement{r.info.AgentID, r.info.Hostname, r.info.HostPorts, then}
	r.info.AgentID, r.info.Hostname, r.info.HostPorts, r.info.Status = "", "", nil, nil
	m.change(now, r, task.Pending, nil)
}

// change moves a task to a state and, once that is stored, tells the watchers and answers whoever
// waited for it. The error says why it ended, when that was on our side.
func (m *machine) change(now time.Time, r *entry, state task.State, err error) {
	previous := r.info.State
	r.info.State, r.info.Updated = state, now
	if previous == task.Pending {
		m.countPending(r.class, -1)
	}
	if state == task.Pending {
		m.countPending(r.class, 1)
	}
	m.census.recount(r)
	m.backlog.stateChanged(previous, state)
	m.touch(r.info.Spec.ID)
	m.after(now, notify{TaskEvent{Task: r.info, Previous: previous, Err: err}})
	ended := state.Terminal()
	r.callers = slices.DeleteFunc(r.callers, func(c caller) bool {
		switch {
		case ended && c.end, r.up() && !c.end:
			m.after(now, reply{ref: c.ref, info: r.info})
		case ended:
			m.after(now, reply{ref: c.ref, err: &TaskError{Task: r.info, Err: err}})
		default:
			return false
		}
		return true
	})
	if r.pod != nil {
		m.podChanged(now, r, err)
	}
	if ended {
		m.retire(r)
	}
}

// retire keeps an ended task for its history and drops the oldest beyond the limit.
func (m *machine) retire(r *entry) {
	for _, dropped := range m.tasks.retire(r) {
		m.leaveClass(dropped)
		m.touch(dropped.info.Spec.ID)
	}
}

// tornDown takes the end of the framework: Mesos has killed its tasks.
func (m *machine) tornDown(now time.Time) {
	for _, r := range m.tasks.inOrder() {
		if !r.info.State.Terminal() {
			m.change(now, r, task.Killed, nil)
		}
	}
	m.backlog.removeEnded()
	m.conn.forget() // it can never be used again
	m.touch("")
	for _, w := range m.tearWaiting {
		m.after(now, reply{ref: w})
	}
	m.tearing, m.tearWaiting = false, nil
	m.do(closeStream{stream: m.conn.stream})
	m.conn.stop()
	m.after(now, stop{})
}
