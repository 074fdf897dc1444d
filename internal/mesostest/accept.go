package mesostest

import (
	"slices"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// acceptance is one ACCEPT while it is performed.
type acceptance struct {
	m         *Master
	framework *framework
	agent     *agent
	role      string
	left      resources.List // of the offers, allocated; each operation sees what the earlier left
}

// accept performs ACCEPT. All valid offers it names are used up, whatever
// becomes of the operations; what these leave is freed with the filters of the call.
func (m *Master) accept(f *framework, c *scheduler.Call_Accept) {
	offers, fault := m.acceptedOffers(f, c.OfferIDs)
	if fault != "" {
		for _, o := range offers {
			m.takeBack(o)
		}
		m.refuseOperations(f, c.Operations, fault)
		return
	}
	a := acceptance{m: m, framework: f, agent: offers[0].agent, role: offers[0].role}
	for _, o := range offers {
		m.remove(o)
		a.left = a.left.Add(o.resources)
	}
	for i := range c.Operations {
		a.perform(&c.Operations[i])
	}
	m.refuse(f, a.agent, a.left, c.Filters)
}

// acceptedOffers finds the offers of an ACCEPT, and the fault that makes them of
// no use together, or "".
func (m *Master) acceptedOffers(f *framework, ids []mesos.OfferID) (offers []*offer, fault string) {
	note := func(text string) {
		if fault == "" {
			fault = text
		}
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			note("Duplicate offer " + id.Value + " in offer list")
		}
	}
	for _, id := range ids {
		o := m.offers[id.Value]
		switch {
		case o == nil:
			note("Offer " + id.Value + " is no longer valid")
		case !slices.Contains(offers, o):
			offers = append(offers, o)
		}
	}
	if len(ids) == 0 {
		note("No offers specified")
	}
	for _, o := range offers {
		if o.framework != f {
			note("Offer " + o.id + " has invalid framework " + o.framework.id + " while framework " + f.id + " is expected")
		}
	}
	for _, o := range offers {
		if first := offers[0]; o.role != first.role && o.agent == first.agent {
			note("Aggregated offers must be allocated to the same role. Offer " + o.id +
				" uses role '" + o.role + " but another is using role '" + first.role)
		}
	}
	for _, o := range offers {
		if first := offers[0]; o.agent != first.agent {
			note("Aggregated offers must belong to one single agent. Offer " + o.id +
				" uses agent " + o.agent.id + " and agent " + first.agent.id)
		}
	}
	return offers, fault
}

// refuseOperations answers the operations of an ACCEPT with invalid offers.
func (m *Master) refuseOperations(f *framework, operations []mesos.Offer_Operation, fault string) {
	for i := range operations {
		op := &operations[i]
		tasks := operationTasks(op)
		for j := range tasks {
			t := &tasks[j]
			f.send(m, m.masterUpdate(t.TaskID, &t.AgentID.Value, f.lost(mesos.TASK_DROPPED), mesos.REASON_INVALID_OFFERS,
				"Task launched with invalid offers: "+fault))
		}
		if tasks == nil {
			m.operationFailed(f, op.ID, "Operation attempted with invalid offers: "+fault)
		}
	}
}

// operationTasks returns the tasks of a LAUNCH or LAUNCH_GROUP, nil of any other operation.
func operationTasks(op *mesos.Offer_Operation) []mesos.TaskInfo {
	switch {
	case op.Type == mesos.Offer_Operation_LAUNCH && op.Launch != nil:
		return op.Launch.TaskInfos
	case op.Type == mesos.Offer_Operation_LAUNCH_GROUP && op.LaunchGroup != nil:
		return op.LaunchGroup.TaskGroup.Tasks
	}
	return nil
}

// perform does one operation. One of unknown type or without its payload does nothing.
func (a *acceptance) perform(op *mesos.Offer_Operation) {
	switch {
	case op.Type == mesos.Offer_Operation_LAUNCH && op.Launch != nil:
		a.launch(op)
	case op.Type == mesos.Offer_Operation_LAUNCH_GROUP && op.LaunchGroup != nil:
		a.launchGroup(op)
	default:
		a.convert(op)
	}
}

// launch starts the valid tasks of a LAUNCH, each on its own. A fault of the whole
// operation, or a malformed resource anywhere in it, refuses all.
func (a *acceptance) launch(op *mesos.Offer_Operation) {
	tasks := op.Launch.TaskInfos
	fault := malformedTask(tasks)
	if fault == "" && op.ID != nil {
		fault = "The `id` field cannot be set on LAUNCH operations"
	}
	for i := range tasks {
		t := &tasks[i]
		a.fillIn(t)
		text := fault
		if text == "" {
			text = validate.Task(t, a.site())
		}
		if text != "" {
			a.refuseTask(t, mesos.REASON_TASK_INVALID, text)
			continue
		}
		a.start(t)
	}
}

// malformedTask returns the fault of the first malformed resource of the tasks and their executors, as
// they were sent, or "".
func malformedTask(tasks []mesos.TaskInfo) string {
	for i := range tasks {
		fault := resources.Fault(tasks[i].Resources)
		if fault == "" && tasks[i].Executor != nil {
			fault = resources.Fault(tasks[i].Executor.Resources)
		}
		if fault != "" {
			return fault
		}
	}
	return ""
}

// fillIn completes a task as the master does.
func (a *acceptance) fillIn(t *mesos.TaskInfo) {
	t.Resources = resources.Allocate(t.Resources, a.role)
	if e := t.Executor; e != nil {
		e.Resources = resources.Allocate(e.Resources, a.role)
		if e.FrameworkID == nil {
			e.FrameworkID = &mesos.FrameworkID{Value: a.framework.id}
		}
	}
}

// start hands a valid task to its executor, a new one if need be.
func (a *acceptance) start(t *mesos.TaskInfo) {
	id := t.TaskID.Value
	if t.Executor != nil {
		id = t.Executor.ExecutorID.Value
	}
	if text := validate.Isolation(a.agent.config.Isolation, *t); text != "" {
		a.drop(t, "", mesos.REASON_GC_ERROR, text)
		return
	}
	e := a.agent.executors[executorKey{a.framework.id, id}]
	if e != nil && e.info == nil { // that of a command task lingers for about a second
		a.drop(t, id, mesos.REASON_TASK_INVALID, "Cannot reuse an already existing executor for a command task")
		return
	}
	isNew := e == nil
	if isNew {
		e = a.m.newExecutor(a.framework, a.agent, id, t.Executor)
		if t.Executor != nil {
			e.resources = a.take(t.Executor.Resources)
		}
	}
	started := a.m.launch(t, e, a.take(t.Resources))
	switch {
	case isNew:
		e.start(a.m)
	case e.registered:
		started.start(a.m)
	}
}

// drop is what the agent does with a task that it does not give to an executor. The update may name one.
func (a *acceptance) drop(info *mesos.TaskInfo, executorID string, reason mesos.TaskStatus_Reason, message string) {
	t := a.m.launch(info, &executor{id: executorID, framework: a.framework, agent: a.agent}, a.take(info.Resources))
	t.stray = true
	t.update(a.m, mesos.TaskStatus{
		State:   a.framework.lost(mesos.TASK_DROPPED),
		Source:  mesos.SOURCE_AGENT.Enum(),
		Reason:  &reason,
		Message: &message,
	})
}

// launchGroup starts all tasks of a group on one executor, or none.
func (a *acceptance) launchGroup(op *mesos.Offer_Operation) {
	g := op.LaunchGroup
	fault := resources.Fault(g.Executor.Resources)
	if fault == "" {
		fault = malformedTask(g.TaskGroup.Tasks)
	}
	if fault == "" && op.ID != nil {
		fault = "The `id` field cannot be set on LAUNCH_GROUP operations"
	}
	for i := range g.TaskGroup.Tasks {
		g.TaskGroup.Tasks[i].Resources = resources.Allocate(g.TaskGroup.Tasks[i].Resources, a.role)
	}
	g.Executor.Resources = resources.Allocate(g.Executor.Resources, a.role)
	if fault == "" {
		fault = validate.Group(g, a.site())
	}
	if fault != "" {
		for i := range g.TaskGroup.Tasks {
			a.refuseTask(&g.TaskGroup.Tasks[i], mesos.REASON_TASK_GROUP_INVALID, fault)
		}
		return
	}
	if text := validate.Isolation(a.agent.config.Isolation, g.TaskGroup.Tasks...); text != "" {
		for i := range g.TaskGroup.Tasks {
			a.drop(&g.TaskGroup.Tasks[i], "", mesos.REASON_GC_ERROR, text)
		}
		return
	}
	e := a.agent.executors[executorKey{a.framework.id, g.Executor.ExecutorID.Value}]
	isNew := e == nil
	if isNew {
		info := g.Executor
		e = a.m.newExecutor(a.framework, a.agent, info.ExecutorID.Value, &info)
		e.resources = a.take(info.Resources)
	}
	var started []*task
	for i := range g.TaskGroup.Tasks {
		t := &g.TaskGroup.Tasks[i]
		started = append(started, a.m.launch(t, e, a.take(t.Resources)))
	}
	switch {
	case isNew && len(started) > 0: // an empty group's executor never starts, as on a real agent
		e.start(a.m)
	case e.registered:
		for _, t := range started {
			t.start(a.m)
		}
	}
}

// take takes resources out of what is left.
func (a *acceptance) take(list []mesos.Resource) resources.List {
	rs := resources.New(list)
	a.left = a.left.Subtract(rs)
	return rs
}

func (a *acceptance) refuseTask(t *mesos.TaskInfo, reason mesos.TaskStatus_Reason, message string) {
	a.framework.send(a.m, a.m.masterUpdate(t.TaskID, &t.AgentID.Value, mesos.TASK_ERROR.Enum(), reason, message))
}

// site returns what validation must know of this point of the ACCEPT.
func (a *acceptance) site() validate.Site {
	return validate.Site{
		FrameworkID: a.framework.id,
		AgentID:     a.agent.id,
		Offered:     a.left,
		Known:       func(id string) bool { return a.framework.tasks[id] != nil },
		Unreachable: func(id string) bool { return a.framework.unreachable[id] != nil },
		Executor: func(id string) *mesos.ExecutorInfo {
			if e := a.agent.executors[executorKey{a.framework.id, id}]; e != nil {
				return e.info
			}
			return nil
		},
	}
}
