package taskmatcher_test

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// reference is a matcher that looks at all pairs of tasks and rooms, as plainly as possible.
type reference struct {
	cycle  task.Cycle
	rooms  []*left
	tasks  map[string]map[string]int // by group and agent ID
	values map[string]map[string]int // tasks by group and attribute, then by value
	log    []task.Presence           // what was placed
	// What tasks ask for, by name.
	amounts map[*task.Spec]map[string]float64
	// What all rooms offered together, by name.
	firm, revocable map[string]float64
}

// left is what is left of a room.
type left struct {
	agent           task.Agent
	role            string
	ids             []string
	offers          []task.Offer
	firm, revocable map[string]int64 // thousandths by name
	offered         map[string]int64 // what firm was in the beginning
	gpu             bool
	ports           []freePort // reserved ones first, ascending
	attributes      map[string]string
	pools           map[string]*stock // of scalars, by everything but the amount, see pool
}

// stock is what is left of one kind of scalar resource.
type stock struct {
	name                string
	reserved, revocable bool
	left                int64 // thousandths
}

// name is that of the agent, or of the offer if it does not tell.
func (l *left) name() string { return cmp.Or(l.agent.ID, "\x00"+l.ids[0]) }

type freePort struct {
	port     uint16
	reserved bool
	pool     string
}

// pool names a kind of resource: everything but the amount.
func pool(r mesos.Resource) string {
	r.Scalar, r.Ranges = nil, nil
	return r.String()
}

func isReserved(r mesos.Resource) bool { return len(r.Reservations) > 0 || r.GetRole() != "*" }

// thousandths cuts off what is beyond three digits, up to noise. What is no amount is nothing.
func thousandths(x float64) int64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return 0
	}
	return int64(math.Floor(min(x, 1e12)*1000 + 1e-3))
}

func newReference(cycle task.Cycle) *reference {
	w := &reference{cycle: cycle, tasks: map[string]map[string]int{}, values: map[string]map[string]int{}, amounts: map[*task.Spec]map[string]float64{}, firm: map[string]float64{}, revocable: map[string]float64{}}
	rooms := map[string]*left{}
	for _, o := range cycle.Offers {
		name := cmp.Or(o.Agent.ID, "\x00"+o.ID) + " " + o.Role
		if rooms[name] == nil {
			rooms[name] = &left{agent: o.Agent, role: o.Role}
			w.rooms = append(w.rooms, rooms[name])
		}
		if l := rooms[name]; !slices.Contains(l.ids, o.ID) {
			l.ids, l.offers = append(l.ids, o.ID), append(l.offers, o)
		}
	}
	for _, l := range w.rooms {
		l.fill()
		for name, amount := range l.firm {
			w.firm[name] += float64(amount)
		}
		for name, amount := range l.revocable {
			w.revocable[name] += float64(amount)
		}
	}
	slices.SortStableFunc(w.rooms, func(a, b *left) int {
		return cmp.Or(cmp.Compare(a.firm["mem"], b.firm["mem"]), cmp.Compare(a.agent.ID, b.agent.ID), cmp.Compare(a.role, b.role), cmp.Compare(a.ids[0], b.ids[0]))
	})
	return w
}

// fill reads what the room's offers hold.
func (l *left) fill() {
	l.firm, l.revocable, l.pools, l.attributes = map[string]int64{}, map[string]int64{}, map[string]*stock{}, map[string]string{}
	slices.Sort(l.ids)
	var quarantined []uint16
	var ports []freePort
	slices.SortFunc(l.offers, func(a, b task.Offer) int { return cmp.Compare(a.ID, b.ID) })
	for _, o := range l.offers {
		quarantined = append(quarantined, o.Quarantined...)
		for _, r := range o.Resources {
			if r.Type == nil || r.Disk != nil || r.Shared != nil || r.ProviderID != nil {
				continue
			}
			switch {
			case *r.Type == mesos.SCALAR:
				amount := thousandths(r.GetScalar().GetValue())
				sums := l.firm
				if r.Revocable != nil {
					sums = l.revocable
				}
				sums[r.Name] = min(sums[r.Name]+amount, 1e15) // no room counts for more than the largest amount of a task
				if l.pools[pool(r)] == nil {
					l.pools[pool(r)] = &stock{r.Name, isReserved(r), r.Revocable != nil, 0}
				}
				l.pools[pool(r)].left += amount
				l.gpu = l.gpu || r.Name == "gpus" && amount > 0
			case *r.Type == mesos.RANGES && r.Name == "ports" && r.Revocable == nil:
				reserved, pool := isReserved(r), pool(r)
				for _, each := range r.GetRanges().GetRange() {
					for port := max(each.Begin, 1); port <= min(each.End, 65535); port++ {
						ports = append(ports, freePort{uint16(port), reserved, pool})
					}
				}
			}
		}
	}
	l.offered = maps.Clone(l.firm)
	slices.SortStableFunc(ports, func(a, b freePort) int {
		if a.reserved != b.reserved {
			if a.reserved {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.port, b.port)
	})
	for _, p := range ports {
		if !slices.Contains(quarantined, p.port) {
			l.ports = append(l.ports, p)
		}
	}
}

func amounts(s *task.Spec) map[string]float64 {
	all := map[string]float64{}
	for name, amount := range map[string]float64{"cpus": s.CPUs, "mem": s.Mem, "disk": s.Disk, "gpus": s.GPUs} {
		if amount != 0 {
			all[name] = amount
		}
	}
	for name, amount := range s.Scalars {
		if amount != 0 {
			all[name] += amount
		}
	}
	return all
}

// fits tells whether a task may run in a room, as things are.
func (w *reference) fits(how strategy, s *task.Spec, l *left) bool {
	if s.Role != "" && s.Role != l.role || l.gpu && s.GPUs == 0 && !how.share {
		return false
	}
	if u, takes := l.agent.Unavailable, l.agent.UnavailableFor; !u.IsZero() && !u.After(w.cycle.Now.Add(s.MaxCompletionTime)) &&
		(takes == 0 || w.cycle.Now.Sub(u) < takes) {
		return false
	}
	if w.amounts[s] == nil {
		w.amounts[s] = amounts(s)
	}
	for name, amount := range w.amounts[s] {
		if !(amount >= 0 && amount <= 1e12) {
			return false
		}
		wanted := int64(math.Round(amount * 1000))
		if wanted > l.firm[name] && !(s.Revocable && wanted <= l.revocable[name]) {
			return false
		}
	}
	for _, c := range s.Constraints {
		if !w.holds(c, s.Group, l) {
			return false
		}
	}
	if _, ok := l.choosePorts(s.Ports); !ok {
		return false
	}
	return how.filter == nil || how.filter(w, s, l)
}

// choosePorts gives the ports that a task would get.
func (l *left) choosePorts(wanted []task.Port) (list []uint16, ok bool) {
	var taken []uint16
	for _, p := range wanted {
		if p.Host != 0 {
			if !slices.ContainsFunc(l.ports, func(f freePort) bool { return f.port == p.Host }) {
				return nil, false
			}
			taken = append(taken, p.Host)
		}
	}
	for _, p := range wanted {
		if p.Host != 0 {
			list = append(list, p.Host)
			continue
		}
		i := slices.IndexFunc(l.ports, func(f freePort) bool { return !slices.Contains(taken, f.port) })
		if i < 0 {
			return nil, false
		}
		taken, list = append(taken, l.ports[i].port), append(list, l.ports[i].port)
	}
	return list, true
}

// strategy is what a matcher prefers, lowest first.
type strategy struct {
	share  bool // GPU agents
	filter func(*reference, *task.Spec, *left) bool
	score  func(*reference, *task.Spec, *left) float64
}

func firstFit(*reference, *task.Spec, *left) float64 { return 0 }

func spread(w *reference, s *task.Spec, l *left) float64 {
	return float64(w.tasksOn(s.Group, l.name()))
}

// bestFit goes by what all rooms offered.
func bestFit(w *reference, s *task.Spec, l *left) float64 {
	dominant, largest := "mem", -1.0
	wanted := amounts(s)
	for _, name := range append([]string{"cpus", "mem", "disk", "gpus"}, slices.Sorted(maps.Keys(s.Scalars))...) {
		if wanted[name] == 0 {
			continue
		}
		total := w.firm[name]
		if s.Revocable {
			total += w.revocable[name]
		}
		if share := math.Round(wanted[name]*1000) / total; share > largest {
			dominant, largest = name, share
		}
	}
	if s.Revocable {
		return float64(l.firm[dominant] + l.revocable[dominant])
	}
	return float64(l.firm[dominant])
}

// match places tasks: pass by pass, each task in the best room. Placements come without resources.
func (w *reference) match(how strategy) (placements []task.Placement, rest []task.Demand) {
	rest = w.cycle.Tasks
	for again := true; again; {
		again = false
		var waiting []task.Demand
		for _, d := range rest {
			best, bad, score := (*left)(nil), 0, 0.0
			for _, l := range w.rooms {
				if !w.fits(how, d.Spec, l) {
					continue
				}
				b, x := 0, how.score(w, d.Spec, l)
				for _, p := range d.Spec.Preferences {
					if !w.holds(p, d.Spec.Group, l) {
						b++
					}
				}
				if best == nil || b < bad || b == bad && x < score {
					best, bad, score = l, b, x
				}
			}
			if best == nil {
				waiting = append(waiting, d)
				continue
			}
			again = true
			ports := w.take(d.Spec, best)
			placements = append(placements, task.Placement{
				TaskID: d.ID, OfferIDs: best.ids, AgentID: best.agent.ID, Hostname: best.agent.Hostname, HostPorts: ports,
			})
		}
		rest = waiting
	}
	return placements, rest
}

// take takes what a task gets in a room.
func (w *reference) take(s *task.Spec, l *left) []uint16 {
	for name, amount := range amounts(s) {
		wanted := int64(math.Round(amount * 1000))
		if s.Revocable && wanted <= l.revocable[name] {
			l.revocable[name] -= wanted
		} else {
			l.firm[name] -= wanted
		}
	}
	ports, _ := l.choosePorts(s.Ports)
	l.ports = slices.DeleteFunc(l.ports, func(f freePort) bool { return slices.Contains(ports, f.port) })
	w.placed(s, l)
	return ports
}

// placed counts a task.
func (w *reference) placed(s *task.Spec, l *left) {
	for key, counts := range w.values {
		if group, attribute, _ := strings.Cut(key, "\x00"); group == s.Group {
			if v, ok := valueOf(l.agent, attribute); ok {
				counts[v]++
			}
		}
	}
	w.log = append(w.log, task.Presence{Group: s.Group, Agent: l.agent, Tasks: 1})
	w.tasksOn(s.Group, l.name())
	w.tasks[s.Group][l.name()]++
}
