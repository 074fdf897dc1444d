package mesostest

import (
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// operation is a RESERVE, UNRESERVE, CREATE or DESTROY with an ID whose status is not
// acknowledged yet.
type operation struct {
	framework *framework
	agent     *agent
	status    mesos.OperationStatus
	retry     *timer
	wait      time.Duration
}

// convert performs an operation that changes the form of resources. It takes effect
// at once; the offer after it shows the result.
func (a *acceptance) convert(op *mesos.Offer_Operation) {
	from, to := conversion(op, a.role)
	if len(to) == 0 {
		return // an unknown type, or no payload
	}
	left := a.left
	for _, r := range from {
		one := resources.New([]mesos.Resource{r})
		if !left.Contains(one) {
			a.m.operationFailed(a.framework, op.ID, a.left.String()+" does not contain "+one.String())
			return
		}
		left = left.Subtract(one)
	}
	a.left = left.Add(resources.New(to))
	if op.ID != nil {
		a.m.finish(a.framework, a.agent, op.ID)
	}
}

// conversion returns what an operation takes and what it makes of it, one for one.
func conversion(op *mesos.Offer_Operation, role string) (from, to []mesos.Resource) {
	change := func(list []mesos.Resource, f func(*mesos.Resource)) []mesos.Resource {
		changed := resources.Allocate(slices.Clone(list), role)
		for i := range changed {
			changed[i] = resources.Refined(changed[i])
			f(&changed[i])
		}
		return changed
	}
	same := func(*mesos.Resource) {}
	unreserve := func(r *mesos.Resource) {
		if n := len(r.Reservations); n > 0 {
			r.Reservations = r.Reservations[:n-1]
		}
	}
	plainDisk := func(r *mesos.Resource) { r.Disk = nil }
	switch {
	case op.Type == mesos.Offer_Operation_RESERVE && op.Reserve != nil:
		return change(op.Reserve.Resources, unreserve), change(op.Reserve.Resources, same)
	case op.Type == mesos.Offer_Operation_UNRESERVE && op.Unreserve != nil:
		return change(op.Unreserve.Resources, same), change(op.Unreserve.Resources, unreserve)
	case op.Type == mesos.Offer_Operation_CREATE && op.Create != nil:
		return change(op.Create.Volumes, plainDisk), change(op.Create.Volumes, same)
	case op.Type == mesos.Offer_Operation_DESTROY && op.Destroy != nil:
		return change(op.Destroy.Volumes, same), change(op.Destroy.Volumes, plainDisk)
	}
	return nil, nil
}

// finish has the agent report that an operation succeeded, again and again until it is
// acknowledged, as with updates of tasks.
func (m *Master) finish(f *framework, a *agent, id *mesos.OperationID) {
	u := m.newUUID()
	op := &operation{framework: f, agent: a, wait: firstRetry, status: mesos.OperationStatus{
		OperationID: id,
		State:       mesos.OPERATION_FINISHED,
		UUID:        &mesos.UUID{Value: u[:]},
		AgentID:     &mesos.AgentID{Value: a.id},
	}}
	f.operations = append(f.operations, op)
	m.report(f, op)
}

func (m *Master) report(f *framework, op *operation) {
	f.send(m, operationEvent(op.status))
	op.retry = m.after(op.wait, func() {
		op.wait = min(2*op.wait, lastRetry)
		m.report(f, op)
	})
}

// operationFailed reports a failed operation, if it has an ID.
func (m *Master) operationFailed(f *framework, id *mesos.OperationID, message string) {
	if id != nil {
		f.send(m, operationEvent(mesos.OperationStatus{OperationID: id, State: mesos.OPERATION_ERROR, Message: &message}))
	}
}

// acknowledgeOperation performs ACKNOWLEDGE_OPERATION_STATUS. One that does not fit is ignored.
func (m *Master) acknowledgeOperation(f *framework, c *scheduler.Call_AcknowledgeOperationStatus) {
	f.operations = slices.DeleteFunc(f.operations, func(op *operation) bool {
		if op.status.OperationID.Value != c.OperationID.Value || !slices.Equal(op.status.UUID.Value, c.UUID) {
			return false
		}
		op.retry.stop()
		return true
	})
	if a := m.agentByID[c.AgentID.GetValue()]; a != nil {
		m.checkDrained(a)
	}
}

// reconcileOperations performs RECONCILE_OPERATIONS: an answer for every named operation,
// or for all that are pending.
func (m *Master) reconcileOperations(f *framework, c *scheduler.Call_ReconcileOperations) {
	known := func(op *operation) *scheduler.Event {
		status := op.status
		status.UUID = nil // answers are not to be acknowledged
		status.Message = ptr("Reconciliation: Latest operation status")
		return operationEvent(status)
	}
	if len(c.Operations) == 0 {
		for _, op := range f.operations {
			f.send(m, known(op))
		}
	}
	for _, named := range c.Operations {
		i := slices.IndexFunc(f.operations, func(op *operation) bool { return op.status.OperationID.Value == named.OperationID.Value })
		if i >= 0 {
			f.send(m, known(f.operations[i]))
			continue
		}
		f.send(m, operationEvent(mesos.OperationStatus{
			OperationID: &named.OperationID,
			State:       mesos.OPERATION_UNKNOWN,
			Message:     ptr("Reconciliation: Operation is unknown"),
			AgentID:     named.AgentID,
		}))
	}
}

func operationEvent(status mesos.OperationStatus) *scheduler.Event {
	return &scheduler.Event{
		Type:                  scheduler.Event_UPDATE_OPERATION_STATUS,
		UpdateOperationStatus: &scheduler.Event_UpdateOperationStatus{Status: status},
	}
}
