package taskmatcher_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// benchStrategies returns the strategies to measure.
func benchStrategies() []variant {
	return []variant{
		{"FirstFit", taskmatcher.FirstFit{}, strategy{score: firstFit}},
		{"BestFit", taskmatcher.BestFit{}, strategy{score: bestFit}},
		{"Spread", taskmatcher.Spread{}, strategy{score: spread}},
		{
			"Scored",
			taskmatcher.Scored{Score: func(_ *task.Spec, c *taskmatcher.Candidate) float64 { return c.Free("mem") / c.Offered("mem") }},
			strategy{score: func(_ *reference, _ *task.Spec, c *remaining) float64 {
				return float64(c.free["mem"]) / float64(c.offered["mem"])
			}},
		},
	}
}

// BenchmarkMatch measures all combinations of strategies, agents, pending tasks, classes and constraints. With at
// least as many agents as tasks nearly all tasks can be placed. Tasks of different classes alternate.
func BenchmarkMatch(b *testing.B) {
	for _, s := range benchStrategies() {
		for _, agents := range []int{100, 1_000, 10_000} {
			for _, pending := range []int{100, 10_000, 100_000} {
				for _, classes := range []int{1, 10, 200} {
					for _, constraints := range []string{"none", "some"} {
						name := fmt.Sprintf("strategy=%s/agents=%d/pending=%d/classes=%d/constraints=%s", s.name, agents, pending, classes, constraints)
						b.Run(name, func(b *testing.B) { bench(b, s.fast, benchCycle(agents, pending, classes, constraints == "some")) })
					}
				}
			}
		}
	}
}

// target is a case for which docs/benchmarks.md has a target.
type target struct {
	name, what string
	cycle      func() task.Cycle
}

func targets() []target {
	return []target{
		{"200-tasks", "200 tasks of 3 classes, 10,000 agents", func() task.Cycle { return benchCycle(10_000, 200, 3, false) }},
		{"200-distinct", "200 tasks, each of its own class, 10,000 agents", func() task.Cycle { return benchCycle(10_000, 200, 200, false) }},
		{"100000-tasks", "100,000 tasks of 50 classes, 10,000 agents", func() task.Cycle { return benchCycle(10_000, 100_000, 50, false) }},
		{"100000-constrained", "the same with constraints", func() task.Cycle { return benchCycle(10_000, 100_000, 50, true) }},
		{"100000-unshared", "the same without constraints, each task with its own Spec", func() task.Cycle { return unshared(benchCycle(10_000, 100_000, 50, false)) }},
		{"100000-too-large", "100,000 tasks of 10 classes that fit nowhere, 1,000 offers", func() task.Cycle { return tooLarge(benchCycle(1_000, 100_000, 10, false)) }},
	}
}

func BenchmarkTargets(b *testing.B) {
	for _, s := range benchStrategies() {
		for _, c := range targets() {
			b.Run("strategy="+s.name+"/case="+c.name, func(b *testing.B) { bench(b, s.fast, c.cycle()) })
		}
	}
}

// referenceSizes returns pairs of numbers of agents and pending tasks.
func referenceSizes() [][2]int {
	return [][2]int{{100, 100}, {1_000, 1_000}, {10_000, 200}, {10_000, 10_000}}
}

// BenchmarkReference measures the reference, which looks at all pairs of tasks and candidates.
func BenchmarkReference(b *testing.B) {
	for _, s := range benchStrategies() {
		for _, size := range referenceSizes() {
			b.Run(fmt.Sprintf("strategy=%s/agents=%d/pending=%d/classes=10", s.name, size[0], size[1]), func(b *testing.B) {
				benchReference(b, s.slow, benchCycle(size[0], size[1], 10, false))
			})
		}
	}
}

func benchReference(b *testing.B, s strategy, cycle task.Cycle) {
	for b.Loop() {
		newReference(s, cycle).match(s)
	}
}

func bench(b *testing.B, m matcher, cycle task.Cycle) {
	b.ReportAllocs()
	placed, begin := 0, processorTime()
	for b.Loop() {
		placements, rejections := m.Match(cycle)
		placed = len(placements)
		others := 0
		for _, r := range rejections {
			others += 1 + r.Others
		}
		if placed+others != len(cycle.Tasks) {
			b.Fatalf("%d placements, %d rejected", placed, others)
		}
	}
	b.ReportMetric(float64(placed), "placed")
	b.ReportMetric(float64((processorTime()-begin).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// BenchmarkReadingOffers compares a cycle of 200 tasks on 10,000 agents with reading the offers once: what each agent
// offers to each role, by resource, which every matcher must know that places tasks where they fit best. Run it with
//
//	go test ./taskmatcher -run xxx -bench ReadingOffers -benchtime 10x
func BenchmarkReadingOffers(b *testing.B) {
	for _, s := range benchStrategies() {
		for _, c := range targets()[:2] {
			b.Run("strategy="+s.name+"/case="+c.name, func(b *testing.B) { benchReading(b, s.fast, c.cycle()) })
		}
	}
}

// benchReading does both in turn, and compares processor times.
func benchReading(b *testing.B, m matcher, cycle task.Cycle) {
	const rounds = 20 // in each iteration
	var read, match time.Duration
	for b.Loop() {
		for range rounds {
			begin := processorTime()
			if len(readOffers(cycle.Offers)) != len(cycle.Offers) {
				b.Fatal("each agent has one offer")
			}
			between := processorTime()
			m.Match(cycle)
			read, match = read+between-begin, match+processorTime()-between
		}
	}
	b.ReportMetric(0, "ns/op") // would be that of many rounds
	b.ReportMetric(float64(read.Microseconds())/1000/rounds/float64(b.N), "read-cpu-ms")
	b.ReportMetric(float64(match.Microseconds())/1000/rounds/float64(b.N), "match-cpu-ms")
	b.ReportMetric(float64(match)/float64(read), "match/read")
}

// offered is what one agent offers to one role.
type offered struct {
	agent                         *task.Agent
	role                          string
	cpus, mem, disk, gpus, others float64
	ports                         uint64
}

// readOffers adds up what is offered.
func readOffers(offers []task.Offer) []offered {
	type key struct{ agent, role string }
	numbers, sums := make(map[key]int, len(offers)), make([]offered, 0, len(offers))
	for i := range offers {
		o := &offers[i]
		number, known := numbers[key{o.Agent.ID, o.Role}]
		if !known {
			number = len(sums)
			numbers[key{o.Agent.ID, o.Role}] = number
			sums = append(sums, offered{agent: &o.Agent, role: o.Role})
		}
		sum := &sums[number]
		for j := range o.Resources {
			r := &o.Resources[j]
			switch amount := r.GetScalar().GetValue(); r.Name {
			case "cpus":
				sum.cpus += amount
			case "mem":
				sum.mem += amount
			case "disk":
				sum.disk += amount
			case "gpus":
				sum.gpus += amount
			case "ports":
				for _, each := range r.GetRanges().GetRange() {
					sum.ports += each.End - each.Begin + 1
				}
			default:
				sum.others += amount
			}
		}
	}
	return sums
}

// benchCycle returns a cycle with agents of four sizes that are partly used, one offer each, and tasks with one port each.
func benchCycle(agents, pending, classes int, constraints bool) task.Cycle {
	r := rand.New(rand.NewPCG(1, uint64(agents)))
	c := task.Cycle{Now: start}
	for i := range agents {
		size := float64(int(8) << r.IntN(4))
		c.Offers = append(c.Offers, task.Offer{
			ID: fmt.Sprintf("cdb9a1de-8a5c-4f5c-a1ee-2d2a3c1d6a9f-O%d", i), Role: "test",
			Agent: task.Agent{
				ID: fmt.Sprintf("cdb9a1de-8a5c-4f5c-a1ee-2d2a3c1d6a9f-S%d", i), Hostname: fmt.Sprintf("agent%d.example", i),
				Attributes: []mesos.Attribute{text("kind", fmt.Sprint("k", r.IntN(3))), text("rack", fmt.Sprint("r", i*40/agents))},
			},
			Resources: []mesos.Resource{
				allocate(ranges("ports", 31000, 32000), "test"),
				allocate(scalar("cpus", size-float64(r.IntN(40))/10), "test"),
				allocate(scalar("mem", 4096*size-float64(r.IntN(16))*1024), "test"),
				allocate(scalar("disk", 100_000), "test"),
			},
		})
	}
	specs := make([]*task.Spec, classes)
	for i := range specs {
		specs[i] = &task.Spec{
			ID: "a task", Group: fmt.Sprint("g", i%7), CPUs: 0.1 + float64(i%20)/10, Mem: 64 + 16*float64(i), Ports: make([]task.Port, 1),
		}
		if constraints {
			specs[i].Constraints = []task.Constraint{benchConstraint(i)}
		}
	}
	for i := range pending {
		c.Tasks = append(c.Tasks, task.Demand{ID: fmt.Sprint("task", i), Spec: specs[i%classes]})
	}
	return c
}

func benchConstraint(i int) task.Constraint {
	return [...]task.Constraint{
		{Attribute: "rack", Operator: task.OpLike, Value: "r[12]?[0-9]"},
		{Attribute: "kind", Operator: task.OpUnlike, Value: "k1"},
		{Attribute: "rack", Operator: task.OpGroupBy},
		{Attribute: "kind", Operator: task.OpIs, Value: "k2"},
		{Attribute: task.AttributeHostname, Operator: task.OpMaxPer, Value: "5"},
		{Attribute: task.AttributeHostname, Operator: task.OpGroupBy},
	}[i%6]
}

// unshared replaces the spec of each task by a copy of its own.
func unshared(c task.Cycle) task.Cycle {
	for i := range c.Tasks {
		s := *c.Tasks[i].Spec
		c.Tasks[i].Spec = &s
	}
	return c
}

// tooLarge makes all tasks too large for any agent.
func tooLarge(c task.Cycle) task.Cycle {
	for _, d := range c.Tasks {
		d.Spec.Mem = 1e9
	}
	return c
}

// A placement takes few allocations, with every strategy.
func TestAllocations(t *testing.T) {
	const tasks = 2000
	cycle := benchCycle(100, tasks, 10, true)
	for _, s := range benchStrategies() {
		placed := 0
		allocations := testing.AllocsPerRun(3, func() {
			placements, _ := s.fast.Match(cycle)
			placed = len(placements)
		})
		require.Greater(t, placed, tasks/4)
		require.Less(t, allocations/float64(placed), 2.0, s.name)
	}
}
