package taskmatcher_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// odd returns an amount chosen by a byte, often one that a master would never send.
func odd(b byte) float64 {
	values := [...]float64{0, 0.1, 1, 64, 0.0004, 0.0005, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, math.MaxFloat64, 0.999999, 1.001, 1e12, 3}
	return values[int(b)%len(values)]
}

// FuzzMatch runs all strategies on invalid and unusual offers, tasks and running tasks: negative, infinite, duplicated,
// overlapping, nil. Invariants: no panic; no more is taken than is offered; invalid tasks are rejected; a rejected task
// fits nowhere; the reasons account for each candidate.
func FuzzMatch(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{3, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24})
	f.Add([]byte("several roles, ranges that overlap, and offers that come twice"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cycle := oddCycle(func() byte {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return b
		})
		for _, v := range variants() {
			placements, rejections := v.fast.Match(cycle)
			require.NoError(t, check(v.slow, cycle, placements, rejections), v.name)
		}
	})
}

func oddCycle(next func() byte) task.Cycle {
	c := task.Cycle{Now: start, Seed: uint64(next())}
	for i := range int(next() % 6) {
		o := task.Offer{ID: fmt.Sprint("o", i), Agent: oddAgent(next), Role: "r", Quarantined: []uint16{0, 31001, 2, 65535}}
		for range next() % 8 {
			o.Resources = append(o.Resources, oddResource(next))
		}
		c.Offers = append(c.Offers, o)
		if next()%4 == 0 {
			c.Offers = append(c.Offers, o)
		}
	}
	// All offers of an agent describe it in the same way.
	for i := range c.Offers {
		first := slices.IndexFunc(c.Offers, func(o task.Offer) bool { return o.Agent.ID == c.Offers[i].Agent.ID })
		if c.Offers[i].Agent.ID != "" {
			c.Offers[i].Agent = c.Offers[first].Agent
		}
	}
	wanted := func() float64 { // mostly an amount that may be offered
		if b := next(); b%16 != 0 {
			return [...]float64{0, 0, 0, 0.1}[b%4]
		}
		return odd(next())
	}
	for i := range int(next() % 12) {
		s := &task.Spec{
			CPUs: wanted(), Mem: wanted(), Disk: wanted(), GPUs: wanted(), Revocable: next()%2 == 0,
			Group: string(rune('a' + next()%2)), MaxCompletionTime: [...]time.Duration{0, time.Minute, math.MaxInt64, -1}[next()%4],
		}
		if next()%4 == 0 {
			s.Executor = &task.ExecutorResources{CPUs: wanted(), Mem: odd(next()), Disk: wanted()}
		}
		for range next() % 4 {
			s.Ports = append(s.Ports, task.Port{Host: [...]uint16{0, 0, 0, 1, 31001, 31002, 65535}[next()%7], NoHost: next()%8 == 0})
		}
		if next()%4 == 0 {
			s.Scalars = map[string]float64{[...]string{"other", "", "ports", "cpus"}[next()%4]: odd(next())}
		}
		for range next() % 5 / 3 {
			s.Constraints = append(s.Constraints, oddConstraint(next))
		}
		for range next() % 3 {
			s.Preferences = append(s.Preferences, oddConstraint(next))
		}
		for range 1 + next()%3 {
			c.Tasks = append(c.Tasks, task.Demand{ID: fmt.Sprint("t", i, len(c.Tasks)), Spec: s})
		}
	}
	for range next() % 4 {
		c.Running = append(c.Running, task.Presence{Group: "a", Agent: oddAgent(next), Tasks: int(int8(next()))})
	}
	return c
}

func oddAgent(next func() byte) task.Agent {
	a := task.Agent{ID: [...]string{"", "S0", "S1", "S10", "T"}[next()%5], Hostname: [...]string{"h", ""}[next()%2]}
	value := float64(next() % 4)
	a.Attributes = [][]mesos.Attribute{
		nil,
		{text("x", "")},
		{number("x", value)},
		{number("x", -0.0001)},
		{spans("x", 3, 1)},
		{set("x")},
		{{Name: "x", Type: mesos.TEXT}},
		{{Name: "x", Type: 99}, text("x", "1")},
		{text("x", "1")},
	}[next()%9]
	if next()%8 == 0 {
		a.Unavailable = start.Add(time.Duration(next()))
	}
	return a
}

func oddConstraint(next func() byte) task.Constraint {
	return task.Constraint{
		Attribute: [...]string{"x", "x", "hostname", ""}[next()%4],
		Operator:  [...]task.Operator{task.OpUnique, task.OpGroupBy, task.OpMaxPer, task.OpCluster, task.OpLike, task.OpUnlike, ""}[next()%7],
		Value:     [...]string{"", "1", "2", "-1", "99999999999", "(", "."}[next()%7],
	}
}

func oddResource(next func() byte) mesos.Resource {
	// Ranges are short, since the checker iterates over all ports. They often overlap, and some end before they begin.
	port := func() uint64 {
		b := uint64(next())
		return [...]uint64{b % 8, 31000 + b%16, 31000 + b%8, 65530 + b%16, math.MaxUint64 - b%4}[b/16%5]
	}
	name := [...]string{"cpus", "mem", "disk", "gpus", "ports", "ports", "other", ""}[next()%8]
	r := scalar(name, odd(next()))
	if name == "ports" {
		a, b, c := port(), port(), port()
		r = ranges(name, a, a+uint64(next()%8), b, b, c, min(c, port()))
	}
	switch next() % 12 {
	case 0:
		r = reserve(r, "r")
		if next()%2 == 0 {
			r = label(r, "owner", [...]string{"us", "", "others"}[next()%3])
		}
	case 1:
		r.Type = nil
	case 2:
		r.Scalar, r.Ranges = nil, nil
	case 3:
		r.Type = mesos.SET.Enum()
	case 4:
		r = revocable(r)
	case 5:
		r.Disk = &mesos.Resource_DiskInfo{}
	case 6:
		r.Role = new(string)
	case 7:
		r.Type = mesos.RANGES.Enum()
	}
	return r
}

// TestOddCycles runs the fuzz target's check on random bytes. It shows that the decoder produces cycles in which
// tasks are placed.
func TestOddCycles(t *testing.T) {
	t.Parallel()
	cycles := iterations(2000)
	placed := 0
	for seed := range uint64(cycles) {
		r := rand.New(rand.NewPCG(seed, 4))
		cycle := oddCycle(func() byte { return byte(r.Uint32()) })
		for _, v := range variants() {
			placements, rejections := v.fast.Match(cycle)
			require.NoError(t, check(v.slow, cycle, placements, rejections), "%s, seed %d", v.name, seed)
			placed += len(placements)
		}
	}
	require.Greater(t, placed, cycles)
}
