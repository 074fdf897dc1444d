package scheduler

import (
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// maxGroups is how many groups of constraints a role may have. A master tries all of them for each agent.
	maxGroups = 32
	// maxShapes is how many shapes are looked at, which takes about a microsecond each. With more there are no wishes.
	maxShapes = 10_000
)

// exists is an operator beside those of users: the attribute is there.
const exists task.Operator = "EXISTS"

// wishes are what offers must have to be of use to what is pending. They never keep away what a matcher would
// take, but they let through more than it does: it has the last word.
type wishes struct {
	// constraints, by role: for an agent that is offered, all of one group hold. They are in order, and have
	// no operators but LIKE, UNLIKE, IS and exists.
	constraints constraints
	// minimum, by role, of each scalar resource.
	minimum map[string]map[string]float64
}

type constraints map[string][][]task.Constraint

func (w wishes) none() bool { return len(w.constraints) == 0 && len(w.minimum) == 0 }

func (w wishes) equal(v wishes) bool { return w.none() && v.none() || reflect.DeepEqual(w, v) }

// wishes are those of all that is pending.
func (m *machine) wishes() wishes {
	var w wishes
	if m.shaping.refusals > 1 || len(m.shapes) > maxShapes {
		return w
	}
	for _, role := range m.settings.framework.Roles {
		if groups := m.alternatives(role); len(groups) > 0 {
			if w.constraints == nil {
				w.constraints = constraints{}
			}
			w.constraints[role] = groups
		}
		if _, set := m.settings.framework.OfferFilters[role]; set {
			continue // by the user
		}
		if least := m.least(role); len(least) > 0 {
			if w.minimum == nil {
				w.minimum = map[string]map[string]float64{}
			}
			w.minimum[role] = least
		}
	}
	return w
}

// serves tells whether a shape has tasks that wait for offers in the role.
func (s *shape) serves(role string) bool {
	return s.pending > 0 && (s.spec.Role == "" || s.spec.Role == role)
}

// alternatives are the constraints of what is pending in a role, nil if any agent may do.
func (m *machine) alternatives(role string) [][]task.Constraint {
	seen, distinct := map[string]bool{}, map[string][]task.Constraint{}
	var key []byte
	for _, s := range m.shapes {
		if !s.serves(role) {
			continue
		}
		key = key[:0]
		for _, c := range s.spec.Constraints {
			for _, word := range [...]string{c.Attribute, string(c.Operator), c.Value} {
				key = append(binary.AppendUvarint(key, uint64(len(word))), word...)
			}
		}
		if seen[string(key)] {
			continue // most shapes differ in other things
		}
		seen[string(key)] = true
		group := m.group(s.spec)
		if len(group) == 0 {
			return nil
		}
		distinct[fmt.Sprintf("%q", group)] = group
		if len(distinct) > maxGroups {
			return nil
		}
	}
	var groups [][]task.Constraint
	for _, key := range slices.Sorted(maps.Keys(distinct)) {
		groups = append(groups, distinct[key])
	}
	return groups
}

// group is what a master can judge of a spec's constraints.
func (m *machine) group(s *task.Spec) []task.Constraint {
	var group []task.Constraint
	for _, c := range s.Constraints {
		if !valid(c.Attribute) || !valid(c.Value) {
			continue
		}
		switch {
		case c.Operator == task.Is:
		case c.Operator == task.Cluster && c.Value != "":
			c.Operator = task.Is
		case (c.Operator == task.Like || c.Operator == task.Unlike) && m.shaping.refusals == 0:
		default: // no constraint holds where the attribute is missing
			c.Operator, c.Value = exists, ""
		}
		group = append(group, c)
	}
	slices.SortFunc(group, func(a, b task.Constraint) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(group)
}

// valid tells whether a text is UTF-8; JSON would make another one of what is not.
func valid(s string) bool { return strings.ToValidUTF8(s, "") == s }

// least is how much of each scalar resource every pending task of a role asks for. No task fits an offer that
// has less of one of them. (Such an offer may add to one at hand of the same agent; but that one goes back
// soon if it is of no use, and then both are offered as one.)
func (m *machine) least(role string) map[string]float64 {
	var least map[string]float64
	for _, s := range m.shapes {
		switch {
		case !s.serves(role):
		case least == nil:
			least = maps.Clone(s.spec.Scalars)
			if least == nil {
				least = map[string]float64{}
			}
			for _, name := range [...]string{"cpus", "mem", "disk", "gpus"} {
				least[name] = amount(s.spec, name)
			}
		default:
			for name, most := range least {
				if asked := amount(s.spec, name); asked < most {
					least[name] = asked
				}
			}
		}
	}
	for name, amount := range least {
		// Mesos counts in thousandths; what is half of one counts as one.
		if least[name] = float64(int64(amount*1000+0.5)) / 1000; least[name] == 0 {
			delete(least, name)
		}
	}
	return least
}

// amount is what a task asks for of a scalar resource.
func amount(s *task.Spec, name string) float64 {
	switch name {
	case "cpus":
		return s.CPUs
	case "mem":
		return s.Mem
	case "disk":
		return s.Disk
	case "gpus":
		return s.GPUs
	}
	return s.Scalars[name]
}

// admitted tells whether the master offers all that a spec may use.
func (m *machine) admitted(s *task.Spec) bool {
	told := &m.shaping.told
	for _, role := range m.settings.framework.Roles {
		if s.Role != "" && s.Role != role {
			continue
		}
		if groups, constrained := told.constraints[role]; constrained {
			group := m.group(s)
			if !slices.ContainsFunc(groups, func(known []task.Constraint) bool { return slices.Equal(known, group) }) {
				return false
			}
		}
		for name, least := range told.minimum[role] {
			if amount(s, name) < least-0.0005 { // not by the rounding
				return false
			}
		}
	}
	return true
}

// filters adds the minima to what the user has set.
func (w wishes) filters(users map[string]mesos.OfferFilters) map[string]mesos.OfferFilters {
	if len(w.minimum) == 0 {
		return users
	}
	filters := maps.Clone(users)
	if filters == nil {
		filters = map[string]mesos.OfferFilters{}
	}
	for role, least := range w.minimum {
		quantities := map[string]mesos.Value_Scalar{}
		for name, amount := range least {
			quantities[name] = mesos.Value_Scalar{Value: amount}
		}
		filters[role] = mesos.OfferFilters{MinAllocatableResources: &mesos.OfferFilters_MinAllocatableResources{
			Quantities: []mesos.OfferFilters_ResourceQuantities{{Quantities: quantities}},
		}}
	}
	return filters
}
