package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	strangers recent    // those that the log named lately
	doubled   time.Time // since when another process runs as this member, zero: none does
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
		if err := errors.Join(m.double(), m.begin(ctx)); err != nil {
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
			own.pick = m.state.cluster()
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
	without := time.Since(m.unheard)
	if without < m.timing.unheard || m.warned {
		return
	}
	m.warned = true
	peers, servers := m.gossip.peers(), m.servers()
	var reachable, missing []string
	for id, p := range peers {
		if p.alive {
			reachable = append(reachable, id)
		}
	}
	for _, s := range servers {
		if s.Suffrage == raft.Voter && !peers[string(s.ID)].alive {
			missing = append(missing, string(s.ID))
		}
	}
	slices.Sort(reachable)
	log := m.log.With("for", without.Round(time.Second), "reachable", reachable)
	if len(servers) == 0 {
		log.Error("There is no cluster yet: it begins when as many members as are expected see one another", "expected", m.config.Expect)
		return
	}
	log.Error("No leader is known: a majority of the voters has to run and to reach each other. Start those that are missing; "+
		"only if their directories are lost for good, stop one of the rest and call Recover for it", "voters", idsOf(servers), "missing", missing)
}

// doubledFor is for how long another process may seem to run as this member: one that has died seems to live until
// gossip has found out.
const doubledFor = 2 * time.Minute

// double looks for another process that runs as this member. The one that began later ends.
func (m *maintainer) double() error {
	other, earlier, is := m.gossip.double()
	switch {
	case !is:
		m.doubled = time.Time{}
	case m.doubled.IsZero():
		m.doubled = time.Now()
	case time.Since(m.doubled) >= doubledFor:
		m.doubled = time.Now() // say it again later
		m.log.Error("Another process runs as this member: its directory was copied, or restored from a backup. That can lose records. The "+
			"one that began later ends; remove its directory", "other", other.gossip, "began", other.start)
		if earlier {
			return fmt.Errorf("%w: at %s", ErrCopied, other.gossip)
		}
	}
	return nil
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
	known := &membership{
		self: m.id, origin: m.state.cluster(), expect: m.config.Expect, servers: servers, peers: peers, missing: m.missing, now: now,
		commit: m.raft.CommitIndex(), arrived: m.timing.arrived, deadAfter: m.config.DeadAfter,
	}
	for id, p := range peers {
		if p.alive && known.stranger(p) && !m.strangers.repeats(id) {
			m.log.Error("A member of another cluster of the same name is not taken in: one of the clusters has to be stopped, and its "+
				"directories removed", "other", id, "address", p.gossip)
		}
	}
	c := known.next()
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
