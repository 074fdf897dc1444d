package scheduler

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// shapeAfter is how long what is pending must have stayed the same before the master is told of it. A
	// task that finds its place at once, as most do, is not worth two calls; and since it also bounds how often
	// the master is told, each change costs an allocation there.
	shapeAfter = 5 * time.Second
	// maxGroups is how many groups of constraints a role may have. A master tries all of them for each agent.
	maxGroups = 32
	// shapingMinor is the version 1.x of Mesos since which masters understand offer constraints.
	shapingMinor = 11
	badRequest   = 400
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

// shaping is how far the master knows what is pending. It is told more only when that has not changed for a while,
// and less at once: a task that came meanwhile must not wait for offers that the master keeps back.
type shaping struct {
	able     bool            // this master understands
	taken    bool            // a master has taken such wishes in this run, so that SUBSCRIBE may have them, too
	refusals int             // by this master: after one there are no expressions, after two no wishes
	told     wishes          // with the last call
	call     *scheduler.Call // that, while it is under way
	tight    bool            // the master may know wishes
	users    int             // UPDATE_FRAMEWORK calls of the user's that are under way
	due      time.Time       // when to tell the master; zero: it was told
	at       time.Time       // when to look what is pending; zero: that has not changed
	turned   []*shape        // in this step, from none pending to some or the other way
}

// understands tells whether a master of this version knows offer constraints.
func understands(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || major == 1 && minor >= shapingMinor
}

// resubscribe makes the wishes part of a subscription, if it is sure that they will not be the end of it.
func (s *shaping) resubscribe(info *mesos.FrameworkInfo) constraints {
	if !s.taken {
		s.told = wishes{}
	}
	s.tight, s.refusals, s.call = !s.told.none(), 0, nil
	s.due, s.at = time.Time{}, time.Time{}
	info.OfferFilters = s.told.filters(info.OfferFilters)
	return s.told.constraints
}

// refusedWith tells whether an attempt to subscribe may have failed for its wishes, and forgets them.
func (s *shaping) refusedWith(err error) bool {
	var refused *SubscribeError
	if s.told.none() || !errors.As(err, &refused) {
		return false
	}
	s.taken, s.told = false, wishes{}
	return true
}

// subscribedWith takes what the master says of itself.
func (s *shaping) subscribedWith(now time.Time, version string) {
	if s.able = understands(version); s.able {
		s.at = now.Add(shapeAfter)
	} else {
		s.told, s.tight = wishes{}, false
	}
}

// reshape looks at a shape of which the first task became pending, or the last one ceased to be.
func (m *machine) reshape(now time.Time, changed *shape) {
	s := &m.shaping
	switch {
	case !s.able:
	case changed.pending == 0:
		if s.at.IsZero() {
			s.at = now.Add(shapeAfter)
		}
	case s.told.none():
		s.at = now.Add(shapeAfter)
	case !m.admitted(changed.spec):
		s.told, s.due, s.at = wishes{}, now, now.Add(shapeAfter)
		m.liftAll() // so that the master need not wait for its next allocation
	}
}

// shapingDeadline is when there is something to do; the zero time is never.
func (m *machine) shapingDeadline() time.Time {
	s := &m.shaping
	switch {
	case !s.able || m.phase != connected || m.tearing || s.users > 0:
		return time.Time{}
	case s.due.IsZero() || !s.at.IsZero() && s.at.Before(s.due):
		return s.at
	}
	return s.due
}

// followShaping tells the master what is pending, or that it is to offer everything.
func (m *machine) followShaping(now time.Time) {
	s := &m.shaping
	for _, turned := range s.turned {
		m.reshape(now, turned)
	}
	clear(s.turned)
	s.turned = s.turned[:0]
	if at := m.shapingDeadline(); at.IsZero() || now.Before(at) {
		return
	}
	if !s.at.IsZero() && !now.Before(s.at) {
		s.at = time.Time{}
		if derived := m.wishes(); !derived.equal(s.told) {
			s.told, s.due = derived, now
		}
	}
	if s.due.IsZero() || now.Before(s.due) {
		return
	}
	s.due = time.Time{}
	update := &scheduler.Call_UpdateFramework{FrameworkInfo: m.settings.framework, SuppressedRoles: m.suppressedRoles(m.settings.framework.Roles)}
	update.FrameworkInfo.ID = &mesos.FrameworkID{Value: m.framework}
	update.FrameworkInfo.OfferFilters = s.told.filters(update.FrameworkInfo.OfferFilters)
	send := m.ready(&scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK, UpdateFramework: update})
	send.constraints, s.call = s.told.constraints, send.call
	m.do(send)
}

// shapingDone takes the outcome of a call with wishes, or without.
func (m *machine) shapingDone(now time.Time, in callDone) {
	s := &m.shaping
	if !m.current(in.stream) || m.phase != connected {
		return
	}
	last := in.call == s.call
	if last {
		s.call = nil
	}
	var answer *CallError
	switch {
	case in.outcome == accepted:
		s.tight = !last || !s.told.none()
		s.taken = s.taken || last && s.tight
	case in.outcome == refused && errors.As(in.err, &answer) && answer.Status == badRequest:
		s.taken = false
		s.refusals++
		if last {
			m.shapingRefused(now, in.err)
		}
	default:
		s.tight = s.tight || in.outcome == unclear
		if last {
			s.due = now.Add(callRetry)
		}
	}
}

// shapingRefused goes back to no wishes. A master knows those before the refused ones until it has taken
// that call or, if it refuses even that, the subscription is another one.
func (m *machine) shapingRefused(now time.Time, err error) {
	s := &m.shaping
	if s.told.none() {
		if s.tight {
			m.disconnected(now, err)
		}
		return
	}
	s.told, s.at = wishes{}, now.Add(shapeAfter)
	if s.tight {
		s.due = now
	}
}

// userUpdated takes the outcome of an UPDATE_FRAMEWORK of the user's, which has no wishes.
func (m *machine) userUpdated(now time.Time, in callDone) {
	s := &m.shaping
	s.users = max(0, s.users-1)
	if in.outcome != accepted {
		return
	}
	// So that the next subscription does not undo it.
	m.settings.framework = in.call.UpdateFramework.FrameworkInfo
	m.settings.framework.ID = nil
	if s.users == 0 && s.able && m.phase == connected && m.current(in.stream) {
		s.told, s.tight, s.due, s.at = wishes{}, false, time.Time{}, now.Add(shapeAfter)
	}
}

// wishes are those of all that is pending.
func (m *machine) wishes() wishes {
	var w wishes
	if m.shaping.refusals > 1 {
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
	distinct := map[string][]task.Constraint{}
	for _, s := range m.shapes {
		if !s.serves(role) {
			continue
		}
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
				least[name] = min(most, amount(s.spec, name))
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
