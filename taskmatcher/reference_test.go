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

// reference is a matcher that looks at all pairs of tasks and candidates, as plainly as possible.
type reference struct {
	cycle      task.Cycle
	candidates []*remaining
	known      []*remaining              // what known agents offered last, which is not used
	tasks      map[string]map[string]int // number of tasks by group and agent ID
	values     map[string]map[string]int // number of tasks by group and attribute, then by value
	log        []task.Presence           // what was placed
	amounts    map[*task.Spec]map[string]float64
	// What all candidates offered together, by name.
	free, revocable map[string]float64
}

// remaining is what is left of a candidate.
type remaining struct {
	agent           task.Agent
	role            string
	ids             []string
	offers          []task.Offer
	free, revocable map[string]int64 // thousandths by name; free is not revocable
	offered         map[string]int64 // what free was at the start of the cycle
	gpu             bool
	expected        bool       // a known agent may be waited for
	ports           []freePort // by class, ascending
	attributes      map[string]string
	pools           map[string]*pool // of scalars, by poolKey
}

// pool is the scalar resources of a candidate that differ only in their amounts.
type pool struct {
	name                string
	reserved, revocable bool
	left                int64 // thousandths
}

// name returns the ID of the agent, or a name made of the offer's ID if the agent has none.
func (c *remaining) name() string { return cmp.Or(c.agent.ID, "\x00"+c.ids[0]) }

type freePort struct {
	port     uint16
	reserved bool
	pool     string
}

// class returns how late a port is taken by a task that does not name it: 0 is before 1 and so on.
func (f freePort) class() (late int) {
	if !f.reserved {
		late = 1
	}
	if f.port < 1024 {
		late += 2
	}
	return late
}

// poolKey returns a key that is equal for resources that differ only in their amounts. It is the encoded message,
// which takes far less time to make than its text.
func poolKey(r mesos.Resource) string {
	r.Scalar, r.Ranges = nil, nil
	b, err := r.Marshal()
	if err != nil {
		return r.String()
	}
	return string(b)
}

func isReserved(r mesos.Resource) bool { return len(r.Reservations) > 0 || r.GetRole() != "*" }

// isForeign reports whether a resource has a reservation with labels which are not the given ones.
func isForeign(r mesos.Resource, labels map[string]string) bool {
	for _, reservation := range append(slices.Clone(r.Reservations), *cmp.Or(r.Reservation, &mesos.Resource_ReservationInfo{})) {
		all := map[string]string{}
		for _, l := range reservation.Labels.GetLabels() {
			all[l.Key] = l.GetValue()
		}
		missing := maps.Clone(labels)
		maps.DeleteFunc(missing, func(key, value string) bool { v, there := all[key]; return there && v == value })
		if len(all) > 0 && (len(labels) == 0 || len(missing) > 0) {
			return true
		}
	}
	return false
}

// thousandths converts an offered amount. It rounds down, apart from rounding errors; an invalid amount is 0.
func thousandths(x float64) int64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return 0
	}
	return int64(math.Floor(min(x, 1e12)*1000 + 1e-3))
}

func newReference(how strategy, cycle task.Cycle) *reference {
	w := &reference{cycle: cycle, tasks: map[string]map[string]int{}, values: map[string]map[string]int{}, amounts: map[*task.Spec]map[string]float64{}, free: map[string]float64{}, revocable: map[string]float64{}}
	byName := map[string]*remaining{}
	for _, o := range cycle.Offers {
		name := cmp.Or(o.Agent.ID, "\x00"+o.ID) + " " + o.Role
		if byName[name] == nil {
			byName[name] = &remaining{agent: o.Agent, role: o.Role}
			w.candidates = append(w.candidates, byName[name])
		}
		if c := byName[name]; !slices.Contains(c.ids, o.ID) {
			c.ids, c.offers = append(c.ids, o.ID), append(c.offers, o)
		}
	}
	for _, c := range w.candidates {
		c.fill(how.labels)
		for name, amount := range c.free {
			w.free[name] += float64(amount)
		}
		for name, amount := range c.revocable {
			w.revocable[name] += float64(amount)
		}
	}
	for _, k := range cycle.Agents {
		offers := func(o task.Offer) bool { return o.Agent.ID == k.Offer.Agent.ID }
		if k.Offer.Agent.ID != "" && !slices.ContainsFunc(cycle.Offers, offers) {
			c := &remaining{agent: k.Offer.Agent, role: k.Offer.Role, ids: []string{""}, offers: []task.Offer{k.Offer}, expected: k.ExpectedUntil.After(cycle.Now)}
			c.fill(how.labels)
			w.known = append(w.known, c)
		}
	}
	slices.SortStableFunc(w.candidates, func(a, b *remaining) int {
		return cmp.Or(cmp.Compare(a.free["mem"], b.free["mem"]), cmp.Compare(a.agent.ID, b.agent.ID), cmp.Compare(a.role, b.role), cmp.Compare(a.ids[0], b.ids[0]))
	})
	return w
}

// fill reads the resources of the candidate's offers.
func (c *remaining) fill(labels map[string]string) {
	c.free, c.revocable, c.pools, c.attributes = map[string]int64{}, map[string]int64{}, map[string]*pool{}, map[string]string{}
	slices.Sort(c.ids)
	var quarantined []uint16
	var ports []freePort
	slices.SortFunc(c.offers, func(a, b task.Offer) int { return cmp.Compare(a.ID, b.ID) })
	for _, o := range c.offers {
		quarantined = append(quarantined, o.Quarantined...)
		for _, r := range o.Resources {
			if r.Type == nil || r.Disk != nil || r.Shared != nil || r.ProviderID != nil || isForeign(r, labels) {
				continue
			}
			switch {
			case *r.Type == mesos.SCALAR:
				amount := thousandths(r.GetScalar().GetValue())
				sums := c.free
				if r.Revocable != nil {
					sums = c.revocable
				}
				sums[r.Name] = min(sums[r.Name]+amount, 1e15) // amounts are capped at the largest one that a task can ask for
				key := poolKey(r)
				if c.pools[key] == nil {
					c.pools[key] = &pool{r.Name, isReserved(r), r.Revocable != nil, 0}
				}
				c.pools[key].left += amount
				c.gpu = c.gpu || r.Name == "gpus" && amount > 0
			case *r.Type == mesos.RANGES && r.Name == "ports" && r.Revocable == nil:
				reserved, pool := isReserved(r), poolKey(r)
				for _, each := range r.GetRanges().GetRange() {
					for port := max(each.Begin, 1); port <= min(each.End, 65535); port++ {
						ports = append(ports, freePort{uint16(port), reserved, pool})
					}
				}
			}
		}
	}
	c.offered = maps.Clone(c.free)
	slices.SortStableFunc(ports, func(a, b freePort) int {
		return cmp.Or(cmp.Compare(a.class(), b.class()), cmp.Compare(a.port, b.port))
	})
	for _, p := range ports {
		if !slices.Contains(quarantined, p.port) {
			c.ports = append(c.ports, p)
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
	if s.Executor != nil {
		for name, amount := range map[string]float64{"cpus": s.Executor.CPUs, "mem": s.Executor.Mem, "disk": s.Executor.Disk} {
			if !(amount >= 0 && amount <= 1e12) {
				all[name] = math.NaN()
			} else if thousandths := math.Round(amount * 1000); thousandths > 0 {
				all[name] = (math.Round(all[name]*1000) + thousandths) / 1000
			}
		}
	}
	return all
}

// fits reports whether a task may now run on a candidate: it could, and GROUP_BY prefers no other one.
func (w *reference) fits(how strategy, s *task.Spec, c *remaining) bool {
	return w.couldRun(how, s, c) && w.spreads(how, s, c)
}

// couldRun reports whether a task may now run on a candidate, but for GROUP_BY, of which it only looks at the expected
// number of values.
func (w *reference) couldRun(how strategy, s *task.Spec, c *remaining) bool {
	if s.Role != "" && s.Role != c.role || c.gpu && s.GPUs == 0 && !how.share {
		return false
	}
	if u, takes := c.agent.Unavailable, c.agent.UnavailableFor; !u.IsZero() && !u.After(w.cycle.Now.Add(s.MaxCompletionTime)) &&
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
		if wanted > c.free[name] && !(s.Revocable && wanted <= c.revocable[name]) {
			return false
		}
	}
	for _, constraint := range s.Constraints {
		if !w.holds(constraint, s.Group, c) {
			return false
		}
	}
	if _, ok := c.choosePorts(s.Ports); !ok {
		return false
	}
	return how.filter == nil || how.filter(w, s, c)
}

// maintenance returns when maintenance of a candidate's agent begins that matters to a task, or math.MaxInt64.
func (w *reference) maintenance(s *task.Spec, c *remaining) int64 {
	u, takes := c.agent.Unavailable, c.agent.UnavailableFor
	if over := takes != 0 && w.cycle.Now.Sub(u) >= takes; s.MaxCompletionTime > 0 || u.IsZero() || over {
		return math.MaxInt64
	}
	return u.UnixNano()
}

// choosePorts returns the ports that a task would get.
func (c *remaining) choosePorts(wanted []task.Port) (list []uint16, ok bool) {
	var taken []uint16
	for _, p := range wanted {
		if p.Host != 0 && !p.NoHost {
			if !slices.ContainsFunc(c.ports, func(f freePort) bool { return f.port == p.Host }) {
				return nil, false
			}
			taken = append(taken, p.Host)
		}
	}
	for _, p := range wanted {
		if p.NoHost {
			list = append(list, 0)
			continue
		}
		if p.Host != 0 {
			list = append(list, p.Host)
			continue
		}
		i := slices.IndexFunc(c.ports, func(f freePort) bool { return !slices.Contains(taken, f.port) })
		if i < 0 {
			return nil, false
		}
		taken, list = append(taken, c.ports[i].port), append(list, c.ports[i].port)
	}
	return list, true
}

// strategy is a strategy of the reference: the candidate with the lowest score is preferred.
type strategy struct {
	share  bool              // Options.ShareGPUAgents
	labels map[string]string // Options.ReservationLabels
	filter func(*reference, *task.Spec, *remaining) bool
	score  func(*reference, *task.Spec, *remaining) float64
}

func firstFit(*reference, *task.Spec, *remaining) float64 { return 0 }

func spread(w *reference, s *task.Spec, c *remaining) float64 {
	return float64(w.tasksOn(s.Group, c.name()))
}

// bestFit returns what is left of the task's dominant resource.
func bestFit(w *reference, s *task.Spec, c *remaining) float64 {
	dominant, largest := "mem", -1.0
	wanted := amounts(s)
	for _, name := range append([]string{"cpus", "mem", "disk", "gpus"}, slices.Sorted(maps.Keys(s.Scalars))...) {
		if wanted[name] == 0 {
			continue
		}
		total := w.free[name]
		if s.Revocable {
			total += w.revocable[name]
		}
		if share := math.Round(wanted[name]*1000) / total; share > largest {
			dominant, largest = name, share
		}
	}
	if s.Revocable {
		return float64(c.free[dominant] + c.revocable[dominant])
	}
	return float64(c.free[dominant])
}

// match places tasks, pass by pass, each on the best candidate. The placements have no resources.
func (w *reference) match(how strategy) (placements []task.Placement, rest []task.Demand) {
	rest = w.cycle.Tasks
	for again := true; again; {
		again = false
		var waiting []task.Demand
		for _, d := range rest {
			best, bad, latest, score := (*remaining)(nil), 0, int64(0), 0.0
			for _, c := range w.candidates {
				if !w.fits(how, d.Spec, c) {
					continue
				}
				b, x, begin := 0, how.score(w, d.Spec, c), w.maintenance(d.Spec, c)
				for _, p := range d.Spec.Preferences {
					if !w.holds(p, d.Spec.Group, c) || p.Operator == task.OpGroupBy && !w.isLeast(how, d.Spec, p.Attribute, c) {
						b++
					}
				}
				// The fewest preferences that do not hold, then the latest maintenance, then the lowest score.
				if best == nil || b < bad || b == bad && (begin > latest || begin == latest && x < score) {
					best, bad, latest, score = c, b, begin, x
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

// take takes what a task asks for from a candidate. It returns the ports.
func (w *reference) take(s *task.Spec, c *remaining) []uint16 {
	for name, amount := range amounts(s) {
		wanted := int64(math.Round(amount * 1000))
		if s.Revocable && wanted <= c.revocable[name] {
			c.revocable[name] -= wanted
		} else {
			c.free[name] -= wanted
		}
	}
	ports, _ := c.choosePorts(s.Ports)
	c.ports = slices.DeleteFunc(c.ports, func(f freePort) bool { return slices.Contains(ports, f.port) })
	w.placed(s, c)
	return ports
}

// placed counts a task that was placed on a candidate.
func (w *reference) placed(s *task.Spec, c *remaining) {
	for key, counts := range w.values {
		if group, attribute, _ := strings.Cut(key, "\x00"); group == s.Group {
			if v, ok := valueOf(c.agent, attribute); ok {
				counts[v]++
			}
		}
	}
	w.log = append(w.log, task.Presence{Group: s.Group, Agent: c.agent, Tasks: 1})
	w.tasksOn(s.Group, c.name())
	w.tasks[s.Group][c.name()]++
}
