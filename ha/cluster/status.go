package cluster

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// Status returns what this member knows of the election now: nothing outside of Run.
func (m *Member) Status() ha.Status {
	status, _ := m.look()
	return status
}

func (m *Member) look() (ha.Status, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	status := m.status
	status.Members = slices.Clone(status.Members)
	return status, m.changed
}

// Watch yields the present status and then each change, until ctx ends.
func (m *Member) Watch(ctx context.Context) iter.Seq[ha.Status] {
	return func(yield func(ha.Status) bool) {
		for ctx.Err() == nil {
			status, changed := m.look()
			if !yield(status) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	}
}

// publish changes the status, if it is another one.
func (m *Member) publish(status ha.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.status
	if status.Leader != "" && status.Term != m.term {
		m.term = status.Term
		m.leaderChanges++
	}
	if status.Self == was.Self && status.Leader == was.Leader && status.Term == was.Term {
		status.Since = was.Since
	}
	if status.Self == "" {
		status.Since = time.Time{}
	} else if status.Since.IsZero() {
		status.Since = time.Now()
	}
	if status.Self == was.Self && status.Leader == was.Leader && status.Term == was.Term && status.Reason == was.Reason &&
		slices.Equal(status.Members, was.Members) {
		return
	}
	m.status = status
	close(m.changed)
	m.changed = make(chan struct{})
}

// publish makes the status that of now.
func (r *runner) publish() {
	peers, servers, newest := r.gossip.peers(), r.servers(), r.state.epoch()
	_, leader := r.raft.LeaderWithID()
	status := ha.Status{Self: r.id}
	switch {
	case r.leads && !r.term.over() && r.number == newest.term, leader != "" && string(leader) == newest.leader && string(leader) != r.id:
		status.Leader, status.Term, status.Reason = newest.leader, newest.term, newest.why
	case leader == "":
		status.Reason = leaderless(servers, peers)
	default:
		status.Reason = fmt.Sprintf("member %s was elected, and does not lead yet", leader)
	}
	voters := map[string]bool{}
	for _, s := range servers {
		voters[string(s.ID)] = s.Suffrage == raft.Voter
		if _, known := peers[string(s.ID)]; !known {
			status.Members = append(status.Members, ha.Member{ID: string(s.ID), Voter: voters[string(s.ID)]})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(peers)) {
		p := peers[id]
		status.Members = append(status.Members, ha.Member{ID: id, API: p.api, Alive: p.alive, Voter: voters[id], Since: p.changed})
	}
	slices.SortFunc(status.Members, func(a, b ha.Member) int { return strings.Compare(a.ID, b.ID) })
	r.member.publish(status)
}

// leaderless says why there may be no leader.
func leaderless(servers []raft.Server, peers map[string]peer) string {
	voters, alive := 0, 0
	for _, s := range servers {
		if s.Suffrage == raft.Voter {
			voters++
			if peers[string(s.ID)].alive {
				alive++
			}
		}
	}
	hasCluster := func(p peer) bool { return p.alive && p.hasState }
	switch needed := voters/2 + 1; {
	case voters == 0 && slices.ContainsFunc(slices.Collect(maps.Values(peers)), hasCluster):
		return "this member does not belong to the cluster yet: the leader takes it in when it has seen it for a while"
	case voters == 0:
		return "there is no cluster yet"
	case alive < needed:
		return fmt.Sprintf("no leader is known: of %d voters %d have to run, and %d can be seen", voters, needed, alive)
	}
	return "no leader is known"
}
