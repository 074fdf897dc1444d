package invoker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cluster returns a bench on agents with so many MiB each.
func cluster(t *testing.T, memory ...int) *bench {
	b := newBench(t, func(s *settings) { s.Memory = 0 })
	var agents []Agent
	for i, m := range memory {
		agents = append(agents, Agent{ID: fmt.Sprint("agent-", i), Memory: m})
	}
	b.step(agentsSeen{agents: agents})
	return b
}

// idle has a container of a key on an agent be idle.
func (b *bench) idle(k Key, agent string) {
	b.t.Helper()
	b.step(release{grant: b.warm(1, k, agent)})
}

func TestVictimsAreOnOneAgentAndWorthLeast(t *testing.T) {
	b := cluster(t, 512, 512)
	b.idle(keyNamed("a"), "agent-0") // the two oldest are on different agents
	b.elapse(time.Minute)
	b.idle(keyNamed("b"), "agent-1")
	b.elapse(time.Minute)
	b.idle(keyNamed("c"), "agent-0")
	b.elapse(time.Minute)
	b.idle(keyNamed("d"), "agent-1")
	b.elapse(time.Minute)
	b.acquire(9, sized("big", 512))
	// 1/5 + 1/3 on the first, 1/4 + 1/2 on the second
	require.Equal(t, []destroy{{id: "o-1-3"}, {id: "o-1-1"}}, only[destroy](b.commands))
}

func TestWhatWasUsedInTheLastTenSecondsIsSparedIfOthersSuffice(t *testing.T) {
	b := cluster(t, 256, 512)
	b.idle(sized("hot", 512), "agent-1")
	b.elapse(11 * time.Second)
	b.idle(keyNamed("fresh"), "agent-0")
	b.acquire(2, sized("other", 256))
	require.Equal(t, []destroy{{id: "o-1-1"}}, only[destroy](b.commands), "although it is larger")
	b.step(destroyed{id: "o-1-1"})
	b.up("o-1-3", "agent-1")
	b.acquire(3, sized("third", 256))
	b.up("o-1-4", "agent-1")
	b.acquire(4, sized("fourth", 256))
	require.Equal(t, []destroy{{id: "o-1-2"}}, only[destroy](b.commands), "nothing else is left")
}

func TestAStemCellThatIsWantedIsWorthMoreThanWhatHasBeenIdleForLong(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Stems = []StemCells{nodes(StemCells{Initial: 1, Min: 1, Max: 1})} })
	b.up("o-1-1", "x")
	python := sized("a", 256)
	python.Kind = "python:3"
	b.idle(python, "x")
	b.step(probed{id: "o-1-1"})
	for range 60 {
		b.elapse(time.Second)
		for _, c := range only[probe](b.commands) {
			b.step(probed{id: c.instance.ID})
		}
	}
	big := sized("big", 768)
	big.Kind = "java:8"
	b.acquire(2, big)
	require.Equal(t, []destroy{{id: "o-1-2"}}, only[destroy](b.commands))
	require.NotNil(t, b.m.containers["o-1-1"])
}

func TestOnlyAsManyStemCellsAsAreNotWantedMakeRoomBeforeWhatIsIdle(t *testing.T) {
	p := stemmed(t, nodes(StemCells{Initial: 4, Min: 4, Max: 4}))
	p.m.settings.Memory = 1280
	python := sized("a", 256)
	python.Kind = "python:3"
	p.step(acquire{ref: 1, key: python})
	p.grant = func(g grant) {
		p.step(initialised{grant: g.id})
		p.step(release{grant: g.id})
	}
	p.fly(time.Minute)
	require.Equal(t, 4, p.stems().Have)
	p.m.want(p.m.stemmed[0], 3)
	p.m.stemmed[0].cells.Min, p.m.stemmed[0].cells.Max = 3, 3
	p.fly(10 * time.Second)

	big := sized("b", 512)
	big.Kind = "java:8"
	p.grant = func(grant) {}
	p.step(acquire{ref: 2, key: big})
	p.fly(0)
	require.Equal(t, 3, p.stems().Have)
	require.Zero(t, p.m.keys[python].bound)
}

func TestAContainerOfATimerIsKeptUntilItsTimeAndNotMuchLonger(t *testing.T) {
	p := &pilot{bench: newBench(t)}
	started := map[StartKind]int{}
	p.grant = func(g grant) {
		started[g.start]++
		p.step(initialised{grant: g.id})
		p.step(release{grant: g.id})
	}
	for r := range ref(14) { // each 20 minutes
		p.step(acquire{ref: 1 + r, key: keyNamed("a")})
		p.fly(20 * time.Minute)
	}
	require.Equal(t, map[StartKind]int{Cold: 11, Warm: 3}, started, "from the eleventh on, ten idle times are known")
	p.step(acquire{ref: 99, key: keyNamed("a")})
	p.fly(21*time.Minute - 1)
	require.Len(t, p.m.containers, 1)
	p.fly(1)
	require.Empty(t, p.m.containers)
}

func TestTheTimeForWhichAContainerIsSuspendedIsIdleTime(t *testing.T) {
	p := &pilot{bench: newBench(t, func(s *settings) { s.canSuspend = true })}
	p.grant = func(g grant) {
		p.step(initialised{grant: g.id})
		p.step(release{grant: g.id})
	}
	for r := range ref(2) {
		p.step(acquire{ref: 1 + r, key: keyNamed("a")})
		p.fly(5*time.Minute + 30*time.Second)
	}
	k := p.m.keys[keyNamed("a")]
	require.Equal(t, 1, k.idle.Count())
	require.Equal(t, 6*time.Minute, k.idle.Quantile(1))
}

func TestContainersAreKeptAsTheUsersPolicySays(t *testing.T) {
	seen := 0
	b := newBench(t, func(s *settings) {
		s.KeepAlive = func(i IdleTimes) time.Duration {
			seen = max(seen, i.Count())
			return time.Duration(1+i.Count()) * time.Minute
		}
	})
	b.idle(keyNamed("a"), "x")
	b.acquire(2, keyNamed("a"))
	b.step(release{grant: only[grant](b.commands)[0].id})
	require.Empty(t, only[destroy](b.elapse(2*time.Minute-1)))
	require.Len(t, only[destroy](b.elapse(1)), 1)
	require.Equal(t, 1, seen)
}

func TestAnAgentThatHasLittleToLoseEmptiesTwiceAsFastAndGetsNothingNew(t *testing.T) {
	b := cluster(t, 1024, 1024)
	b.idle(keyNamed("few"), "agent-1")
	busy := b.warm(2, sized("busy", 512), "agent-0")
	b.elapse(2 * time.Minute)
	b.acquire(3, keyNamed("new"))
	c := b.m.inOrder()[2]
	require.Equal(t, "agent-0", c.planned.id)
	b.up(c.id, "agent-0")
	b.step(stored{id: c.id})
	require.Empty(t, only[destroy](b.elapse(3*time.Minute-1)))
	require.Equal(t, []destroy{{id: "o-1-1"}}, only[destroy](b.elapse(1)), "5 min, not 10")
	b.step(release{grant: busy})
}

// BenchmarkMachineVictims is a start in a full pool with 10,000 idle containers on 1,000 agents: a victim is chosen, removed and
// replaced. BenchmarkMachineReview is a review of all of them.
func BenchmarkMachineVictims(b *testing.B) {
	m, now := fullPool(b)
	id := 0
	b.ReportAllocs()
	for b.Loop() {
		id++
		now = now.Add(20 * time.Millisecond)
		k := keyNamed(fmt.Sprint("new-", id))
		var victim, made string
		for _, c := range m.step(now, acquire{ref: ref(id), key: k}) {
			if c, ok := c.(destroy); ok {
				victim = c.id
			}
		}
		agent := m.containers[victim].agent.id
		for _, c := range m.step(now, destroyed{id: victim}) {
			if c, ok := c.(create); ok {
				made = c.id
			}
		}
		m.step(now, created{id: made, instance: Instance{ID: made, Agent: agent}})
		m.step(now, probed{id: made})
		for _, c := range m.step(now, stored{id: made}) {
			if g, ok := c.(*grant); ok {
				l := g.id
				m.step(now, initialised{grant: l})
				m.step(now, release{grant: l})
			}
		}
	}
}

func BenchmarkMachineReview(b *testing.B) {
	m, now := fullPool(b)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		m.review(now)
	}
}

// fullPool returns a machine with 10,000 idle containers of 1,000 keys on 1,000 agents, which are full.
func fullPool(tb testing.TB) (*machine, time.Time) {
	s := testSettings()
	s.Memory = 0
	m := newMachine(s)
	r := rand.New(rand.NewPCG(1, 2))
	m.step(epoch, start{term: 1})
	var agents []Agent
	for i := range 1000 {
		agents = append(agents, Agent{ID: fmt.Sprint("agent-", i), Memory: 2560})
	}
	m.step(epoch, agentsSeen{agents: agents})
	var instances []Instance
	var records []record
	for i := range 10_000 {
		id := fmt.Sprintf("o-0-%d", i)
		one := left(id)
		one.Agent = fmt.Sprint("agent-", i%1000)
		instances = append(instances, one)
		records = append(records, record{ID: id, Incarnation: "i", Key: keyNamed(fmt.Sprint("action-", i%1000)), Initialised: true})
	}
	m.step(epoch, listed{instances: instances, records: records})
	now := epoch.Add(SessionTTL + sessionMargin)
	m.step(now, wake{})
	for _, c := range m.inOrder() {
		require.Equal(tb, StateIdle, c.state)
		c.used = now.Add(-time.Duration(r.IntN(500)) * time.Second)
		for range 20 {
			c.key.idle.Add(time.Duration(r.ExpFloat64() * float64(10*time.Minute)))
		}
	}
	m.review(now)
	return m, now
}
