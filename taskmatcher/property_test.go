package taskmatcher_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

type matcher interface {
	Match(task.Cycle) ([]task.Placement, []task.Rejection)
}

// variant is a matcher, and its strategy for the reference.
type variant struct {
	name string
	fast matcher
	slow strategy
}

// variants returns all strategies, and three uses of Scored: with scores that rise and fall, with a filter that accepts
// later what it refused at first, and with neither filter nor score.
func variants() []variant {
	share := taskmatcher.Options{ShareGPUAgents: true}
	labelled := taskmatcher.Options{ReservationLabels: map[string]string{"owner": "us"}}
	return []variant{
		{"FirstFit", taskmatcher.FirstFit{}, strategy{score: firstFit}},
		{"BestFit", taskmatcher.BestFit{}, strategy{score: bestFit}},
		{"Spread", taskmatcher.Spread{}, strategy{score: spread}},
		{"FirstFit sharing GPU agents", taskmatcher.FirstFit{Options: share}, strategy{score: firstFit, share: true}},
		{"BestFit sharing GPU agents", taskmatcher.BestFit{Options: share}, strategy{score: bestFit, share: true}},
		{"FirstFit with labelled reservations", taskmatcher.FirstFit{Options: labelled}, strategy{score: firstFit, labels: labelled.ReservationLabels}},
		{"BestFit with labelled reservations", taskmatcher.BestFit{Options: labelled}, strategy{score: bestFit, labels: labelled.ReservationLabels}},
		{
			"a score that rises and falls",
			taskmatcher.Scored{Score: func(s *task.Spec, c *taskmatcher.Candidate) float64 {
				return math.Mod(c.Free("cpus")*7+c.Free("mem")+float64(c.Tasks("b")), 3) + float64(c.FreePorts())
			}},
			strategy{score: func(w *reference, s *task.Spec, c *remaining) float64 {
				cpus, mem := float64(c.free["cpus"])/1000, float64(c.free["mem"])/1000
				return math.Mod(cpus*7+mem+float64(w.tasksOn("b", c.name())), 3) + float64(len(c.ports))
			}},
		},
		{
			"a filter that changes its mind",
			taskmatcher.Scored{
				Filter: func(s *task.Spec, c *taskmatcher.Candidate) bool { return s.Group != "b" || c.Tasks("a") > 0 },
				Score: func(s *task.Spec, c *taskmatcher.Candidate) float64 {
					if c.Offered("other") == 0 {
						return math.NaN()
					}
					return c.Free("other")
				},
			},
			strategy{
				filter: func(w *reference, s *task.Spec, c *remaining) bool {
					return s.Group != "b" || w.tasksOn("a", c.name()) > 0
				},
				score: func(w *reference, s *task.Spec, c *remaining) float64 {
					if c.offered["other"] > 0 {
						return float64(c.free["other"])
					}
					return math.Inf(1)
				},
			},
		},
		{"neither filter nor score", taskmatcher.Scored{}, strategy{score: firstFit}},
	}
}

// pick returns a random one of several values.
func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// digits returns a random amount below limit with up to three decimal digits.
func digits(r *rand.Rand, limit int) float64 { return float64(r.IntN(limit*1000)) / 1000 }

func randomAgent(r *rand.Rand, i int) task.Agent {
	a := task.Agent{ID: fmt.Sprintf("S%d", i), Hostname: fmt.Sprintf("agent%d", i/2), Zone: pick(r, "", "z1", "z2")}
	if r.IntN(4) > 0 {
		a.Attributes = append(a.Attributes, text("rack", pick(r, "r1", "r2", "r3")))
	}
	switch r.IntN(4) {
	case 0:
		a.Attributes = append(a.Attributes, number("level", pick(r, 1, 2.5, 2.5000001, 4)))
	case 1:
		a.Attributes = append(a.Attributes, text("level", pick(r, "1", "4")))
	case 2:
		a.Attributes = append(a.Attributes, spans("level", 1, 3, 7, 7), text("level", "4"))
	}
	if r.IntN(5) == 0 {
		a.Unavailable = start.Add(time.Duration(r.IntN(6)-2) * time.Minute)
		a.UnavailableFor = time.Duration(r.IntN(4)) * 30 * time.Second
	}
	return a
}

var start = time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)

func randomOffer(r *rand.Rand, i int, a task.Agent) task.Offer {
	o := task.Offer{
		ID: fmt.Sprintf("offer%02d", i), Agent: a, Role: pick(r, "blue", "blue", "red"),
		Resources: []mesos.Resource{
			scalar("cpus", digits(r, 4)),
			scalar("mem", pick(r, 256, 256, digits(r, 512))),
			scalar("disk", digits(r, 100)),
		},
	}
	port := 31000 + 200*uint64(i) // offers of one agent do not overlap
	if r.IntN(2) == 0 {
		o.Resources = append(o.Resources, ranges("ports", port, port+r.Uint64N(6), port+100, port+100+r.Uint64N(4)))
	}
	if r.IntN(3) == 0 {
		o.Resources = append(o.Resources, reserve(scalar("cpus", digits(r, 2)), o.Role), reserve(ranges("ports", port+50, port+52), o.Role),
			reserve(scalar("mem", digits(r, 64)), o.Role))
	}
	if r.IntN(4) == 0 {
		low := 1 + 3*uint64(i)
		o.Resources = append(o.Resources, ranges("ports", low, low+2))
	}
	if i == 0 && r.IntN(2) == 0 {
		o.Resources = append(o.Resources, ranges("ports", 1022, 1025))
	}
	if r.IntN(4) == 0 {
		owner := func(resource mesos.Resource) mesos.Resource {
			return label(reserve(resource, o.Role), "owner", pick(r, "us", "us", "others"))
		}
		o.Resources = append(o.Resources, owner(scalar("cpus", digits(r, 3))), owner(scalar("mem", digits(r, 200))), owner(ranges("ports", port+150, port+155)))
	}
	if r.IntN(3) == 0 {
		o.Resources = append(o.Resources, scalar("other", float64(r.IntN(4))), revocable(scalar("cpus", digits(r, 3))), revocable(scalar("mem", digits(r, 300))))
	}
	if r.IntN(10) == 0 {
		o.Resources = append(o.Resources, scalar("gpus", float64(r.IntN(3))))
	}
	if r.IntN(4) == 0 {
		o.Quarantined = []uint16{uint16(port), uint16(port + 1), uint16(port + 51)}
	}
	r.Shuffle(len(o.Resources), func(i, j int) { o.Resources[i], o.Resources[j] = o.Resources[j], o.Resources[i] })
	return o
}

func randomConstraint(r *rand.Rand) task.Constraint {
	c := task.Constraint{
		Attribute: pick(r, "rack", "rack", "rack", "level", task.AttributeHostname, task.AttributeZone, pick(r, "rack", "none", "@hostname")),
		Operator:  pick(r, task.OpLike, task.OpUnlike, task.OpIs, task.OpIsNot, task.OpCluster, task.OpUnique, task.OpGroupBy, task.OpGroupBy, task.OpMaxPer, pick(r, task.OpGroupBy, "WRONG")),
	}
	switch c.Operator {
	case task.OpLike, task.OpUnlike:
		c.Value = pick(r, "r1", "r[12]", "r[23]", ".*", ".*", "agent[0-2]", "2.5|4", "(", "[a-z[0-9]]+")
	case task.OpIs, task.OpIsNot:
		c.Value = pick(r, "r1", "agent1", "z1", "4.0", "1", "[1-3, 7-7]")
	case task.OpCluster:
		c.Value = pick(r, "", "", "", "r2")
	case task.OpGroupBy:
		c.Value = pick(r, "", "", "2", "3", "4", "x")
	case task.OpMaxPer:
		c.Value = pick(r, "1", "2", "3", "", "-1")
	}
	return c
}

func randomSpec(r *rand.Rand, id string) *task.Spec {
	s := &task.Spec{
		ID: id, Role: pick(r, "", "", "blue", "red"), Group: pick(r, "", "a", "a", "b"),
		CPUs: pick(r, 0, 0.1, 0.2, digits(r, 2)),
		Mem:  pick(r, 0, 16, 32, digits(r, 200)),
		Disk: pick(r, 0, 0, digits(r, 20)),
		GPUs: pick(r, 0.0, 0, 0, 0, 0, 0, 0, 0, 1), Revocable: r.IntN(4) == 0,
		Ports: make([]task.Port, pick(r, 0, 0, 1, 2, 5)), MaxCompletionTime: pick(r, 0, 0, time.Minute),
	}
	for i := range s.Ports {
		if r.IntN(5) == 0 {
			s.Ports[i] = task.Port{Container: 80, NoHost: true}
		} else if r.IntN(12) == 0 {
			s.Ports[i].Host = uint16(31000 + 200*r.IntN(10) + pick(r, 0, 1, 50))
		}
	}
	if r.IntN(6) == 0 {
		s.Scalars = map[string]float64{"other": pick(r, 1, 0.5)}
	}
	if r.IntN(4) == 0 {
		s.Executor = &task.ExecutorResources{CPUs: pick(r, 0, 0.1, digits(r, 1)), Mem: pick(r, 0, 32, digits(r, 64)), Disk: pick(r, 0.0, 10)}
	}
	for range pick(r, 0, 0, 0, 1, 1, 2) {
		s.Constraints = append(s.Constraints, randomConstraint(r))
	}
	for range pick(r, 0, 0, 0, 1, 3) {
		s.Preferences = append(s.Preferences, randomConstraint(r))
	}
	return s
}

// randomCycle returns a cycle with a few classes of tasks, not all of which share a Spec, and mostly few agents.
func randomCycle(r *rand.Rand) task.Cycle {
	c := task.Cycle{Now: start, Seed: r.Uint64()}
	var agents []task.Agent
	most := 10
	if r.IntN(50) == 0 {
		most = 300 // enough for a real radix sort
	}
	for i := range 1 + r.IntN(most) {
		agents = append(agents, randomAgent(r, i))
	}
	for i := range max(len(agents)-1+r.IntN(4), 0) {
		c.Offers = append(c.Offers, randomOffer(r, i, agents[i%len(agents)]))
	}
	var specs []*task.Spec
	for i := range 1 + r.IntN(8) {
		specs = append(specs, randomSpec(r, fmt.Sprintf("task%02d", i)))
	}
	for i := range r.IntN(40) {
		spec := pick(r, specs...)
		if r.IntN(3) == 0 {
			clone := spec.Clone()
			spec = &clone
		}
		c.Tasks = append(c.Tasks, task.Demand{ID: fmt.Sprintf("task%02d", i), Spec: spec})
	}
	for range r.IntN(6) {
		gone := randomAgent(r, 20+r.IntN(3))
		c.Running = append(c.Running, task.Presence{Group: pick(r, "", "a", "b"), Agent: pick(r, append(agents, gone)...), Tasks: r.IntN(4)})
	}
	for i := range r.IntN(5) {
		k := task.KnownAgent{Offer: randomOffer(r, i, randomAgent(r, 20+i)), ExpectedUntil: start.Add(pick(r, 0, time.Second, time.Second))}
		if r.IntN(8) == 0 {
			k.Offer.Agent = pick(r, agents...) // mostly one that is offered as well
		}
		k.Offer.ID = ""
		c.Agents = append(c.Agents, k)
	}
	return c
}

// iterations returns how many of n random cases to test: a tenth with -short.
func iterations(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// Each strategy places tasks as the reference does, and the results pass check.
func TestLikeReference(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			cycles := iterations(1000)
			var placed, rejected int
			for seed := range uint64(cycles) {
				cycle := randomCycle(rand.New(rand.NewPCG(seed, 1)))
				placements, rejections := v.fast.Match(cycle)
				want, rest := newReference(v.slow, cycle).match(v.slow)
				require.Equal(t, lines(want), lines(placements), "seed %d", seed)
				require.NoError(t, check(v.slow, cycle, placements, rejections), "seed %d", seed)
				placed, rejected = placed+len(placements), rejected+len(rest)
			}
			require.Greater(t, placed, 2*cycles, "the cases must not be trivial")
			require.Greater(t, rejected, 3*cycles, "the cases must not be trivial")
		})
	}
}

// lines returns placements as text, one each, without their resources: the reference leaves these to check.
func lines(all []task.Placement) (lines []string) {
	for _, p := range all {
		lines = append(lines, fmt.Sprint(p.TaskID, " ", p.OfferIDs, " ", p.AgentID, " ", p.Hostname, " ", p.HostPorts))
	}
	return lines
}

// The order of offers and running tasks, and duplicates of offers, do not matter, and the arguments are not modified.
func TestDeterministicAndPure(t *testing.T) {
	all := append(variants(), variant{"random ports", taskmatcher.Spread{Options: taskmatcher.Options{RandomPorts: true}}, strategy{score: spread}})
	for _, v := range all {
		for seed := range uint64(100) {
			cycle := randomCycle(rand.New(rand.NewPCG(seed, 2)))
			same := randomCycle(rand.New(rand.NewPCG(seed, 2)))
			placements, rejections := v.fast.Match(cycle)
			require.True(t, reflect.DeepEqual(same, cycle), "%s, seed %d: its argument was modified", v.name, seed)
			r := rand.New(rand.NewPCG(seed, 5))
			r.Shuffle(len(cycle.Offers), func(i, j int) { cycle.Offers[i], cycle.Offers[j] = cycle.Offers[j], cycle.Offers[i] })
			r.Shuffle(len(cycle.Running), func(i, j int) { cycle.Running[i], cycle.Running[j] = cycle.Running[j], cycle.Running[i] })
			r.Shuffle(len(cycle.Agents), func(i, j int) { cycle.Agents[i], cycle.Agents[j] = cycle.Agents[j], cycle.Agents[i] })
			cycle.Offers = append(cycle.Offers, cycle.Offers[:len(cycle.Offers)/2]...)
			again, againRejections := v.fast.Match(cycle)
			require.Equal(t, placements, again, "%s, seed %d", v.name, seed)
			require.Equal(t, rejections, againRejections, "%s, seed %d", v.name, seed)
		}
	}
}

// Random ports pass check, and differ between seeds.
func TestRandomPorts(t *testing.T) {
	m := taskmatcher.BestFit{Options: taskmatcher.Options{RandomPorts: true}}
	different := 0
	for seed := range uint64(200) {
		cycle := randomCycle(rand.New(rand.NewPCG(seed, 6)))
		placements, rejections := m.Match(cycle)
		require.NoError(t, check(strategy{score: bestFit}, cycle, placements, rejections), "seed %d", seed)
		cycle.Seed++
		if again, _ := m.Match(cycle); !reflect.DeepEqual(again, placements) {
			different++
		}
	}
	require.Greater(t, different, 50)
}

// The negative test of check: it must find the fault of each of these matchers.
func TestCheckFindsFaults(t *testing.T) {
	t.Parallel()
	type matching = func(task.Cycle) ([]task.Placement, []task.Rejection)
	match := taskmatcher.FirstFit{}.Match
	// altered returns a matcher that works on altered copies of the specs and offers.
	altered := func(alter func(*task.Spec), offer func(*task.Offer)) matching {
		return func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			c.Tasks, c.Offers = slices.Clone(c.Tasks), slices.Clone(c.Offers)
			for i := range c.Tasks {
				s := c.Tasks[i].Spec.Clone()
				if alter != nil {
					alter(&s)
				}
				c.Tasks[i].Spec = &s
			}
			for i := range c.Offers {
				if offer != nil {
					o := &c.Offers[i]
					o.Resources = slices.Clone(o.Resources)
					offer(o)
				}
			}
			return match(c)
		}
	}
	for fault, faulty := range map[string]matching{
		"forgets quarantined ports": altered(nil, func(o *task.Offer) { o.Quarantined = nil }),
		"forgets constraints":       altered(func(s *task.Spec) { s.Constraints = nil }, nil),
		"forgets roles":             altered(func(s *task.Spec) { s.Role = "" }, nil),
		"forgets ports":             altered(func(s *task.Spec) { s.Ports = nil }, nil),
		"takes ports below 1024 too early": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			c.Offers = slices.Clone(c.Offers)
			for i := range c.Offers {
				o := &c.Offers[i]
				o.Resources = slices.DeleteFunc(slices.Clone(o.Resources), func(r mesos.Resource) bool {
					return r.Name == "ports" && r.Ranges.Range[0].Begin >= 1022
				})
			}
			return match(c)
		},
		"takes host ports that nobody asked for": altered(func(s *task.Spec) {
			for i := range s.Ports {
				s.Ports[i].NoHost = false
			}
		}, nil),
		"takes any port":              altered(func(s *task.Spec) { s.Ports = make([]task.Port, len(s.Ports)) }, nil),
		"asks for less":               altered(func(s *task.Spec) { s.CPUs /= 2 }, nil),
		"forgets the executor":        altered(func(s *task.Spec) { s.Executor = nil }, nil),
		"asks for more":               altered(func(s *task.Spec) { s.Mem++ }, nil),
		"takes revocable ones":        altered(func(s *task.Spec) { s.Revocable = true }, nil),
		"forgets maintenance":         altered(nil, func(o *task.Offer) { o.Agent.Unavailable = time.Time{} }),
		"forgets other groups":        altered(func(s *task.Spec) { s.Group = "" }, nil),
		"counts no running tasks":     func(c task.Cycle) ([]task.Placement, []task.Rejection) { c.Running = nil; return match(c) },
		"lets others on GPU agents":   taskmatcher.FirstFit{Options: taskmatcher.Options{ShareGPUAgents: true}}.Match,
		"does not know other scalars": altered(func(s *task.Spec) { s.Scalars = nil }, nil),
		"loses the reservations": altered(nil, func(o *task.Offer) {
			for i := range o.Resources {
				o.Resources[i].Reservations = nil
			}
		}),
		"takes what is not reserved first": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			c.Offers = slices.Clone(c.Offers)
			for i := range c.Offers {
				o := &c.Offers[i]
				o.Resources = slices.DeleteFunc(slices.Clone(o.Resources), func(r mesos.Resource) bool { return len(r.Reservations) > 0 })
			}
			return match(c)
		},
		"uses what is reserved for others": altered(nil, func(o *task.Offer) {
			for i := range o.Resources {
				if len(o.Resources[i].Reservations) > 0 {
					o.Resources[i] = reserve(o.Resources[i], o.Role)
				}
			}
		}),
		"uses everything twice": func(c task.Cycle) (p []task.Placement, r []task.Rejection) {
			tasks := c.Tasks
			for i := range tasks {
				c.Tasks = tasks[i : i+1]
				placements, rejections := match(c)
				p, r = append(p, placements...), append(r, rejections...)
			}
			return p, r
		},
		"hands out a port twice": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			placements, rejections := match(c)
			for i := range placements {
				for _, earlier := range placements[:i] {
					if earlier.AgentID == placements[i].AgentID && len(earlier.HostPorts) == len(placements[i].HostPorts) {
						placements[i].HostPorts = earlier.HostPorts
					}
				}
			}
			return placements, rejections
		},
		"uses one of several offers": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			placements, rejections := match(c)
			for i := range placements {
				placements[i].OfferIDs = placements[i].OfferIDs[:1]
			}
			return placements, rejections
		},
		"gives up too early": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			c.Offers = c.Offers[len(c.Offers)/2:]
			return match(c)
		},
		"loses tasks": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			placements, _ := match(c)
			return placements, nil
		},
	} {
		found := 0
		for seed := range uint64(200) {
			cycle := randomCycle(rand.New(rand.NewPCG(seed, 3)))
			placements, rejections := faulty(cycle)
			if check(strategy{score: firstFit}, cycle, placements, rejections) != nil {
				found++
			}
		}
		require.Greater(t, found, 5, fault)
	}
}
