package mesostest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// offer is an outstanding offer.
type offer struct {
	id        string
	framework *framework
	agent     *agent
	role      string
	resources resources.List // allocated to role
	timeout   *timer

	unavailability *mesos.Unavailability // of the machine, nil for none
}

// filterKey is what a filter is for, beside the framework.
type filterKey struct{ role, agent string }

// filter refuses offers whose resources are a subset of those that were declined.
type filter struct {
	declined resources.List // not allocated
	until    time.Time
}

// makeOffer offers a framework in a role what the agent has free for it. It returns nil if that is nothing.
func (m *Master) makeOffer(f *framework, a *agent, role string, now stage) *offer {
	free := m.eligible(f, a, role, now)
	if free.Empty() {
		return nil
	}
	o := &offer{
		id:        fmt.Sprintf("%s-O%d", m.info.ID, m.offered),
		framework: f,
		agent:     a,
		role:      role,
		resources: free.Allocated(role),

		unavailability: m.unavailability(a),
	}
	m.offered++
	m.offers[o.id] = o
	a.offers = append(a.offers, o)
	a.free = a.free.Subtract(free)
	m.charge(f, role, free, 1)
	if m.config.OfferTimeout > 0 {
		o.timeout = m.after(m.config.OfferTimeout, func() {
			m.rescind(o)
			m.allocateAt(time.Now()) // an allocation at this very moment includes it
		})
	}
	return o
}

// remove ends an offer without freeing its resources.
func (m *Master) remove(o *offer) {
	o.timeout.stop()
	delete(m.offers, o.id)
	o.agent.offers = slices.DeleteFunc(o.agent.offers, func(other *offer) bool { return other == o })
}

// takeBack ends an offer without telling the framework; what it held
// is offered at the next allocation.
func (m *Master) takeBack(o *offer) {
	m.remove(o)
	m.free(o.framework, o.agent, o.resources)
}

// rescind ends an offer and tells the framework.
func (m *Master) rescind(o *offer) {
	m.takeBack(o)
	o.framework.send(m, &scheduler.Event{
		Type:    scheduler.Event_RESCIND,
		Rescind: &scheduler.Event_Rescind{OfferID: mesos.OfferID{Value: o.id}},
	})
}

// decline ends an offer whose framework does not want it for some time.
func (m *Master) decline(o *offer, filters *mesos.Filters) {
	m.remove(o)
	m.refuse(o.framework, o.agent, o.resources, filters)
}

// refuse frees resources and keeps them from the framework as filters ask. Default,
// also for a negative time: 5 s; 0: no filter; else at least the allocation
// interval and at most a year.
func (m *Master) refuse(f *framework, a *agent, rs resources.List, filters *mesos.Filters) {
	if rs.Empty() {
		return
	}
	m.free(f, a, rs)
	d := refuseTime(filters)
	if d == 0 {
		return
	}
	until := time.Now().Add(max(d, m.config.AllocationInterval))
	key := filterKey{role: rs[0].AllocatedTo(), agent: a.id}
	f.filters[key] = append(f.liveFilters(key), filter{declined: rs.Unallocated(), until: until})
	m.allocateAt(until)
}

// refuseTime returns the time that filters ask for: default, also for a negative one, 5 s; at most a year.
func refuseTime(filters *mesos.Filters) time.Duration {
	seconds := 5.0
	if filters != nil && filters.RefuseSeconds != nil && *filters.RefuseSeconds >= 0 {
		seconds = *filters.RefuseSeconds
	}
	return time.Duration(math.Min(seconds, (365*24*time.Hour).Seconds()) * float64(time.Second))
}

// liveFilters returns the filters that have not run out.
func (f *framework) liveFilters(key filterKey) []filter {
	now := time.Now()
	return slices.DeleteFunc(f.filters[key], func(x filter) bool { return !now.Before(x.until) })
}

// filtered reports whether the framework does not want to be offered rs.
func (f *framework) filtered(a *agent, role string, rs resources.List) bool {
	key := filterKey{role: role, agent: a.id}
	if len(f.filters[key]) == 0 {
		return false
	}
	live := f.liveFilters(key)
	f.filters[key] = live
	return slices.ContainsFunc(live, func(x filter) bool { return x.declined.Contains(rs) })
}

// free returns allocated resources to their agent and to the next allocation.
func (m *Master) free(f *framework, a *agent, rs resources.List) {
	if rs.Empty() {
		return
	}
	m.charge(f, rs[0].AllocatedTo(), rs, -1)
	a.free = resources.OfferOrder(a.free.Add(rs.Unallocated())) // in the order that a master lists them
	m.allocateLater()
}

// offersOf returns the outstanding offers of a framework, by agent.
func (m *Master) offersOf(f *framework) []*offer {
	var own []*offer
	for _, a := range m.agents {
		for _, o := range a.offers {
			if o.framework == f {
				own = append(own, o)
			}
		}
	}
	return own
}

func offersEvent(batch []*offer) *scheduler.Event {
	offers := make([]mesos.Offer, 0, len(batch))
	for _, o := range batch {
		offers = append(offers, o.proto())
	}
	return &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: offers}}
}

// proto writes the offer in the form that the framework's capabilities ask for.
func (o *offer) proto() mesos.Offer {
	p := mesos.Offer{
		ID:          mesos.OfferID{Value: o.id},
		FrameworkID: mesos.FrameworkID{Value: o.framework.id},
		AgentID:     mesos.AgentID{Value: o.agent.id},
		Hostname:    o.agent.config.Hostname,
		URL:         o.agent.url(),
		Domain:      o.agent.domain,
		Attributes:  o.agent.attributes,
		ExecutorIDs: o.agent.executorIDs(o.framework),

		Unavailability: o.unavailability,
	}
	rs := o.resources
	if o.framework.can(mesos.FrameworkInfo_Capability_MULTI_ROLE) {
		p.AllocationInfo = &mesos.Resource_AllocationInfo{Role: &o.role}
	} else {
		rs = rs.Unallocated()
	}
	p.Resources = rs.Proto()
	if !o.framework.can(mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT) {
		p.Resources = resources.Unrefined(p.Resources)
	}
	return p
}
