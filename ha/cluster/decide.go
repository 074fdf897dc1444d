package cluster

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// beginning is what a member without state makes of the members it sees: those with which a cluster would begin, and
// whether this member is to begin it.
type beginning struct {
	pick    []raft.Server // in the order of their IDs, nil: none
	mayVote bool          // all of them have picked the same, and this member is the first of them
}

// begin decides about the beginning of a cluster. The members that are expected begin together, those with the lowest IDs,
// and the first of them makes the cluster once all of them say that they would have the same one: two members that
// see different others would each make one, and Raft could not tell them apart. Nobody makes a cluster beside a
// member of one.
func begin(self string, expect int, peers map[string]peer) (beginning, error) {
	var servers []raft.Server
	for _, id := range slices.Sorted(maps.Keys(peers)) {
		p := peers[id]
		switch {
		case !p.alive:
			continue
		case p.expect != expect:
			return beginning{}, fmt.Errorf("%w: %d here, %d in member %s", ErrExpect, expect, p.expect, id)
		case p.hasState:
			return beginning{}, nil
		case !p.leaving:
			servers = append(servers, raft.Server{ID: raft.ServerID(id), Address: serverAddress(id, p.raft)})
		}
	}
	if len(servers) < expect {
		return beginning{}, nil
	}
	b := beginning{pick: servers[:expect]}
	b.mayVote = string(b.pick[0].ID) == self
	for _, s := range b.pick {
		b.mayVote = b.mayVote && peers[string(s.ID)].pick == pickOf(idsOf(b.pick))
	}
	return b, nil
}

func idsOf(servers []raft.Server) []string {
	ids := make([]string, 0, len(servers))
	for _, s := range servers {
		ids = append(ids, string(s.ID))
	}
	return ids
}

// membership is what the leader knows when it decides who belongs to the cluster.
type membership struct {
	self      string
	origin    uint64 // what stands for this cluster
	expect    int
	servers   []raft.Server
	peers     map[string]peer
	commit    uint64               // the index of the last entry that is committed
	missing   map[string]time.Time // since when servers that gossip does not know are missed
	now       time.Time
	arrived   time.Duration
	deadAfter time.Duration
}

// action is what a change does to a server.
type action int

const (
	nothing action = iota
	add            // as one without a vote, which gets the entries
	promote        // it votes from now on
	demote         // it votes no more
	remove
)

// change is one change of who belongs to the cluster. Raft makes one at a time.
type change struct {
	action action
	server raft.Server
	why    string
}

// caughtUp is how many entries a member may be behind when it gets its vote: they are sent within moments.
const caughtUp = 1000

// next returns the change that is to be made now. In this order: who leaves for good loses its vote and goes; who is dead
// and has no vote goes; who is there and does not belong yet is taken in; who has caught up gets a free vote, or that of who
// leaves; a voter that is dead loses its vote to who has caught up.
func (m *membership) next() change {
	voters, reserve := m.sort()
	for _, s := range m.servers {
		id := string(s.ID)
		switch p, known := m.peers[id]; {
		case !known || !p.leaving || id == m.self:
		case s.Suffrage != raft.Voter:
			return change{remove, s, "it leaves"}
		case m.quorumWithout(voters, s):
			return change{demote, s, "it leaves"}
		}
	}
	for _, s := range m.servers {
		if s.Suffrage != raft.Voter && m.deadFor(string(s.ID)) >= m.deadAfter {
			return change{remove, s, "it is dead"}
		}
	}
	if c := m.newcomer(); c.action != nothing {
		return c
	}
	if len(reserve) == 0 {
		return change{}
	}
	if len(voters) <= m.expect && m.staying(voters) < m.expect {
		return change{promote, reserve[0], "it has caught up"}
	}
	for _, s := range voters {
		if m.deadFor(string(s.ID)) >= m.deadAfter && m.quorumWithout(voters, s) {
			return change{remove, s, "it is dead, and another one can take its place"}
		}
	}
	return change{}
}

// sort returns the servers that vote, and those that could.
func (m *membership) sort() (voters, reserve []raft.Server) {
	for _, s := range m.servers {
		p, known := m.peers[string(s.ID)]
		switch {
		case s.Suffrage == raft.Voter:
			voters = append(voters, s)
		case known && p.alive && !p.leaving && p.applied+caughtUp >= m.commit:
			reserve = append(reserve, s)
		}
	}
	return voters, reserve
}

// staying returns how many of the voters do not leave.
func (m *membership) staying(voters []raft.Server) (n int) {
	for _, s := range voters {
		if !m.peers[string(s.ID)].leaving {
			n++
		}
	}
	return n
}

// newcomer returns the change that takes in who is there and does not belong.
func (m *membership) newcomer() change {
	for _, id := range slices.Sorted(maps.Keys(m.peers)) {
		p := m.peers[id]
		belongs := slices.ContainsFunc(m.servers, func(s raft.Server) bool { return string(s.ID) == id })
		if !belongs && p.alive && !p.leaving && !m.stranger(p) && p.expect == m.expect && m.now.Sub(p.changed) >= m.arrived {
			return change{add, raft.Server{ID: raft.ServerID(id), Address: serverAddress(id, p.raft)}, "it has arrived"}
		}
	}
	return change{}
}

// stranger reports whether a member belongs to another cluster, which began by itself: to send it the entries of this one would
// destroy what that one has stored.
func (m *membership) stranger(p peer) bool {
	return p.hasState && p.pick != 0 && m.origin != 0 && p.pick != m.origin
}

// deadFor returns for how long a server is dead, 0 if it lives.
func (m *membership) deadFor(id string) time.Duration {
	since := m.missing[id]
	if p, known := m.peers[id]; known {
		if p.alive {
			return 0
		}
		since = p.changed
	}
	if since.IsZero() {
		return 0
	}
	return m.now.Sub(since)
}

// quorumWithout reports whether the voters other than one have a majority that lives.
func (m *membership) quorumWithout(voters []raft.Server, without raft.Server) bool {
	all, alive := 0, 0
	for _, s := range voters {
		if s.ID == without.ID {
			continue
		}
		all++
		if p, known := m.peers[string(s.ID)]; known && p.alive {
			alive++
		}
	}
	return alive > all/2
}

// miss keeps since when servers are missed that gossip does not know, such as those that died before this member began.
func miss(missing map[string]time.Time, servers []raft.Server, peers map[string]peer, now time.Time) {
	belong := idsOf(servers)
	maps.DeleteFunc(missing, func(id string, _ time.Time) bool { return !slices.Contains(belong, id) })
	for _, id := range belong {
		if _, known := peers[id]; known {
			delete(missing, id)
		} else if missing[id].IsZero() {
			missing[id] = now
		}
	}
}
