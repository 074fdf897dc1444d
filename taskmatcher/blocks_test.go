package taskmatcher_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// manyClasses returns a cycle with many classes, most of which have constraints or preferences, and more agents than
// randomCycle. Their tasks alternate.
func manyClasses(r *rand.Rand) task.Cycle {
	c := task.Cycle{Now: start, Seed: r.Uint64()}
	var agents []task.Agent
	for i := range 10 + r.IntN(60) {
		agents = append(agents, randomAgent(r, i))
		c.Offers = append(c.Offers, randomOffer(r, i, agents[i]))
	}
	var specs []*task.Spec
	for i := range 10 + r.IntN(20) {
		s := randomSpec(r, fmt.Sprintf("task%02d", i))
		if s.CPUs, s.Mem = s.CPUs/4, s.Mem/4; r.IntN(2) == 0 { // several of them on an agent
			s.Constraints = append(s.Constraints, task.Constraint{Attribute: pick(r, "rack", task.AttributeZone), Operator: task.OpGroupBy})
		}
		s.CPUs, s.Mem = float64(int(s.CPUs*1000))/1000, float64(int(s.Mem*1000))/1000
		specs = append(specs, s)
	}
	for i := range 60 + r.IntN(100) {
		c.Tasks = append(c.Tasks, task.Demand{ID: fmt.Sprintf("task%03d", i), Spec: specs[i%len(specs)]})
	}
	for range r.IntN(20) {
		c.Running = append(c.Running, task.Presence{Group: pick(r, "", "a", "b"), Agent: pick(r, agents...), Tasks: r.IntN(4)})
	}
	for i := range r.IntN(5) {
		k := task.KnownAgent{Offer: randomOffer(r, i, randomAgent(r, 100+i)), ExpectedUntil: start.Add(pick(r, 0, time.Second))}
		c.Agents = append(c.Agents, k)
	}
	return c
}

// differs returns an error if a matcher places tasks elsewhere than the reference does.
func differs(fast matcher, slow strategy, cycle task.Cycle) (placed int, err error) {
	placements, rejections := fast.Match(cycle)
	want, _ := newReference(slow, cycle).match(slow)
	if !slices.Equal(lines(want), lines(placements)) {
		return 0, errors.New("other placements")
	}
	return len(placements), check(slow, cycle, placements, rejections)
}

// With many classes that share block lists, BestFit places tasks as the reference does, whatever the size of blocks is.
func TestManyClasses(t *testing.T) {
	t.Parallel()
	cycles, placed := iterations(200), 0
	for seed := range uint64(cycles) {
		cycle := manyClasses(rand.New(rand.NewPCG(seed, 7)))
		size := []int{2, 3, 5, 64}[seed%4]
		n, err := differs(taskmatcher.InBlocks{Size: size}, strategy{score: bestFit}, cycle)
		require.NoError(t, err, "seed %d, blocks of %d", seed, size)
		placed += n
	}
	require.Greater(t, placed, 30*cycles, "the cases must not be trivial")
}

// The negative test of TestManyClasses: it must find that these go by something else than BestFit does.
func TestManyClassesFindsFaults(t *testing.T) {
	t.Parallel()
	for fault, wrong := range map[string]strategy{
		"goes by what was offered":    {score: func(_ *reference, _ *task.Spec, c *remaining) float64 { return float64(c.offered["cpus"]) }},
		"goes by memory":              {score: func(_ *reference, _ *task.Spec, c *remaining) float64 { return float64(c.free["mem"]) }},
		"does not go by what is left": {score: firstFit},
		"takes the last of equals": {score: func(w *reference, s *task.Spec, c *remaining) float64 {
			return bestFit(w, s, c) - 1e-3*float64(slices.Index(w.candidates, c))/float64(len(w.candidates))
		}},
		"forgets the tasks of one group": {score: func(w *reference, s *task.Spec, c *remaining) float64 {
			if s.Group == "b" {
				return 0
			}
			return bestFit(w, s, c)
		}},
	} {
		found := 0
		for seed := range uint64(10) {
			cycle := manyClasses(rand.New(rand.NewPCG(seed, 7)))
			if _, err := differs(taskmatcher.InBlocks{Size: 3}, wrong, cycle); err != nil {
				found++
			}
		}
		require.Greater(t, found, 0, fault)
	}
}

// All that block lists and searches claim to know is true after each placement.
func TestBlocksKnowTheTruth(t *testing.T) {
	t.Parallel()
	var all taskmatcher.Blocks
	for seed := range uint64(iterations(400)) {
		size := []int{2, 3, 5, 64}[seed%4]
		seen, err := taskmatcher.InBlocks{Size: size}.Check(manyClasses(rand.New(rand.NewPCG(seed, 8))), nil)
		require.NoError(t, err, "seed %d, blocks of %d", seed, size)
		all.Lanes, all.Splits, all.Emptied = all.Lanes+seen.Lanes, all.Splits+seen.Splits, all.Emptied+seen.Emptied
		all.Dropped, all.Floors, all.Closed = all.Dropped+seen.Dropped, all.Floors+seen.Floors, all.Closed+seen.Closed
	}
	for _, n := range []int{all.Lanes, all.Splits, all.Emptied, all.Dropped, all.Floors, all.Closed} {
		require.Greater(t, n, 10, "the cases must not be trivial: %+v", all)
	}
}

// The negative test of TestBlocksKnowTheTruth.
func TestBlocksFaultsAreFound(t *testing.T) {
	t.Parallel()
	for name, fault := range taskmatcher.Faults() {
		found := 0
		for seed := range uint64(20) {
			if _, err := (taskmatcher.InBlocks{Size: 3}).Check(manyClasses(rand.New(rand.NewPCG(seed, 8))), fault); err != nil {
				found++
			}
		}
		require.Greater(t, found, 5, name)
	}
}
