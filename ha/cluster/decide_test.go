package cluster

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
)

func fresh(id string, pick uint64) peer {
	return peer{meta: meta{id: id, expect: 3, pick: pick, raft: id}, alive: true}
}

func byID(peers ...peer) map[string]peer {
	all := map[string]peer{}
	for _, p := range peers {
		all[p.id] = p
	}
	return all
}

func TestBegin(t *testing.T) {
	abc, bcd := pickOf([]string{"a", "b", "c"}), pickOf([]string{"b", "c", "d"})
	dead, member, leaves, five := fresh("a", abc), fresh("d", 0), fresh("a", abc), fresh("d", 0)
	dead.alive, member.hasState, leaves.leaving, five.expect = false, true, true, 5
	tests := []struct {
		why     string
		self    string
		peers   map[string]peer
		pick    []string
		mayVote bool
		err     error
	}{
		{why: "too few", self: "a", peers: byID(fresh("a", 0), fresh("b", 0))},
		{why: "enough, which have to agree first", self: "a", peers: byID(fresh("a", 0), fresh("b", 0), fresh("c", 0)), pick: []string{"a", "b", "c"}},
		{why: "one has not picked yet", self: "a", peers: byID(fresh("a", abc), fresh("b", abc), fresh("c", 0)), pick: []string{"a", "b", "c"}},
		{why: "one sees others", self: "a", peers: byID(fresh("a", abc), fresh("b", abc), fresh("c", bcd), fresh("d", bcd)), pick: []string{"a", "b", "c"}},
		{why: "all agree", self: "a", peers: byID(fresh("a", abc), fresh("b", abc), fresh("c", abc), fresh("d", abc)), pick: []string{"a", "b", "c"}, mayVote: true},
		{why: "another one begins", self: "b", peers: byID(fresh("a", abc), fresh("b", abc), fresh("c", abc)), pick: []string{"a", "b", "c"}},
		{why: "the dead do not count", self: "b", peers: byID(dead, fresh("b", abc), fresh("c", abc))},
		{why: "nor those that leave", self: "b", peers: byID(leaves, fresh("b", abc), fresh("c", abc))},
		{why: "there is a cluster", self: "a", peers: byID(fresh("a", abc), fresh("b", abc), fresh("c", abc), member)},
		{why: "conflict", self: "a", peers: byID(fresh("a", abc), fresh("b", abc), fresh("c", abc), five), err: ErrExpect},
	}
	for _, test := range tests {
		b, err := begin(test.self, 3, test.peers)
		require.ErrorIs(t, err, test.err, test.why)
		require.Equal(t, test.pick, slices.Clip(append([]string(nil), idsOf(b.pick)...)), test.why)
		require.Equal(t, test.mayVote, b.mayVote, test.why)
	}
}

// TestBeginOnce lets members see each other in any order, and checks that no two of them begin a cluster as long as none
// is taken for dead.
func TestBeginOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 3 + r.IntN(4)
		said := map[string]peer{} // what each says of itself now
		views := map[string]map[string]peer{}
		for i := range n {
			id := fmt.Sprint(i)
			said[id] = fresh(id, 0)
			views[id] = byID(said[id])
		}
		begun := 0
		for range 300 {
			id := fmt.Sprint(r.IntN(n))
			if r.IntN(2) == 0 {
				other := fmt.Sprint(r.IntN(n))
				views[id][other] = said[other]
				continue
			}
			if said[id].hasState {
				continue
			}
			b, err := begin(id, 3, views[id])
			require.NoError(t, err)
			own := said[id]
			if own.pick = 0; b.pick != nil {
				own.pick = pickOf(idsOf(b.pick))
			}
			if b.mayVote && said[id].pick == own.pick {
				own.hasState, own.pick = true, 0
				begun++
			}
			said[id], views[id][id] = own, own
		}
		require.LessOrEqual(t, begun, 1, "seed %d", seed)
	}
}

func TestNextChange(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	alive := func(id string, change ...func(*peer)) peer {
		p := peer{meta: meta{id: id, expect: 3, raft: id, hasState: true, applied: 5000}, alive: true, changed: now.Add(-time.Hour)}
		for _, c := range change {
			c(&p)
		}
		return p
	}
	dead := func(p *peer) { p.alive = false }
	justDead := func(p *peer) { p.alive, p.changed = false, now.Add(-time.Minute) }
	leaves := func(p *peer) { p.leaving = true }
	behind := func(p *peer) { p.applied = 10 }
	sameCluster := func(p *peer) { p.pick = 7 }
	stranger := func(p *peer) { p.pick = 8 }
	just := func(p *peer) { p.changed = now.Add(-time.Second) }
	servers := func(voters, others string) (all []raft.Server) {
		for _, id := range voters {
			all = append(all, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(id)})
		}
		for _, id := range others {
			all = append(all, raft.Server{Suffrage: raft.Nonvoter, ID: raft.ServerID(id)})
		}
		return all
	}
	tests := []struct {
		why            string
		voters, others string
		peers          map[string]peer
		missing        string
		action         action
		id             string
	}{
		{why: "all is well", voters: "abc", peers: byID(alive("a"), alive("b"), alive("c"))},
		{why: "a newcomer waits", voters: "abc", peers: byID(alive("a"), alive("b"), alive("c"), alive("d", just))},
		{why: "and is taken in", voters: "abc", peers: byID(alive("a"), alive("b"), alive("c"), alive("d")), action: add, id: "d"},
		{why: "also who was here before", voters: "abc", peers: byID(alive("a"), alive("b"), alive("c"), alive("d", sameCluster)), action: add, id: "d"},
		{why: "not who is of another cluster", voters: "abc", peers: byID(alive("a"), alive("b"), alive("c"), alive("d", stranger))},
		{why: "not while it leaves", voters: "abc", peers: byID(alive("a"), alive("b"), alive("c"), alive("d", leaves))},
		{why: "no place is free", voters: "abc", others: "d", peers: byID(alive("a"), alive("b"), alive("c"), alive("d"))},
		{why: "a free place", voters: "ab", others: "d", peers: byID(alive("a"), alive("b"), alive("d")), action: promote, id: "d"},
		{why: "it has not caught up", voters: "ab", others: "d", peers: byID(alive("a"), alive("b"), alive("d", behind))},
		{why: "it may come back", voters: "abc", others: "d", peers: byID(alive("a"), alive("b"), alive("c", justDead), alive("d"))},
		{why: "it is replaced", voters: "abc", others: "d", peers: byID(alive("a"), alive("b"), alive("c", dead), alive("d")), action: remove, id: "c"},
		{why: "not by who is behind", voters: "abc", others: "d", peers: byID(alive("a"), alive("b"), alive("c", dead), alive("d", behind))},
		{why: "nobody replaces it", voters: "abc", peers: byID(alive("a"), alive("b"), alive("c", dead))},
		{why: "gossip never knew it", voters: "abc", others: "d", peers: byID(alive("a"), alive("b"), alive("d")), missing: "c", action: remove, id: "c"},
		{why: "the rest would have no majority", voters: "abcde", others: "f", peers: byID(alive("a"), alive("b"), alive("c", dead), alive("d", dead), alive("e", dead), alive("f"))},
		{why: "a voter leaves", voters: "abc", peers: byID(alive("a"), alive("b"), alive("c", leaves)), action: demote, id: "c"},
		{why: "without a vote it goes", voters: "ab", others: "c", peers: byID(alive("a"), alive("b"), alive("c", leaves)), action: remove, id: "c"},
		{why: "one in reserve makes it possible", voters: "abc", others: "d", peers: byID(alive("a"), alive("b", dead), alive("c", leaves), alive("d")), action: promote, id: "d"},
		{why: "also for the leader", voters: "abc", others: "d", peers: byID(alive("a", leaves), alive("b"), alive("c"), alive("d")), action: promote, id: "d"},
		{why: "but one is enough", voters: "abcd", others: "e", peers: byID(alive("a", leaves), alive("b"), alive("c"), alive("d"), alive("e"))},
		{why: "but the rest would have no majority", voters: "abc", peers: byID(alive("a"), alive("b", dead), alive("c", leaves))},
		{why: "the leader does not remove itself", voters: "abc", peers: byID(alive("a", leaves), alive("b"), alive("c"))},
		{why: "one in reserve is dead", voters: "abc", others: "d", peers: byID(alive("a"), alive("b"), alive("c"), alive("d", dead)), action: remove, id: "d"},
	}
	for _, test := range tests {
		m := membership{self: "a", origin: 7, expect: 3, servers: servers(test.voters, test.others), peers: test.peers, commit: 5500, now: now,
			missing: map[string]time.Time{}, arrived: 10 * time.Second, deadAfter: 5 * time.Minute}
		if len(test.voters) > 4 {
			m.expect = 5
		}
		for _, id := range test.missing {
			m.missing[string(id)] = now.Add(-time.Hour)
		}
		c := m.next()
		require.Equal(t, test.action, c.action, test.why)
		require.Equal(t, test.id, string(c.server.ID), test.why)
	}
}

// TestNextChangeEnds makes changes until there are none, from any situation, and checks that there are never more voters than
// expected, but for one that leaves, and that each step leaves a majority alive if there was one.
func TestNextChangeEnds(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := membership{self: "0", expect: 3, peers: map[string]peer{}, now: now, missing: map[string]time.Time{}, arrived: time.Second, deadAfter: time.Minute}
		for i := range 3 + r.IntN(4) {
			id := fmt.Sprint(i)
			p := peer{meta: meta{id: id, expect: 3, leaving: r.IntN(5) == 0}, alive: i == 0 || r.IntN(3) > 0, changed: now.Add(-time.Duration(r.IntN(120)) * time.Second)}
			if i == 0 || r.IntN(6) > 0 {
				m.peers[id] = p
			}
			if i < 3 {
				m.servers = append(m.servers, raft.Server{ID: raft.ServerID(id)})
			} else if r.IntN(2) == 0 {
				m.servers = append(m.servers, raft.Server{ID: raft.ServerID(id), Suffrage: raft.Nonvoter})
			}
		}
		lives := func() bool {
			voters, _ := m.sort()
			return m.quorumWithout(voters, raft.Server{})
		}
		was := lives()
		for step := 0; ; step++ {
			require.Less(t, step, 30, "seed %d", seed)
			c := m.next()
			if c.action == nothing {
				break
			}
			at := slices.IndexFunc(m.servers, func(s raft.Server) bool { return s.ID == c.server.ID })
			switch c.action {
			case add:
				c.server.Suffrage = raft.Nonvoter
				m.servers = append(m.servers, c.server)
			case promote:
				m.servers[at].Suffrage = raft.Voter
			case demote:
				m.servers[at].Suffrage = raft.Nonvoter
			case remove:
				m.servers = slices.Delete(m.servers, at, at+1)
			}
			voters, _ := m.sort()
			require.LessOrEqual(t, m.staying(voters), 3)
			require.LessOrEqual(t, len(voters), 4)
			require.True(t, !was || lives(), "seed %d: %+v", seed, c)
			was = lives()
		}
	}
}

// Since when a server is missed is kept for as long as it belongs and gossip does not know it.
func TestMiss(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	missing := map[string]time.Time{}
	servers := []raft.Server{{ID: "a"}, {ID: "b"}, {ID: "c"}}
	miss(missing, servers, byID(fresh("a", 0)), began)
	miss(missing, servers, byID(fresh("a", 0)), began.Add(time.Minute))
	require.Equal(t, map[string]time.Time{"b": began, "c": began}, missing)
	miss(missing, servers[:2], byID(fresh("a", 0)), began.Add(time.Minute))
	require.Equal(t, map[string]time.Time{"b": began}, missing, "the other one was removed")
	miss(missing, servers, byID(fresh("b", 0)), began.Add(2*time.Minute))
	require.Equal(t, map[string]time.Time{"a": began.Add(2 * time.Minute), "c": began.Add(2 * time.Minute)}, missing)
}
