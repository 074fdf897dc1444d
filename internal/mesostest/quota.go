package mesostest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	pb "github.com/mesos/mesos-go/api/v1/lib/quota"
)

// quota is what the operator set for a role, without its subroles' own.
type quota struct{ guarantees, limits scalars }

// scalars are quantities of scalar resources by name, in thousandths.
type scalars map[string]int64

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
		q := quota{guarantees: scalars{}, limits: scalarAmounts(config.Limits)}
		q.guarantees.add(scalarAmounts(config.Guarantees)) // without zeros: a guarantee of nothing is none
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

// overcommitment is what is wrong with the quotas at this time, "" if nothing.
func (m *Master) overcommitment(c *master.Call_UpdateQuota, quotas map[string]quota) string {
	for _, config := range c.QuotaConfigs {
		used, limits := m.consumption(config.Role, false), quotas[config.Role].limits
		if !limits.allow(used) {
			return fmt.Sprintf("Role '%s' is already consuming '%v'; this is more than the requested limits '%v'", config.Role, used, limits)
		}
	}
	total, capacity := scalars{}, scalars{}
	for _, q := range quotas {
		total.add(q.guarantees)
	}
	for _, a := range m.agents {
		capacity.add(scalarsOf(a.total))
	}
	if !capacity.contain(total) {
		return fmt.Sprintf("total quota guarantees '%v' exceed cluster capacity '%v'", total, capacity)
	}
	return ""
}

// enforceQuota rescinds offers until the role is within its limits and its guarantees can be met.
func (m *Master) enforceQuota(role string) {
	q := m.quotas[role]
	used := m.consumption(role, true)
	mine := func(o *offer) bool { return below(o.role, role) }
	for _, o := range m.allOffers() {
		if mine(o) && !q.limits.allow(used) {
			used.sub(scalarsOf(o.resources))
			m.rescind(o)
		}
	}
	for _, o := range m.allOffers() {
		if !mine(o) && !used.contain(q.guarantees) {
			used.add(scalarsOf(o.resources))
			m.rescind(o)
		}
	}
}

// allOffers are the outstanding offers by agent.
func (m *Master) allOffers() []*offer {
	var list []*offer
	for _, a := range m.agents {
		list = append(list, a.offers...)
	}
	return list
}

// below says whether a role is the other or one of its subroles.
func below(role, other string) bool { return role == other || strings.HasPrefix(role, other+"/") }

// consumption is what counts against a role's quota: what is reserved for it, and what else it
// uses or, if that is asked, is offered.
func (m *Master) consumption(role string, offered bool) scalars {
	sum := scalars{}
	count := func(rs resources, used bool) {
		sum.add(scalarsOf(rs.filter(func(e resource) bool {
			if owner := e.reservedFor(); owner != "" {
				return below(owner, role)
			}
			return used && below(e.allocatedTo(), role)
		})))
	}
	for _, a := range m.agents {
		count(a.free, false)
		for _, o := range a.offers {
			count(o.resources, offered)
		}
		for _, e := range a.running {
			count(e.resources, true)
		}
		for _, t := range m.tasksOn(a) {
			count(t.resources, true)
		}
	}
	return sum
}

// withinQuota cuts free resources down to what quotas let a role be offered. The first stage of an
// allocation serves the guarantees: nothing is offered that adds nothing to them.
func (m *Master) withinQuota(role string, free resources, first bool) resources {
	if len(m.quotas) == 0 {
		return free
	}
	fixed := func(e resource) bool { return e.reservedFor() != "" || e.shape.GetType() != mesos.SCALAR }
	out, open := free.filter(fixed), free.filter(func(e resource) bool { return !fixed(e) })
	q, used := m.quotas[role], m.consumption(role, true)
	if first {
		due := open.cut(q.guarantees.minus(used), false)
		if due.empty() {
			return nil
		}
		out, open = out.add(due), open.subtract(due)
		used.add(scalarsOf(due))
	}
	open = open.cut(q.limits.minus(used), true)
	if required := m.requiredHeadroom(); len(required) > 0 {
		open = open.cut(m.headroom().minus(required), false)
	}
	return offerOrder(out.add(open))
}

// requiredHeadroom is what must stay free so that every guarantee can still be met.
func (m *Master) requiredHeadroom() scalars {
	sum := scalars{}
	for role, q := range m.quotas {
		sum.add(q.guarantees.minus(m.consumption(role, true)))
	}
	return sum
}

// headroom is what is free and not reserved.
func (m *Master) headroom() scalars {
	sum := scalars{}
	for _, a := range m.agents {
		sum.add(scalarsOf(a.free.unreserved()))
	}
	return sum
}

// stages are those of an allocation: the first is for roles with guarantees alone.
func (m *Master) stages() []bool {
	for _, q := range m.quotas {
		if len(q.guarantees) > 0 {
			return []bool{true, false}
		}
	}
	return []bool{false}
}

// cut takes no more of each name than most says, and of names that are not there all or nothing.
func (rs resources) cut(most scalars, others bool) resources {
	left := maps.Clone(most)
	var out resources
	for _, e := range rs {
		amount, named := left[e.shape.Name]
		if named {
			e.milli = min(e.milli, amount)
			left[e.shape.Name] -= e.milli
		} else if !others {
			continue
		}
		out = out.plus(e)
	}
	return out
}

// scalarsOf sums scalars up by name.
func scalarsOf(rs resources) scalars {
	sum := scalars{}
	for _, e := range rs {
		if e.shape.GetType() == mesos.SCALAR {
			sum[e.shape.Name] += e.milli
		}
	}
	return sum
}

func scalarAmounts(named map[string]mesos.Value_Scalar) scalars {
	sum := scalars{}
	for name, scalar := range named {
		sum[name] = toMilli(scalar.Value)
	}
	return sum
}

func (x scalars) add(y scalars) {
	for name, amount := range y {
		if amount != 0 {
			x[name] += amount
		}
	}
}

func (x scalars) sub(y scalars) {
	for name, amount := range y {
		x[name] = max(x[name]-amount, 0)
	}
}

// minus is what of each amount of x is left over by y.
func (x scalars) minus(y scalars) scalars {
	left := maps.Clone(x)
	for name := range left {
		left[name] = max(left[name]-y[name], 0)
	}
	return left
}

// contain says whether there is at least as much of everything.
func (x scalars) contain(y scalars) bool {
	for name, amount := range y {
		if x[name] < amount {
			return false
		}
	}
	return true
}

// allow says whether y is within the limits x; what has no limit is.
func (x scalars) allow(y scalars) bool {
	for name, limit := range x {
		if limit < y[name] {
			return false
		}
	}
	return true
}

// String prints scalars as Mesos prints quantities: "cpus:2; mem:512".
func (x scalars) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(x)) {
		parts = append(parts, name+":"+formatDouble(float64(x[name])/1000))
	}
	if parts == nil {
		return "{}"
	}
	return strings.Join(parts, "; ")
}
