package mesoshttp

import (
	"errors"
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// maxID is how long the ID of an agent, an offer, an executor or a task, a uuid, or the name or address of an agent may be in
// bytes. Mesos' own IDs have 255 at most, and so have the names of DNS. They are kept whole, since calls and constraints must
// have them: so an event with a longer one is skipped.
const maxID = 1 << 10

// errType is why an event is skipped whose type is missing, or newer than mesos-go.
var errType = errors.New("its type is not known")

// complete returns an error for an event of an unknown type, for one without a part that all events of its type have, and
// for one with an ID or a name that is longer than any. The codecs have found missing required fields before, as far as they
// can: this finds missing payloads, empty IDs, and fields that are optional only in protobuf.
func complete(e *scheduler.Event) error {
	var p parts
	switch e.Type {
	case scheduler.Event_HEARTBEAT:
	case scheduler.Event_SUBSCRIBED:
		p.need("subscribed.framework_id", e.GetSubscribed().GetFrameworkID() != nil) // whether it is one is for the caller to say
	case scheduler.Event_OFFERS:
		p.need("offers", e.Offers != nil)
		for i := range e.GetOffers().GetOffers() {
			p.offer(&e.Offers.Offers[i])
		}
	case scheduler.Event_INVERSE_OFFERS:
		p.need("inverse_offers", e.InverseOffers != nil)
		for _, o := range e.GetInverseOffers().GetInverseOffers() {
			p.id("inverse_offers.inverse_offers.id", o.OfferID.Value)
			p.need("inverse_offers.inverse_offers.agent_id.value", o.AgentID == nil || o.AgentID.Value != "")
			p.atMost("inverse_offers.inverse_offers.agent_id.value", len(o.AgentID.GetValue()))
		}
	case scheduler.Event_RESCIND:
		p.id("rescind.offer_id", e.GetRescind().GetOfferID().Value)
	case scheduler.Event_RESCIND_INVERSE_OFFER:
		p.id("rescind_inverse_offer.inverse_offer_id", e.GetRescindInverseOffer().GetInverseOfferID().Value)
	case scheduler.Event_UPDATE:
		p.update(e.GetUpdate().GetStatus())
	case scheduler.Event_UPDATE_OPERATION_STATUS:
		p.need("update_operation_status", e.UpdateOperationStatus != nil)
	case scheduler.Event_MESSAGE:
		p.id("message.agent_id", e.GetMessage().GetAgentID().Value)
		p.id("message.executor_id", e.GetMessage().GetExecutorID().Value)
	case scheduler.Event_FAILURE:
		p.id("failure.agent_id", e.GetFailure().GetAgentID().GetValue())
		executor := e.GetFailure().GetExecutorID()
		p.need("failure.executor_id.value", executor == nil || executor.Value != "")
		p.atMost("failure.executor_id.value", len(executor.GetValue()))
	case scheduler.Event_ERROR:
		p.need("error.message", e.GetError().GetMessage() != "")
	default:
		return errType
	}
	if p.wrong != "" {
		return errors.New(p.wrong)
	}
	return nil
}

// parts notes what is wrong with the first part of an event that is missing, or longer than it can be.
type parts struct{ wrong string }

func (p *parts) need(part string, present bool) {
	if !present && p.wrong == "" {
		p.wrong = part + " is missing"
	}
}

// id checks an ID that all events of a type have.
func (p *parts) id(part, id string) {
	p.need(part, id != "")
	p.atMost(part, len(id))
}

// atMost checks the length of an ID.
func (p *parts) atMost(part string, size int) {
	if size > maxID && p.wrong == "" {
		p.wrong = fmt.Sprintf("%s has %d bytes: at most %d", part, size, maxID)
	}
}

func (p *parts) offer(o *mesos.Offer) {
	p.id("offers.offers.id", o.ID.Value)
	p.id("offers.offers.agent_id", o.AgentID.Value)
	p.id("offers.offers.hostname", o.Hostname)
	if u := o.URL; u != nil {
		p.atMost("offers.offers.url.address.hostname", len(u.Address.GetHostname()))
		p.atMost("offers.offers.url.address.ip", len(u.Address.GetIP()))
	}
	for i := range o.Resources {
		p.resource(&o.Resources[i])
	}
}

func (p *parts) resource(r *mesos.Resource) {
	p.need("offers.offers.resources.name", r.Name != "")
	p.need("offers.offers.resources.type", r.Type != nil)
	switch r.GetType() {
	case mesos.SCALAR:
		p.need("offers.offers.resources.scalar", r.Scalar != nil)
	case mesos.RANGES:
		p.need("offers.offers.resources.ranges", r.Ranges != nil)
	case mesos.SET:
		p.need("offers.offers.resources.set", r.Set != nil)
	}
}

// update checks a status. One with a uuid has to be acknowledged, for which the agent's ID is needed.
func (p *parts) update(s mesos.TaskStatus) {
	p.id("update.status.task_id", s.TaskID.Value)
	p.need("update.status.state", s.State != nil)
	p.need("update.status.agent_id", s.AgentID == nil && len(s.UUID) == 0 || s.AgentID.GetValue() != "")
	p.atMost("update.status.agent_id", len(s.AgentID.GetValue()))
	p.atMost("update.status.executor_id", len(s.ExecutorID.GetValue()))
	p.atMost("update.status.uuid", len(s.UUID))
}
