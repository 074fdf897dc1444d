// Package offerfilter decides which offers a master need not send, because no pending task could use them, and
// keeps track of which filter the master has. A filter consists of offer constraints and minimum amounts of
// resources (min_allocatable_resources), which an UPDATE_FRAMEWORK or SUBSCRIBE call carries.
//
// What it promises: a filter holds back no offer that a pending task fits, and a task that is submitted later does
// not wait for an offer that was held back before. A filter may let through offers that no task fits: the matcher decides.
//
// What it does not promise: it sends nothing and reads no clock. Its owner makes the calls that it asks for, and passes
// in their outcomes and the time.
package offerfilter

import (
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// maxSets is how many sets of constraints a role may have. For each agent the master evaluates all of them.
const maxSets = 32

// exists is an operator that users do not have: it holds if the agent has the attribute.
const exists task.Operator = "EXISTS"

// Filter is what an offer must have to be of use to a pending task. The zero Filter lets all offers through.
type Filter struct {
	Constraints Constraints
	// Minimum is, by role, how much of each scalar resource an offer must have.
	Minimum map[string]map[string]float64
}

// Constraints are, by role, sets of constraints in a fixed order. An agent is offered if all constraints of at least
// one set hold. The operators are LIKE, UNLIKE, IS, IS_NOT and EXISTS; the last has no value and holds if the agent has the
// attribute.
type Constraints map[string][]ConstraintSet

// ConstraintSet holds those of a task's constraints that a master can evaluate, in a fixed order.
type ConstraintSet []task.Constraint

// Level is how much of the constraints a filter has: less after each refusal.
type Level int

// The levels.
const (
	Full          Level = iota
	NoExpressions       // EXISTS in place of LIKE and UNLIKE
	Nothing             // no filter
)

// None reports whether the filter lets all offers through.
func (f Filter) None() bool { return len(f.Constraints) == 0 && len(f.Minimum) == 0 }

// Equal reports whether both filters are the same.
func (f Filter) Equal(g Filter) bool { return f.None() && g.None() || reflect.DeepEqual(f, g) }

// String returns text such as " least *: cpus 1, mem 32 where *: rack LIKE r1".
func (f Filter) String() string { return MinimumText(f.OfferFilters(nil)) + f.Constraints.String() }

// String returns text such as " where *: rack LIKE r1 and zone EXISTS, or rack IS r2".
func (c Constraints) String() (s string) {
	for _, role := range slices.Sorted(maps.Keys(c)) {
		s += " where " + role + ":"
		for i, set := range c[role] {
			if i > 0 {
				s += ", or"
			}
			for j, constraint := range set {
				if j > 0 {
					s += " and"
				}
				s += " " + strings.TrimSpace(constraint.String())
			}
		}
	}
	return s
}

// MinimumText returns the minimum amounts of filters as text, such as " least *: cpus 1, mem 32".
func MinimumText(filters map[string]mesos.OfferFilters) (s string) {
	for _, role := range slices.Sorted(maps.Keys(filters)) {
		for _, q := range filters[role].MinAllocatableResources.GetQuantities() {
			s += " least " + role
			for i, name := range slices.Sorted(maps.Keys(q.Quantities)) {
				s += fmt.Sprintf("%s %s %v", [...]string{":", ","}[min(i, 1)], name, q.Quantities[name].Value)
			}
		}
	}
	return s
}

// OfferFilters returns the user's filters together with those for the minimum amounts. A role for which the user has a
// filter has no minimum.
func (f Filter) OfferFilters(users map[string]mesos.OfferFilters) map[string]mesos.OfferFilters {
	if len(f.Minimum) == 0 {
		return users
	}
	filters := maps.Clone(users)
	if filters == nil {
		filters = map[string]mesos.OfferFilters{}
	}
	for role, minimum := range f.Minimum {
		quantities := map[string]mesos.Value_Scalar{}
		for name, amount := range minimum {
			quantities[name] = mesos.Value_Scalar{Value: amount}
		}
		filters[role] = mesos.OfferFilters{MinAllocatableResources: &mesos.OfferFilters_MinAllocatableResources{
			Quantities: []mesos.OfferFilters_ResourceQuantities{{Quantities: quantities}},
		}}
	}
	return filters
}

// Derive returns the filter for the pending tasks, of which one spec of each class is enough. Roles are the
// framework's; a task that names no role can use the offers of all. A role for which the user has set a filter gets no
// minimum from here.
func Derive(roles []string, users map[string]mesos.OfferFilters, pending iter.Seq[*task.Spec], level Level) Filter {
	var f Filter
	if level == Nothing {
		return f
	}
	for _, role := range roles {
		if sets := constraintSets(role, pending, level); len(sets) > 0 {
			if f.Constraints == nil {
				f.Constraints = Constraints{}
			}
			f.Constraints[role] = sets
		}
		if _, set := users[role]; set {
			continue
		}
		if least := minimum(role, pending); len(least) > 0 {
			if f.Minimum == nil {
				f.Minimum = map[string]map[string]float64{}
			}
			f.Minimum[role] = least
		}
	}
	return f
}

// isFor reports whether a task can use offers for a role.
func isFor(s *task.Spec, role string) bool { return s.Role == "" || s.Role == role }

// constraintSets returns the distinct constraint sets of the pending tasks of a role. It returns none if a task has no
// constraints, or if there are too many sets.
func constraintSets(role string, pending iter.Seq[*task.Spec], level Level) []ConstraintSet {
	seen, distinct := map[string]bool{}, map[string]ConstraintSet{}
	var key []byte
	for s := range pending {
		if !isFor(s, role) {
			continue
		}
		key = appendKey(key[:0], s.Constraints)
		if seen[string(key)] {
			continue // most classes differ in other fields
		}
		seen[string(key)] = true
		set := constraintSet(s, level)
		if len(set) == 0 || countsValues(s) {
			return nil
		}
		distinct[fmt.Sprintf("%q", set)] = set
		if len(distinct) > maxSets {
			return nil
		}
	}
	var sets []ConstraintSet
	for _, text := range slices.Sorted(maps.Keys(distinct)) {
		sets = append(sets, distinct[text])
	}
	return sets
}

func appendKey(key []byte, constraints []task.Constraint) []byte {
	for _, c := range constraints {
		for _, word := range [...]string{c.Attribute, string(c.Operator), c.Value} {
			key = append(binary.AppendUvarint(key, uint64(len(word))), word...)
		}
	}
	return key
}

// countsValues reports whether a task has GROUP_BY with the number of values to expect. It counts the values of all agents,
// also of those on which it cannot run, so that all have to be offered.
func countsValues(s *task.Spec) bool {
	return slices.ContainsFunc(s.Constraints, func(c task.Constraint) bool { return c.Operator == task.OpGroupBy && c.Value != "" })
}

// constraintSet returns those of a spec's constraints that a master can evaluate.
func constraintSet(s *task.Spec, level Level) ConstraintSet {
	var set ConstraintSet
	for _, c := range s.Constraints {
		if !valid(c.Attribute) || !valid(c.Value) {
			continue
		}
		if c.Attribute == "@hostname" {
			c.Attribute = task.AttributeHostname
		}
		switch {
		case c.Operator == task.OpIs, c.Operator == task.OpIsNot:
		case c.Operator == task.OpCluster && c.Value != "":
			c.Operator = task.OpIs
		case (c.Operator == task.OpLike || c.Operator == task.OpUnlike) && level == Full:
		default: // no constraint holds where the attribute is missing
			c.Operator, c.Value = exists, ""
		}
		set = append(set, c)
	}
	slices.SortFunc(set, func(a, b task.Constraint) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(set)
}

// valid reports whether a text is UTF-8. JSON would change any other text.
func valid(s string) bool { return strings.ToValidUTF8(s, "") == s }

// minimum returns, for each scalar resource, the least amount that any pending task of a role asks for. No task fits
// an offer that has less. (Such an offer could complete one of the same agent that is already held. But the held one is
// soon declined if nothing fits it, and the master then offers both together.)
func minimum(role string, pending iter.Seq[*task.Spec]) map[string]float64 {
	var least map[string]float64
	for s := range pending {
		switch {
		case !isFor(s, role):
		case countsValues(s):
			return nil
		case least == nil:
			least = maps.Clone(s.Scalars)
			if least == nil {
				least = map[string]float64{}
			}
			for _, name := range [...]string{"cpus", "mem", "disk", "gpus"} {
				least[name] = amount(s, name)
			}
		default:
			for name, most := range least {
				if asked := amount(s, name); asked < most {
					least[name] = asked
				}
			}
		}
	}
	for name, amount := range least {
		// Mesos counts in thousandths, and rounds half of one up.
		if least[name] = float64(int64(amount*1000+0.5)) / 1000; least[name] == 0 {
			delete(least, name)
		}
	}
	return least
}

// amount returns what a task and its executor ask for of a scalar resource.
func amount(s *task.Spec, name string) float64 {
	var executor task.ExecutorResources
	if s.Executor != nil {
		executor = *s.Executor
	}
	switch name {
	case "cpus":
		return s.CPUs + executor.CPUs
	case "mem":
		return s.Mem + executor.Mem
	case "disk":
		return s.Disk + executor.Disk
	case "gpus":
		return s.GPUs
	}
	return s.Scalars[name]
}

// Admits reports whether a master with this filter offers everything that a task may use in the framework's roles. The
// level must be the one at which the filter was derived; with another one the result may be false where true is right.
func (f Filter) Admits(roles []string, s *task.Spec, level Level) bool {
	for _, role := range roles {
		if !isFor(s, role) {
			continue
		}
		sets, constrained := f.Constraints[role]
		if countsValues(s) && (constrained || len(f.Minimum[role]) > 0) {
			return false
		}
		if constrained {
			set := constraintSet(s, level)
			if !slices.ContainsFunc(sets, func(known ConstraintSet) bool { return slices.Equal(known, set) }) {
				return false
			}
		}
		for name, least := range f.Minimum[role] {
			if amount(s, name) < least-0.0005 { // half a thousandth: a difference due to rounding does not count
				return false
			}
		}
	}
	return true
}
