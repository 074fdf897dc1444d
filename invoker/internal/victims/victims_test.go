package victims

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// box is a container of a test.
type box struct {
	name  string
	slot  Slot[*box]
	agent int
	Candidate[*box]
}

// world is an index and what is in it.
type world struct {
	index  Index[*box]
	agents []*Agent[*box]
	idle   []*box
}

func (w *world) agent(free, busy int) int {
	a := w.index.Add()
	a.Free, a.Busy = free, busy
	w.agents = append(w.agents, a)
	return len(w.agents) - 1
}

func (w *world) put(name string, agent, memory int, value float64, used time.Time) *box {
	b := &box{name: name, agent: agent, Candidate: Candidate[*box]{Memory: memory, Value: value, Used: used}}
	b.Container = b
	w.agents[agent].Put(&b.slot, b.Candidate)
	w.idle = append(w.idle, b)
	return b
}

func names(boxes []*box) []string {
	var all []string
	for _, b := range boxes {
		all = append(all, b.name)
	}
	slices.Sort(all)
	return all
}

func at(second int) time.Time { return time.Unix(int64(second), 0) }

var long = at(1000) // all of the tests' containers were used before

func TestTheCheapestOnOneAgentNotTheLeastRecentlyUsedOverAll(t *testing.T) {
	var w world
	a, b := w.agent(0, 0), w.agent(0, 0)
	w.put("oldest-1", a, 256, 1, at(1))
	w.put("oldest-2", b, 256, 1, at(2))
	w.put("newer-1", a, 256, 5, at(3))
	w.put("newer-2", b, 256, 3, at(4))

	agent, chosen := w.index.Choose(512, long)
	require.Same(t, w.agents[b], agent)
	require.Equal(t, []string{"newer-2", "oldest-2"}, names(chosen))
}

func TestWhatIsFreeOnTheAgentCounts(t *testing.T) {
	var w world
	a, b := w.agent(0, 0), w.agent(256, 0)
	w.put("big", a, 512, 1.5, at(1))
	w.put("small", b, 256, 1, at(1))
	agent, chosen := w.index.Choose(512, long)
	require.Same(t, w.agents[b], agent)
	require.Equal(t, []string{"small"}, names(chosen))

	agent, chosen = w.index.Choose(256, long)
	require.Same(t, w.agents[b], agent)
	require.Empty(t, chosen, "there is room already")

	w.agents[b].Free = -512 // more is in use than there is
	agent, chosen = w.index.Choose(512, long)
	require.Same(t, w.agents[a], agent)
	require.Equal(t, []string{"big"}, names(chosen))
}

func TestTiesAreBrokenByFewestBusyThenByWhatWasAddedFirst(t *testing.T) {
	var w world
	for _, busy := range []int{2, 1, 1} {
		w.put(fmt.Sprint("of ", busy), w.agent(0, busy), 256, 1, at(1))
	}
	agent, _ := w.index.Choose(256, long)
	require.Same(t, w.agents[1], agent)
}

func TestWhatWasUsedLatelyIsChosenOnlyIfNothingElseSuffices(t *testing.T) {
	var w world
	a := w.agent(0, 0)
	w.put("recent", a, 256, 0, at(20))
	w.put("dear", a, 256, 100, at(10))
	_, chosen := w.index.Choose(256, at(10))
	require.Equal(t, []string{"dear"}, names(chosen))
	_, chosen = w.index.Choose(512, at(10))
	require.Equal(t, []string{"dear", "recent"}, names(chosen))
	agent, chosen := w.index.Choose(513, at(10))
	require.Nil(t, agent)
	require.Empty(t, chosen)
}

// Greedy by the price of a MiB would take "cheap" and then have to take "whale", which makes "cheap" superfluous and is worth 100.
func TestAContainerThatIsCheapPerMiBAndDearAsAWholeIsNotTakenWhereASmallOneWillDo(t *testing.T) {
	var w world
	a := w.agent(0, 0)
	w.put("cheap", a, 900, 1, at(1))
	w.put("whale", a, 10000, 100, at(1))
	w.put("small", a, 100, 2, at(1))
	_, chosen := w.index.Choose(1000, long)
	require.Equal(t, []string{"cheap", "small"}, names(chosen))
}

func TestATakenContainerIsNotChosenAndANewValueCounts(t *testing.T) {
	var w world
	a := w.agent(0, 0)
	first := w.put("first", a, 256, 1, at(1))
	second := w.put("second", a, 256, 2, at(1))
	third := w.put("third", a, 256, 3, at(1))
	first.slot.Take()
	first.slot.Take() // not in the index any more: nothing happens
	_, chosen := w.index.Choose(256, long)
	require.Equal(t, []string{"second"}, names(chosen))

	w.index.Revalue(func(b *box) float64 { return map[*box]float64{second: 9, third: 8}[b] })
	_, chosen = w.index.Choose(256, long)
	require.Equal(t, []string{"third"}, names(chosen))

	require.Equal(t, 2, w.agents[a].Len())
	require.InDelta(t, 17, w.agents[a].Value(), 1e-9)

	w.index.Remove(w.agents[a])
	second.slot.Take()
	agent, _ := w.index.Choose(256, long)
	require.Nil(t, agent)
}

func TestAnywhereSumsOverAllAgents(t *testing.T) {
	var w world
	w.put("a", w.agent(0, 0), 256, 1, at(1))
	w.put("b", w.agent(0, 0), 256, 2, at(1))
	w.put("c", w.agent(0, 0), 256, 3, at(1))
	require.Equal(t, []string{"a", "b"}, names(w.index.ChooseAnywhere(512, long)))
	require.Empty(t, w.index.ChooseAnywhere(1000, long))
	w.idle[0].slot.Take()
	require.Equal(t, []string{"b", "c"}, names(w.index.ChooseAnywhere(512, long)), "slots are still those of the index")
}

// What is chosen suffices, no victim can be left out, and it is worth at most twice the best that trying all subsets finds.
func TestChoiceAgainstAllSubsets(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		w, spare := random(r)
		need := 1 + r.IntN(1500)
		agent, chosen := w.index.Choose(need, spare)
		best, recent := w.exhaustive(need, spare), false
		if math.IsInf(best, 1) {
			best, recent = w.exhaustive(need, at(math.MaxInt32)), true
		}
		if math.IsInf(best, 1) {
			require.Nil(t, agent, "seed %d", seed)
			continue
		}
		require.NotNil(t, agent, "seed %d", seed)
		checkChoice(t, w, agent, chosen, need, seed)
		value := 0.0
		for _, b := range chosen {
			value += b.Value
			require.True(t, recent || !b.Used.After(spare), "seed %d: %s was used lately", seed, b.name)
		}
		require.LessOrEqual(t, value, 2*best+1e-9, "seed %d", seed)
	}
}

func checkChoice(t *testing.T, w *world, agent *Agent[*box], chosen []*box, need int, seed uint64) {
	require.Empty(t, w.fault(agent, chosen, need), "seed %d", seed)
}

// fault returns what is wrong with a choice.
func (w *world) fault(agent *Agent[*box], chosen []*box, need int) string {
	sum := agent.Free
	for _, b := range chosen {
		if w.agents[b.agent] != agent {
			return b.name + " is on another agent"
		}
		sum += b.Memory
	}
	for _, b := range chosen {
		if sum-b.Memory >= need {
			return b.name + " is not needed"
		}
	}
	if sum < need {
		return "it does not suffice"
	}
	return ""
}

// The rule of OpenWhisk, the least recently used over all agents until the sum suffices, does not pass the check.
func TestTheLeastRecentlyUsedOverTheSumAreNoChoice(t *testing.T) {
	faults := 0
	for seed := range uint64(300) {
		w, _ := random(rand.New(rand.NewPCG(seed, 1)))
		idle := slices.Clone(w.idle)
		slices.SortFunc(idle, func(a, b *box) int { return a.Used.Compare(b.Used) })
		memory := 0
		for i, b := range idle {
			if memory += b.Memory; memory >= 1024 {
				if w.fault(w.agents[b.agent], idle[:i+1], 1024) != "" {
					faults++
				}
				break
			}
		}
	}
	require.Greater(t, faults, 100)
}

// random returns a small world, of which some containers have been taken and put back.
func random(r *rand.Rand) (w *world, spare time.Time) {
	w = &world{}
	for range 1 + r.IntN(3) {
		w.agent(r.IntN(600)-200, r.IntN(3))
	}
	for i := range r.IntN(12) {
		value := float64(r.IntN(50))
		if r.IntN(2) == 0 {
			value = r.ExpFloat64() * 20
		}
		w.put(fmt.Sprint(i), r.IntN(len(w.agents)), 1+r.IntN(8)*128, value, at(r.IntN(20)))
	}
	for _, b := range w.idle {
		if r.IntN(3) == 0 {
			b.slot.Take()
			b.agent = r.IntN(len(w.agents))
			w.agents[b.agent].Put(&b.slot, b.Candidate)
		}
	}
	return w, at(15)
}

// exhaustive returns the least value of a set that suffices on one agent, +Inf if there is none.
func (w *world) exhaustive(need int, spare time.Time) float64 {
	best := math.Inf(1)
	for a := range w.agents {
		var idle []*box
		for _, b := range w.idle {
			if b.agent == a && !b.Used.After(spare) {
				idle = append(idle, b)
			}
		}
		for set := range 1 << len(idle) {
			memory, value := w.agents[a].Free, 0.0
			for i, b := range idle {
				if set&(1<<i) != 0 {
					memory += b.Memory
					value += b.Value
				}
			}
			if memory >= need {
				best = min(best, value)
			}
		}
	}
	return best
}

// BenchmarkChoose is a choice among 10,000 idle containers on 1,000 agents, by the index, and by collecting all of an agent's
// containers and sorting them, for each agent.
func BenchmarkChoose(b *testing.B) {
	for _, agents := range []int{1000, 100, 1} {
		r := rand.New(rand.NewPCG(1, 1))
		var w world
		for range agents {
			w.agent(r.IntN(128), r.IntN(10))
		}
		for i := range 10000 {
			w.put(fmt.Sprint(i), i%agents, 128<<r.IntN(3), r.ExpFloat64(), at(r.IntN(900)))
		}
		for _, need := range []int{256, 2048} {
			b.Run(fmt.Sprintf("agents=%d/MiB=%d/index", agents, need), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if a, _ := w.index.Choose(need, long); a == nil {
						b.Fatal("no choice")
					}
				}
			})
			b.Run(fmt.Sprintf("agents=%d/MiB=%d/naive", agents, need), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w.naive(need)
				}
			})
		}
	}
}

// BenchmarkUse is what it costs to keep the index: a container is taken out and put back.
func BenchmarkUse(b *testing.B) {
	var w world
	a := w.agent(0, 0)
	for i := range 1000 {
		w.put(fmt.Sprint(i), a, 256, 1, at(1))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		box := w.idle[i%1000]
		box.slot.Take()
		w.agents[a].Put(&box.slot, box.Candidate)
	}
}

func (w *world) naive(need int) (best []*box) {
	byAgent := map[int][]*box{}
	for _, b := range w.idle {
		byAgent[b.agent] = append(byAgent[b.agent], b)
	}
	bestValue := math.Inf(1)
	for a, boxes := range byAgent {
		slices.SortFunc(boxes, func(x, y *box) int { return int(x.Value/float64(x.Memory)*1e9) - int(y.Value/float64(y.Memory)*1e9) })
		memory, value := w.agents[a].Free, 0.0
		for i, b := range boxes {
			memory += b.Memory
			value += b.Value
			if memory >= need {
				if value < bestValue {
					best, bestValue = boxes[:i+1], value
				}
				break
			}
		}
	}
	return best
}
