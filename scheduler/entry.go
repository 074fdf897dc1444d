package scheduler

import (
	"cmp"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// entry is what the machine knows of one task.
type entry struct {
	record.Task
	class   *class
	counted *groupCount    // where it is counted; nil: it is not on an agent
	pod     *pod           // that it is a member of
	former  *lastPlacement // where it was launched last, while it is pending again
	launch  launch         // how far its newest launch has got
	offer   string         // that its ACCEPT used
	callers []caller       // that wait for it
	// reconcileRound is the last reconciliation in which the master told of it.
	reconcileRound int32
	// firstCycle is the offer cycle in or after which it was first looked at while it is pending; 0: it was not yet.
	firstCycle int32
	// Numbers of its timers: to ask about its launch, and to send the next KILL, with the pause after that.
	launchTimer, killTimer uint32
	killPause              time.Duration
}

// lastPlacement is where a task was launched last.
type lastPlacement struct {
	agentID, hostname string
	hostPorts         []uint16
	notBefore         time.Time // the earliest time of the next launch
}

// caller waits for a task to run, or for its end.
type caller struct {
	ref ref
	end bool
}

// pod is a set of tasks that are launched together or not at all. While they are pending, the first of
// them stands for all in the backlog.
type pod struct {
	members  []*entry
	ids      []string // of the members
	onRecord int      // members that are still on record
	callers  []ref    // that wait for all of them to run
}

// members returns the tasks that share the fate of a launch.
func (e *entry) members() []*entry {
	if e.pod == nil {
		return []*entry{e}
	}
	return e.pod.members
}

// head returns the one that stands for them in the backlog.
func (e *entry) head() *entry {
	if e.pod == nil {
		return e
	}
	return e.pod.members[0]
}

// voided reports whether a launch came to nothing for all members. Before that, nothing is launched again.
func (p *pod) voided() bool {
	return !slices.ContainsFunc(p.members, func(e *entry) bool { return e.launch != launchVoid })
}

// broken reports whether a member has ended: the pod cannot be launched any more.
func (p *pod) broken() bool {
	return slices.ContainsFunc(p.members, func(e *entry) bool { return e.Info.State.Terminal() })
}

// up reports whether a task runs and is healthy, if that is checked.
func (e *entry) up() bool {
	return e.Info.State == task.Running && (e.Info.Spec.HealthCheck == nil || e.Info.Healthy != nil && *e.Info.Healthy)
}

// stored returns a copy of what a store keeps of the task.
func (e *entry) stored() *record.Task {
	t := e.Task
	t.Confirmed = e.launch == launchConfirmed
	return &t
}

// assign notes where the task is to be launched.
func (e *entry) assign(p task.Placement) {
	e.Info.AgentID, e.Info.Hostname, e.Info.HostPorts = p.AgentID, p.Hostname, p.HostPorts
	e.offer = p.OfferIDs[0]
}

// unassign notes that its launch came to nothing, and that it must not be launched again before then.
func (e *entry) unassign(then time.Time) {
	e.offer, e.UnknownSince = "", time.Time{}
	e.former = &lastPlacement{e.Info.AgentID, e.Info.Hostname, e.Info.HostPorts, then}
	e.Info.AgentID, e.Info.Hostname, e.Info.HostPorts, e.Info.Status = "", "", nil, nil
}

// reassign undoes unassign, but for the offer.
func (e *entry) reassign() {
	if f := e.former; f != nil {
		e.Info.AgentID, e.Info.Hostname, e.Info.HostPorts = f.agentID, f.hostname, f.hostPorts
	}
}

// forgetCaller drops a caller, and reports whether it waited for the task, or its pod, to run.
func (e *entry) forgetCaller(caller ref) (wanted bool) {
	for _, c := range e.callers {
		wanted = wanted || c.ref == caller && !c.end
	}
	e.callers = withoutCaller(e.callers, caller)
	if p := e.pod; p != nil {
		wanted = wanted || slices.Contains(p.callers, caller)
		p.callers = slices.DeleteFunc(p.callers, func(r ref) bool { return r == caller })
	}
	return wanted
}

func withoutCaller(callers []caller, gone ref) []caller {
	return slices.DeleteFunc(callers, func(c caller) bool { return c.ref == gone })
}

// heldBack reports whether a task may not be launched again yet.
func (e *entry) heldBack(now time.Time) bool {
	return e.former != nil && now.Before(e.former.notBefore)
}

// reconcilable reports whether the master can say something about the task: not before it has its
// launch.
func (e *entry) reconcilable() bool {
	return e.Info.State != task.Pending && !e.Info.State.Terminal() && !e.launch.unanswered()
}

// bySerial orders tasks as they were submitted.
func bySerial(a, b *entry) int { return cmp.Compare(a.Serial, b.Serial) }
