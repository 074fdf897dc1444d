package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// maintainer looks after who belongs to the cluster: it begins one, and takes members in and out while this one leads.
// It runs on a goroutine of its own, since Raft's changes take as long as a majority does.
type maintainer struct {
	*node
	joined  <-chan struct{} // closed after the first attempt to join
	missing map[string]time.Time
	pick    uint64
	since   time.Time // since when pick is the same
	unheard time.Time // since when no leader is known
	warned  bool
	// compacted gets how a snapshot went, nil: none is taken. After a failure none is before retry.
	compacted chan error
	retry     time.Time
}

// run works until ctx ends. An error ends the member.
func (m *maintainer) run(ctx context.Context) error {
	m.missing, m.unheard = map[string]time.Time{}, time.Now()
	ticker := time.NewTicker(m.timing.tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-m.state.grew:
			m.compact()
			continue
		case <-ctx.Done():
			return nil
		}
		m.tell()
		m.listen()
		m.compact()
		if err := m.begin(ctx); err != nil {
			return err
		}
		if m.raft.State() == raft.Leader {
			m.change(ctx)
		}
		m.gossip.forget(time.Now().Add(-2*m.config.DeadAfter - time.Hour))
	}
}

// tell keeps what this member says of itself true.
func (m *maintainer) tell() {
	hasState := m.raft.LastIndex() > 0
	votes := false
	for _, s := range m.servers() {
		votes = votes || string(s.ID) == m.id && s.Suffrage == raft.Voter
	}
	m.gossip.tell(func(own *meta) {
		if own.hasState = own.hasState || hasState; own.hasState {
			own.pick = 0
		}
		if own.applied = 0; !votes {
			own.applied = m.raft.AppliedIndex()
		}
	})
}

// listen says in the log when no leader was known for long: then a majority may be lost, which only an operator can know.
func (m *maintainer) listen() {
	if _, leader := m.raft.LeaderWithID(); leader != "" {
		m.unheard, m.warned = time.Now(), false
		return
	}
	if without := time.Since(m.unheard); without >= m.timing.unheard && !m.warned {
		m.warned = true
		m.log.Error("No leader is known: a majority of the voters has to run and be reachable. If it is lost for good, see Recover",
			"for", without, "voters", idsOf(m.servers()), "reachable", m.alive())
	}
}

// alive returns the IDs of the members that gossip holds alive.
func (m *maintainer) alive() (ids []string) {
	for id, p := range m.gossip.peers() {
		if p.alive {
			ids = append(ids, id)
		}
	}
	return ids
}

// begin begins a cluster if there is none, and if it is this member's turn.
func (m *maintainer) begin(ctx context.Context) error {
	select {
	case <-m.joined: // others were asked before this member decides that there is no cluster
	default:
		return nil
	}
	peers := m.gossip.peers()
	if peers[m.id].hasState {
		return nil
	}
	b, err := begin(m.id, m.config.Expect, peers)
	if err != nil {
		return err
	}
	var pick uint64
	if b.pick != nil {
		pick = pickOf(idsOf(b.pick))
	}
	if pick != m.pick {
		m.pick, m.since = pick, time.Now()
		m.gossip.tell(func(own *meta) { own.pick = pick })
	}
	if !b.mayVote || time.Since(m.since) < m.timing.settle {
		return nil
	}
	m.log.Info("A new cluster begins", "members", idsOf(b.pick))
	answered, err := m.await(ctx, func() error { return m.raft.BootstrapCluster(raft.Configuration{Servers: b.pick}).Error() })
	if !answered {
		return nil
	}
	if err != nil && !errors.Is(err, raft.ErrCantBootstrap) { // it became a member of another one at this moment
		return fmt.Errorf("ha/cluster: begin a cluster: %w", err)
	}
	m.tell()
	return nil
}

// change makes one change of who belongs to the cluster, if one is due.
func (m *maintainer) change(ctx context.Context) {
	now, configuration := time.Now(), m.raft.GetConfiguration()
	peers, servers := m.gossip.peers(), configuration.Configuration().Servers
	miss(m.missing, servers, peers, now)
	c := (&membership{
		self: m.id, expect: m.config.Expect, servers: servers, peers: peers, missing: m.missing, now: now,
		commit: m.raft.CommitIndex(), arrived: m.timing.arrived, deadAfter: m.config.DeadAfter,
	}).next()
	at, within := configuration.Index(), m.timing.rpc // only if nothing has changed meanwhile
	var do func() raft.IndexFuture
	var what string
	switch c.action {
	case add:
		what, do = "taken in without a vote", func() raft.IndexFuture { return m.raft.AddNonvoter(c.server.ID, c.server.Address, at, within) }
	case promote:
		what, do = "given a vote", func() raft.IndexFuture { return m.raft.AddVoter(c.server.ID, c.server.Address, at, within) }
	case demote:
		what, do = "told to vote no more", func() raft.IndexFuture { return m.raft.DemoteVoter(c.server.ID, at, within) }
	case remove:
		what, do = "removed", func() raft.IndexFuture { return m.raft.RemoveServer(c.server.ID, at, within) }
	default:
		return
	}
	switch answered, err := m.await(ctx, func() error { return do().Error() }); {
	case !answered:
	case err != nil:
		m.log.Warn("A member could not be "+what, "other", c.server.ID, "error", err)
	default:
		m.log.Info("A member was "+what, "other", c.server.ID, "why", c.why)
	}
}
