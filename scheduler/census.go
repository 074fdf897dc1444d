package scheduler

import (
	"maps"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// census keeps what is known of agents, and counts the tasks on them by group. A pod counts as one task, as it does
// for a matcher, as long as one of its members is there.
type census struct {
	limits   limits
	ttl      time.Duration // how long an agent without tasks is remembered
	usable   usable        // which resources count
	agents   map[string]*agent
	facts    *ordered.List[*agentFacts] // of the agents, as they came
	serial   int                        // of the last agent
	order    []*agent                   // the agents by ID; nil: to be sorted again, which takes too long for each cycle
	bytes    int                        // of the agents
	onAgents onAgents
	groups   map[string]*group
	presence presence
	offersAt time.Time // when the last offers arrived, on any subscription
	forgetAt time.Time // when to look for agents to forget
}

// agent is what is known of an agent that has tasks of ours, or that was offered recently.
type agent struct {
	*agentFacts
	epoch *ordered.Epoch[*agentFacts] // when this copy of them was made
	lastOffers
	bytes int // of what is known of it
}

// agentFacts are what users are told about an agent. They may be reading it on their own goroutines, since snapshots share it: it
// is changed by way of edit.
type agentFacts struct {
	serial int         // in the order in which agents came
	about  *task.Agent // never changed, since entries share it
	tasks  int         // of ours on it
	// Of the last event with offers of this agent: when it arrived, the roles of the offers, their sum, and what was launched since.
	offeredAt time.Time
	roles     []string
	offered   Amounts
	placed    Amounts
}

// edit returns the facts about an agent to be changed. They are a copy if a snapshot shares the last one.
func (a *agent) edit() *agentFacts {
	if a.epoch.Over() {
		changed := *a.agentFacts
		changed.roles = slices.Clone(changed.roles)
		changed.offered.Scalars, changed.placed.Scalars = maps.Clone(changed.offered.Scalars), maps.Clone(changed.placed.Scalars)
		a.agentFacts, a.epoch = &changed, a.epoch.Replace(&changed)
	}
	return a.agentFacts
}

// group is what is known of the tasks of one Spec.Group.
type group struct {
	name    string
	classes int // on record
	pending int
	counts  []*groupCount // ordered by the IDs of their agents
}

// groupCount is how many tasks of one group are on one agent.
type groupCount struct {
	group *group
	agent *agent
	tasks int
}

// presence is what a matcher gets about the tasks that run. It is kept until it is stale, since to gather it takes too
// long for each cycle.
type presence struct {
	tasks []task.Presence
	stale bool
}

func newCensus(l limits, ttl time.Duration, usable usable) census {
	return census{
		limits: l, ttl: ttl, usable: usable, agents: map[string]*agent{}, groups: map[string]*group{},
		facts: ordered.New(func(f *agentFacts) int { return f.serial }),
	}
}

func (c *census) add(about *task.Agent) *agent {
	c.serial++
	a := &agent{agentFacts: &agentFacts{serial: c.serial, about: about}, epoch: c.facts.Epoch()}
	c.facts.Add(a.agentFacts)
	c.agents[about.ID], c.order = a, nil
	return a
}

func (c *census) drop(id string) {
	c.bytes -= c.agents[id].bytes
	c.facts.Remove(c.agents[id].serial)
	delete(c.agents, id)
	c.order = nil
}

// inOrder returns all agents, ordered by ID.
func (c *census) inOrder() []*agent {
	if c.order == nil {
		c.order = slices.SortedFunc(maps.Values(c.agents), func(a, b *agent) int { return strings.Compare(a.about.ID, b.about.ID) })
	}
	return c.order
}

// join adds a class of tasks to its group, and returns the group.
func (c *census) join(name string) *group {
	g := c.groups[name]
	if g == nil {
		g = &group{name: name}
		c.groups[name] = g
	}
	g.classes++
	return g
}

// leave removes a class from its group.
func (c *census) leave(g *group) {
	if g.classes--; g.classes == 0 {
		delete(c.groups, g.name)
	}
}

// countPending adds n to the number of pending tasks of a group.
func (c *census) countPending(g *group, n int) {
	had := g.pending > 0
	g.pending += n
	if had != (g.pending > 0) {
		c.presence.stale = true // it only has groups with pending tasks
	}
}

// recount counts a task on the agent that it is on now.
func (c *census) recount(e *entry) {
	before := e.Agent
	e.noteAgent(c.agentOf(e))
	c.onAgents.move(e, before, e.Agent)
	head := e.head()
	var here *task.Agent
	if at := slices.IndexFunc(e.members(), func(e *entry) bool { return e.Agent != nil }); at >= 0 {
		here = e.members()[at].Agent
	}
	if n := head.counted; n != nil && (here == nil || n.agent.about.ID != here.ID) {
		c.uncount(head)
	}
	if head.counted == nil && here != nil {
		c.count(head, here)
	}
}

// forget uncounts a task, or its whole pod, that is no longer on record, and reports whether it was counted.
func (c *census) forget(e *entry) bool {
	c.onAgents.move(e, e.Agent, nil)
	head := e.head()
	if head.counted == nil {
		return false
	}
	c.uncount(head)
	return true
}

// agentOf returns what is known of the agent that a task is on, nil if it is on none.
func (c *census) agentOf(e *entry) *task.Agent {
	here := e.agentID()
	switch {
	case here == "":
		return nil
	case c.agents[here] != nil:
		return c.agents[here].about
	case e.Agent != nil && e.Agent.ID == here:
		return e.Agent
	}
	return &task.Agent{ID: here, Hostname: e.Info.Hostname}
}

func (c *census) count(e *entry, about *task.Agent) {
	a := c.agents[about.ID]
	if a == nil {
		a = c.add(about)
	}
	g := e.class.group
	at, found := g.countOn(about.ID)
	if !found {
		g.counts = slices.Insert(g.counts, at, &groupCount{group: g, agent: a})
	}
	e.counted = g.counts[at]
	e.counted.tasks++
	facts := a.edit()
	facts.tasks++
	for _, m := range e.members() {
		facts.placed.addSpec(m.Info.Spec.Base())
	}
	c.presence.stale = true
}

func (c *census) uncount(e *entry) {
	n := e.counted
	e.counted = nil
	n.agent.edit().tasks--
	if n.tasks--; n.tasks == 0 {
		at, _ := n.group.countOn(n.agent.about.ID)
		n.group.counts = slices.Delete(n.group.counts, at, at+1)
	}
	if a := n.agent; a.tasks == 0 && a.offeredAt.IsZero() {
		c.drop(a.about.ID)
	}
	c.presence.stale = true
}

func (g *group) countOn(agentID string) (int, bool) {
	return slices.BinarySearchFunc(g.counts, agentID, func(n *groupCount, id string) int {
		return strings.Compare(n.agent.about.ID, id)
	})
}

// running returns the tasks on agents, of the groups that have pending tasks, ordered by group and agent.
func (c *census) running() []task.Presence {
	p := &c.presence
	if !p.stale {
		return p.tasks
	}
	p.tasks, p.stale = p.tasks[:0], false
	var groups []*group
	for _, g := range c.groups {
		if g.pending > 0 {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, func(a, b *group) int { return strings.Compare(a.name, b.name) })
	for _, g := range groups {
		for _, n := range g.counts {
			p.tasks = append(p.tasks, task.Presence{Group: g.name, Agent: *n.agent.about, Tasks: n.tasks})
		}
	}
	return p.tasks
}

// noteOffers notes what offers say about their agents. Afterwards they share their descriptions of agents, and their roles, with
// what is noted: what is kept of an offer must not keep the rest of it in memory, of which the texts are in one piece.
func (c *census) noteOffers(now time.Time, offers []task.Offer) {
	c.offersAt = now
	seen := make(map[*agent]bool, len(offers))
	for i := range offers {
		o := &offers[i]
		if i > 0 && o.Role == offers[i-1].Role {
			o.Role = offers[i-1].Role
		} else {
			o.Role = strings.Clone(o.Role)
		}
		a := c.agents[o.Agent.ID]
		about, resources := agentOverhead+agentSize(&o.Agent), resourcesSize(o)
		if a == nil {
			if len(c.agents) >= c.limits.agents || c.bytes+about > c.limits.agentsBytes {
				continue
			}
			a, c.presence.stale = c.add(copyAgent(&o.Agent)), true
		} else if !sameAgent(a.about, &o.Agent) {
			a.edit().about, c.presence.stale = copyAgent(&o.Agent), true
		}
		o.Agent = *a.about
		if !seen[a] {
			seen[a] = true
			f := a.edit()
			f.offeredAt, f.roles, f.offered, f.placed = now, nil, Amounts{}, Amounts{}
			a.forgetLast()
			c.bytes += about - a.bytes
			a.bytes = about
		}
		if c.bytes+resources > c.limits.agentsBytes {
			continue
		}
		if !slices.Contains(a.roles, o.Role) {
			if len(a.roles) >= c.limits.agentRoles {
				continue
			}
			f := a.edit()
			f.roles = append(f.roles, o.Role)
		}
		a.noteLast(o)
		c.bytes, a.bytes = c.bytes+resources, a.bytes+resources
		a.edit().offered.addResources(o.Resources, c.usable)
	}
	c.forgetOld(now)
}

// copyAgent returns a copy that shares no memory.
func copyAgent(a *task.Agent) *task.Agent {
	copied := *a
	for _, text := range []*string{&copied.ID, &copied.Hostname, &copied.Address, &copied.Region, &copied.Zone} {
		*text = strings.Clone(*text)
	}
	copied.Attributes = slices.Clone(a.Attributes)
	for i := range a.Attributes {
		var attribute mesos.Attribute
		if encoded, err := a.Attributes[i].Marshal(); err == nil && attribute.Unmarshal(encoded) == nil {
			copied.Attributes[i] = attribute
		}
	}
	return &copied
}

// sameAgent reports whether two descriptions of an agent are equal.
func sameAgent(a, b *task.Agent) bool {
	return a.Hostname == b.Hostname && a.Address == b.Address && a.Region == b.Region && a.Zone == b.Zone && a.Unavailable.Equal(b.Unavailable) && a.UnavailableFor == b.UnavailableFor &&
		slices.EqualFunc(a.Attributes, b.Attributes, func(a, b mesos.Attribute) bool { return a.Equal(&b) })
}

// forgetOld drops the agents without tasks that were not offered for the time ttl. Since it looks at all agents it does
// so only once in that time: an agent stays for at most twice as long.
func (c *census) forgetOld(now time.Time) {
	if now.Before(c.forgetAt) {
		return
	}
	c.forgetAt = now.Add(c.ttl)
	for id, a := range c.agents {
		if now.Sub(a.offeredAt) < c.ttl {
			continue
		}
		if a.forgetLast(); a.tasks == 0 {
			c.drop(id)
		}
	}
}

// agentLost forgets what an agent offered that is lost.
func (c *census) agentLost(id string) {
	a := c.agents[id]
	if a == nil {
		return
	}
	f := a.edit()
	f.offeredAt, f.roles, f.offered = time.Time{}, nil, Amounts{}
	if a.forgetLast(); a.tasks == 0 {
		c.drop(id)
	}
}
