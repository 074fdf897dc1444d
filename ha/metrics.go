package ha

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Measured is an [Elector] that counts what it does. Package metrics exports that to Prometheus.
type Measured interface {
	// Metrics returns the present numbers. It waits for nothing, and may be called at any time.
	Metrics() Metrics
}

// Metrics are the numbers of one member of an election at one moment. Counters count from the creation of the Elector, over all
// its runs, and never decrease. Gauges are zero outside of Run.
type Metrics struct {
	// LeaderChanges is how often this member has learned of a new leader, or of a new term of the same one.
	LeaderChanges uint64
	// Raft and Gossip are set for a member of ha/cluster, ZooKeeper for a member of ha/zookeeper. Otherwise they are nil.
	Raft      *RaftMetrics
	Gossip    *GossipMetrics
	ZooKeeper *ZooKeeperMetrics
}

// RaftMetrics are the numbers of Raft, which replicates the records.
type RaftMetrics struct {
	// Silence is the time since this member last heard from the leader. 0 on the leader itself.
	Silence time.Duration
	// Committed is the index of the last entry that a majority has stored, as far as this member knows. Applied is the index of
	// the last entry that this member has applied to its records: the difference is how many entries it is behind.
	Committed, Applied uint64
	// Records is how many records there are, of Bytes together.
	Records, Bytes int
	// Commits are the durations of the writes of this member, as the leader, that a majority has stored. Failed counts the
	// writes that failed, or whose outcome is unknown.
	Commits scheduler.Histogram
	Failed  uint64
}

// GossipMetrics are the numbers of the gossip by which members find each other.
type GossipMetrics struct {
	// Sent and Received are packets.
	Sent, Received uint64
	// Health is 0 while other members answer this one in time. It grows the more often they do not: this member may be
	// overloaded, or cut off.
	Health int
}

// ZooKeeperMetrics are the numbers of the session with the ZooKeeper servers.
type ZooKeeperMetrics struct {
	// Connected reports whether there is a session that is connected. Sessions is how many have begun: each of them after the
	// first has replaced one that expired, or that ended after a term.
	Connected bool
	Sessions  uint64
}
