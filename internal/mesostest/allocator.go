package mesostest

import (
	"cmp"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/constraints"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// shareKey names a share: that of a framework in a role, or without a framework that of a node of
// the tree of roles.
type shareKey struct{ role, framework string }

// roleNodes returns the nodes from the top of the tree of roles to the leaf of a role: "a", "a/b",
// "a/b/.". The share of a node includes those below, so "a" itself has the leaf "a/.".
func roleNodes(role string) []string {
	var nodes []string
	path := role + "/."
	for i := range path {
		if path[i] == '/' {
			nodes = append(nodes, path[:i])
		}
	}
	return append(nodes, path)
}

// share is what a role, or a framework in a role, holds of the cluster: the one
// with the smallest dominant share is served first (DRF).
type share struct {
	held  quantities
	count int // allocations ever made; decides between equal shares
}

// quantities are the amounts that DRF counts, in thousandths: cpus, mem, disk, gpus.
type quantities [4]int64

func quantitiesOf(rs resources.List) quantities {
	return quantities{rs.Milli("cpus"), rs.Milli("mem"), rs.Milli("disk"), rs.Milli("gpus")}
}

// dominant returns the largest fraction of the total among the quantities.
func (q quantities) dominant(total quantities) float64 {
	largest := 0.0
	for i := range q {
		if total[i] > 0 {
			largest = max(largest, float64(q[i])/float64(total[i]))
		}
	}
	return largest
}

// charge books resources on the shares of a framework and its role; sign is 1 or -1.
func (m *Master) charge(f *framework, role string, rs resources.List, sign int64) {
	amount := quantitiesOf(rs)
	keys := []shareKey{{role: role, framework: f.id}}
	for _, node := range roleNodes(role) {
		keys = append(keys, shareKey{role: node})
	}
	for _, key := range keys {
		s := m.shares[key]
		if s == nil {
			s = &share{}
			m.shares[key] = s
		}
		for i := range amount {
			s.held[i] += sign * amount[i]
		}
		if sign > 0 {
			s.count++
		}
	}
}

// allocate offers what the agents have free. Each agent gives all of it to one
// framework in one role; only what is reserved for another role goes there.
func (m *Master) allocate(agents []*agent) {
	var total quantities
	for _, a := range m.agents {
		for i, amount := range a.quantities {
			total[i] += amount
		}
	}
	agents = slices.Clone(agents)
	m.random.Shuffle(len(agents), func(i, j int) { agents[i], agents[j] = agents[j], agents[i] })
	batches := make(map[*framework][]*offer)
	for _, now := range m.stages() {
		for _, a := range agents {
			if !a.offerable() || !allocatable(a.free, defaultMinimum()) {
				continue
			}
			for _, key := range m.byShare(total) {
				if now == forGuarantees && len(m.quotas[key.role].guarantees) == 0 {
					continue
				}
				f := m.frameworks[key.framework]
				if o := m.makeOffer(f, a, key.role, now); o != nil {
					batches[f] = append(batches[f], o)
				}
			}
		}
	}
	for _, f := range m.order {
		if batch := batches[f]; len(batch) > 0 {
			f.send(m, offersEvent(batch))
		}
	}
	m.askInverse(agents)
}

// standing is what decides the order of those who share.
type standing struct {
	share float64
	count int
	name  string
}

func (s standing) compare(other standing) int {
	return cmp.Or(cmp.Compare(s.share, other.share), cmp.Compare(s.count, other.count), cmp.Compare(s.name, other.name))
}

func (m *Master) standing(key shareKey, total quantities, name string) standing {
	s := m.shares[key]
	if s == nil {
		return standing{name: name}
	}
	fraction := s.held.dominant(total)
	if key.framework == "" {
		fraction /= m.weight(key.role)
	}
	return standing{fraction, s.count, name}
}

// byShare lists who may get offers: roles by their share, level by level of their tree, within
// a role the frameworks by theirs.
func (m *Master) byShare(total quantities) []shareKey {
	type candidate struct {
		key       shareKey
		standings []standing
	}
	var candidates []candidate
	for _, f := range m.order {
		if f.stream == nil {
			continue
		}
		for _, role := range validate.Roles(&f.info) {
			if f.suppressed[role] {
				continue
			}
			c := candidate{key: shareKey{role: role, framework: f.id}}
			for _, node := range roleNodes(role) {
				c.standings = append(c.standings, m.standing(shareKey{role: node}, total, node))
			}
			c.standings = append(c.standings, m.standing(c.key, total, f.id))
			candidates = append(candidates, c)
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return slices.CompareFunc(a.standings, b.standings, standing.compare)
	})
	keys := make([]shareKey, len(candidates))
	for i, c := range candidates {
		keys[i] = c.key
	}
	return keys
}

// eligible returns what of an agent's free resources may be offered to a framework in a
// role in a stage of an allocation; empty when nothing.
func (m *Master) eligible(f *framework, a *agent, role string, now stage) resources.List {
	if a.quantities[3] > 0 && !f.can(mesos.FrameworkInfo_Capability_GPU_RESOURCES) {
		return nil // --filter_gpu_resources: keep such agents for those who need them
	}
	if !f.can(mesos.FrameworkInfo_Capability_REGION_AWARE) && a.foreign(m.info.Domain) {
		return nil
	}
	if !f.constraints.Admits(role, constraints.Agent{Hostname: a.config.Hostname, Domain: a.domain, Attributes: a.attributes}) {
		return nil
	}
	free := a.free.Offerable(role)
	if !f.can(mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT) {
		free = free.Filter(func(e resources.Entry) bool { return len(e.Shape.Reservations) < 2 }) // has no old form
	}
	free = m.withinQuota(role, free, now)
	if !allocatable(free, f.minimum(role)) || f.filtered(a, role, free) {
		return nil
	}
	return free
}

// defaultMinimum returns --min_allocatable_resources=cpus:0.01|mem:32, in thousandths.
func defaultMinimum() []map[string]int64 {
	return []map[string]int64{{"cpus": 10}, {"mem": 32000}}
}

// minimum returns what an offer in the role must have one of: the framework may raise it
// by offer_filters.
func (f *framework) minimum(role string) []map[string]int64 {
	own := f.info.OfferFilters[role].MinAllocatableResources
	if own == nil {
		return defaultMinimum()
	}
	var minimum []map[string]int64
	for _, q := range own.Quantities {
		amounts := make(map[string]int64, len(q.Quantities))
		for name, scalar := range q.Quantities {
			amounts[name] = resources.Milli(scalar.Value)
		}
		minimum = append(minimum, amounts)
	}
	return minimum
}

// allocatable reports whether the resources reach one of the minimums; without any they do.
func allocatable(rs resources.List, minimum []map[string]int64) bool {
	if rs.Empty() {
		return false
	}
	return len(minimum) == 0 || slices.ContainsFunc(minimum, func(amounts map[string]int64) bool {
		for name, amount := range amounts {
			if rs.Quantity(name) < amount {
				return false
			}
		}
		return true
	})
}

// allocateLater allocates at the next multiple of the interval.
func (m *Master) allocateLater() { m.allocateAt(time.Now().Add(1)) }

// allocateAt allocates at the first multiple of the interval that is not before t. A
// real master allocates at every multiple; nothing comes of it when nothing
// changed, so this one sleeps over those. It also allocates a little late, so what
// else happens at a multiple comes first.
func (m *Master) allocateAt(t time.Time) {
	interval := m.config.AllocationInterval
	n := int64((t.Sub(m.start) + interval - 1) / interval)
	if _, ok := m.ticks[n]; ok {
		return
	}
	m.ticks[n] = struct{}{}
	m.timers.addLast(m.start.Add(time.Duration(n)*interval), func() {
		delete(m.ticks, n)
		m.allocate(m.agents)
	})
}
