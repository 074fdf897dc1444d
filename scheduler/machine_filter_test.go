package scheduler

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// possibleMaster is what the checker knows about the master: it has the filter of one of these calls.
type possibleMaster struct {
	possible []sentFilter
}

type sentFilter struct {
	call   *scheduler.Call // while it is under way
	filter offerfilter.Filter
}

func (p *possibleMaster) subscribe(a subscribe) {
	p.possible = []sentFilter{{nil, filterOf(a.call.Subscribe.FrameworkInfo.OfferFilters, a.constraints)}}
}

func (p *possibleMaster) send(a send) {
	if a.call.GetType() == scheduler.Call_UPDATE_FRAMEWORK {
		p.possible = append(p.possible, sentFilter{a.call, filterOf(a.call.UpdateFramework.FrameworkInfo.OfferFilters, a.constraints)})
	}
}

// done takes the outcome of a call. It returns false for a call that cannot have an outcome now: it has had one, or an
// earlier call has not.
func (p *possibleMaster) done(call *scheduler.Call, o outcome) bool {
	at := slices.IndexFunc(p.possible, func(c sentFilter) bool { return c.call == call })
	under := func(c sentFilter) bool { return c.call != nil }
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

// checkFilter checks that no filter which the master may have holds back offers for a pending task, unless a call is
// under way or due.
func (c *checker) checkFilter() {
	m := c.machine
	if !c.open || m.teardown.wanted || !m.filter.Idle() {
		return
	}
	for _, possible := range c.master.possible {
		if possible.filter.None() {
			continue
		}
		for _, class := range m.backlog.classes {
			require.True(c.t, class.pending == 0 || m.admits(possible.filter, class.spec), "the master keeps back offers for %v: %v", class.spec, possible.filter)
		}
	}
}

// admits reports whether a filter admits a spec, with expressions or without them.
func (m *machine) admits(f offerfilter.Filter, s *task.Spec) bool {
	roles := m.conn.info.Roles
	return f.Admits(roles, s, offerfilter.Full) || f.Admits(roles, s, offerfilter.NoExpressions)
}

func filterOf(filters map[string]mesos.OfferFilters, c offerfilter.Constraints) offerfilter.Filter {
	f := offerfilter.Filter{Constraints: c}
	for role, filter := range filters {
		least := map[string]float64{}
		for _, q := range filter.MinAllocatableResources.Quantities {
			for name, amount := range q.Quantities {
				least[name] = amount.Value
			}
		}
		if f.Minimum == nil {
			f.Minimum = map[string]map[string]float64{}
		}
		f.Minimum[role] = least
	}
	return f
}

// There is no filter for more classes than maxFilteredClasses, and no minimum for a role for which the user has a filter.
func TestNoFilter(t *testing.T) {
	const minimum = " least *: mem 1"
	for name, row := range map[string]struct {
		classes int
		users   map[string]mesos.OfferFilters
		want    string
	}{
		"nothing pending":              {0, nil, ""},
		"as many as are looked at":     {maxFilteredClasses, nil, minimum},
		"too many":                     {maxFilteredClasses + 1, nil, ""},
		"the user has set one already": {1, offerfilter.Filter{Minimum: map[string]map[string]float64{"*": {"mem": 2}}}.OfferFilters(nil), ""},
	} {
		s := newStage(t)
		s.configure(func(set *settings) { set.framework.OfferFilters = row.users })
		for i := range row.classes {
			s.machine.step(s.now, submit{spec: task.Spec{ID: fmt.Sprint(i), Mem: float64(i + 1)}})
		}
		require.Equal(t, row.want, s.machine.deriveFilter(offerfilter.Full).String(), name)
	}
}

// Classes without pending tasks do not count.
func TestFilterForgets(t *testing.T) {
	s := newStage(t)
	s.machine.step(s.now, submit{spec: specOf("a", map[string]string{"like": "rack:r1"})})
	s.machine.step(s.now, submit{spec: specOf("b", map[string]string{"like": "rack:r2"})})
	s.machine.step(s.now, kill{id: "a"})
	require.Equal(t, " least *: cpus 1, mem 32 where *: rack LIKE r2", s.machine.deriveFilter(offerfilter.Full).String())
}

// TestFilterControl is the negative test of checkFilter: this machine forgets to look at new tasks.
func TestFilterControl(t *testing.T) {
	c := newChecker(t)
	c.play('s', 0)
	c.play('b', 1)
	c.feed(submit{ref: 1, spec: specOf("a", map[string]string{"like": "rack:r1"})})
	c.play('w', 6)
	update := c.sent[len(c.sent)-1].call
	require.Equal(t, scheduler.Call_UPDATE_FRAMEWORK, update.GetType())
	c.finish(send{stream: c.machine.conn.stream, call: update}, accepted, nil)
	recorder := &recorder{}
	c.t = recorder
	filter := c.machine.filter
	c.machine.step(c.now, submit{ref: 2, spec: specOf("b", nil)})
	c.machine.filter = filter
	func() {
		defer func() { _ = recover() }()
		c.checkFilter()
	}()
	require.True(t, recorder.failed)
}

// finish passes the outcome of a call to the machine. Each UPDATE_FRAMEWORK has only one.
func (c *checker) finish(s send, o outcome, err error) {
	if s.call.GetType() == scheduler.Call_UPDATE_FRAMEWORK && s.stream == c.machine.conn.stream && !c.master.done(s.call, o) {
		return
	}
	done := callDone{stream: s.stream, call: s.call, outcome: o, err: err}
	c.undoCall(done)
	c.feed(done)
}

func refusal(n int) error {
	if n%2 == 0 {
		return &CallError{Call: "UPDATE_FRAMEWORK", Status: 400, Message: "no"}
	}
	return errors.New("no")
}
