package scheduler

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// picky panics over tasks of some CPUs.
type picky struct {
	bad   func(cpus float64) bool
	calls int
}

func (p *picky) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	p.calls++
	for _, d := range c.Tasks {
		if p.bad(d.Spec.CPUs) {
			panic(errors.New("odd"))
		}
	}
	return rejecting{}.Match(c)
}

// Classes over which the matcher panics are found in a few calls, however many tasks there are.
func TestPanickingClasses(t *testing.T) {
	const tasks = 2000
	for _, c := range []struct {
		reason  string
		classes int
		bad     func(cpus float64) bool
		failed  int
		calls   int // at most
	}{
		{"one of a hundred: bisection", 100, func(cpus float64) bool { return cpus == 42 }, tasks / 100, 1 + 15 + 1},
		{"two of a hundred", 100, func(cpus float64) bool { return cpus == 10 || cpus == 90 }, 2 * tasks / 100, 1 + 29 + 1},
		{"all of a few: an offer, or the matcher itself", 10, func(float64) bool { return true }, 0, 1 + 19},
		{"all of many: the search is given up", 1000, func(float64) bool { return true }, 0, 1 + maxTries},
		{"the only one", 1, func(float64) bool { return true }, 0, 2},
	} {
		t.Run(c.reason, func(t *testing.T) {
			now, matcher := time.Unix(0, 0), &picky{bad: c.bad}
			m := pendingMachine(now, 0, "", func(set *settings) { set.matcher = matcher })
			for i := range tasks {
				m.step(now, submit{spec: specOf(fmt.Sprintf("t%d", i), map[string]string{"cpus": fmt.Sprint(1 + i%c.classes)})})
			}
			m.step(now, streamEvent{stream: 1, event: offersEvent(offersOf([]string{"o1@a1:1:1"}))})
			m.step(now, wake{})
			require.LessOrEqual(t, matcher.calls, c.calls)
			require.Equal(t, tasks-c.failed, m.backlog.pending.Len())
			for _, e := range m.tasks.inOrder() {
				require.Equal(t, c.failed > 0 && c.bad(e.Info.Spec.Base().CPUs), e.Info.State == task.StateError)
			}
			require.ErrorContains(t, m.matchErr, "odd")
			recount(t, m)
		})
	}
}

// dropsAgents waits for a known agent, and removes the others from its argument, though it should not.
type dropsAgents struct{ seen *int }

func (d dropsAgents) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	*d.seen += len(c.Agents)
	clear(c.Agents[min(1, len(c.Agents)):])
	return nil, []task.Rejection{{TaskID: c.Tasks[0].ID, Reasons: []task.Reason{{Kind: task.ReasonConstraint, Agents: 1, Awaited: "a2"}}}}
}

func TestMatcherThatDropsKnownAgents(t *testing.T) {
	now, seen := time.Unix(0, 0), 0
	m := pendingMachine(now, 0, "", func(s *settings) { s.matcher, s.statsTTL = dropsAgents{&seen}, time.Hour })
	m.step(now, submit{spec: specOf("t", map[string]string{"group_by": "hostname:"})})
	for _, words := range [][]string{{"o1@a1:4:1024", "o2@a2:4:1024", "o3@a3:4:1024"}, {"o4@a1:4:1024"}, {"o5@a1:4:1024"}} {
		m.step(now, streamEvent{stream: 1, event: &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: offersOf(words)}})
		m.step(now, wake{})
		now = now.Add(time.Second)
		m.step(now, wake{})
	}
	require.Equal(t, 4, seen, "a2 and a3 are known and not at hand in the second and third cycle")
	require.Equal(t, 1, m.backlog.pending.Len())
}
