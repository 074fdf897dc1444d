package mesostest

import (
	"slices"
	"strings"

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
	deadly    string         // what a real master would have died of, "" so far
}

// accept performs ACCEPT. All valid offers it names are used up, whatever becomes of the operations; what these leave
// is freed with the filters of the call. It returns what a real master would have died of, or "".
func (m *Master) accept(f *framework, c *scheduler.Call_Accept) (deadly string) {
	offers, fault := m.acceptedOffers(f, c.OfferIDs)
	if fault != "" {
		for _, o := range offers {
			m.takeBack(o)
		}
		m.refuseOperations(f, c.Operations, fault)
		return ""
	}
	a := acceptance{m: m, framework: f, agent: offers[0].agent, role: offers[0].role}
	for _, o := range offers {
		m.remove(o)
		a.left = a.left.Add(o.resources)
	}
	var sound []*mesos.Offer_Operation
	for i := range c.Operations { // malformed ones are refused before the first takes effect
		if op := &c.Operations[i]; !a.refuseMalformed(op) {
			sound = append(sound, op)
		}
	}
	if a.deadly == "" {
		for _, op := range sound {
			a.perform(op)
		}
	}
	m.refuse(f, a.agent, a.left, c.Filters)
	return a.deadly
}

// refuseMalformed refuses an operation as a whole for its resources, or for an ID that it must not have, and reports
// whether it did.
func (a *acceptance) refuseMalformed(op *mesos.Offer_Operation) bool {
	fault, unprintable := malformed(op)
	if unprintable {
		a.deadly = op.Type.String() + " with a resource whose type is neither SCALAR, RANGES nor SET"
		return true
	}
	launches := op.Type == mesos.Offer_Operation_LAUNCH || op.Type == mesos.Offer_Operation_LAUNCH_GROUP
	if fault == "" && launches && op.ID != nil {
		fault = "The `id` field cannot be set on " + op.Type.String() + " operations"
	}
	switch {
	case fault == "":
		return false
	case !launches:
		a.m.operationFailed(a.framework, op.ID, "Operation attempted with invalid resources: "+fault)
	}
	reason := mesos.REASON_TASK_INVALID
	if op.Type == mesos.Offer_Operation_LAUNCH_GROUP {
		reason = mesos.REASON_TASK_GROUP_INVALID
	}
	tasks := operationTasks(op)
	for i := range tasks {
		a.refuseTask(&tasks[i], reason, fault)
	}
	return true
}

// malformed returns the fault of the first malformed resource in an operation, as it was sent, or "".
func malformed(op *mesos.Offer_Operation) (fault string, unprintable bool) {
	lists, missing := resourcesOf(op)
	if missing != "" {
		return missing, false
	}
	for _, list := range lists {
		if fault := resources.Fault(list); fault != "" {
			return fault, resources.Unprintable(list)
		}
	}
	if len(op.GetReserve().GetSource()) > 0 {
		return "Reservation updates are not yet implemented for the scheduler API.", false
	}
	return "", false
}

// resourcesOf returns the resources in an operation in the order in which a master looks at them, or what it says
// when the payload is missing. Of the operations that the fake does not know it returns nothing.
func resourcesOf(op *mesos.Offer_Operation) (lists [][]mesos.Resource, missing string) {
	article, present := "A", true
	switch op.Type {
	case mesos.Offer_Operation_LAUNCH:
		present = op.Launch != nil
		lists = resourcesOfTasks(op.GetLaunch().GetTaskInfos())
	case mesos.Offer_Operation_LAUNCH_GROUP:
		if present = op.LaunchGroup != nil; present {
			lists = append(lists, op.LaunchGroup.Executor.Resources)
			lists = append(lists, resourcesOfTasks(op.LaunchGroup.TaskGroup.Tasks)...)
		}
	case mesos.Offer_Operation_RESERVE:
		present = op.Reserve != nil
		lists = [][]mesos.Resource{op.GetReserve().GetResources(), op.GetReserve().GetSource()}
	case mesos.Offer_Operation_UNRESERVE:
		article, present = "An", op.Unreserve != nil
		lists = [][]mesos.Resource{op.GetUnreserve().GetResources()}
	case mesos.Offer_Operation_CREATE:
		present = op.Create != nil
		lists = [][]mesos.Resource{op.GetCreate().GetVolumes()}
	case mesos.Offer_Operation_DESTROY:
		present = op.Destroy != nil
		lists = [][]mesos.Resource{op.GetDestroy().GetVolumes()}
	}
	if !present {
		name := op.Type.String()
		return nil, article + " " + name + " offer operation must have the Offer.Operation." + strings.ToLower(name) + " field set."
	}
	return lists, ""
}

// resourcesOfTasks returns the resources of tasks and their executors.
func resourcesOfTasks(tasks []mesos.TaskInfo) (lists [][]mesos.Resource) {
	for i := range tasks {
		lists = append(lists, tasks[i].Resources)
		if e := tasks[i].Executor; e != nil {
			lists = append(lists, e.Resources)
		}
	}
	return lists
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

// launch starts the valid tasks of a LAUNCH, each on its own.
func (a *acceptance) launch(op *mesos.Offer_Operation) {
	tasks := op.Launch.TaskInfos
	for i := range tasks {
		t := &tasks[i]
		a.fillIn(t)
		if text := validate.Task(t, a.site()); text != "" {
			a.refuseTask(t, mesos.REASON_TASK_INVALID, text)
			continue
		}
		a.start(t)
	}
}

// fillIn completes a task of a LAUNCH as the master does.
func (a *acceptance) fillIn(t *mesos.TaskInfo) {
	a.allocate(t)
	if e := t.Executor; e != nil && e.FrameworkID == nil {
		e.FrameworkID = &mesos.FrameworkID{Value: a.framework.id}
	}
	if h := t.HealthCheck; h != nil && h.Type == mesos.HealthCheck_UNKNOWN && (h.Command == nil) != (h.HTTP == nil) {
		h.Type = mesos.HealthCheck_COMMAND
		if h.HTTP != nil {
			h.Type = mesos.HealthCheck_HTTP
		}
	}
}

// allocate names the role in the resources of a task and its executor that name none.
func (a *acceptance) allocate(t *mesos.TaskInfo) {
	t.Resources = resources.Allocate(t.Resources, a.role)
	if e := t.Executor; e != nil {
		e.Resources = resources.Allocate(e.Resources, a.role)
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
	for i := range g.TaskGroup.Tasks {
		a.allocate(&g.TaskGroup.Tasks[i])
	}
	g.Executor.Resources = resources.Allocate(g.Executor.Resources, a.role)
	if fault := validate.Group(g, a.site()); fault != "" {
		for i := range g.TaskGroup.Tasks {
			a.refuseTask(&g.TaskGroup.Tasks[i], mesos.REASON_TASK_GROUP_INVALID, fault)
		}
		return
	}
	if id := repeatedTask(g.TaskGroup.Tasks); id != "" {
		a.deadly = "LAUNCH_GROUP with the task ID '" + id + "' twice"
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
	group := a.m.launched + 1 // the number of its first task
	var started []*task
	for i := range g.TaskGroup.Tasks {
		t := a.m.launch(&g.TaskGroup.Tasks[i], e, a.take(g.TaskGroup.Tasks[i].Resources))
		t.group = group
		started = append(started, t)
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

// repeatedTask returns the first task ID that comes twice, or "".
func repeatedTask(tasks []mesos.TaskInfo) string {
	seen := make(map[string]bool, len(tasks))
	for i := range tasks {
		id := tasks[i].TaskID.Value
		if seen[id] {
			return id
		}
		seen[id] = true
	}
	return ""
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
