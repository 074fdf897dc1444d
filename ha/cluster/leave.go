package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
)

// Leave takes a running member out of its cluster for good, such as before its host is removed; to stop it for a while,
// end the context of Run instead. The member hands over if it leads, loses its vote and then its membership, and Run
// returns [ErrLeft]. Then Leave returns nil, and the directory is empty: a later Run is that of a new member. A voter
// is replaced by a member in reserve or, if there is none, by one that is started later: until then the cluster has one
// voter less.
//
// Leave needs a leader, and a majority that is alive without this member. If ctx ends before the vote is gone, the
// member stays, Run goes on, and Leave returns the cause of ctx's end. Other errors: [ErrNotRunning], [ErrLastVoter],
// and why Run has ended instead, or why the directory could not be emptied.
func (m *Member) Leave(ctx context.Context) error {
	m.mu.Lock()
	n := m.node
	m.mu.Unlock()
	if n == nil {
		return ErrNotRunning
	}
	d := &departure{ctx: ctx, done: make(chan error, 1)}
	select {
	case m.departures <- d:
		return <-d.done
	case <-n.state.ended:
		return ErrNotRunning
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// departure is a Leave that has not returned.
type departure struct {
	ctx      context.Context
	done     chan error // gets how it ended
	voteless time.Time  // since when this member has no vote
}

// depart takes the next step of a departure, and reports whether this member has left. Its vote is taken away before its
// membership because it learns for certain only of what happens while it is a member.
func (r *runner) depart() bool {
	d := r.departure
	configuration := r.raft.GetConfiguration()
	servers := configuration.Configuration().Servers
	suffrage, belongs := suffrageOf(r.id, servers)
	switch {
	case !belongs:
		return true
	case d.ctx.Err() != nil:
		r.stay(context.Cause(d.ctx))
	case len(servers) == 1:
		r.stay(ErrLastVoter)
	case suffrage != raft.Voter && r.raft.CommitIndex() >= configuration.Index():
		if d.voteless.IsZero() {
			d.voteless = time.Now()
		}
		return time.Since(d.voteless) >= 4*r.timing.election // the leader takes it out later
	case r.raft.State() == raft.Leader && r.others() > 0:
		if r.term != nil {
			r.endTerm(ErrLeft)
		} else {
			r.handOver()
		}
	}
	return false
}

// sayLeaving tells the others whether this member is about to leave. The loop does not wait for that: it has to hear of it
// at once when the leadership is lost.
func (r *runner) sayLeaving(leaving bool) {
	if r.gossip.set(func(own *meta) { own.leaving = leaving }) {
		r.calls.Go(r.gossip.spread)
	}
}

// stay ends a departure without effect.
func (r *runner) stay(why error) {
	r.sayLeaving(false)
	r.look.Reset(2 * r.timing.tick)
	r.departure.done <- why
	r.departure = nil
}

// suffrageOf returns whether a member votes, and whether it belongs to the cluster.
func suffrageOf(id string, servers []raft.Server) (raft.ServerSuffrage, bool) {
	for _, s := range servers {
		if string(s.ID) == id {
			return s.Suffrage, true
		}
	}
	return raft.Nonvoter, false
}

// retire makes the directory that of no member. A process that dies in between has forgotten either nothing or its vote.
func (n *node) retire() error {
	if n.file == nil {
		return nil
	}
	if err := n.file.retire(); err != nil {
		return fmt.Errorf("ha/cluster: empty %s: %w", n.config.Dir, err)
	}
	return os.RemoveAll(filepath.Join(n.config.Dir, snapshotsFolder)) // or else the next Run does it
}
