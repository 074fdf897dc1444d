package taskmatcher

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// place takes out of a room what a task of the shape asks for, which must be there.
func (m *match) place(id string, s *shape, at int32) {
	r := &m.rooms[at]
	resources := len(s.needs)
	if len(s.spec.Ports) > 0 {
		resources++
	}
	taken := make([]mesos.Resource, 0, resources)
	for _, n := range s.needs {
		taken = m.take(s, at, n, taken)
	}
	taken, hostPorts := m.takePorts(s, r, taken)
	m.placements = append(doubled(m.placements), task.Placement{
		TaskID: id, OfferIDs: m.idsOf(r), AgentID: r.agent.ID, Hostname: r.agent.Hostname,
		Resources: taken, HostPorts: hostPorts,
	})
	m.note(s, at)
}

// take moves an amount of one scalar from a room's parts, in their order, to taken. Mesos refuses a task that
// mixes revocable and other resources of a kind.
func (m *match) take(s *shape, at int32, n need, taken []mesos.Resource) []mesos.Resource {
	slot := int(at)*len(m.kinds) + n.kind
	revocable := s.spec.Revocable && m.revocable != nil && m.revocable[slot] >= n.amount
	if revocable {
		m.revocable[slot] -= n.amount
	} else {
		m.free[slot] -= n.amount
	}
	parts := m.partsOf(&m.rooms[at])
	for i := range parts {
		p := &parts[i]
		if n.amount == 0 {
			break
		}
		if p.kind != n.kind || p.free == 0 || (p.resource.Revocable != nil) != revocable {
			continue
		}
		some := min(n.amount, p.free)
		n.amount -= some
		p.free -= some
		resource := *p.resource
		resource.Scalar = m.stock.scalar(some.float())
		taken = append(taken, resource)
	}
	return taken
}

// takePorts moves the ports that a task asks for to taken, and lists them as the task names them: certain
// ones first, so that no other gets in their way.
func (m *match) takePorts(s *shape, r *room, taken []mesos.Resource) ([]mesos.Resource, []uint16) {
	if len(s.spec.Ports) == 0 {
		return taken, nil
	}
	free := m.portsOf(r)
	scalars := len(taken)
	for _, port := range s.static {
		resource := free.takePort(free.find(uint32(port)), uint32(port))
		taken = m.stock.addPort(taken, scalars, resource, uint64(port))
	}
	list := m.stock.ports(len(s.spec.Ports))
	for i, p := range s.spec.Ports {
		if list[i] = p.Host; p.Host == 0 {
			at, port := free.any(m.random)
			taken = m.stock.addPort(taken, scalars, free.takePort(at, port), uint64(port))
			list[i] = uint16(port)
		}
	}
	return taken, list
}

// note makes known that a task was placed.
func (m *match) note(s *shape, at int32) {
	if m.rooms[at].touched == 0 {
		m.touched++
		m.rooms[at].touched = m.touched
	}
	m.latest[at] = len(m.log)
	m.log = append(doubled(m.log), change{at, s.number})
	for _, c := range m.byGroup[s.spec.Group] {
		c.add(at)
	}
	agent := m.rooms[at].number
	if tasks := m.groups[s.spec.Group]; tasks != nil {
		tasks[agent]++
	}
	for _, other := range m.siblings[agent] {
		if other != at { // a filter or a score may ask for the tasks on the agent
			m.latest[other] = len(m.log)
			m.log = append(m.log, change{other, -1})
		}
	}
}

// doubled makes room for one more. What append alone does takes five times the memory in the end.
func doubled[T any](all []T) []T {
	if len(all) == cap(all) {
		return slices.Grow(all, max(len(all), 64))
	}
	return all
}

// stock gives small things out of larger pieces of memory. A placement that is kept keeps a piece of a few kB
// at most.
type stock struct {
	scalars []mesos.Value_Scalar
	ranges  []portRange
	numbers []uint16
	sources []*mesos.Resource
}

// portRange is the ranges of one resource, of which there is one mostly.
type portRange struct {
	all   mesos.Value_Ranges
	first [1]mesos.Value_Range
}

func (s *stock) scalar(x float64) *mesos.Value_Scalar {
	if len(s.scalars) == 0 {
		s.scalars = make([]mesos.Value_Scalar, 128)
	}
	next := &s.scalars[0]
	s.scalars = s.scalars[1:]
	next.Value = x
	return next
}

func (s *stock) ports(n int) []uint16 {
	if len(s.numbers) < n {
		s.numbers = make([]uint16, max(n, 512))
	}
	next := s.numbers[:n:n]
	s.numbers = s.numbers[n:]
	return next
}

// addPort adds a port to taken, together with others of the same resource. The resources of those after
// from, which have ports, are the sources.
func (s *stock) addPort(taken []mesos.Resource, from int, resource *mesos.Resource, port uint64) []mesos.Resource {
	if len(taken) == from {
		s.sources = s.sources[:0]
	}
	if i := slices.Index(s.sources, resource); i >= 0 {
		ranges := taken[from+i].Ranges
		if last := &ranges.Range[len(ranges.Range)-1]; last.End+1 == port {
			last.End = port
		} else {
			ranges.Range = append(ranges.Range, mesos.Value_Range{Begin: port, End: port})
		}
		return taken
	}
	if len(s.ranges) == 0 {
		s.ranges = make([]portRange, 32)
	}
	next := &s.ranges[0]
	s.ranges = s.ranges[1:]
	next.first[0] = mesos.Value_Range{Begin: port, End: port}
	next.all.Range = next.first[:]
	r := *resource
	r.Ranges = &next.all
	s.sources = append(s.sources, resource)
	return append(taken, r)
}
