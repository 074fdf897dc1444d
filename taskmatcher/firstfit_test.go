package taskmatcher_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// offer returns an offer of an agent whose hostname is the offer's ID.
func offer(id string, resources ...mesos.Resource) task.Offer {
	return task.Offer{ID: id, Agent: task.Agent{ID: "S-" + id, Hostname: id}, Role: "*", Resources: resources}
}

// plain returns an offer of one cpu, some memory and three ports.
func plain(id string, mem float64) task.Offer {
	return offer(id, scalar("cpus", 1), scalar("mem", mem), ranges("ports", 31000, 31002))
}

func spec(id string, cpus, mem float64, ports int) task.Spec {
	return task.Spec{ID: id, CPUs: cpus, Mem: mem, Ports: make([]task.Port, ports)}
}

// cycleOf returns a cycle in which each task has its own Spec.
func cycleOf(tasks []task.Spec, offers []task.Offer) task.Cycle {
	c := task.Cycle{Now: start, Offers: offers}
	for i := range tasks {
		c.Tasks = append(c.Tasks, task.Demand{ID: tasks[i].ID, Spec: &tasks[i]})
	}
	return c
}

// match runs FirstFit and checks the result. It returns the summary of the placements, and the rejections as text.
func match(t *testing.T, tasks []task.Spec, offers []task.Offer) (string, []string) {
	t.Helper()
	cycle := cycleOf(tasks, offers)
	placements, rejections := taskmatcher.FirstFit{}.Match(cycle)
	require.NoError(t, check(strategy{score: firstFit}, cycle, placements, rejections))
	var rejected []string
	for _, r := range rejections {
		rejected = append(rejected, r.String())
	}
	return summary(placements), rejected
}

// summary returns placements in one line, such as "x→offer1 31000 31001, y→offer2+offer3".
func summary(placements []task.Placement) string {
	var placed []string
	for _, p := range placements {
		s := p.TaskID + "→" + strings.Join(p.OfferIDs, "+")
		for _, port := range p.HostPorts {
			s += fmt.Sprint(" ", port)
		}
		placed = append(placed, s)
	}
	return strings.Join(placed, ", ")
}

func TestFirstFit(t *testing.T) {
	quarantined := plain("a", 100)
	quarantined.Quarantined = []uint16{31000, 31002, 40000}
	unsorted := plain("a", 100)
	unsorted.Quarantined = []uint16{31001, 31000}
	blue := plain("blue", 100)
	blue.Role = "blue"
	forBlue := spec("x", 1, 1, 0)
	forBlue.Role = "blue"
	for _, c := range []struct {
		reason   string
		tasks    []task.Spec
		offers   []task.Offer
		placed   string
		rejected []string
	}{
		{
			"the offer with the least memory comes first",
			[]task.Spec{spec("x", 1, 50, 0)},
			[]task.Offer{plain("a", 200), plain("b", 100), plain("c", 300)},
			"x→b", nil,
		},
		{
			"equal memory: by ID",
			[]task.Spec{spec("x", 1, 50, 0)},
			[]task.Offer{plain("c", 100), plain("a", 100), plain("b", 100)},
			"x→a", nil,
		},
		{
			"all memory entries count for the order",
			[]task.Spec{spec("x", 1, 50, 0)},
			[]task.Offer{offer("a", scalar("cpus", 1), scalar("mem", 60), reserve(scalar("mem", 60), "r")), plain("b", 100)},
			"x→b", nil,
		},
		{
			"many tasks share an offer, in order of arrival, with the lowest ports",
			[]task.Spec{spec("z", .5, 50, 2), spec("y", .5, 50, 1), spec("x", .5, 50, 1)},
			[]task.Offer{plain("a", 100), plain("b", 200)},
			"z→a 31000 31001, y→a 31002, x→b 31000", nil,
		},
		{
			"a task that does not fit does not hold up smaller ones",
			[]task.Spec{spec("big", 1, 500, 0), spec("small", 1, 50, 0)},
			[]task.Offer{plain("a", 100)},
			"small→a", []string{"big: cpus: not enough on 1 agent; closest a, 1 short"},
		},
		{
			"an offer without ports serves a task without ports",
			[]task.Spec{spec("x", 1, 50, 0), spec("y", 1, 50, 1)},
			[]task.Offer{offer("a", scalar("cpus", 2), scalar("mem", 100))},
			"x→a", []string{"y: ports: not enough on 1 agent; closest a, 1 short"},
		},
		{
			"quarantined ports are passed over",
			[]task.Spec{spec("x", .1, 1, 1), spec("y", .1, 1, 1)},
			[]task.Offer{quarantined},
			"x→a 31001", []string{"y: ports: not enough on 1 agent; closest a, 1 short"},
		},
		{
			"quarantined ports need no order",
			[]task.Spec{spec("x", .1, 1, 1)},
			[]task.Offer{unsorted},
			"x→a 31002", nil,
		},
		{
			"a role limits the offers, none does not",
			[]task.Spec{forBlue, spec("y", 1, 1, 0)},
			[]task.Offer{plain("a", 50), blue},
			"x→blue, y→a", nil,
		},
		{
			"a role that nobody offers",
			[]task.Spec{forBlue},
			[]task.Offer{plain("a", 50)},
			"", []string{"x: role: not the task's on 1 agent"},
		},
		{
			"no offers at all",
			[]task.Spec{spec("x", 1, 1, 0)},
			nil,
			"", []string{"x: no offers"},
		},
		{
			"each offer counts for its first obstacle, and the most frequent one comes first",
			[]task.Spec{{ID: "x", CPUs: 2, Mem: 100, Disk: 1, GPUs: 1}},
			[]task.Offer{
				offer("a", scalar("cpus", 1.5), scalar("mem", 200)),
				offer("b", scalar("cpus", 2), scalar("mem", 50)),
				offer("c", scalar("cpus", 2), scalar("mem", 99.9)),
				offer("d", scalar("cpus", 2), scalar("mem", 100)),
				offer("e", scalar("cpus", 2), scalar("mem", 100), scalar("disk", 1)),
			},
			"", []string{"x: mem: not enough on 2 agents; closest c, 0.1 MiB short; cpus: not enough on 1 agent; closest a, 0.5 short; disk: not enough on 1 agent; closest d, 1 MiB short; gpus: not enough on 1 agent; closest e, 1 short"},
		},
		{
			"what earlier tasks took is missing",
			[]task.Spec{spec("x", .7, 50, 0), spec("y", .7, 50, 0)},
			[]task.Offer{plain("a", 100)},
			"x→a", []string{"y: cpus: not enough on 1 agent; closest a, 0.4 short"},
		},
		{
			"an offer that comes twice counts once",
			[]task.Spec{spec("x", 1, 50, 0), spec("y", 1, 50, 0)},
			[]task.Offer{plain("a", 100), plain("a", 100)},
			"x→a", []string{"y: cpus: not enough on 1 agent; closest a, 1 short"},
		},
		{
			"improper amounts in offers are nothing",
			[]task.Spec{spec("x", .1, 1, 0)},
			[]task.Offer{
				offer("a"),
				offer("b", scalar("cpus", math.NaN()), scalar("mem", 10)),
				offer("c", scalar("cpus", -1), scalar("mem", 10)),
				offer("d", scalar("cpus", math.Inf(1)), scalar("mem", 10)),
			},
			"", []string{"x: cpus: not enough on 4 agents; closest a, 0.1 short"},
		},
		{
			"ports that overlap, run backwards or are none",
			[]task.Spec{spec("x", 0, 0, 5), spec("y", 0, 0, 1)},
			[]task.Offer{offer("a", ranges("ports", 65534, 70000, 0, 1, 9, 3, 20, 21, 21, 21))},
			"x→a 65534 65535 1 20 21", []string{"y: ports: not enough on 1 agent; closest a, 1 short"},
		},
	} {
		placed, rejected := match(t, c.tasks, c.offers)
		require.Equal(t, c.placed, placed, c.reason)
		require.Equal(t, c.rejected, rejected, c.reason)
	}
}

func TestFirstFitConstraintsAllCount(t *testing.T) {
	s := spec("x", 1, 500, 0)
	s.Constraints = []task.Constraint{
		{Attribute: "rack", Operator: task.OpLike, Value: "r[12]"},
		{Attribute: "zone", Operator: task.OpUnlike, Value: "z9"},
	}
	offers := []task.Offer{plain("a", 100), plain("b", 100), plain("c", 100), plain("d", 600)}
	offers[0].Agent.Attributes = []mesos.Attribute{text("rack", "r1"), text("zone", "z9")}
	offers[1].Agent.Attributes = []mesos.Attribute{text("rack", "r1"), text("zone", "z8")}
	offers[2].Agent.Attributes = []mesos.Attribute{text("rack", "r3"), text("zone", "z8")}
	offers[3].Agent.Attributes = []mesos.Attribute{text("rack", "r3"), text("zone", "z9")}
	_, rejected := match(t, []task.Spec{s}, offers)
	require.Equal(t, []string{"x: rack LIKE r[12]: does not hold on 2 agents; zone UNLIKE z9: does not hold on 1 agent; mem: not enough on 1 agent; closest b, 400 MiB short"}, rejected)
}

// Ten times 0.1 is exactly 1.0, though not in floating point.
func TestFirstFitExact(t *testing.T) {
	var tasks []task.Spec
	for range 11 {
		tasks = append(tasks, spec(string(rune('a'+len(tasks))), 0.1, 0.3, 0))
	}
	placements, rejections := taskmatcher.FirstFit{}.Match(cycleOf(tasks, []task.Offer{offer("a", scalar("cpus", 1), scalar("mem", 3.3))}))
	require.Len(t, placements, 10)
	require.Equal(t, []task.Rejection{{TaskID: "k", Reasons: []task.Reason{
		{Kind: task.ReasonShortage, Resource: "cpus", Agents: 1, Short: 0.1, Hostname: "a"},
	}}}, rejections)
}

func TestFirstFitTakesFromSeveralResources(t *testing.T) {
	for _, c := range []struct {
		reason  string
		offered []mesos.Resource
		taken   []mesos.Resource
	}{
		{
			"refined: reserved first, the rest unreserved",
			[]mesos.Resource{
				allocate(scalar("mem", 100), "prod"), allocate(scalar("cpus", 1), "prod"),
				allocate(reserve(scalar("cpus", .5), "prod"), "prod"), allocate(ranges("ports", 1, 9), "prod"),
				allocate(reserve(ranges("ports", 20, 20, 30, 30), "prod"), "prod"),
			},
			[]mesos.Resource{
				allocate(reserve(scalar("cpus", .5), "prod"), "prod"), allocate(scalar("cpus", .2), "prod"),
				allocate(scalar("mem", 32), "prod"),
				allocate(reserve(ranges("ports", 20, 20, 30, 30), "prod"), "prod"), allocate(ranges("ports", 1, 1), "prod"),
			},
		},
		{
			"old: the role stays",
			[]mesos.Resource{
				reserveOld(scalar("cpus", 1), "*"), reserveOld(scalar("cpus", .6), "prod"), reserveOld(scalar("mem", 32), "*"),
				reserveOld(ranges("ports", 31000, 31002), "prod"),
			},
			[]mesos.Resource{
				reserveOld(scalar("cpus", .6), "prod"), reserveOld(scalar("cpus", .1), "*"), reserveOld(scalar("mem", 32), "*"),
				reserveOld(ranges("ports", 31000, 31002), "prod"),
			},
		},
		{
			"ranges of one resource that touch stay apart as they were offered",
			[]mesos.Resource{scalar("cpus", 1), scalar("mem", 32), ranges("ports", 5, 5, 1, 2)},
			[]mesos.Resource{scalar("cpus", .7), scalar("mem", 32), ranges("ports", 1, 2, 5, 5)},
		},
	} {
		tasks, offers := []task.Spec{spec("x", .7, 32, 3)}, []task.Offer{offer("a", c.offered...)}
		cycle := cycleOf(tasks, offers)
		placements, rejections := taskmatcher.FirstFit{}.Match(cycle)
		require.NoError(t, check(strategy{score: firstFit}, cycle, placements, rejections), c.reason)
		require.Empty(t, rejections, c.reason)
		require.Equal(t, c.taken, placements[0].Resources, c.reason)
	}
}

func TestFirstFitLeavesSpecialResourcesAlone(t *testing.T) {
	volume := reserve(scalar("disk", 100), "prod")
	volume.Disk = &mesos.Resource_DiskInfo{Persistence: &mesos.Resource_DiskInfo_Persistence{ID: "v"}}
	mount := scalar("disk", 100)
	mount.Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{Type: mesos.Resource_DiskInfo_Source_MOUNT}}
	revocable := scalar("disk", 100)
	revocable.Revocable = &mesos.Resource_RevocableInfo{}
	shared := scalar("disk", 100)
	shared.Shared = &mesos.Resource_SharedInfo{}
	provided := scalar("disk", 100)
	provided.ProviderID = &mesos.ResourceProviderID{Value: "p"}
	s := task.Spec{ID: "x", Disk: 10}
	for reason, special := range map[string]mesos.Resource{
		"a persistent volume": volume, "a disk with a source": mount, "revocable": revocable,
		"shared": shared, "of a resource provider": provided,
	} {
		_, rejected := match(t, []task.Spec{s}, []task.Offer{offer("a", special)})
		require.Equal(t, []string{"x: disk: not enough on 1 agent; closest a, 10 MiB short"}, rejected, reason)
		placements, _ := taskmatcher.FirstFit{}.Match(cycleOf([]task.Spec{s}, []task.Offer{offer("a", special, scalar("disk", 10))}))
		require.Equal(t, []mesos.Resource{scalar("disk", 10)}, placements[0].Resources, reason)
	}
}

func TestFirstFitRejectsImproperTasks(t *testing.T) {
	for _, x := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1), 1e300} {
		placements, rejections := taskmatcher.FirstFit{}.Match(cycleOf([]task.Spec{spec("x", x, 1, 0)}, []task.Offer{plain("a", 100)}))
		require.Empty(t, placements, "%v", x)
		require.Equal(t, "cpus", rejections[0].Reasons[0].Resource, "%v", x)
	}
}
