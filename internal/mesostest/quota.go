package mesostest

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	pb "github.com/mesos/mesos-go/api/v1/lib/quota"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// quota is what the operator set for a role, without its subroles' own.
type quota struct{ guarantees, limits resources.Scalars }

// UpdateQuota sets the guarantees and limits of a role by the names of scalar resources; nil is
// none. Offers beyond the limits, and enough of others for the guarantees, are rescinded. The error is
// a *OperatorError, 400 for a role that can have no quota, for amounts that are negative or too large, for
// guarantees beyond the limits or what the agents have, and for limits below what the role uses.
func (m *Master) UpdateQuota(role string, guarantees, limits map[string]float64) error {
	config := pb.QuotaConfig{Role: role, Guarantees: named(guarantees), Limits: named(limits)}
	return m.asOperator(func() error {
		return m.updateQuota(&master.Call_UpdateQuota{QuotaConfigs: []pb.QuotaConfig{config}})
	})
}

func named(amounts map[string]float64) map[string]mesos.Value_Scalar {
	list := make(map[string]mesos.Value_Scalar, len(amounts))
	for name, amount := range amounts {
		list[name] = mesos.Value_Scalar{Value: amount}
	}
	return list
}

func (m *Master) updateQuota(c *master.Call_UpdateQuota) error {
	updated := maps.Clone(m.quotas)
	for i := range c.QuotaConfigs {
		config := &c.QuotaConfigs[i]
		if fault := m.quotaFault(config); fault != "" {
			return refused(http.StatusBadRequest, fault)
		}
		q := quota{guarantees: resources.Scalars{}, limits: resources.ScalarsOf(config.Limits)}
		q.guarantees.Add(resources.ScalarsOf(config.Guarantees)) // without zeros: a guarantee of nothing is none
		updated[config.Role] = q
	}
	if fault := m.overcommitment(c, updated); fault != "" && !c.GetForce() {
		return refused(http.StatusBadRequest, "Invalid QuotaConfig: "+fault+" (use 'force' flag to bypass this check)")
	}
	m.quotas = updated
	for _, config := range c.QuotaConfigs {
		m.enforceQuota(config.Role)
		if q := m.quotas[config.Role]; len(q.guarantees)+len(q.limits) == 0 {
			delete(m.quotas, config.Role)
		}
	}
	m.allocateLater()
	return nil
}

// overcommitment returns what is wrong with the quotas at this time, "" if nothing.
func (m *Master) overcommitment(c *master.Call_UpdateQuota, quotas map[string]quota) string {
	for _, config := range c.QuotaConfigs {
		used, limits := m.used(config.Role), quotas[config.Role].limits
		if !limits.Allows(used) {
			return fmt.Sprintf("Role '%s' is already consuming '%v'; this is more than the requested limits '%v'", config.Role, used, limits)
		}
	}
	total, capacity := resources.Scalars{}, resources.Scalars{}
	for _, q := range quotas {
		total.Add(q.guarantees)
	}
	for _, a := range m.agents {
		capacity.Add(a.total.Scalars())
	}
	if !capacity.Contains(total) {
		return fmt.Sprintf("total quota guarantees '%v' exceed cluster capacity '%v'", total, capacity)
	}
	return ""
}

// enforceQuota rescinds offers until the role is within its limits and its guarantees can be met.
func (m *Master) enforceQuota(role string) {
	q := m.quotas[role]
	used := m.consumption(role)
	mine := func(o *offer) bool { return below(o.role, role) }
	for _, o := range m.allOffers() {
		if mine(o) && !q.limits.Allows(used) {
			used.Subtract(o.resources.Scalars())
			m.rescind(o)
		}
	}
	for _, o := range m.allOffers() {
		if !mine(o) && !used.Contains(q.guarantees) {
			used.Add(o.resources.Scalars())
			m.rescind(o)
		}
	}
}

// allOffers returns the outstanding offers by agent.
func (m *Master) allOffers() []*offer {
	var list []*offer
	for _, a := range m.agents {
		list = append(list, a.offers...)
	}
	return list
}

// below reports whether a role is the other or one of its subroles.
func below(role, other string) bool { return role == other || strings.HasPrefix(role, other+"/") }

// used returns what is reserved for a role and what else it uses.
func (m *Master) used(role string) resources.Scalars {
	sum := resources.Scalars{}
	reserved := func(e resources.Entry) bool { return e.ReservedFor() != "" && below(e.ReservedFor(), role) }
	inUse := func(e resources.Entry) bool {
		return reserved(e) || e.ReservedFor() == "" && below(e.AllocatedTo(), role)
	}
	for _, a := range m.agents {
		sum.Add(a.free.Filter(reserved).Scalars())
		for _, o := range a.offers {
			sum.Add(o.resources.Filter(reserved).Scalars())
		}
		for _, e := range a.running {
			sum.Add(e.resources.Filter(inUse).Scalars())
		}
		for _, t := range m.tasksOn(a) {
			sum.Add(t.resources.Filter(inUse).Scalars())
		}
	}
	return sum
}

// consumption returns what counts against a role's quota: what is used, and what else is offered to it.
func (m *Master) consumption(role string) resources.Scalars {
	sum := m.used(role)
	for _, o := range m.allOffers() {
		sum.Add(o.resources.Filter(func(e resources.Entry) bool {
			return e.ReservedFor() == "" && below(e.AllocatedTo(), role)
		}).Scalars())
	}
	return sum
}

// withinQuota cuts free resources down to what quotas let a role be offered in a stage of an allocation. For
// guarantees nothing is offered that adds nothing to them.
func (m *Master) withinQuota(role string, free resources.List, now stage) resources.List {
	if len(m.quotas) == 0 {
		return free
	}
	fixed := func(e resources.Entry) bool { return e.ReservedFor() != "" || e.Shape.GetType() != mesos.SCALAR }
	out, open := free.Filter(fixed), free.Filter(func(e resources.Entry) bool { return !fixed(e) })
	q, used := m.quotas[role], m.consumption(role)
	if now == forGuarantees {
		due := open.Only(q.guarantees.Minus(used))
		if due.Empty() {
			return nil
		}
		out, open = out.Add(due), open.Subtract(due)
		used.Add(due.Scalars())
	}
	open = open.Limited(q.limits.Minus(used))
	if required := m.requiredHeadroom(); len(required) > 0 {
		open = open.Only(m.headroom().Minus(required))
	}
	return resources.OfferOrder(out.Add(open))
}

// requiredHeadroom returns what must stay free so that every guarantee can still be met.
func (m *Master) requiredHeadroom() resources.Scalars {
	sum := resources.Scalars{}
	for role, q := range m.quotas {
		sum.Add(q.guarantees.Minus(m.consumption(role)))
	}
	return sum
}

// headroom returns what is free and not reserved.
func (m *Master) headroom() resources.Scalars {
	sum := resources.Scalars{}
	for _, a := range m.agents {
		sum.Add(a.free.Unreserved().Scalars())
	}
	return sum
}

// stage is a part of an allocation.
type stage int

const (
	forGuarantees stage = iota // offers only what roles lack of their guarantees
	forAll                     // offers all that limits and the guarantees of others permit
)

// stages returns those of an allocation in their order.
func (m *Master) stages() []stage {
	for _, q := range m.quotas {
		if len(q.guarantees) > 0 {
			return []stage{forGuarantees, forAll}
		}
	}
	return []stage{forAll}
}
