package mesostest

import (
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// operation is a RESERVE, UNRESERVE, CREATE or DESTROY with an ID whose status is not
// acknowledged yet.
type operation struct {
	framework *framework
	agent     *agent
	info      mesos.Offer_Operation
	uuid      mesos.UUID // of the operation
	status    mesos.OperationStatus
	retry     *timer
	wait      time.Duration
}

// conversion is what an operation takes and what it makes of it.
type conversion struct{ consumed, converted resources.List }

// convert performs an operation that changes the form of resources. It takes effect at once; the offer after it shows
// the result.
func (a *acceptance) convert(op *mesos.Offer_Operation) {
	list := operands(op)
	if list == nil {
		return // the fake does not know the operation
	}
	*list = resources.Allocate(*list, a.role)
	for i := range *list {
		(*list)[i] = resources.Refined((*list)[i])
	}
	if fault := validate.Operation(op, a.operationSite()); fault != "" {
		a.m.operationFailed(a.framework, op.ID, fault+"; on agent "+a.agent.title())
		return
	}
	left := a.left
	for _, c := range conversions(op) {
		if !left.Contains(c.consumed) {
			a.m.operationFailed(a.framework, op.ID, left.String()+" does not contain "+c.consumed.String())
			return
		}
		left = left.Subtract(c.consumed).Add(c.converted)
	}
	a.left = left
	if op.ID != nil {
		a.m.finish(a.framework, a.agent, op)
	}
}

// operands returns the resources that an operation is about, nil for an operation that the fake does not know.
func operands(op *mesos.Offer_Operation) *[]mesos.Resource {
	switch op.Type {
	case mesos.Offer_Operation_RESERVE:
		return &op.Reserve.Resources
	case mesos.Offer_Operation_UNRESERVE:
		return &op.Unreserve.Resources
	case mesos.Offer_Operation_CREATE:
		return &op.Create.Volumes
	case mesos.Offer_Operation_DESTROY:
		return &op.Destroy.Volumes
	}
	return nil
}

// operationSite returns what the validation of an operation must know of its agent.
func (a *acceptance) operationSite() validate.OperationSite {
	used := a.m.inUse(a.agent).Unallocated()
	all := a.agent.free.Add(a.agent.offered().Unallocated()).Add(a.left.Unallocated()).Add(used)
	return validate.OperationSite{
		Framework: &a.framework.info,
		Volumes:   all.Filter(func(e resources.Entry) bool { return e.Shape.GetDisk().GetPersistence() != nil }),
		Used:      used,
	}
}

// title returns how a master names an agent in its messages.
func (a *agent) title() string { return a.id + " at " + a.pid() + " (" + a.config.Hostname + ")" }

// conversions returns what a valid operation does: RESERVE all at once, others one resource after the other.
func conversions(op *mesos.Offer_Operation) []conversion {
	change := func(list []mesos.Resource, f func(*mesos.Resource)) resources.List {
		changed := slices.Clone(list)
		for i := range changed {
			f(&changed[i])
		}
		return resources.New(changed)
	}
	unreserve := func(r *mesos.Resource) { r.Reservations = r.Reservations[:len(r.Reservations)-1] }
	if op.Type == mesos.Offer_Operation_RESERVE {
		return []conversion{{change(op.Reserve.Resources, unreserve), resources.New(op.Reserve.Resources)}}
	}
	list := *operands(op)
	out := make([]conversion, 0, len(list))
	for i := range list {
		one := list[i : i+1]
		is := resources.New(one)
		switch op.Type {
		case mesos.Offer_Operation_UNRESERVE:
			out = append(out, conversion{is, change(one, unreserve)})
		case mesos.Offer_Operation_CREATE:
			out = append(out, conversion{change(one, plainDisk), is})
		default:
			out = append(out, conversion{is, change(one, plainDisk)})
		}
	}
	return out
}

// plainDisk takes a persistent volume away from a disk.
func plainDisk(r *mesos.Resource) {
	source := r.Disk.GetSource()
	r.Disk, r.Shared = nil, nil
	if source != nil {
		r.Disk = &mesos.Resource_DiskInfo{Source: source}
	}
}

// finish has the agent report that an operation succeeded, again and again until it is
// acknowledged, as with updates of tasks.
func (m *Master) finish(f *framework, a *agent, info *mesos.Offer_Operation) {
	own, u := m.newUUID(), m.newUUID()
	op := &operation{framework: f, agent: a, wait: firstRetry, info: *info, uuid: mesos.UUID{Value: own[:]}, status: mesos.OperationStatus{
		OperationID: info.ID,
		State:       mesos.OPERATION_FINISHED,
		UUID:        &mesos.UUID{Value: u[:]},
		AgentID:     &mesos.AgentID{Value: a.id},
	}}
	f.operations = append(f.operations, op)
	m.report(f, op)
}

func (m *Master) report(f *framework, op *operation) {
	op.retry.stop()
	if op.agent.reachable() {
		f.send(m, operationEvent(op.status))
	}
	op.retry = m.after(op.wait, func() {
		op.wait = min(2*op.wait, lastRetry)
		m.report(f, op)
	})
}

// forgetOperations makes the master forget the operations of an agent, which keeps them. Their frameworks are told
// the state; "" tells nothing.
func (m *Master) forgetOperations(a *agent, state mesos.OperationState, message string) {
	for _, f := range m.order {
		f.operations = slices.DeleteFunc(f.operations, func(op *operation) bool {
			if op.agent != a {
				return false
			}
			op.retry.stop()
			if message != "" {
				f.send(m, operationEvent(mesos.OperationStatus{
					OperationID: op.status.OperationID, State: state, Message: &message, AgentID: op.status.AgentID,
				}))
			}
			a.operations = append(a.operations, op)
			return true
		})
	}
}

// operationFailed reports a failed operation, if it has an ID.
func (m *Master) operationFailed(f *framework, id *mesos.OperationID, message string) {
	if id != nil {
		f.send(m, operationEvent(mesos.OperationStatus{OperationID: id, State: mesos.OPERATION_ERROR, Message: &message}))
	}
}

// acknowledgeOperation performs ACKNOWLEDGE_OPERATION_STATUS. One that does not fit is ignored.
func (m *Master) acknowledgeOperation(f *framework, c *scheduler.Call_AcknowledgeOperationStatus) {
	a := m.agentByID[c.AgentID.GetValue()]
	if a == nil || !a.reachable() {
		return
	}
	f.operations = slices.DeleteFunc(f.operations, func(op *operation) bool {
		if op.agent != a || op.status.OperationID.Value != c.OperationID.Value || !slices.Equal(op.status.UUID.Value, c.UUID) {
			return false
		}
		op.retry.stop()
		return true
	})
	m.checkDrained(a)
}

// reconcileOperations performs RECONCILE_OPERATIONS: an answer for every named operation, or for all that are pending.
// The answers of agents come last.
func (m *Master) reconcileOperations(f *framework, c *scheduler.Call_ReconcileOperations) {
	if len(c.Operations) == 0 {
		for _, op := range f.operations {
			f.send(m, op.reconciled())
		}
	}
	var asked []*scheduler.Event
	for i := range c.Operations {
		named := &c.Operations[i]
		known := slices.IndexFunc(f.operations, func(op *operation) bool { return op.status.OperationID.Value == named.OperationID.Value })
		if known >= 0 {
			f.send(m, f.operations[known].reconciled())
			continue
		}
		status := mesos.OperationStatus{
			OperationID: &named.OperationID, AgentID: named.AgentID, ResourceProviderID: named.ResourceProviderID,
		}
		a := m.agentByID[named.AgentID.GetValue()]
		if a != nil && !a.recovered && a.lostAt.IsZero() && named.ResourceProviderID != nil {
			if a.reachable() { // the master asks it, since it may know the resource provider
				status.State = mesos.OPERATION_UNKNOWN
				asked = append(asked, operationEvent(status))
			}
			continue
		}
		var message string
		status.State, message = m.unknownOperation(a, named.AgentID)
		status.Message = ptr("Reconciliation: " + message)
		f.send(m, operationEvent(status))
	}
	for _, e := range asked {
		f.send(m, e)
	}
}

// reconciled answers with the latest status, which is not to be acknowledged.
func (op *operation) reconciled() *scheduler.Event {
	status := op.status
	status.UUID = nil
	return operationEvent(status)
}

// unknownOperation returns what the master says of an operation that it does not know, by what it knows of the
// agent that was named.
func (m *Master) unknownOperation(a *agent, named *mesos.AgentID) (mesos.OperationState, string) {
	switch {
	case named == nil:
		return mesos.OPERATION_UNKNOWN, "Operation is unknown and no 'agent_id' was provided"
	case m.gone[named.Value] != nil:
		return mesos.OPERATION_GONE_BY_OPERATOR, "Agent marked gone by operator"
	case a == nil:
		return mesos.OPERATION_UNKNOWN, "Both operation and agent are unknown"
	case a.recovered:
		return mesos.OPERATION_RECOVERING, "Agent is recovered but has not re-registered"
	case !a.lostAt.IsZero():
		return mesos.OPERATION_UNREACHABLE, "Agent is unreachable"
	}
	return mesos.OPERATION_UNKNOWN, "Operation is unknown"
}

func operationEvent(status mesos.OperationStatus) *scheduler.Event {
	return &scheduler.Event{
		Type:                  scheduler.Event_UPDATE_OPERATION_STATUS,
		UpdateOperationStatus: &scheduler.Event_UpdateOperationStatus{Status: status},
	}
}
