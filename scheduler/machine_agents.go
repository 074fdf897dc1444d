package scheduler

import (
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// agent is what is known of an agent that tasks of ours are on, or that was offered of late.
type agent struct {
	about *task.Agent // never changed, since records share it
	tasks int         // of ours there, a pod being one
	// Of the last event with offers of it: when it came, the roles they were for, and what they held.
	offeredAt time.Time
	roles     []string
	offered   Amounts
}

// group is what is known of the tasks of one Spec.Group.
type group struct {
	name    string
	shapes  int // on record
	pending int
	seats   []*seat // by the IDs of their agents
}

// seat is the place of the tasks of one group on one agent.
type seat struct {
	group *group
	agent *agent
	tasks int
}

// presence is what a matcher is told of the tasks that run, as long as it holds: to gather it is too much
// for each cycle.
type presence struct {
	tasks []task.Presence
	stale bool
}

func (m *machine) groupOf(name string) *group {
	g := m.groups[name]
	if g == nil {
		g = &group{name: name}
		m.groups[name] = g
	}
	return g
}

// placed tells whether a task takes up a place on an agent. One that is out of reach does.
func placed(s task.State) bool { return s != task.Pending && !s.Terminal() }

// settle counts a task where it is now. A pod counts once, as it does when it is placed, and as long as
// one of its members is there.
func (m *machine) settle(r *record) {
	r.agent = m.describe(r)
	head := r.head()
	var here *task.Agent
	if at := slices.IndexFunc(r.members(), func(r *record) bool { return r.agent != nil }); at >= 0 {
		here = r.members()[at].agent
	}
	if s := head.seat; s != nil && (here == nil || s.agent.about.ID != here.ID) {
		m.rise(head)
	}
	if head.seat == nil && here != nil {
		m.sit(head, here)
	}
}

// describe gives what is known of where a task is. Nil: it is on no agent.
func (m *machine) describe(r *record) *task.Agent {
	here := r.place()
	switch {
	case here == "":
		return nil
	case m.agents[here] != nil:
		return m.agents[here].about
	case r.agent != nil && r.agent.ID == here:
		return r.agent
	}
	return &task.Agent{ID: here, Hostname: r.info.Hostname}
}

// place is the agent that a task takes up a place on. Empty: none.
func (r *record) place() string {
	if placed(r.info.State) {
		return r.info.AgentID
	}
	return ""
}

// sit counts a task on an agent.
func (m *machine) sit(r *record, about *task.Agent) {
	a := m.agents[about.ID]
	if a == nil {
		a = &agent{about: about}
		m.agents[about.ID] = a
	}
	g := r.shape.group
	at, found := g.seatOn(about.ID)
	if !found {
		g.seats = slices.Insert(g.seats, at, &seat{group: g, agent: a})
	}
	r.seat = g.seats[at]
	r.seat.tasks++
	a.tasks++
	m.presence.stale = true
}

// rise takes a task from where it is counted.
func (m *machine) rise(r *record) {
	s := r.seat
	r.seat = nil
	s.agent.tasks--
	if s.tasks--; s.tasks == 0 {
		at, _ := s.group.seatOn(s.agent.about.ID)
		s.group.seats = slices.Delete(s.group.seats, at, at+1)
	}
	if a := s.agent; a.tasks == 0 && a.offeredAt.IsZero() {
		delete(m.agents, a.about.ID)
	}
	m.presence.stale = true
}

func (g *group) seatOn(agentID string) (int, bool) {
	return slices.BinarySearchFunc(g.seats, agentID, func(s *seat, id string) int {
		return strings.Compare(s.agent.about.ID, id)
	})
}

// running counts the tasks of the groups that pending tasks are in, by group and agent.
func (m *machine) running() []task.Presence {
	p := &m.presence
	if !p.stale {
		return p.tasks
	}
	p.tasks, p.stale = p.tasks[:0], false
	var groups []*group
	for _, g := range m.groups {
		if g.pending > 0 {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, func(a, b *group) int { return strings.Compare(a.name, b.name) })
	for _, g := range groups {
		for _, s := range g.seats {
			p.tasks = append(p.tasks, task.Presence{Group: g.name, Agent: *s.agent.about, Tasks: s.tasks})
		}
	}
	return p.tasks
}

// noteAgents notes what offers say of their agents.
func (m *machine) noteAgents(now time.Time, offers []mesos.Offer) {
	m.offersAt = now
	again := make(map[*agent]bool, len(offers))
	for i := range offers {
		o := task.OfferFromMesos(offers[i])
		a := m.agents[o.Agent.ID]
		if a == nil {
			a = &agent{}
			m.agents[o.Agent.ID] = a
		}
		if a.about == nil || !sameAgent(a.about, &o.Agent) {
			about := o.Agent // a copy, since the rest of the offer need not be kept
			a.about, m.presence.stale = &about, true
		}
		if !again[a] {
			again[a] = true
			a.offeredAt, a.roles, a.offered = now, nil, Amounts{}
		}
		if !slices.Contains(a.roles, o.Role) {
			a.roles = append(a.roles, o.Role)
		}
		a.offered.addResources(o.Resources)
	}
	m.forgetAgents(now)
}

// sameAgent tells whether two descriptions of an agent are equal.
func sameAgent(a, b *task.Agent) bool {
	return a.Hostname == b.Hostname && a.Region == b.Region && a.Zone == b.Zone && a.Unavailable.Equal(b.Unavailable) && a.UnavailableFor == b.UnavailableFor &&
		slices.EqualFunc(a.Attributes, b.Attributes, func(a, b mesos.Attribute) bool { return a.Equal(&b) })
}

// forgetAgents drops those that were not offered for long. It looks at all of them, and therefore not
// often: none stays for more than twice the time.
func (m *machine) forgetAgents(now time.Time) {
	if now.Before(m.forgetAt) {
		return
	}
	m.forgetAt = now.Add(m.settings.statsTTL)
	for id, a := range m.agents {
		if a.tasks == 0 && now.Sub(a.offeredAt) >= m.settings.statsTTL {
			delete(m.agents, id)
		}
	}
}

// agentLost forgets what a lost agent offered.
func (m *machine) agentLost(id string) {
	delete(m.promises, id)
	a := m.agents[id]
	if a == nil {
		return
	}
	a.offeredAt, a.roles, a.offered = time.Time{}, nil, Amounts{}
	if a.tasks == 0 {
		delete(m.agents, id)
	}
}
