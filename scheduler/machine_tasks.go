package scheduler

import (
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
	saved
	shape   *shape
	counted *groupCount // where it is counted; nil: it is not on an agent
	pod     *pod        // that it is a member of
	former  *place      // where it was launched last, while it is pending again
	launch  launch      // how far its newest launch has got
	offer   string      // that its ACCEPT used
	round   int32       // of the last reconciliation in which the master told of it
	callers []caller    // that wait for it
	// firstRound is the cycle with new offers in or after which it was first looked at while it is pending; 0:
	// it was not yet.
	firstRound int32
	// Turns of its alarms: to ask for its launch, and to send the next KILL, with the pause after that.
	launchTurn, killTurn uint32
	killPause            time.Duration
}

// place is where a task was launched.
type place struct {
	agentID, hostname string
	hostPorts         []uint16
	notBefore         time.Time // the earliest time of the next launch
}

// caller waits for a task to run, or for its end.
type caller struct {
	ref ref
	end bool
}

func (m *machine) submit(now time.Time, in submit) {
	if m.tasks[in.spec.ID] != nil {
		m.do(reply{ref: in.ref, err: duplicate(in.spec.ID)})
		return
	}
	if err := m.notOffered(&in.spec); err != nil {
		m.do(reply{ref: in.ref, err: err})
		return
	}
	m.serial++
	r := &record{saved: saved{
		info:   task.Info{Spec: in.spec, State: task.Pending, Submitted: now, Updated: now},
		serial: m.serial,
	}}
	m.tasks[in.spec.ID] = r
	m.joinShape(r, &r.info.Spec)
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

// enqueue puts a new task at the end of the queue.
func (m *machine) enqueue(r *record) {
	m.pending = append(m.pending, r)
	m.awaits(r, true)
	m.demand.TaskCame(r.info.Spec.Role)
}

func (m *machine) kill(now time.Time, in kill) {
	r := m.tasks[in.id]
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
	r := m.tasks[in.id]
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
func (m *machine) end(now time.Time, r *record) {
	m.withdraw(r)
	for _, r := range r.members() {
		switch {
		case r.info.State == task.Pending:
			m.change(now, r, task.Killed, nil)
		case !r.info.State.Terminal():
			m.endOne(now, r)
		}
	}
}

func (m *machine) endOne(now time.Time, r *record) {
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

func (m *machine) sendKill(now time.Time, r *record) {
	m.launchMoves(r, eventAsked) // a master that does not know the task says so
	m.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{
		TaskID: mesos.TaskID{Value: r.info.Spec.ID},
		// With the agent's ID the master can say what became of a task it does not know.
		AgentID: &mesos.AgentID{Value: r.info.AgentID},
	}})
	r.killPause = min(max(killMin, 2*r.killPause), killMax) // from its answer on
	r.killTurn = 0
}

// killAt plans the next KILL, in place of any planned before.
func (m *machine) killAt(r *record, at time.Time) {
	r.killTurn = m.alarm(alarm{at: at, kill: r})
}

// requeue makes a launched task pending again, at its old place in the order.
func (m *machine) requeue(now time.Time, r *record) { m.requeueUntil(now, r, now) }

// requeueUntil does so, and has it wait until then.
func (m *machine) requeueUntil(now time.Time, r *record, then time.Time) {
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
		m.launchMoves(r, eventVoided)
		if !r.pod.voided() { // the others may run
			return
		}
	}
	for _, r := range r.members() {
		m.requeueOne(now, r, then)
	}
	r = r.head()
	m.awaits(r, !r.heldBack(now))
	if r.heldBack(now) {
		m.alarm(alarm{at: then, again: r})
	}
	at, _ := slices.BinarySearchFunc(m.pending, r, bySerial)
	m.pending = slices.Insert(m.pending, at, r)
	m.demand.TaskCame(r.info.Spec.Role)
}

func (m *machine) requeueOne(now time.Time, r *record, then time.Time) {
	m.launchMoves(r, eventWithdrawn)
	r.offer, r.unknownSince = "", time.Time{}
	r.former = &place{r.info.AgentID, r.info.Hostname, r.info.HostPorts, then}
	r.info.AgentID, r.info.Hostname, r.info.HostPorts, r.info.Status = "", "", nil, nil
	m.change(now, r, task.Pending, nil)
}

// withdraw takes a task out of the queue, if it is there.
func (m *machine) withdraw(r *record) {
	r = r.head()
	if at, found := slices.BinarySearchFunc(m.pending, r, bySerial); found {
		m.pending = slices.Delete(m.pending, at, at+1)
	}
}

// launchMoves takes an event about a task's launch.
func (m *machine) launchMoves(r *record, e launchEvent) {
	next, legal := r.launch.on(e)
	if r.launch = next; !legal {
		m.illegal++
	}
}

func bySerial(a, b *record) int { return cmp.Compare(a.serial, b.serial) }

// change moves a task to a state and, once that is stored, tells the watchers and answers whoever
// waited for it. The error says why it ended, when that was on our side.
func (m *machine) change(now time.Time, r *record, state task.State, err error) {
	previous := r.info.State
	r.info.State, r.info.Updated = state, now
	m.count(r.shape, previous, state)
	m.census.recount(r)
	m.queue.stale = m.queue.stale || previous == task.Pending || state == task.Pending
	m.touch(r.info.Spec.ID)
	m.after(now, notify{TaskEvent{Task: r.info, Previous: previous, Err: err}})
	ended := state.Terminal()
	r.callers = slices.DeleteFunc(r.callers, func(c caller) bool {
		switch {
		case ended && c.end, up(r) && !c.end:
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

// up tells whether a task runs and is healthy, if that is checked.
func up(r *record) bool {
	return r.info.State == task.Running && (r.info.Spec.HealthCheck == nil || r.info.Healthy != nil && *r.info.Healthy)
}

// retire keeps an ended task for its history and drops the oldest beyond the limit.
func (m *machine) retire(r *record) {
	m.history = append(m.history, r.info.Spec.ID)
	for len(m.history) > m.settings.history {
		m.leave(m.tasks[m.history[0]])
		delete(m.tasks, m.history[0])
		m.touch(m.history[0])
		m.history = m.history[1:]
	}
}

// tornDown takes the end of the framework: Mesos has killed its tasks.
func (m *machine) tornDown(now time.Time) {
	for _, r := range m.inOrder() {
		if !r.info.State.Terminal() {
			m.change(now, r, task.Killed, nil)
		}
	}
	m.pending = nil
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

// inOrder lists all tasks on record in order of submission.
func (m *machine) inOrder() []*record {
	records := make([]*record, 0, len(m.tasks))
	for _, r := range m.tasks {
		records = append(records, r)
	}
	slices.SortFunc(records, bySerial)
	return records
}
