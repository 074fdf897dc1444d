package mesostest

import (
	"slices"

	"github.com/mesos/mesos-go/api/v1/lib/allocator"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// call takes a non-SUBSCRIBE call that passed the static checks. On the loop.
func (m *Master) call(c *scheduler.Call, from caller) reply {
	x := m.fate(c, from)
	if !x.handle {
		return x.reply
	}
	r := m.perform(c, from)
	m.observed(c, c.GetFrameworkID().GetValue(), from.streamID, r.status)
	if x.reply.fault != Pass {
		return x.reply
	}
	return r
}

// perform takes rows 21-25 of the order of validation and then has the effect of the call.
func (m *Master) perform(c *scheduler.Call, from caller) reply {
	f := m.frameworks[c.GetFrameworkID().GetValue()]
	if f != nil && c.Type == scheduler.Call_UNKNOWN { // a real master counts it before it looks at the rest
		return m.die("a call of type UNKNOWN")
	}
	if r, refused := admit(f, from); refused {
		return r
	}
	switch c.Type {
	case scheduler.Call_UPDATE_FRAMEWORK:
		return m.updateFramework(f, c.UpdateFramework, from.constraints)
	case scheduler.Call_TEARDOWN:
		m.removeFramework(f)
	case scheduler.Call_ACCEPT:
		if deadly := m.accept(f, c.Accept); deadly != "" {
			return m.die(deadly)
		}
	case scheduler.Call_DECLINE:
		for _, id := range c.Decline.OfferIDs {
			if o := m.offers[id.Value]; o != nil { // also another framework's
				m.decline(o, c.Decline.Filters)
			}
		}
	case scheduler.Call_ACCEPT_INVERSE_OFFERS:
		m.answerInverse(c.AcceptInverseOffers.InverseOfferIDs, allocator.InverseOfferStatus_ACCEPT, c.AcceptInverseOffers.Filters)
	case scheduler.Call_DECLINE_INVERSE_OFFERS:
		m.answerInverse(c.DeclineInverseOffers.InverseOfferIDs, allocator.InverseOfferStatus_DECLINE, c.DeclineInverseOffers.Filters)
	case scheduler.Call_REVIVE:
		m.revive(f, c.GetRevive().GetRoles())
	case scheduler.Call_SUPPRESS:
		f.suppress(c.GetSuppress().GetRoles())
	case scheduler.Call_KILL:
		m.killCall(f, c.Kill)
	case scheduler.Call_SHUTDOWN:
		m.shutdown(f, c.Shutdown)
	case scheduler.Call_ACKNOWLEDGE:
		m.acknowledge(f, c.Acknowledge)
	case scheduler.Call_RECONCILE:
		m.reconcile(f, c.Reconcile)
	case scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS:
		m.acknowledgeOperation(f, c.AcknowledgeOperationStatus)
	case scheduler.Call_RECONCILE_OPERATIONS:
		m.reconcileOperations(f, c.ReconcileOperations)
	case scheduler.Call_MESSAGE:
		m.message(f, c.Message)
	default:
		// REQUEST is ignored by the real allocator too.
	}
	return reply{status: 202}
}

// die is instead of the end of a real master that fails a check: it keeps the reason for the snapshot, and answers with it.
func (m *Master) die(reason string) reply {
	m.deadly = append(m.deadly, reason)
	m.config.Logger.Error("a real master would have died", "of", reason)
	return reply{status: 400, body: "A real master would have died of this: " + reason}
}

// admit checks that the caller is the framework that it claims to be, and is subscribed.
func admit(f *framework, from caller) (r reply, refused bool) {
	refuse := func(status int, text string) (reply, bool) { return reply{status: status, body: text}, true }
	switch {
	case f == nil:
		return refuse(400, "Framework cannot be found")
	case from.principal != "" && from.principal != f.info.GetPrincipal():
		return refuse(400, "Authenticated principal '"+from.principal+"' does not match principal '"+
			f.info.GetPrincipal()+"' set in `FrameworkInfo`")
	case f.stream == nil:
		return refuse(403, "Framework is not subscribed")
	case !from.hasStreamID:
		return refuse(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header")
	case from.streamID != f.stream.streamID:
		return refuse(400, "The stream ID '"+from.streamID+"' included in this request didn't match the stream ID"+
			" currently associated with framework ID "+f.id)
	}
	return reply{}, false
}

// concerned returns the roles that SUPPRESS or REVIVE means: all when it names none,
// nothing when one of them is not subscribed.
func (f *framework) concerned(named []string) []string {
	subscribed := validate.Roles(&f.info)
	if len(named) == 0 {
		return subscribed
	}
	for _, role := range named {
		if !slices.Contains(subscribed, role) {
			return nil
		}
	}
	return named
}

// suppress ends new offers for roles; outstanding ones stay.
func (f *framework) suppress(named []string) {
	for _, role := range f.concerned(named) {
		f.suppressed[role] = true
	}
}

// revive undoes suppress, takes the filters away and offers at once.
func (m *Master) revive(f *framework, named []string) {
	roles := f.concerned(named)
	if len(roles) == 0 {
		return
	}
	for _, role := range roles {
		delete(f.suppressed, role)
	}
	for key := range f.filters {
		if slices.Contains(roles, key.role) {
			delete(f.filters, key)
		}
	}
	clear(f.inverseFilters)
	m.allocate(m.agents)
}
