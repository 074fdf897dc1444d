package taskmatcher

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// place places a task of a class on a candidate, which must fit.
func (m *match) place(id string, c *class, at int32) {
	cand := &m.candidates[at]
	resources := len(c.needs)
	if c.dynamic+len(c.static) > 0 {
		resources++
	}
	taken := take(&m.pieces.resources, resources, 24)
	var executor []mesos.Resource
	for _, n := range c.needs {
		revocable := m.takeAmount(c, at, n)
		taken = m.takeScalar(cand, n.kind, n.amount-n.executor, revocable, taken)
		executor = m.takeScalar(cand, n.kind, n.executor, revocable, executor)
	}
	taken, hostPorts := m.takePorts(c, cand, taken)
	m.placements = append(grow(m, m.placements), task.Placement{
		TaskID: id, OfferIDs: m.idsOf(cand), AgentID: cand.agent.ID, Hostname: cand.agent.Hostname,
		Resources: taken, ExecutorResources: executor, HostPorts: hostPorts,
	})
	m.noteChange(c, at)
}

// takeAmount takes an amount of one kind of scalar resource from the table, either of revocable resources or of others,
// since Mesos refuses a task that mixes them, also if the one are the executor's. It reports which.
func (m *match) takeAmount(c *class, at int32, n need) (revocable bool) {
	slot := int(at)*len(m.kinds) + n.kind
	revocable = c.spec.Revocable && m.revocable != nil && m.revocable[slot] >= n.amount
	if revocable {
		m.revocable[slot] -= n.amount
	} else {
		m.free[slot] -= n.amount
	}
	return revocable
}

// takeScalar takes an amount of one kind of scalar resource from the offers of a candidate and appends it to taken.
func (m *match) takeScalar(cand *candidate, kind int, amount thousandths, revocable bool, taken []mesos.Resource) []mesos.Resource {
	if amount == 0 {
		return taken
	}
	scalars := m.scalarsOf(cand)
	for i := range scalars {
		s := &scalars[i]
		if amount == 0 {
			break
		}
		if s.kind != kind || s.free == 0 || (s.resource.Revocable != nil) != revocable {
			continue
		}
		some := min(amount, s.free)
		amount -= some
		s.free -= some
		resource := *s.resource
		resource.Scalar = m.pieces.scalar(some.float())
		taken = append(taken, resource)
	}
	return taken
}

// takePorts takes the ports that a task asks for and appends them to taken. It returns them in the order of Spec.Ports,
// too, with 0 where there is no host port. The ports that the task names are taken first, before they can be taken as
// ports of any number.
func (m *match) takePorts(c *class, cand *candidate, taken []mesos.Resource) ([]mesos.Resource, []uint16) {
	if len(c.spec.Ports) == 0 {
		return taken, nil
	}
	free := m.portsOf(cand)
	scalars := len(taken)
	for _, port := range c.static {
		resource := free.takePort(free.find(uint32(port)), uint32(port))
		taken = m.pieces.appendPort(taken, scalars, resource, uint64(port))
	}
	list := m.pieces.ports(len(c.spec.Ports))
	for i, p := range c.spec.Ports {
		switch {
		case p.NoHost:
		case p.Host != 0:
			list[i] = p.Host
		default:
			at, port := free.choose(m.random)
			taken = m.pieces.appendPort(taken, scalars, free.takePort(at, port), uint64(port))
			list[i] = uint16(port)
		}
	}
	return taken, list
}

// noteChange records that a task of a class was placed on a candidate: in the log of changes and in all counts of tasks.
func (m *match) noteChange(c *class, at int32) {
	m.lastChange[at] = len(m.changes)
	m.changes = append(grow(m, m.changes), change{at, c.number})
	for _, counter := range c.counters {
		counter.count(at)
	}
	agent := m.candidates[at].agentNumber
	if tasks := m.tasksByAgent[c.spec.Group]; tasks != nil {
		tasks[agent]++
	}
	for _, other := range m.siblings[agent] {
		if other != at { // a filter or a score may depend on the tasks on the agent
			m.lastChange[other] = len(m.changes)
			m.changes = append(m.changes, change{other, -1})
		}
	}
}

// grow returns the slice with capacity for one more element. One that is full becomes four times as large, but not larger
// than one element for each task needs, or else half as large again. append grows large slices by a quarter, and would
// allocate five times the final size in total.
func grow[T any](m *match, all []T) []T {
	if len(all) == cap(all) {
		return slices.Grow(all, max(min(3*len(all), len(m.cycle.Tasks)-len(all)), len(all)/2, 64))
	}
	return all
}

// placementAllocator allocates the small parts of placements in chunks. A placement that is kept in memory keeps
// chunks of a few KiB alive, not more.
type placementAllocator struct {
	resources []mesos.Resource
	scalars   []mesos.Value_Scalar
	ranges    []portRanges
	numbers   []uint16
	sources   []*mesos.Resource // see appendPort
}

// portRanges is the ranges of one resource, with space for the first range, since mostly there is only one.
type portRanges struct {
	all   mesos.Value_Ranges
	first [1]mesos.Value_Range
}

func (a *placementAllocator) scalar(x float64) *mesos.Value_Scalar {
	next := &take(&a.scalars, 1, 128)[:1][0]
	next.Value = x
	return next
}

func (a *placementAllocator) ports(n int) []uint16 {
	return take(&a.numbers, n, 512)[:n]
}

// appendPort adds a port of an offered resource to taken, whose elements from index scalars on are ports. Ports of the
// same resource become one element; a.sources has the offered resources of these elements, in the same order.
func (a *placementAllocator) appendPort(taken []mesos.Resource, scalars int, resource *mesos.Resource, port uint64) []mesos.Resource {
	if len(taken) == scalars {
		a.sources = a.sources[:0]
	}
	if i := slices.Index(a.sources, resource); i >= 0 {
		ranges := taken[scalars+i].Ranges
		if last := &ranges.Range[len(ranges.Range)-1]; last.End+1 == port {
			last.End = port
		} else {
			ranges.Range = append(ranges.Range, mesos.Value_Range{Begin: port, End: port})
		}
		return taken
	}
	next := &take(&a.ranges, 1, 32)[:1][0]
	next.first[0] = mesos.Value_Range{Begin: port, End: port}
	next.all.Range = next.first[:]
	r := *resource
	r.Ranges = &next.all
	a.sources = append(a.sources, resource)
	return append(taken, r)
}
