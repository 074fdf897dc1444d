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

// offer makes one on a host of the same name.
func offer(id string, resources ...mesos.Resource) task.Offer {
	return task.Offer{ID: id, AgentID: "S-" + id, Hostname: id, Role: "*", Resources: resources}
}

// plain is an offer with a cpu, some memory and three ports.
func plain(id string, mem float64) task.Offer {
	return offer(id, scalar("cpus", 1), scalar("mem", mem), ranges("ports", 31000, 31002))
}

func spec(id string, cpus, mem float64, ports int) task.Spec {
	return task.Spec{ID: id, CPUs: cpus, Mem: mem, Ports: make([]task.Port, ports)}
}

// match gives the outcome in words: "a→agent1[31000] b→agent2" and the rejections, one a line.
func match(t *testing.T, tasks []task.Spec, offers []task.Offer) (string, []string) {
	t.Helper()
	placements, rejections := taskmatcher.FirstFit{}.Match(tasks, offers)
	require.NoError(t, check(tasks, offers, placements, rejections))
	var placed, rejected []string
	for _, p := range placements {
		s := p.TaskID + "→" + p.OfferID
		for _, port := range p.HostPorts {
			s += fmt.Sprint(" ", port)
		}
		placed = append(placed, s)
	}
	for _, r := range rejections {
		rejected = append(rejected, r.String())
	}
	return strings.Join(placed, ", "), rejected
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
			"small→a", []string{"big: mem: 1 offer, short of 400 on a"},
		},
		{
			"an offer without ports serves a task without ports",
			[]task.Spec{spec("x", 1, 50, 0), spec("y", 1, 50, 1)},
			[]task.Offer{offer("a", scalar("cpus", 2), scalar("mem", 100))},
			"x→a", []string{"y: ports: 1 offer, short of 1 on a"},
		},
		{
			"quarantined ports are passed over",
			[]task.Spec{spec("x", .1, 1, 1), spec("y", .1, 1, 1)},
			[]task.Offer{quarantined},
			"x→a 31001", []string{"y: ports: 1 offer, short of 1 on a"},
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
			"", []string{"x: role: 1 offer"},
		},
		{
			"no offers at all",
			[]task.Spec{spec("x", 1, 1, 0)},
			nil,
			"", []string{"x: no offers"},
		},
		{
			"each offer counts for its first obstacle, the most frequent one leads",
			[]task.Spec{{ID: "x", CPUs: 2, Mem: 100, Disk: 1, GPUs: 1}},
			[]task.Offer{
				offer("a", scalar("cpus", 1.5), scalar("mem", 200)),
				offer("b", scalar("cpus", 2), scalar("mem", 50)),
				offer("c", scalar("cpus", 2), scalar("mem", 99.9)),
				offer("d", scalar("cpus", 2), scalar("mem", 100)),
				offer("e", scalar("cpus", 2), scalar("mem", 100), scalar("disk", 1)),
			},
			"", []string{"x: mem: 2 offers, the nearest short of 0.1 on c; cpus: 1 offer, short of 0.5 on a; disk: 1 offer, short of 1 on d; gpus: 1 offer, short of 1 on e"},
		},
		{
			"what earlier tasks took is missing",
			[]task.Spec{spec("x", .7, 50, 0), spec("y", .7, 50, 0)},
			[]task.Offer{plain("a", 100)},
			"x→a", []string{"y: cpus: 1 offer, short of 0.4 on a"},
		},
		{
			"an offer that comes twice counts once",
			[]task.Spec{spec("x", 1, 50, 0), spec("y", 1, 50, 0)},
			[]task.Offer{plain("a", 100), plain("a", 100)},
			"x→a", []string{"y: cpus: 1 offer, short of 1 on a"},
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
			"", []string{"x: cpus: 4 offers, the nearest short of 0.1 on a"},
		},
		{
			"ports that overlap, run backwards or are none",
			[]task.Spec{spec("x", 0, 0, 5), spec("y", 0, 0, 1)},
			[]task.Offer{offer("a", ranges("ports", 65534, 70000, 0, 1, 9, 3, 20, 21, 21, 21))},
			"x→a 1 20 21 65534 65535", []string{"y: ports: 1 offer, short of 1 on a"},
		},
	} {
		placed, rejected := match(t, c.tasks, c.offers)
		require.Equal(t, c.placed, placed, c.reason)
		require.Equal(t, c.rejected, rejected, c.reason)
	}
}

func TestFirstFitConstraints(t *testing.T) {
	ranged := mesos.Attribute{Name: "rack", Type: mesos.RANGES, Ranges: &mesos.Value_Ranges{}}
	for _, c := range []struct {
		reason     string
		constraint string // "operator value", on rack
		attributes []mesos.Attribute
		holds      bool
	}{
		{"the whole value matches", "LIKE r[12]", []mesos.Attribute{text("rack", "r1")}, true},
		{"a part is not enough", "LIKE r1", []mesos.Attribute{text("rack", "r12")}, false},
		{"a part at the end neither", "LIKE 1", []mesos.Attribute{text("rack", "r1")}, false},
		{"the first alternative is a prefix of the value", "LIKE r|r1", []mesos.Attribute{text("rack", "r1")}, true},
		{"a lazy repetition must stretch", "LIKE r1*?", []mesos.Attribute{text("rack", "r111")}, true},
		{"a quotation without end", `LIKE \Qr.1`, []mesos.Attribute{text("rack", "r.1")}, true},
		{"an empty expression matches the empty value only", "LIKE ", []mesos.Attribute{text("rack", "r1")}, false},
		{"a line break belongs to the value", "LIKE r1", []mesos.Attribute{text("rack", "r1\n")}, false},
		{"unlike: no match", "UNLIKE r[12]", []mesos.Attribute{text("rack", "r3")}, true},
		{"unlike: a part does not matter", "UNLIKE r1", []mesos.Attribute{text("rack", "r12")}, true},
		{"unlike: match", "UNLIKE r[12]", []mesos.Attribute{text("rack", "r1")}, false},
		{"missing fails like", "LIKE .*", []mesos.Attribute{text("zone", "r1")}, false},
		{"missing fails unlike", "UNLIKE x", nil, false},
		{"no text counts as missing", "UNLIKE x", []mesos.Attribute{ranged}, false},
		{"of several the first text one counts", "LIKE r1", []mesos.Attribute{ranged, text("rack", "r1"), text("rack", "r2")}, true},
		{"invalid expressions hold nowhere", "UNLIKE (", []mesos.Attribute{text("rack", "r1")}, false},
		{"invalid alone, though not between parentheses", "LIKE r1)|(r2", []mesos.Attribute{text("rack", "r1")}, false},
		{"unknown operators hold nowhere", "IS r1", []mesos.Attribute{text("rack", "r1")}, false},
	} {
		operator, value, _ := strings.Cut(c.constraint, " ")
		s := spec("x", 1, 1, 0)
		s.Constraints = []task.Constraint{{Attribute: "rack", Operator: task.Operator(operator), Value: value}}
		o := plain("a", 100)
		o.Attributes = c.attributes
		placements, rejections := taskmatcher.FirstFit{}.Match([]task.Spec{s}, []task.Offer{o})
		if c.holds {
			require.Len(t, placements, 1, c.reason)
			continue
		}
		want := []task.Reason{{Kind: task.ConstraintMismatch, Constraint: s.Constraints[0], Offers: 1}}
		require.Equal(t, []task.Rejection{{TaskID: "x", Reasons: want}}, rejections, c.reason)
	}
}

func TestFirstFitConstraintsAllCount(t *testing.T) {
	s := spec("x", 1, 500, 0)
	s.Constraints = []task.Constraint{
		{Attribute: "rack", Operator: task.Like, Value: "r[12]"},
		{Attribute: "zone", Operator: task.Unlike, Value: "z9"},
	}
	offers := []task.Offer{plain("a", 100), plain("b", 100), plain("c", 100), plain("d", 600)}
	offers[0].Attributes = []mesos.Attribute{text("rack", "r1"), text("zone", "z9")}
	offers[1].Attributes = []mesos.Attribute{text("rack", "r1"), text("zone", "z8")}
	offers[2].Attributes = []mesos.Attribute{text("rack", "r3"), text("zone", "z8")}
	offers[3].Attributes = []mesos.Attribute{text("rack", "r3"), text("zone", "z9")}
	_, rejected := match(t, []task.Spec{s}, offers)
	require.Equal(t, []string{"x: rack LIKE r[12]: 2 offers; mem: 1 offer, short of 400 on b; zone UNLIKE z9: 1 offer"}, rejected)
}

// 0.1 taken ten times from 1.0 leaves exactly nothing, though not in floating point.
func TestFirstFitExact(t *testing.T) {
	var tasks []task.Spec
	for range 11 {
		tasks = append(tasks, spec(string(rune('a'+len(tasks))), 0.1, 0.3, 0))
	}
	placements, rejections := taskmatcher.FirstFit{}.Match(tasks, []task.Offer{offer("a", scalar("cpus", 1), scalar("mem", 3.3))})
	require.Len(t, placements, 10)
	require.Equal(t, []task.Rejection{{TaskID: "k", Reasons: []task.Reason{
		{Kind: task.TooFewCPUs, Offers: 1, Short: 0.1, Hostname: "a"},
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
		placements, rejections := taskmatcher.FirstFit{}.Match(tasks, offers)
		require.NoError(t, check(tasks, offers, placements, rejections), c.reason)
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
		require.Equal(t, []string{"x: disk: 1 offer, short of 10 on a"}, rejected, reason)
		placements, _ := taskmatcher.FirstFit{}.Match([]task.Spec{s}, []task.Offer{offer("a", special, scalar("disk", 10))})
		require.Equal(t, []mesos.Resource{scalar("disk", 10)}, placements[0].Resources, reason)
	}
}

func TestFirstFitRejectsImproperTasks(t *testing.T) {
	for _, x := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1), 1e300} {
		placements, rejections := taskmatcher.FirstFit{}.Match([]task.Spec{spec("x", x, 1, 0)}, []task.Offer{plain("a", 100)})
		require.Empty(t, placements, "%v", x)
		require.Equal(t, task.TooFewCPUs, rejections[0].Reasons[0].Kind, "%v", x)
	}
}
