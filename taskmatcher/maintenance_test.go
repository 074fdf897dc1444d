package taskmatcher_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// drained returns an offer of two tasks' worth, of an agent whose maintenance begins then. 0: none is planned.
func drained(id string, mem float64, in time.Duration) task.Offer {
	o := offer(id, scalar("cpus", 2), scalar("mem", mem))
	if in != 0 {
		o.Agent.Unavailable = start.Add(in)
	}
	return o
}

func TestPlannedMaintenance(t *testing.T) {
	service, job := spec("x", 1, 64, 0), spec("x", 1, 64, 0)
	job.MaxCompletionTime = 50 * time.Second
	preferring := service
	preferring.Preferences = []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpIs, Value: "soon"}}
	grouped := service
	grouped.Constraints = []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpGroupBy}}
	over := drained("over", 1024, -time.Hour)
	over.Agent.UnavailableFor = time.Minute
	// Every strategy would otherwise take the first of the offers.
	strategies := map[string]matcher{
		"FirstFit": taskmatcher.FirstFit{}, "BestFit": taskmatcher.BestFit{}, "Spread": taskmatcher.Spread{},
		"Scored": taskmatcher.Scored{Score: func(_ *task.Spec, c *taskmatcher.Candidate) float64 { return c.Offered("mem") }},
	}
	for _, c := range []struct {
		situation string
		spec      task.Spec
		offers    []task.Offer
		want      string
	}{
		{"in 60 s or never", service, []task.Offer{drained("soon", 2048, time.Minute), drained("never", 4096, 0)}, "never"},
		{"in 60 s, later or never", service, []task.Offer{drained("soon", 1024, time.Minute), drained("late", 2048, time.Hour), drained("never", 4096, 0)}, "never"},
		{"in 60 s or later", service, []task.Offer{drained("soon", 1024, time.Minute), drained("late", 2048, time.Hour)}, "late"},
		{"at the same time", service, []task.Offer{drained("one", 1024, time.Minute), drained("two", 2048, time.Minute)}, "one"},
		{"only in 60 s", service, []task.Offer{drained("soon", 1024, time.Minute), drained("full", 32, 0)}, "soon"},
		{"over", service, []task.Offer{over, drained("never", 2048, 0)}, "over"},
		{"under way", service, []task.Offer{drained("now", 1024, -time.Second), drained("soon", 2048, time.Minute)}, "soon"},
		{"a task that ends before", job, []task.Offer{drained("soon", 1024, time.Minute), drained("never", 2048, 0)}, "soon"},
		{"a task that may not end before", job, []task.Offer{drained("soon", 1024, 50*time.Second), drained("never", 2048, 0)}, "never"},
		{"the user prefers that agent", preferring, []task.Offer{drained("soon", 1024, time.Minute), drained("never", 2048, 0)}, "soon"},
		{"with a constraint that counts", grouped, []task.Offer{drained("soon", 1024, time.Minute), drained("never", 2048, 0)}, "never"},
	} {
		for name, m := range strategies {
			t.Run(c.situation+"/"+name, func(t *testing.T) {
				placements, _ := m.Match(cycleOf([]task.Spec{c.spec}, c.offers))
				require.Equal(t, "x→"+c.want, summary(placements))
			})
		}
	}
}

// When the agents without maintenance are full the others are used, the last to be drained first.
func TestPlannedMaintenanceInOrder(t *testing.T) {
	offers := []task.Offer{
		drained("soon", 1024, time.Minute), drained("never", 4096, 0), drained("late", 2048, time.Hour),
	}
	var tasks []task.Spec
	for _, id := range []string{"t1", "t2", "t3", "t4", "t5", "t6", "t7"} {
		tasks = append(tasks, spec(id, 1, 64, 0))
	}
	for name, m := range map[string]matcher{"FirstFit": taskmatcher.FirstFit{}, "BestFit": taskmatcher.BestFit{}, "Spread": taskmatcher.Spread{}, "Scored": taskmatcher.Scored{}} {
		placements, rejections := m.Match(cycleOf(tasks, offers))
		require.Equal(t, "t1→never, t2→never, t3→late, t4→late, t5→soon, t6→soon", summary(placements), name)
		require.Len(t, rejections, 1)
	}
}
