// Package whiskpool is the container pool of OpenWhisk as a simulation: its rules, without its code, to be compared with the pool
// of package invoker on the same workload. It serves tests and benchmarks only.
//
// The rules, those of ContainerPool, ContainerProxy and FunctionPulling's predecessor:
//
//   - A call is served by a free container of its action, any of them; else by a stem cell of its kind and memory, whose replacement is
//     started at once; else by a new container, if memory allows; else by a new one after free containers, of whatever action and on
//     whatever host, were removed, the least recently used first, until the sum suffices; else it is queued.
//   - A call is tied to the container that is started for it.
//   - The queue is first come, first served: while its head waits for memory, all others wait too, also those for whose action a
//     container is free.
//   - Memory counts busy and free containers and stem cells, also while they start, but not those that are being removed.
//   - A free container is paused after the pause grace and removed after it was paused for the idle timeout.
//   - Stem cells end at their time to live. At each check those that have ended are removed, the oldest first and at most 100, and as many
//     started as the formula says, see [stemsize.Whisk].
//
// Where this leaves a choice, the one that is better for OpenWhisk is made: what is free counts when room is made, nothing is limited or
// lost, no log collection holds up a container, and the platform's health checks cost no time.
package whiskpool

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/stemsize"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/workload"
)

// Config is the setting of a simulation. There are no defaults.
type Config struct {
	UserMemory  int // MiB for all containers
	Agents      int
	AgentMemory int  // MiB
	BestFit     bool // containers go where they leave least free; else to the agents in turn, as offers come
	Stems       []Stem
	PauseGrace  time.Duration
	IdleTimeout time.Duration
	Check       time.Duration // the interval of checks of stem cells
	Remove      time.Duration // how long it takes to remove a container
}

// Stem is stem cells of a kind and memory.
type Stem struct {
	Kind                                       string
	Memory                                     int
	Initial, Least, Most, Threshold, Increment int
	TTL                                        time.Duration
}

// Pool is the simulation.
type Pool struct {
	workload.Events
	Report workload.Report

	config     Config
	work       *workload.Workload
	containers map[int]*container // not those that are being removed
	queue      []*call
	agents     []Agent
	launches   []*container // that wait for an agent with room
	next       int          // agent
	count      int          // of containers, ever
	coldStarts map[int]int  // since the last check, by the number of the stem
}

// Agent is a machine.
type Agent struct{ Free, Containers int }

type container struct {
	number int
	kind   string
	memory int
	agent  int // -1: waits for one
	action int // -1: stem cell
	state  state
	born   time.Duration
	used   time.Duration
	uses   int
	call   *call // that waits for its start
}

type state int

const (
	starting state = iota
	free           // or a stem cell that is ready
	busy
	removed
)

type call struct {
	workload.Call
	how string
}

// New returns a pool at the beginning of a workload.
func New(c Config, w *workload.Workload) *Pool {
	p := &Pool{config: c, work: w, containers: map[int]*container{}, coldStarts: map[int]int{}, agents: make([]Agent, c.Agents)}
	for i := range p.agents {
		p.agents[i].Free = c.AgentMemory
	}
	for i := range c.Stems {
		p.fill(i, c.Stems[i].Initial)
	}
	for _, one := range w.Calls {
		p.After(one.At, func() { p.arrive(&call{Call: one}) })
	}
	p.After(c.Check, p.check)
	return p
}

// Agents returns what is free on which agent.
func (p *Pool) Agents() []Agent { return p.agents }

// arrive serves a call, or queues it behind the others.
func (p *Pool) arrive(c *call) {
	if len(p.queue) > 0 || !p.serve(c) {
		p.queue = append(p.queue, c)
	}
}

// drain serves the queue until its head cannot be served.
func (p *Pool) drain() {
	for len(p.queue) > 0 && p.serve(p.queue[0]) {
		p.queue = p.queue[1:]
	}
}

// serve gives a call a container by the rules, and reports whether there was one.
func (p *Pool) serve(c *call) bool {
	a := p.work.Actions[c.Action]
	if one := p.find(func(x *container) bool { return x.state == free && x.action == c.Action }); one != nil {
		c.how = workload.Warm
		p.run(one, c)
		return true
	}
	if one := p.find(func(x *container) bool {
		return x.state == free && x.action < 0 && x.kind == a.Kind && x.memory == a.Memory
	}); one != nil {
		c.how = workload.Prewarmed
		one.action = c.Action
		p.run(one, c)
		p.replace(a.Kind, a.Memory)
		return true
	}
	c.how = workload.Cold
	if p.used()+a.Memory > p.config.UserMemory {
		if !p.makeRoom(a.Memory) {
			return false
		}
		c.how = workload.Recreated
	}
	for i, s := range p.config.Stems {
		if s.Kind == a.Kind && s.Memory == a.Memory {
			p.coldStarts[i]++
		}
	}
	p.start(a.Kind, a.Memory, c.Action, c)
	return true
}

// find returns any container that fits: that with the smallest scrambled number.
func (p *Pool) find(fits func(*container) bool) *container {
	var found *container
	for _, c := range p.containers {
		if fits(c) && (found == nil || scramble(c.number) < scramble(found.number)) {
			found = c
		}
	}
	return found
}

func scramble(n int) uint32 { return uint32(n) * 2654435761 }

// used returns the memory that counts.
func (p *Pool) used() int {
	sum := 0
	for _, c := range p.containers {
		sum += c.memory
	}
	return sum
}

// makeRoom removes free containers, the least recently used first, until the sum suffices, and none if it does not with all of them.
func (p *Pool) makeRoom(memory int) bool {
	missing := p.used() + memory - p.config.UserMemory
	var victims []*container
	for _, c := range p.containers {
		if c.state == free && c.action >= 0 {
			victims = append(victims, c)
		}
	}
	slices.SortFunc(victims, func(a, b *container) int {
		if a.used != b.used {
			return int(a.used - b.used)
		}
		return a.number - b.number
	})
	for i, c := range victims {
		if missing -= c.memory; missing <= 0 {
			for _, victim := range victims[:i+1] {
				p.remove(victim)
			}
			return true
		}
	}
	return false
}

// start starts a container, for a call or as a stem cell.
func (p *Pool) start(kind string, memory, action int, for_ *call) {
	p.count++
	p.Report.Starts++
	c := &container{number: p.count, kind: kind, memory: memory, action: action, agent: -1, born: p.Now, call: for_}
	p.containers[c.number] = c
	p.launches = append(p.launches, c)
	p.launch()
}

// launch places containers on agents with room.
func (p *Pool) launch() {
	p.launches = slices.DeleteFunc(p.launches, func(c *container) bool {
		at := p.place(c.memory)
		if at < 0 {
			return false
		}
		c.agent = at
		p.agents[at].Free -= c.memory
		p.agents[at].Containers++
		p.Report.Holds(p.Now, c.memory)
		p.After(workload.StartTime(c.kind, c.number), func() { p.started(c) })
		return true
	})
}

// place returns the agent for a container, -1 if none has room.
func (p *Pool) place(memory int) int {
	best := -1
	for i := range p.agents {
		at := (p.next + i) % len(p.agents)
		switch free := p.agents[at].Free; {
		case free < memory:
		case !p.config.BestFit:
			p.next = at + 1
			return at
		case best < 0 || free < p.agents[best].Free:
			best = at
		}
	}
	return best
}

func (p *Pool) started(c *container) {
	if c.call != nil {
		one := c.call
		c.call = nil
		p.run(c, one)
		return
	}
	c.state = free
	p.drain()
}

// run runs a call in a container, with /init before the first.
func (p *Pool) run(c *container, one *call) {
	p.Report.Served(one.how, p.Now-one.At)
	c.state = busy
	took := one.Run
	if c.uses == 0 {
		took += p.work.Actions[c.action].Init
	}
	c.uses++
	p.After(took, func() {
		c.state, c.used = free, p.Now
		uses := c.uses
		p.After(p.config.PauseGrace+p.config.IdleTimeout, func() {
			if c.state == free && c.uses == uses {
				p.remove(c)
				p.drain()
			}
		})
		p.drain()
	})
}

// remove removes a container: its memory does not count from now on, but is in use for some time.
func (p *Pool) remove(c *container) {
	c.state = removed
	delete(p.containers, c.number)
	p.After(p.config.Remove, func() {
		p.agents[c.agent].Free += c.memory
		p.agents[c.agent].Containers--
		p.Report.Holds(p.Now, -c.memory)
		p.launch()
	})
}

// stems returns the stem cells of a kind and memory, the oldest first, also those that are starting.
func (p *Pool) stems(s Stem) []*container {
	var all []*container
	for _, c := range p.containers {
		if c.action < 0 && c.kind == s.Kind && c.memory == s.Memory {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *container) int { return a.number - b.number })
	return all
}

// replace starts a stem cell in place of one that was taken, if memory allows.
func (p *Pool) replace(kind string, memory int) {
	if p.used()+memory <= p.config.UserMemory {
		p.start(kind, memory, -1, nil)
	}
}

// fill starts stem cells until there are so many, or memory is used up.
func (p *Pool) fill(i, want int) {
	s := p.config.Stems[i]
	for range want - len(p.stems(s)) {
		p.replace(s.Kind, s.Memory)
	}
}

// check removes stem cells that have ended, and starts as many as the formula says.
func (p *Pool) check() {
	left := 100
	for i, s := range p.config.Stems {
		for _, c := range p.stems(s) {
			if s.TTL > 0 && left > 0 && c.state == free && p.Now-c.born >= s.TTL {
				p.remove(c)
				left--
			}
		}
		want := s.Initial
		if s.Threshold > 0 {
			want = stemsize.Whisk(p.coldStarts[i], s.Threshold, s.Increment, s.Least, s.Most)
		}
		p.coldStarts[i] = 0
		p.fill(i, want)
	}
	p.drain()
	p.After(p.config.Check, p.check)
}
