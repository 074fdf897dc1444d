package taskmatcher_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// left is what is left of an offer, counted as plainly as possible.
type left struct {
	offer   task.Offer
	scalars map[string]int64           // thousandths by resource name
	pools   map[string]int64           // the same by kind of resource: see pool
	ports   map[string]map[uint64]bool // free ports by kind of resource
	order   []uint64                   // free ports, reserved ones first, ascending
}

// pool names a kind of resource: everything but the amount.
func pool(r mesos.Resource) string {
	r.Scalar, r.Ranges = nil, nil
	return r.String()
}

// thousandths cuts off what is beyond three digits, up to noise. What is no amount is nothing.
func thousandths(x float64) int64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return 0
	}
	return int64(math.Floor(min(x, 1e12)*1000 + 1e-3))
}

func newLeft(o task.Offer) *left {
	l := &left{offer: o, scalars: map[string]int64{}, pools: map[string]int64{}, ports: map[string]map[uint64]bool{}}
	var reserved, unreserved []uint64
	for _, r := range o.Resources {
		if r.Type == nil || r.Disk != nil || r.Revocable != nil || r.Shared != nil || r.ProviderID != nil {
			continue
		}
		if *r.Type == mesos.SCALAR {
			// No offer counts for more than the largest amount that a task may ask for.
			l.scalars[r.Name] = min(l.scalars[r.Name]+thousandths(r.GetScalar().GetValue()), 1e15)
			l.pools[pool(r)] += thousandths(r.GetScalar().GetValue())
		}
		if r.Name != "ports" || *r.Type != mesos.RANGES {
			continue
		}
		if l.ports[pool(r)] == nil {
			l.ports[pool(r)] = map[uint64]bool{}
		}
		for _, each := range r.GetRanges().GetRange() {
			for port := max(each.Begin, 1); port <= min(each.End, 65535); port++ {
				if slices.Contains(o.Quarantined, uint16(port)) {
					continue
				}
				l.ports[pool(r)][port] = true
				if len(r.Reservations) > 0 || r.GetRole() != "*" {
					reserved = append(reserved, port)
				} else {
					unreserved = append(unreserved, port)
				}
			}
		}
	}
	slices.Sort(reserved)
	slices.Sort(unreserved)
	for _, port := range append(reserved, unreserved...) {
		if !slices.Contains(l.order, port) {
			l.order = append(l.order, port)
		}
	}
	return l
}

func amounts(s task.Spec) map[string]float64 {
	return map[string]float64{"cpus": s.CPUs, "mem": s.Mem, "disk": s.Disk, "gpus": s.GPUs}
}

// fits tells whether a task could run on what is left.
func (l *left) fits(s task.Spec) bool {
	for name, amount := range amounts(s) {
		if !(amount >= 0 && amount <= 1e12) || int64(math.Round(amount*1000)) > l.scalars[name] {
			return false
		}
	}
	return len(s.Ports) <= len(l.order) && allowed(s, l.offer)
}

// allowed tells whether role and constraints hold.
func allowed(s task.Spec, o task.Offer) bool {
	if s.Role != "" && s.Role != o.Role {
		return false
	}
	for _, c := range s.Constraints {
		i := slices.IndexFunc(o.Attributes, func(a mesos.Attribute) bool {
			return a.Name == c.Attribute && a.Type == mesos.TEXT && a.Text != nil
		})
		if _, err := regexp.Compile(c.Value); i < 0 || err != nil {
			return false
		}
		matches := regexp.MustCompile(`\A(?:` + c.Value + `)\z`).MatchString(o.Attributes[i].Text.Value)
		if !(c.Operator == task.Like && matches || c.Operator == task.Unlike && !matches) {
			return false
		}
	}
	return true
}

// ascending gives the offers in the order in which they are to be tried, each once.
func ascending(offers []task.Offer) []*left {
	var all []*left
	for _, o := range offers {
		if !slices.ContainsFunc(all, func(l *left) bool { return l.offer.ID == o.ID }) {
			all = append(all, newLeft(o))
		}
	}
	slices.SortStableFunc(all, func(a, b *left) int {
		return cmp.Or(cmp.Compare(a.scalars["mem"], b.scalars["mem"]), cmp.Compare(a.offer.ID, b.offer.ID))
	})
	return all
}

// reference places tasks the way mesos-actor does: offer by offer, and on each one task by task.
// It gives the placements in the order of the tasks, without resources.
func reference(tasks []task.Spec, offers []task.Offer) []task.Placement {
	placed := make([]*task.Placement, len(tasks))
	for _, l := range ascending(offers) {
		for i, s := range tasks {
			if placed[i] != nil || !l.fits(s) {
				continue
			}
			p := &task.Placement{TaskID: s.ID, OfferID: l.offer.ID, AgentID: l.offer.AgentID, Hostname: l.offer.Hostname}
			for name, amount := range amounts(s) {
				l.scalars[name] -= int64(math.Round(amount * 1000))
			}
			for range s.Ports {
				p.HostPorts = append(p.HostPorts, uint16(l.order[0]))
				l.order = l.order[1:]
			}
			placed[i] = p
		}
	}
	var all []task.Placement
	for _, p := range placed {
		if p != nil {
			all = append(all, *p)
		}
	}
	return all
}

// check says what is wrong with the outcome of a match, whatever the strategy. It must tell
// whether a master would take the launches and whether the user got what was promised.
func check(tasks []task.Spec, offers []task.Offer, placements []task.Placement, rejections []task.Rejection) error {
	byID := map[string]task.Spec{}
	for _, s := range tasks {
		byID[s.ID] = s
	}
	rest := map[string]*left{}
	for _, l := range ascending(offers) {
		rest[l.offer.ID] = l
	}
	answered := map[string]int{}
	for _, p := range placements {
		answered[p.TaskID]++
		l := rest[p.OfferID]
		if l == nil {
			return fmt.Errorf("%s: placed on unknown offer %q", p.TaskID, p.OfferID)
		}
		if err := checkPlacement(byID[p.TaskID], p, l); err != nil {
			return fmt.Errorf("%s on %s: %w", p.TaskID, p.OfferID, err)
		}
	}
	for _, r := range rejections {
		answered[r.TaskID]++
		count := 0
		for _, reason := range r.Reasons {
			count += reason.Offers
		}
		if len(r.Reasons) == 0 || count != len(rest) {
			return fmt.Errorf("%s: the reasons are about %d of %d offers", r.TaskID, count, len(rest))
		}
		for id, l := range rest {
			if l.fits(byID[r.TaskID]) {
				return fmt.Errorf("%s: rejected, but fits what is left of %s", r.TaskID, id)
			}
		}
	}
	for _, s := range tasks {
		if answered[s.ID] != 1 {
			return fmt.Errorf("%s: answered %d times", s.ID, answered[s.ID])
		}
	}
	return nil
}

// checkPlacement takes a placement out of what is left of its offer.
func checkPlacement(s task.Spec, p task.Placement, l *left) error {
	if p.AgentID != l.offer.AgentID || p.Hostname != l.offer.Hostname {
		return errors.New("names another agent than the offer does")
	}
	if !allowed(s, l.offer) {
		return errors.New("role or constraints do not hold")
	}
	got := map[string]int64{}
	var ports []uint16
	for _, r := range p.Resources {
		if r.Name == "ports" {
			for _, each := range r.Ranges.Range {
				for port := each.Begin; port <= each.End; port++ {
					if !l.ports[pool(r)][port] {
						return fmt.Errorf("port %d is not free among the %s", port, pool(r))
					}
					for _, free := range l.ports { // overlapping ranges are still one port
						delete(free, port)
					}
					l.order = slices.DeleteFunc(l.order, func(p uint64) bool { return p == port })
					ports = append(ports, uint16(port))
				}
			}
			continue
		}
		amount := int64(math.Round(r.GetScalar().GetValue() * 1000))
		got[r.Name] += amount
		l.scalars[r.Name] -= amount
		l.pools[pool(r)] -= amount
		if amount <= 0 || l.pools[pool(r)] < 0 {
			return fmt.Errorf("takes %d thousandths, which leaves %d, of %s", amount, l.pools[pool(r)], pool(r))
		}
	}
	for name, amount := range amounts(s) {
		if got[name] != int64(math.Round(amount*1000)) {
			return fmt.Errorf("asked for %v %s, got %d thousandths", amount, name, got[name])
		}
	}
	if len(p.HostPorts) != len(s.Ports) || !slices.Equal(p.HostPorts, ports) {
		return fmt.Errorf("asked for %d ports, got %v in %v", len(s.Ports), p.HostPorts, ports)
	}
	return nil
}
