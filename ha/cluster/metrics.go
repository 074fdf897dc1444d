package cluster

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// counts are what a member counts, over all its runs. A nil pointer counts nothing.
type counts struct {
	sent, received atomic.Uint64 // packets of gossip

	mu      sync.Mutex
	commits scheduler.Histogram
	failed  uint64 // commits
}

// committed counts an attempt to commit an entry that began at a time.
func (c *counts) committed(began time.Time, err error) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed++
		return
	}
	c.commits.Observe(time.Since(began))
}

// Metrics returns the present numbers, see [ha.Measured].
func (m *Member) Metrics() ha.Metrics {
	m.mu.Lock()
	changes, n := m.leaderChanges, m.node
	m.mu.Unlock()
	gossip := &ha.GossipMetrics{Sent: m.counts.sent.Load(), Received: m.counts.received.Load()}
	of := &ha.RaftMetrics{}
	m.counts.mu.Lock()
	of.Commits, of.Failed = m.counts.commits, m.counts.failed
	m.counts.mu.Unlock()
	if n != nil {
		gossip.Health = n.gossip.list.GetHealthScore()
		of.Committed, of.Applied = n.raft.CommitIndex(), n.raft.AppliedIndex()
		of.Records, of.Bytes = n.state.volume()
		of.Silence = n.silence()
	}
	return ha.Metrics{LeaderChanges: changes, Raft: of, Gossip: gossip}
}

// silence returns for how long nothing was heard of the leader, or since the member runs if nothing was; 0 if it leads itself.
func (n *node) silence() time.Duration {
	if n.raft.State() == raft.Leader {
		return 0
	}
	last := n.raft.LastContact()
	if last.IsZero() {
		last = n.began
	}
	return max(0, time.Since(last))
}
