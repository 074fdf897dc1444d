package taskmatcher_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// rackOffer is an offer of an agent in the given data center and rack.
func rackOffer(host, dc, rack string, cpus float64) task.Offer {
	o := offer(host, scalar("cpus", cpus), scalar("mem", 65536))
	o.Agent.Attributes = []mesos.Attribute{text("dc", dc), text("rack", rack)}
	return o
}

// several returns n offers of one rack.
func several(n int, dc, rack string, cpus float64) (all []task.Offer) {
	for i := range n {
		all = append(all, rackOffer(fmt.Sprint(rack, "-", i), dc, rack, cpus))
	}
	return all
}

func running(o task.Offer, tasks int) task.Presence {
	return task.Presence{Group: "g", Agent: o.Agent, Tasks: tasks}
}

// known is an agent that is expected to be offered again.
func known(o task.Offer) task.KnownAgent {
	o.ID = ""
	return task.KnownAgent{Offer: o, OfferedAt: start.Add(-time.Minute), ExpectedUntil: start.Add(time.Second)}
}

// placedOn returns how many tasks were placed by rack, or by data center and rack.
func placedOn(cycle task.Cycle, placements []task.Placement) string {
	racks := map[string]string{}
	counts := map[string]int{}
	for _, o := range cycle.Offers {
		racks[o.Agent.ID] = o.Agent.Attributes[1].Text.Value
		counts[racks[o.Agent.ID]] += 0
	}
	for _, p := range placements {
		counts[racks[p.AgentID]]++
	}
	return fmt.Sprint(counts)
}

// A value counts for GROUP_BY only if some agent with it may take the task.
func TestGroupByValuesThatCannotTakeTheTask(t *testing.T) {
	t.Parallel()
	east := slices.Concat(several(1, "east", "r1", 32), several(1, "east", "r2", 32))
	three := slices.Concat(east, several(1, "west", "r3", 32))
	oneGPU := rackOffer("gpu", "east", "r3", 32)
	oneGPU.Resources = append(oneGPU.Resources, scalar("gpus", 1))
	maintained := rackOffer("maintained", "east", "r3", 32)
	maintained.Agent.Unavailable = start.Add(-time.Second)
	otherRole := rackOffer("role", "east", "r3", 32)
	otherRole.Role = "other"
	for _, c := range []struct {
		reason      string
		constraints []string
		tasks       int
		offers      []task.Offer
		running     []task.Presence
		known       []task.KnownAgent
		placed      string
	}{
		{"hosts without cpus", []string{"hostname GROUP_BY"}, 16, slices.Concat(several(1, "east", "small", 0), several(1, "east", "large", 32)), nil, nil, "map[large:16 small:0]"},
		{"a rack that another constraint excludes", []string{"dc IS east", "rack GROUP_BY"}, 4, three, nil, nil, "map[r1:2 r2:2 r3:0]"},
		{"the constraint after GROUP_BY", []string{"rack GROUP_BY", "dc UNLIKE west"}, 4, three, nil, nil, "map[r1:2 r2:2 r3:0]"},
		{"20 racks that another constraint excludes", []string{"dc IS east", "hostname GROUP_BY"}, 6, slices.Concat(several(2, "east", "r1", 32), several(20, "west", "r3", 32)), nil, nil, "map[r1:6 r3:0]"},
		{"a rack of agents with GPUs", []string{"rack GROUP_BY"}, 4, append(slices.Clone(east), oneGPU), nil, nil, "map[r1:2 r2:2 r3:0]"},
		{"a rack under maintenance", []string{"rack GROUP_BY"}, 4, append(slices.Clone(east), maintained), nil, nil, "map[r1:2 r2:2 r3:0]"},
		{"a rack that offers to another role", []string{"rack GROUP_BY"}, 4, append(slices.Clone(east), otherRole), nil, nil, "map[r1:2 r2:2 r3:0]"},
		{"a rack where a task runs and nothing is offered", []string{"rack GROUP_BY"}, 4, three, []task.Presence{running(rackOffer("x", "east", "r4", 0), 1)}, nil, "map[r1:2 r2:1 r3:1]"},
		{"a rack that becomes full", []string{"rack GROUP_BY"}, 7, slices.Concat(several(1, "east", "r1", 2), several(1, "east", "r2", 32)), nil, nil, "map[r1:2 r2:5]"},
		{"several hosts of a rack", []string{"rack GROUP_BY"}, 6, slices.Concat(several(3, "east", "r1", 1), several(1, "east", "r2", 32)), nil, nil, "map[r1:3 r2:3]"},
		{"a known agent that is too small", []string{"rack GROUP_BY"}, 4, east, nil, []task.KnownAgent{known(rackOffer("x", "east", "r3", .5))}, "map[r1:2 r2:2]"},
		{"a known agent that is excluded", []string{"dc IS east", "rack GROUP_BY"}, 4, east, nil, []task.KnownAgent{known(rackOffer("x", "west", "r3", 32))}, "map[r1:2 r2:2]"},
		{"an expected number, and a rack that is excluded", []string{"dc IS east", "rack GROUP_BY 3"}, 4, three, nil, nil, "map[r1:2 r2:2 r3:0]"},
		{"an expected number, and a known rack that is excluded", []string{"dc IS east", "rack GROUP_BY 3"}, 4, east, nil, []task.KnownAgent{known(rackOffer("x", "west", "r3", 0))}, "map[r1:2 r2:2]"},
		{"an expected number, and a rack where tasks run", []string{"rack GROUP_BY 3"}, 4, east, []task.Presence{running(rackOffer("x", "east", "r3", 0), 1)}, nil, "map[r1:2 r2:2]"},
		{"fewer racks than expected", []string{"rack GROUP_BY 3"}, 4, east, nil, nil, "map[r1:1 r2:1]"},
		{"UNIQUE uses up the hosts of a rack", []string{"hostname UNIQUE", "rack GROUP_BY"}, 6, slices.Concat(several(5, "east", "r1", 32), several(1, "east", "r2", 32)), nil, nil, "map[r1:5 r2:1]"},
		{"MAX_PER uses up a rack", []string{"rack GROUP_BY", "hostname MAX_PER 2"}, 9, slices.Concat(several(5, "east", "r1", 32), several(1, "east", "r2", 32)), nil, nil, "map[r1:7 r2:2]"},
		{"CLUSTER keeps to one data center", []string{"dc CLUSTER", "rack GROUP_BY"}, 4, three, nil, nil, "map[r1:2 r2:2 r3:0]"},
		{"two GROUP_BY: the first decides", []string{"dc GROUP_BY", "rack GROUP_BY"}, 8, three, nil, nil, "map[r1:2 r2:2 r3:4]"},
		{"two GROUP_BY, the other way round", []string{"rack GROUP_BY", "dc GROUP_BY"}, 9, three, nil, nil, "map[r1:3 r2:3 r3:3]"},
		{"two GROUP_BY that cannot both be even", []string{"rack GROUP_BY", "dc GROUP_BY"}, 8, three, nil, nil, "map[r1:3 r2:2 r3:3]"},
		{"two GROUP_BY, and a data center without room", []string{"dc GROUP_BY", "rack GROUP_BY"}, 6, slices.Concat(east, several(1, "west", "r3", 1)), nil, nil, "map[r1:3 r2:2 r3:1]"},
	} {
		s := &task.Spec{CPUs: 1, Group: "g", Role: c.offers[0].Role}
		for _, text := range c.constraints {
			s.Constraints = append(s.Constraints, parse(text))
		}
		cycle := task.Cycle{Now: start, Offers: c.offers, Running: c.running, Agents: c.known}
		for i := range cycle.Offers {
			cycle.Offers[i].Agent.Hostname = cycle.Offers[i].ID
		}
		for i := range c.tasks {
			cycle.Tasks = append(cycle.Tasks, task.Demand{ID: fmt.Sprint(i), Spec: s})
		}
		for _, v := range variants()[:3] {
			placements, rejections := v.fast.Match(cycle)
			require.NoError(t, check(v.slow, cycle, placements, rejections), "%s: %s", v.name, c.reason)
			require.Equal(t, c.placed, placedOn(cycle, placements), "%s: %s", v.name, c.reason)
		}
	}
}

// A preference for GROUP_BY compares only values of agents that may take the task, as well.
func TestGroupByPreferenceAmongTooSmallHosts(t *testing.T) {
	cycle := task.Cycle{Now: start, Offers: slices.Concat(several(3, "east", "small", 0), several(1, "east", "r1", 32), several(1, "east", "r2", 2))}
	s := &task.Spec{CPUs: 1, Group: "g", Preferences: []task.Constraint{parse("rack GROUP_BY")}}
	for i := range 8 {
		cycle.Tasks = append(cycle.Tasks, task.Demand{ID: fmt.Sprint(i), Spec: s})
	}
	for _, v := range variants()[:3] {
		placements, _ := v.fast.Match(task.Cycle{Now: start, Offers: cycle.Offers, Tasks: cycle.Tasks[:4]})
		require.Equal(t, "map[r1:2 r2:2 small:0]", placedOn(cycle, placements), v.name)
		placements, _ = v.fast.Match(cycle)
		require.Equal(t, "map[r1:6 r2:2 small:0]", placedOn(cycle, placements), v.name)
	}
}

// A user's filter says which agents may take the task, too.
func TestGroupByWithAFilter(t *testing.T) {
	cycle := task.Cycle{Now: start, Offers: slices.Concat(several(2, "east", "r1", 32), several(1, "east", "r2", 32)), Agents: []task.KnownAgent{known(rackOffer("x", "east", "r3", 32))}}
	s := &task.Spec{CPUs: 1, Group: "g", Constraints: []task.Constraint{parse("rack GROUP_BY")}}
	for i := range 4 {
		cycle.Tasks = append(cycle.Tasks, task.Demand{ID: fmt.Sprint(i), Spec: s})
	}
	onR1 := taskmatcher.Scored{Filter: func(_ *task.Spec, c *taskmatcher.Candidate) bool { return c.Agent().Attributes[1].Text.Value == "r1" }}
	placements, _ := onR1.Match(cycle)
	require.Equal(t, "map[r1:4 r2:0]", placedOn(cycle, placements))
}

// Tasks wait for a known agent whose value has fewer tasks, as long as it is expected, and the reason says so.
func TestGroupByWaitsForAKnownAgent(t *testing.T) {
	t.Parallel()
	match := func(constraint string, agents ...task.KnownAgent) (string, []string) {
		cycle := task.Cycle{Now: start, Offers: several(3, "east", "r0", 32), Agents: agents}
		s := &task.Spec{CPUs: 1, Group: "g", Constraints: []task.Constraint{parse(constraint)}}
		for i := range 9 {
			cycle.Tasks = append(cycle.Tasks, task.Demand{ID: fmt.Sprint(i), Spec: s})
		}
		placements, rejections := taskmatcher.FirstFit{}.Match(cycle)
		require.NoError(t, check(strategy{score: firstFit}, cycle, placements, rejections))
		var reasons []string
		for _, r := range rejections {
			reasons = append(reasons, r.String())
		}
		return placedOn(cycle, placements), reasons
	}
	r1, r2 := rackOffer("r1-0", "east", "r1", 32), rackOffer("r2-0", "west", "r2", 32)
	placed, reasons := match("rack GROUP_BY", known(r1), known(r2))
	require.Equal(t, "map[r0:1]", placed)
	require.Equal(t, []string{"1 and 7 more: rack GROUP_BY: does not hold on 3 agents, waiting for an offer of r1"}, reasons)

	late := known(r1)
	late.ExpectedUntil = start // it has had its chance
	placed, reasons = match("rack GROUP_BY", late)
	require.Equal(t, "map[r0:9]", placed)
	require.Empty(t, reasons)

	small := r1
	small.Resources = []mesos.Resource{scalar("cpus", .9)}
	placed, _ = match("rack GROUP_BY", known(small))
	require.Equal(t, "map[r0:9]", placed, "an agent that is too small is not waited for")

	offered := known(several(1, "east", "r0", 32)[0])
	offered.Offer.Agent.Attributes = r1.Agent.Attributes
	placed, _ = match("rack GROUP_BY", offered)
	require.Equal(t, "map[r0:9]", placed, "an agent that is offered is no known one")

	placed, _ = match("rack LIKE r0", known(r1))
	require.Equal(t, "map[r0:9]", placed, "without GROUP_BY nothing waits")

	placed, _ = match("rack GROUP_BY 3", late, known(r2))
	require.Equal(t, "map[r0:1]", placed, "the number expected is reached, and r2 is waited for")
}

// A task that waits is placed in a second pass, if a task of another class makes the counts equal.
func TestGroupByInASecondPass(t *testing.T) {
	s := &task.Spec{CPUs: 1, Group: "g", Constraints: []task.Constraint{parse("rack GROUP_BY")}}
	small := &task.Spec{CPUs: .1, Group: "g", Constraints: []task.Constraint{parse("rack IS r1")}}
	cycle := task.Cycle{
		Now: start, Offers: []task.Offer{rackOffer("a", "east", "r0", 32), rackOffer("b", "east", "r1", .1)},
		Agents: []task.KnownAgent{known(rackOffer("c", "east", "r1", 32))},
		Tasks:  []task.Demand{{ID: "0", Spec: s}, {ID: "1", Spec: s}, {ID: "2", Spec: small}},
	}
	for _, v := range variants()[:3] {
		placements, rejections := v.fast.Match(cycle)
		require.Empty(t, rejections, v.name)
		require.Equal(t, "0→a, 2→b, 1→a", summary(placements), v.name)
	}
}
