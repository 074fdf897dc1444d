package taskmatcher_test

import (
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// sameSpec returns n tasks with one spec, named 0, 1, 2 and so on.
func sameSpec(n int, s task.Spec) (tasks []task.Demand) {
	for i := range n {
		tasks = append(tasks, task.Demand{ID: string(rune('0' + i)), Spec: &s})
	}
	return tasks
}

func TestBestFit(t *testing.T) {
	offers := []task.Offer{
		offer("a", scalar("cpus", 1), scalar("mem", 300)),
		offer("b", scalar("cpus", 3), scalar("mem", 200)),
		offer("c", scalar("cpus", 2), scalar("mem", 100)),
	}
	for _, c := range []struct {
		reason string
		spec   task.Spec
		tasks  int
		placed string
	}{
		{"cpus dominate: the fewest cpus that suffice", task.Spec{CPUs: 1, Mem: 1}, 4, "0→a, 1→c, 2→c, 3→b"},
		{"memory dominates", task.Spec{CPUs: .1, Mem: 100}, 4, "0→c, 1→b, 2→b, 3→a"},
		{"a placed task leaves less on its agent", task.Spec{CPUs: .1, Mem: 60}, 3, "0→c, 1→b, 2→b"},
		{"nothing but ports: by memory", task.Spec{}, 1, "0→c"},
	} {
		cycle := task.Cycle{Tasks: sameSpec(c.tasks, c.spec), Offers: offers}
		placements, rejections := taskmatcher.BestFit{}.Match(cycle)
		require.NoError(t, check(strategy{score: bestFit}, cycle, placements, rejections), c.reason)
		require.Equal(t, c.placed, summary(placements), c.reason)
	}
}

func TestSpread(t *testing.T) {
	offers := []task.Offer{plain("a", 100), plain("b", 200), plain("c", 300)}
	running := []task.Presence{
		{Group: "g", Agent: offers[0].Agent, Tasks: 2},
		{Group: "g", Agent: offers[1].Agent, Tasks: 1},
		{Group: "other", Agent: offers[2].Agent, Tasks: 9},
		{Group: "g", Agent: task.Agent{ID: "gone"}, Tasks: 9},
	}
	cycle := task.Cycle{Tasks: sameSpec(6, task.Spec{CPUs: .3, Group: "g"}), Offers: offers, Running: running}
	placements, rejections := taskmatcher.Spread{}.Match(cycle)
	require.NoError(t, check(strategy{score: spread}, cycle, placements, rejections))
	require.Equal(t, "0→c, 1→b, 2→c, 3→a, 4→b, 5→c", summary(placements))
}

func TestSeveralOffersOfAnAgentAreOneCandidate(t *testing.T) {
	half := func(id string, cpus float64, ports ...uint64) task.Offer {
		o := offer(id, scalar("cpus", cpus), scalar("mem", 50), ranges("ports", ports...))
		o.Agent = task.Agent{ID: "S", Hostname: "h"}
		return o
	}
	other := half("other", 9, 5, 5)
	other.Role = "blue"
	offers := []task.Offer{half("b", .5, 3, 3), other, half("a", .5, 7, 7)}
	cycle := task.Cycle{Tasks: sameSpec(1, task.Spec{CPUs: .8, Mem: 100, Ports: make([]task.Port, 2)}), Offers: offers}
	placements, rejections := taskmatcher.FirstFit{}.Match(cycle)
	require.NoError(t, check(strategy{score: firstFit}, cycle, placements, rejections))
	require.Equal(t, "0→a+b 3 7", summary(placements))
	require.Equal(t, []mesos.Resource{
		scalar("cpus", .5), scalar("cpus", .3), scalar("mem", 50), scalar("mem", 50), ranges("ports", 3, 3), ranges("ports", 7, 7),
	}, placements[0].Resources)

	offers[0].Agent.ID, offers[1].Agent.ID, offers[2].Agent.ID = "", "", ""
	_, rejections = taskmatcher.FirstFit{}.Match(cycle)
	require.Equal(t, "0: cpus: not enough on 2 agents; closest h, 0.3 short; mem: not enough on 1 agent; closest h, 50 MiB short", rejections[0].String(), "offers that name no agent are not merged")
}

func TestHostPorts(t *testing.T) {
	offers := []task.Offer{offer("a", ranges("ports", 10, 12), reserve(ranges("ports", 20, 22), "*"))}
	host := func(ports ...uint16) (all []task.Port) {
		for _, p := range ports {
			all = append(all, task.Port{Host: p})
		}
		return all
	}
	for _, c := range []struct {
		reason string
		ports  []task.Port
		want   string
		taken  []mesos.Resource
	}{
		{"one port by number", host(11), "0→a 11", []mesos.Resource{ranges("ports", 11, 11)}},
		{"a range by number", host(10, 11, 12), "0→a 10 11 12", []mesos.Resource{ranges("ports", 10, 12)}},
		{"any ports: reserved ones first", host(0, 0), "0→a 20 21", []mesos.Resource{reserve(ranges("ports", 20, 21), "*")}},
		{"any ports, but not the one asked for by number", host(0, 20, 0), "0→a 21 20 22", []mesos.Resource{reserve(ranges("ports", 20, 22), "*")}},
		{"one port for tcp and for udp", host(12, 12, 0), "0→a 12 12 20", []mesos.Resource{ranges("ports", 12, 12), reserve(ranges("ports", 20, 20), "*")}},
		{"a port that is not offered", host(10, 13), "0: port 13: not free on 1 agent", nil},
		{"more ports than there are", host(10, 0, 0, 0, 0, 0, 0), "0: ports: not enough on 1 agent; closest a, 1 short", nil},
	} {
		cycle := task.Cycle{Tasks: sameSpec(1, task.Spec{Ports: c.ports}), Offers: offers}
		placements, rejections := taskmatcher.FirstFit{}.Match(cycle)
		require.NoError(t, check(strategy{score: firstFit}, cycle, placements, rejections), c.reason)
		if c.taken == nil {
			require.Equal(t, c.want, rejections[0].String(), c.reason)
			continue
		}
		require.Equal(t, c.want, summary(placements), c.reason)
		require.Equal(t, c.taken, placements[0].Resources, c.reason)
	}
}

func TestRevocable(t *testing.T) {
	offers := []task.Offer{offer("a", scalar("cpus", 2), scalar("mem", 100), revocable(scalar("cpus", 1)), revocable(scalar("mem", 10)))}
	for _, c := range []struct {
		reason string
		spec   task.Spec
		taken  []mesos.Resource
	}{
		{"not unless asked for", task.Spec{CPUs: 1, Mem: 5}, []mesos.Resource{scalar("cpus", 1), scalar("mem", 5)}},
		{"if asked for", task.Spec{CPUs: 1, Mem: 5, Revocable: true}, []mesos.Resource{revocable(scalar("cpus", 1)), revocable(scalar("mem", 5))}},
		{"cpus revocable, memory not", task.Spec{CPUs: 1, Mem: 20, Revocable: true}, []mesos.Resource{revocable(scalar("cpus", 1)), scalar("mem", 20)}},
		{"never a mixture", task.Spec{CPUs: 2.5, Revocable: true}, nil},
	} {
		placements, rejections := taskmatcher.FirstFit{}.Match(task.Cycle{Tasks: sameSpec(1, c.spec), Offers: offers})
		if c.taken == nil {
			require.Equal(t, "0: cpus: not enough on 1 agent; closest a, 0.5 short", rejections[0].String(), c.reason)
			continue
		}
		require.Equal(t, c.taken, placements[0].Resources, c.reason)
	}
}

func TestMaintenance(t *testing.T) {
	for _, c := range []struct {
		reason   string
		begins   time.Duration
		takes    time.Duration
		limit    time.Duration
		accepted bool
	}{
		{"it has begun", -time.Second, 0, 0, false},
		{"it begins now", 0, 0, 0, false},
		{"a task without limit runs until then", time.Second, 0, 0, true},
		{"a task that may still run then is not placed", time.Minute, time.Second, time.Minute, false},
		{"a task that ends before is placed", time.Minute + 1, 0, time.Minute, true},
		{"it has not ended", -time.Minute, time.Minute + 1, 0, false},
		{"it has ended", -time.Minute, time.Minute, time.Hour, true},
	} {
		o := plain("a", 100)
		o.Agent.Unavailable, o.Agent.UnavailableFor = start.Add(c.begins), c.takes
		cycle := task.Cycle{Now: start, Tasks: sameSpec(1, task.Spec{CPUs: 1, MaxCompletionTime: c.limit}), Offers: []task.Offer{o}}
		placements, rejections := taskmatcher.FirstFit{}.Match(cycle)
		require.Equal(t, c.accepted, len(placements) == 1, c.reason)
		if !c.accepted {
			require.Equal(t, "0: maintenance: too soon or under way on 1 agent", rejections[0].String(), c.reason)
		}
	}
}

func TestGPUAgents(t *testing.T) {
	offers := []task.Offer{offer("a", scalar("cpus", 1), scalar("gpus", 1))}
	cycle := task.Cycle{Tasks: sameSpec(1, task.Spec{CPUs: .1}), Offers: offers}
	_, rejections := taskmatcher.FirstFit{}.Match(cycle)
	require.Equal(t, "0: gpus: kept for tasks that ask for some on 1 agent", rejections[0].String())
	placements, _ := taskmatcher.FirstFit{Options: taskmatcher.Options{ShareGPUAgents: true}}.Match(cycle)
	require.Len(t, placements, 1)
	cycle.Tasks = append(sameSpec(1, task.Spec{CPUs: .1, GPUs: 1}), task.Demand{ID: "later", Spec: &task.Spec{CPUs: .1}})
	placements, rejections = taskmatcher.FirstFit{}.Match(cycle)
	require.Equal(t, "0→a", summary(placements))
	require.Equal(t, "later: gpus: kept for tasks that ask for some on 1 agent", rejections[0].String(), "even though no GPU is left there")
}

// There is one rejection for each class, whether its tasks share a Spec or not.
func TestOneRejectionPerClass(t *testing.T) {
	big := task.Spec{CPUs: 9, Scalars: map[string]float64{"bandwidth": 1}}
	clone, other := big.Clone(), task.Spec{CPUs: 9}
	cycle := task.Cycle{Offers: []task.Offer{plain("a", 100)}, Tasks: []task.Demand{{ID: "x", Spec: &big}, {ID: "y", Spec: &other}, {ID: "z", Spec: &clone}}}
	_, rejections := taskmatcher.FirstFit{}.Match(cycle)
	var lines []string
	for _, r := range rejections {
		lines = append(lines, r.String())
	}
	require.Equal(t, "x and 1 more: cpus: not enough on 1 agent; closest a, 8 short|y: cpus: not enough on 1 agent; closest a, 8 short", strings.Join(lines, "|"))
}

// The methods of Candidate, before and after a task is placed there.
func TestCandidate(t *testing.T) {
	offers := []task.Offer{offer("a", scalar("cpus", 2), scalar("mem", 64), scalar("slots", 3), revocable(scalar("cpus", 9)), ranges("ports", 1, 5))}
	offers[0].Quarantined = []uint16{3}
	var seen []string
	m := taskmatcher.Scored{Filter: func(s *task.Spec, c *taskmatcher.Candidate) bool {
		require.Equal(t, "a", c.Agent().Hostname)
		require.Equal(t, "*", c.Role())
		require.InDelta(t, 2, c.Offered("cpus"), 0)
		require.InDelta(t, 3, c.Free("slots"), 0, "no task asks for it")
		require.Zero(t, c.Free("nothing"))
		seen = append(seen, strings.Repeat("c", int(c.Free("cpus")))+strings.Repeat("p", c.FreePorts())+strings.Repeat("t", c.Tasks("g")))
		return c.Tasks("g") < 4
	}}
	cycle := task.Cycle{
		Tasks: sameSpec(2, task.Spec{CPUs: 1, Group: "g", Ports: make([]task.Port, 1)}), Offers: offers,
		Running: []task.Presence{{Group: "g", Agent: offers[0].Agent, Tasks: 3}},
	}
	placements, rejections := m.Match(cycle)
	require.Equal(t, "0→a 1", summary(placements))
	require.Equal(t, "1: filter: refuses 1 agent", rejections[0].String())
	require.Equal(t, []string{"ccppppttt", "cppptttt", "cppptttt"}, seen, "the last call is for the reason")
}
