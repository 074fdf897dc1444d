package scheduler

import (
	"cmp"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// entry is what the machine keeps in memory of one task. Its record.Task is what is stored. Others may be reading it on their own
// goroutines, since snapshots of all tasks share it: whatever is changed of it is changed by way of edit.
type entry struct {
	*record.Task
	epoch   *ordered.Epoch[*record.Task] // when this copy of the record was made
	class   *class
	counted *groupCount    // where the census counts it; nil: it is on no agent
	pod     *pod           // that it is a member of; nil: none
	former  *lastPlacement // where it was launched last, while it is pending again
	launch  launch         // the state of its newest launch
	gone    bool           // it is not on record any more
	offers  []string       // of its ACCEPT, shared; nil once the launch is confirmed
	custom  string         // the ID of the executor that the builder gave it; "": none, or another run launched it
	callers callers        // that wait for it
	times   *LaunchTimes   // of the launch, until it runs; nil: there is none, or another run made it
	// reconcileRound is the last round of reconciliation in which an update arrived for it, or that skipped it.
	reconcileRound int32
	// firstCycle is the number of the last offer cycle when a cycle first looked at it, at least 1; 0: none has yet.
	firstCycle int32
	// Numbers of its timers: to ask about its launch, and to send the next KILL. killPause is the pause between KILLs.
	launchTimer, killTimer uint32
	killPause              time.Duration
}

// lastPlacement is where a task was launched last that is pending again.
type lastPlacement struct {
	agentID, hostname string
	hostPorts         []uint16
	notBefore         time.Time // the earliest time of the next launch
}

// pod is a set of tasks that are launched together or not at all. While they are pending, the first member
// represents them in the backlog.
type pod struct {
	members  []*entry
	ids      []string // of the members
	onRecord int      // the number of members that are still on record
	callers  callers  // that wait for all members to run
}

// members returns the members of the task's pod, or the task alone: the tasks that are launched together.
func (e *entry) members() []*entry {
	if e.pod == nil {
		return []*entry{e}
	}
	return e.pod.members
}

// head returns the first of them, which represents them in the backlog.
func (e *entry) head() *entry {
	if e.pod == nil {
		return e
	}
	return e.pod.members[0]
}

// voided reports whether the launch had no effect for any member. Only then is the pod launched again.
func (p *pod) voided() bool {
	return !slices.ContainsFunc(p.members, func(e *entry) bool { return e.launch != launchVoid })
}

// broken reports whether a member has ended: the pod then cannot be launched again.
func (p *pod) broken() bool {
	return slices.ContainsFunc(p.members, func(e *entry) bool { return e.Info.State.Terminal() })
}

// up reports whether all members run or have finished.
func (p *pod) up() bool {
	return !slices.ContainsFunc(p.members, func(e *entry) bool { return e.Info.State != task.StateFinished && !e.up() })
}

// wait adds a caller that waits for all members to run.
func (p *pod) wait(r ref) { p.callers.add(caller{ref: r}) }

// takeCallers removes the callers and returns them.
func (p *pod) takeCallers() []ref { return p.callers.takeAll() }

// up reports whether a task is running and, if it has a health check, healthy.
func (e *entry) up() bool {
	return e.Info.State == task.StateRunning && (e.Info.Spec.Base().HealthCheck == nil || e.Info.Health == record.Healthy)
}

// reached reports whether a task has come as far as somebody waits for.
func (e *entry) reached(until Until) bool {
	switch until {
	case UntilEnded:
		return e.Info.State.Terminal()
	case UntilRunningAnyHealth:
		return e.Info.State == task.StateRunning
	}
	return e.up()
}

// edit returns the record of the task to be changed, until the end of the step at the latest. It is a copy if a snapshot shares
// the last one.
func (e *entry) edit() *record.Task {
	if e.epoch.Over() {
		changed := *e.Task
		e.Task, e.epoch = &changed, e.epoch.Replace(&changed)
	}
	return e.Task
}

// snapshot returns a copy of what is to be stored of the task.
func (e *entry) snapshot() *record.Task {
	t := *e.Task
	t.Confirmed = e.launch == launchConfirmed
	return &t
}

// usesOffer reports whether this offer is the first one of the ACCEPT that launches the task: no two have the same.
func (e *entry) usesOffer(id mesos.OfferID) bool { return len(e.offers) > 0 && e.offers[0] == id.Value }

// assign notes where the task is to be launched.
func (e *entry) assign(now time.Time, p task.Placement) {
	ports := slices.Clip(slices.Clone(p.HostPorts)) // those of other placements are in the same piece of memory
	e.move(p.AgentID, p.Hostname, ports)
	e.edit().Info.AgentAddress = "" // until the agent is noted
	e.offers = p.OfferIDs
	e.times = &LaunchTimes{Submitted: e.Info.Submitted, Placed: now}
}

// forgetOffers forgets the offers of its launch, which share memory with those of other tasks.
func (e *entry) forgetOffers() { e.offers = nil }

// move notes where the task is.
func (e *entry) move(agentID, hostname string, ports []uint16) {
	to := record.Place{AgentID: agentID, Hostname: hostname}
	t := e.edit()
	t.History = t.History.Move(t.Info.Submitted, e.place(), to)
	t.Info.AgentID, t.Info.Hostname, t.Info.HostPorts = agentID, hostname, ports
}

func (e *entry) place() record.Place {
	return record.Place{AgentID: e.Info.AgentID, Hostname: e.Info.Hostname}
}

// remember adds the present state to the history.
func (e *entry) remember(message string) {
	here := e.place()
	e.edit().History = e.History.Add(task.Transition{
		At: e.Info.Updated, State: e.Info.State, AgentID: here.AgentID, Hostname: here.Hostname, Message: message,
	}, e.Info.Submitted, here)
}

// history returns what has become of the task so far.
func (e *entry) history() []task.Transition {
	all, err := e.History.Transitions(e.Info.Submitted, e.place())
	if err != nil || len(all) == 0 { // the record is of an earlier version
		return lastTransition(&e.Info)
	}
	return all
}

// lastTransition returns the one transition that is known of a task without history.
func lastTransition(i *record.Info) []task.Transition {
	return []task.Transition{{At: i.Updated, State: i.State, AgentID: i.AgentID, Hostname: i.Hostname}}
}

// takeTimes returns the times of a launch when it is first known to run, and otherwise nil.
func (e *entry) takeTimes(now time.Time, previous task.State) *LaunchTimes {
	times := e.times
	switch state := e.Info.State; {
	case state != task.StateRunning:
		if state.Terminal() {
			e.times = nil
		}
		return nil
	case times == nil && previous != task.StatePending && previous != task.StateStaging && previous != task.StateStarting:
		return nil
	case times == nil:
		times = &LaunchTimes{Submitted: e.Info.Submitted}
	}
	e.times = nil
	times.running(now)
	return times
}

// unassign notes that its launch had no effect, and that it must not be launched again before notBefore.
func (e *entry) unassign(notBefore time.Time) {
	e.former = &lastPlacement{e.Info.AgentID, e.Info.Hostname, e.Info.HostPorts, notBefore}
	e.move("", "", nil)
	e.offers, e.times = nil, nil
	t := e.edit()
	t.UnknownSince, t.Info.AgentAddress = time.Time{}, ""
	t.Info.SetStatus(nil, nil)
}

// noteAgent notes the agent that the task is on, nil if it is on none: of one that has ended the address is kept.
func (e *entry) noteAgent(a *task.Agent) {
	t := e.edit()
	t.Agent = a
	if a == nil {
		return
	}
	if a.Address != "" {
		t.Info.AgentAddress = a.Address
	}
	if a.ID == t.Info.AgentID { // one string for all tasks on the agent, in place of one from each offer
		t.Info.AgentID = a.ID
	}
	if a.Hostname == t.Info.Hostname {
		t.Info.Hostname = a.Hostname
	}
}

// reassign undoes unassign, except for the offer: the launch had an effect after all.
func (e *entry) reassign() {
	if f := e.former; f != nil {
		e.move(f.agentID, f.hostname, f.hostPorts)
	}
}

// executorID returns the ID of the executor, as far as it is known, if it is not one of Mesos' own.
func (e *entry) executorID() *mesos.ExecutorID {
	if e.custom != "" {
		return &mesos.ExecutorID{Value: e.custom}
	}
	if id := e.Info.Status().GetExecutorID(); id != nil && id.Value != e.Info.Spec.ID && id.Value != e.Info.Spec.Pod() {
		return id // of an earlier status
	}
	return nil
}

// recordStatus records what is kept of a status, and returns that.
func (e *entry) recordStatus(status mesos.TaskStatus) *mesos.TaskStatus {
	if status.ExecutorID == nil { // executors of users may leave it out
		status.ExecutorID = e.executorID()
	}
	if status.AgentID == nil || status.AgentID.Value == e.Info.AgentID {
		e.keepContainerID(&status)
	}
	ips := record.IPs(&status)
	t := e.edit()
	if status.AgentID != nil && status.AgentID.Value != e.Info.AgentID {
		hostname, ports := "", []uint16(nil)
		if f := e.former; f != nil && f.agentID == status.AgentID.Value {
			hostname, ports = f.hostname, f.hostPorts
		}
		e.move(status.AgentID.Value, hostname, ports)
		t.Info.AgentAddress = ""
	} else if len(ips) == 0 {
		ips = t.Info.IPs()
	}
	if status.Healthy != nil {
		t.Info.Health = record.HealthOf(status.Healthy)
	}
	if exit, known := mastertext.ExitStatus(status.GetMessage()); known && task.StateFromMesos(status.GetState()).Terminal() {
		t.Info.ExitStatus = &exit
	}
	t.Info.SetStatus(&status, ips)
	return &status
}

// keepContainerID gives a status the ID of the task's container that the one before had. Those of masters have none.
func (e *entry) keepContainerID(status *mesos.TaskStatus) {
	if status.GetContainerStatus().GetContainerID() != nil {
		return
	}
	id := e.Info.Status().GetContainerStatus().GetContainerID()
	if id == nil {
		return
	}
	var container mesos.ContainerStatus
	if status.ContainerStatus != nil {
		container = *status.ContainerStatus
	}
	container.ContainerID = id
	status.ContainerStatus = &container
}

// newHealth returns the health in a status as text, if it is another one than before, and otherwise "".
func (e *entry) newHealth(s *mesos.TaskStatus) string {
	switch {
	case s.Healthy == nil || e.Info.Health == record.HealthOf(s.Healthy):
		return ""
	case *s.Healthy:
		return "healthy"
	}
	return "unhealthy"
}

// submitted returns the number by which cancel knows the task, and 0 for a task with a RequestID: its caller can make the request
// again, so that the task stays on record when the caller gives up.
func (e *entry) submitted() int {
	if e.Info.Spec.RequestID != "" {
		return 0
	}
	return e.Serial
}

// unknownFor notes that the master does not know the task, and returns for how long it has not.
func (e *entry) unknownFor(now time.Time) time.Duration {
	if e.UnknownSince.IsZero() {
		e.edit().UnknownSince = now
	}
	return now.Sub(e.UnknownSince)
}

// known notes that the master knows the task.
func (e *entry) known() {
	if !e.UnknownSince.IsZero() {
		e.edit().UnknownSince = time.Time{}
	}
}

// wait adds a caller that waits for the task.
func (e *entry) wait(c caller) { e.callers.add(c) }

// takeCallers removes the callers that have what they waited for, or will never have it, and returns them.
func (e *entry) takeCallers() []caller {
	return e.callers.take(func(c caller) bool { return e.Info.State.Terminal() || e.reached(c.until) })
}

// takeAllCallers removes all callers, also those that wait for its pod, and returns them.
func (e *entry) takeAllCallers() []ref {
	taken := e.callers.takeAll()
	if e.pod != nil {
		taken = append(taken, e.pod.takeCallers()...)
	}
	return taken
}

// dropCallers removes all callers, also those that wait for its pod.
func (e *entry) dropCallers() {
	e.callers = nil
	if e.pod != nil {
		e.pod.callers = nil
	}
}

// forgetCaller drops a caller, and reports whether it was the owner of the task, or of its pod.
func (e *entry) forgetCaller(gone ref) (wanted bool) {
	c, _ := e.callers.forget(gone)
	wanted = c.owner
	if e.pod != nil {
		_, waited := e.pod.callers.forget(gone)
		wanted = wanted || waited && e.Info.Spec.RequestID == ""
	}
	return wanted
}

// agentID returns the ID of the agent that a task is on, "" if it is on none.
func (e *entry) agentID() string {
	if occupies(e.Info.State) {
		return e.Info.AgentID
	}
	return ""
}

// occupies reports whether a task in this state is on an agent. An unreachable one is.
func occupies(s task.State) bool { return s != task.StatePending && !s.Terminal() }

// heldBack reports whether a task may not be launched again yet.
func (e *entry) heldBack(now time.Time) bool {
	return e.former != nil && now.Before(e.former.notBefore)
}

// live reports whether the task has not ended.
func (e *entry) live() bool { return !e.Info.State.Terminal() }

// reconcilable reports whether the master can be asked about the task: not before its ACCEPT was answered.
func (e *entry) reconcilable() bool {
	return e.Info.State != task.StatePending && !e.Info.State.Terminal() && !e.launch.unanswered()
}

// bySerial orders tasks by submission.
func bySerial(a, b *entry) int { return cmp.Compare(a.Serial, b.Serial) }
