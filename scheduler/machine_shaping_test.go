package scheduler

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// imagined is a master as the checker imagines it: it has the wishes of one of the calls whose outcome left that open.
type imagined struct {
	possible []toldCall
}

type toldCall struct {
	call   *scheduler.Call
	wishes wishes
}

func (p *imagined) subscribe(a subscribe) {
	p.possible = []toldCall{{nil, wishesOf(a.call.Subscribe.FrameworkInfo.OfferFilters, a.constraints)}}
}

func (p *imagined) send(a send) {
	if a.call.GetType() == scheduler.Call_UPDATE_FRAMEWORK {
		p.possible = append(p.possible, toldCall{a.call, wishesOf(a.call.UpdateFramework.FrameworkInfo.OfferFilters, a.constraints)})
	}
}

// done takes the outcome of a call. It returns false for a call that cannot have one now: it has had one, or one before
// it on the way has not.
func (p *imagined) done(call *scheduler.Call, o outcome) bool {
	at := slices.IndexFunc(p.possible, func(c toldCall) bool { return c.call == call })
	under := func(c toldCall) bool { return c.call != nil }
	switch {
	case at < 0 || slices.ContainsFunc(p.possible[:at], under):
		return false
	case o == accepted:
		p.possible = slices.Clone(p.possible[at:])
		p.possible[0].call = nil
	case o == unclear:
		p.possible[at].call = nil
	default:
		p.possible = slices.Delete(p.possible, at, at+1)
	}
	return true
}

// check: whatever the master has, no pending task waits in vain, unless a call is under way or due.
func (c *checker) checkShaping() {
	m := c.machine
	s := &m.shaping
	if !c.open || m.tearing || s.call != nil || !s.due.IsZero() || s.users > 0 {
		return
	}
	remembered := s.told
	defer func() { s.told = remembered }()
	for _, possible := range c.master.possible {
		s.told = possible.wishes
		if s.told.none() || !s.able {
			continue
		}
		for _, shape := range m.shapes {
			require.True(c.t, shape.pending == 0 || m.admittedInSpirit(shape.spec), "the master keeps back offers for %v: %v", shape.spec, s.told)
		}
	}
}

// admittedInSpirit is admitted, whether the group has expressions or does without them.
func (m *machine) admittedInSpirit(s *task.Spec) bool {
	refusals := m.shaping.refusals
	defer func() { m.shaping.refusals = refusals }()
	for m.shaping.refusals = 0; m.shaping.refusals < 2; m.shaping.refusals++ {
		if m.admitted(s) {
			return true
		}
	}
	return false
}

func wishesOf(filters map[string]mesos.OfferFilters, c constraints) wishes {
	w := wishes{constraints: c}
	for role, f := range filters {
		least := map[string]float64{}
		for _, q := range f.MinAllocatableResources.Quantities {
			for name, amount := range q.Quantities {
				least[name] = amount.Value
			}
		}
		if w.minimum == nil {
			w.minimum = map[string]map[string]float64{}
		}
		w.minimum[role] = least
	}
	return w
}

func TestUnderstands(t *testing.T) {
	for version, want := range map[string]bool{
		"1.11.0": true, "1.11.0-rc1": true, "1.12.0": true, "1.12": true, "2.0.0": true, "1.100.1": true,
		"1.10.0": false, "1.9.1": false, "0.28.0": false, "": false, "1": false, "new": false, "v1.12.0": false, "1.x": false,
		"99999999999999999999.1": false,
	} {
		require.Equal(t, want, understands(version), version)
	}
}

// Wishes must not keep away what a matcher would take: what is not exact is loose.
func TestWishes(t *testing.T) {
	type all = []task.Constraint
	c := func(attribute string, operator task.Operator, value string) task.Constraint {
		return task.Constraint{Attribute: attribute, Operator: operator, Value: value}
	}
	many := make([]task.Spec, maxGroups+1)
	for i := range many {
		many[i] = task.Spec{CPUs: 1, Constraints: all{c(string(rune('a'+i)), task.Unique, "")}}
	}
	shapes := make([]task.Spec, maxShapes+1)
	for i := range shapes {
		shapes[i] = task.Spec{Mem: float64(i + 1)}
	}
	for _, row := range []struct {
		reason string
		specs  []task.Spec
		want   string
	}{
		{"too many shapes to look at", shapes, ""},
		{"just not too many", shapes[1:], "least *: mem 2"},
		{"nothing pending", nil, ""},
		{"no amounts but ports", []task.Spec{{Ports: []task.Port{{}}}}, ""},
		{"the least of each, what only some ask for is not needed", []task.Spec{
			{CPUs: 2, Mem: 100, Disk: 5, GPUs: 1}, {CPUs: 1, Mem: 200}, {CPUs: 0.0005, Mem: 150, Scalars: map[string]float64{"x": 1}},
		}, "least *: cpus 0.001, mem 100"},
		{"custom scalars", []task.Spec{{Scalars: map[string]float64{"x": 2, "y": 1}}, {CPUs: 1, Scalars: map[string]float64{"x": 1}}}, "least *: x 1"},
		{"one that any agent may run", []task.Spec{{CPUs: 1, Constraints: all{c("a", task.Is, "1")}}, {CPUs: 2}}, "least *: cpus 1"},
		{"alike but for the order", []task.Spec{
			{CPUs: 1, Constraints: all{c("b", task.Is, "1"), c("a", task.Is, "1"), c("a", task.Is, "1")}},
			{CPUs: 2, Constraints: all{c("a", task.Is, "1"), c("b", task.Is, "1")}},
		}, "least *: cpus 1 where *: a IS 1 and b IS 1"},
		{"those that count", []task.Spec{{CPUs: 1, Constraints: all{
			c("a", task.Unique, ""), c("b", task.GroupBy, "3"), c("c", task.MaxPer, "2"), c("d", task.Cluster, ""), c("e", task.Cluster, "x"),
		}}}, "least *: cpus 1 where *: a EXISTS and b EXISTS and c EXISTS and d EXISTS and e IS x"},
		{"text that JSON cannot say", []task.Spec{{CPUs: 1, Constraints: all{c("a", task.Is, "\xff"), c("b", task.Like, "x")}}}, "least *: cpus 1 where *: b LIKE x"},
		{"too many groups", many, "least *: cpus 1"},
		{"other roles do not matter", []task.Spec{{CPUs: 1, Role: "prod"}, {CPUs: 2}}, "least *: cpus 2 least prod: cpus 1"},
	} {
		s := newStage(t)
		s.machine.settings.framework.Roles = []string{"*"}
		if row.reason == "other roles do not matter" {
			s.machine.settings.framework.Roles = []string{"*", "prod"}
		}
		for i, spec := range row.specs {
			spec.ID = fmt.Sprint(i)
			s.machine.step(s.now, submit{spec: spec})
		}
		w := s.machine.wishes()
		require.Equal(t, row.want, trimmed(describeMinimum(w.filters(nil))+w.constraints.String()), row.reason)
		for _, spec := range row.specs {
			s.machine.shaping.told = w
			require.True(t, s.machine.admitted(&spec), row.reason)
		}
	}
}

func trimmed(s string) string {
	if s == "" {
		return s
	}
	return s[1:]
}

// What the user has set of a role stays.
func TestWishesLeaveUsersFilters(t *testing.T) {
	s := newStage(t)
	own := wishes{minimum: map[string]map[string]float64{"*": {"mem": 1}}}.filters(nil)
	s.machine.settings.framework.OfferFilters = own
	s.machine.step(s.now, submit{spec: specOf("a", nil)})
	require.True(t, s.machine.wishes().none())
	both := wishes{minimum: map[string]map[string]float64{"b": {"cpus": 1}}}.filters(own)
	require.Len(t, both, 2)
	require.Len(t, own, 1)
}

// TestShapingControl: a checker that cannot fail proves nothing. This machine forgets to look at new tasks.
func TestShapingControl(t *testing.T) {
	c := newChecker(t)
	c.play('s', 0)
	c.play('b', 1)
	c.feed(submit{ref: 1, spec: specOf("a", map[string]string{"like": "rack:r1"})})
	c.play('w', 6)
	update := c.sent[len(c.sent)-1].call
	require.Equal(t, scheduler.Call_UPDATE_FRAMEWORK, update.GetType())
	c.finish(send{stream: c.machine.stream, call: update}, accepted, nil)
	recorder := &recorder{}
	c.t = recorder
	c.machine.shaping.able = false
	c.machine.step(c.now, submit{ref: 2, spec: specOf("b", nil)})
	c.machine.shaping.able = true
	func() {
		defer func() { _ = recover() }()
		c.checkShaping()
	}()
	require.True(t, recorder.failed)
}

// finish feeds the outcome of a call. Each UPDATE_FRAMEWORK has one only.
func (c *checker) finish(s send, o outcome, err error) {
	if s.call.GetType() == scheduler.Call_UPDATE_FRAMEWORK && s.stream == c.machine.stream && !c.master.done(s.call, o) {
		return
	}
	done := callDone{stream: s.stream, call: s.call, outcome: o, err: err}
	c.toldInVain(done)
	c.feed(done)
}

func refusal(n int) error {
	if n%2 == 0 {
		return &CallError{Call: "UPDATE_FRAMEWORK", Status: 400, Message: "no"}
	}
	return errors.New("no")
}
