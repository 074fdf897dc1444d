package invoker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/whiskpool"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/workload"
)

// replay is a machine that serves a workload, with everything around it played in virtual time.
type replay struct {
	workload.Events
	report workload.Report

	machine    *machine
	work       *workload.Workload
	agents     []whiskpool.Agent
	containers map[string]*replayed
	calls      map[ref]workload.Call
	launches   []*replayed // that wait for an agent with room
	refused    int
	woken      time.Time // when the machine is woken next
}

// replayed is a container.
type replayed struct {
	id     string
	spec   Spec
	number int
	agent  int // -1: waits for one
}

// Times of what is around the machine.
const (
	replayBind   = 2 * time.Millisecond
	replayRemove = 100 * time.Millisecond
)

var replayStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newReplay(c PoolConfig, agents, agentMemory int, w *workload.Workload) *replay {
	p := &replay{
		machine: newMachine(settings{PoolConfig: c, owner: "pool"}), work: w,
		agents: make([]whiskpool.Agent, agents), containers: map[string]*replayed{}, calls: map[ref]workload.Call{},
	}
	p.step(start{term: 1})
	var seen []Agent
	for i := range p.agents {
		p.agents[i].Free = agentMemory
		seen = append(seen, Agent{ID: fmt.Sprint("agent-", i), Memory: agentMemory})
	}
	p.After(0, func() { p.step(agentsSeen{agents: seen}) })
	for i, call := range w.Calls {
		p.After(call.At, func() { p.arrive(ref(i+1), call) })
	}
	return p
}

func (p *replay) now() time.Time { return replayStart.Add(p.Now) }

func (p *replay) arrive(r ref, call workload.Call) {
	p.calls[r] = call
	a := p.work.Actions[call.Action]
	p.step(acquire{ref: r, timeout: time.Minute, key: Key{
		Namespace: "guest", Action: a.Name, Revision: "1", Shape: Shape{Kind: a.Kind, Memory: a.Memory}, Concurrency: 1,
	}})
}

// step gives the machine an input, and has what it wants happen later.
func (p *replay) step(in input) {
	for _, command := range p.machine.step(p.now(), in) {
		p.perform(command)
	}
	if at := p.machine.deadline(); !at.IsZero() && (p.woken.IsZero() || at.Before(p.woken)) {
		p.woken = at
		p.After(max(0, at.Sub(p.now())), func() {
			if at.Equal(p.woken) {
				p.woken = time.Time{}
				p.step(wake{})
			}
		})
	}
}

func (p *replay) perform(c command) {
	switch c := c.(type) {
	case list:
		p.After(0, func() { p.step(listed{}) })
	case create:
		p.report.Starts++
		one := &replayed{id: c.id, spec: c.spec, number: p.report.Starts, agent: -1}
		p.containers[c.id] = one
		p.launches = append(p.launches, one)
		p.launch()
	case probe:
		p.After(0, func() { p.step(probed{id: c.instance.ID}) })
	case bind:
		p.After(replayBind, func() { p.step(stored{id: c.record.ID}) })
	case *grant:
		p.grant(*c)
	case destroy:
		p.After(replayRemove, func() { p.destroyed(c.id) })
	case refuse:
		p.refused++
	}
}

// launch places containers, each where it fits best.
func (p *replay) launch() {
	var left []*replayed
	for _, c := range p.launches {
		best := -1
		for i, a := range p.agents {
			if a.Free >= c.spec.Memory && (best < 0 || a.Free < p.agents[best].Free) {
				best = i
			}
		}
		if best < 0 {
			left = append(left, c)
			continue
		}
		c.agent = best
		p.agents[best].Free -= c.spec.Memory
		p.agents[best].Containers++
		p.report.Holds(p.Now, c.spec.Memory)
		p.After(workload.StartTime(c.spec.Kind, c.number), func() {
			p.step(created{id: c.id, instance: Instance{ID: c.id, Agent: fmt.Sprint("agent-", best)}})
		})
	}
	p.launches = left
}

func (p *replay) grant(g grant) {
	call := p.calls[g.ref]
	delete(p.calls, g.ref)
	how := map[StartKind]string{Warm: workload.Warm, Prewarmed: workload.Prewarmed, Cold: workload.Cold, Recreated: workload.Recreated}[g.start]
	p.report.Served(how, p.Now-call.At)
	took := call.Run
	if g.init {
		took += p.work.Actions[call.Action].Init
		p.After(p.work.Actions[call.Action].Init, func() { p.step(initialised{grant: g.id}) })
	}
	p.After(took, func() { p.step(release{grant: g.id, outcome: reuse}) })
}

func (p *replay) destroyed(id string) {
	c := p.containers[id]
	delete(p.containers, id)
	p.agents[c.agent].Free += c.spec.Memory
	p.agents[c.agent].Containers--
	p.report.Holds(p.Now, -c.spec.Memory)
	p.step(destroyed{id: id})
	p.launch()
}

// comparison is a pool of OpenWhisk and ours with the same calls, stem cells, memory and agents.
type comparison struct {
	agents, agentMemory int
	bestFit             bool // OpenWhisk's containers as well
	workload            workload.Config
}

var compared = []struct {
	kind   string
	memory int
}{{"nodejs:20", 256}, {"nodejs:20", 128}, {"python:3.11", 256}, {"java:8", 256}}

func (c comparison) whisk() *whiskpool.Pool {
	config := whiskpool.Config{
		UserMemory: c.agents * c.agentMemory, Agents: c.agents, AgentMemory: c.agentMemory,
		BestFit: c.bestFit, PauseGrace: 50 * time.Millisecond, IdleTimeout: 10 * time.Minute, Check: 10 * time.Minute, Remove: replayRemove,
	}
	for _, s := range compared {
		config.Stems = append(config.Stems, whiskpool.Stem{
			Kind: s.kind, Memory: s.memory, Initial: 2, Least: 1, Most: 8, Threshold: 1, Increment: 1, TTL: 10 * time.Minute,
		})
	}
	return whiskpool.New(config, workload.New(c.workload))
}

func (c comparison) ours() *replay {
	config := PoolConfig{
		Memory: 0, MemoryPerCPU: 1024, MaxStarts: 20, MaxWaiting: 10000,
		IdleTimeout: 10 * time.Minute,
	}
	for _, s := range compared {
		config.Stems = append(config.Stems, StemCells{Kind: s.kind, Memory: s.memory, Initial: 2, Min: 1, Max: 8, TTL: 10 * time.Minute})
	}
	return newReplay(config, c.agents, c.agentMemory, workload.New(c.workload))
}

// run runs both to an hour, logs a table, and returns their reports.
func (c comparison) run(t *testing.T) (whisk, ours *workload.Report) {
	w, o := c.whisk(), c.ours()
	w.Run(time.Hour)
	o.Run(time.Hour)
	w.Report.Holds(w.Now, 0)
	o.report.Holds(o.Now, 0)
	t.Logf("%d agents\n%s\n%s\n%s", c.agents, workload.Header, w.Report.Row("OpenWhisk's rules"), o.report.Row("ours"))
	require.Zero(t, o.refused)
	return &w.Report, &o.report
}

// hour is an hour of calls of 500 actions.
func hour(seed uint64) workload.Config {
	return workload.Config{Seed: seed, Length: time.Hour, Actions: 500, Zipf: 1.1, PerSecond: 5}
}

func TestFewerColdStartsThanByOpenWhisksRulesWithLessMemory(t *testing.T) {
	oneGoroutine(t)
	for seed := range uint64(3) {
		whisk, ours := comparison{agents: 24, agentMemory: 4096, workload: hour(seed)}.run(t)
		require.LessOrEqual(t, ours.ColdShare(), whisk.ColdShare()/2)
		require.LessOrEqual(t, ours.MemorySeconds(), whisk.MemorySeconds())
		require.LessOrEqual(t, ours.Wait(0.99), whisk.Wait(0.99)/2)
	}
}

// Where memory is too scarce for both, it is full for both; where there is more than enough, only calls that come at once are cold.
func TestFewerColdStartsThanByOpenWhisksRulesWhereMemoryIsScarceOrPlenty(t *testing.T) {
	oneGoroutine(t)
	whisk, ours := comparison{agents: 16, agentMemory: 4096, workload: hour(1)}.run(t)
	require.LessOrEqual(t, ours.ColdShare(), whisk.ColdShare()/2)
	require.LessOrEqual(t, ours.MemorySeconds(), 1.01*whisk.MemorySeconds())
	require.LessOrEqual(t, ours.Wait(0.99), whisk.Wait(0.99)/2)

	whisk, ours = comparison{agents: 100, agentMemory: 4096, workload: hour(1)}.run(t)
	require.LessOrEqual(t, ours.ColdShare(), 0.7*whisk.ColdShare())
	require.LessOrEqual(t, ours.MemorySeconds(), 0.85*whisk.MemorySeconds())
	require.LessOrEqual(t, ours.Wait(0.99), whisk.Wait(0.99)*3/4)
}

// usable returns the share of what is free that containers of 512 MiB can use, and how many agents have no container.
func usable(agents []whiskpool.Agent) (share float64, empty int) {
	fits, free := 0, 0
	for _, a := range agents {
		fits += a.Free / 512 * 512
		free += a.Free
		if a.Containers == 0 {
			empty++
		}
	}
	return float64(fits) / float64(free), empty
}

// The load falls to a tenth after half an hour; this is ten minutes later.
func TestAgentsEmptyWhenTheLoadFalls(t *testing.T) {
	oneGoroutine(t)
	for _, bestFit := range []bool{false, true} {
		c := comparison{agents: 64, agentMemory: 4096, bestFit: bestFit, workload: hour(1)}
		c.workload.Change = func(at time.Duration) float64 {
			if at < 30*time.Minute {
				return 1
			}
			return 0.1
		}
		whisk, ours := c.whisk(), c.ours()
		whisk.Run(40 * time.Minute)
		ours.Run(40 * time.Minute)
		whiskShare, whiskEmpty := usable(whisk.Agents())
		share, empty := usable(ours.agents)
		t.Logf("of 64 agents are empty, and of what is free is usable for 512 MiB: OpenWhisk's rules, best fit %v: %d, %.3f; ours: %d, %.3f",
			bestFit, whiskEmpty, whiskShare, empty, share)
		require.GreaterOrEqual(t, share, 0.9)
		if bestFit { // a platform that packs OpenWhisk's containers as well
			require.Greater(t, empty, whiskEmpty)
		} else {
			require.GreaterOrEqual(t, empty, 2*whiskEmpty)
		}
	}
}
