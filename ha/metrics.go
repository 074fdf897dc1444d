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

// Metrics are the numbers of one member of an election at one moment. What is counted is counted since the Elector was made, over
// all its runs, and never goes back. What is now is zero outside of Run.
type Metrics struct {
	// LeaderChanges is how often this member has learned of a new leader, or of a new term of the same one.
	LeaderChanges uint64
	// Raft and Gossip are of a member of ha/cluster, and ZooKeeper of one of ha/zookeeper. Nil: it is of another kind.
	Raft      *RaftMetrics
	Gossip    *GossipMetrics
	ZooKeeper *ZooKeeperMetrics
}

// RaftMetrics are about the replicated records.
type RaftMetrics struct {
	// Silence is for how long nothing was heard of the leader. 0 on the leader itself.
	Silence time.Duration
	// Committed is the index of the last entry that a majority has, as far as this member knows. Applied is that of the last
	// one that it has made: the difference is how far it is behind.
	Committed, Applied uint64
	// Records is how many records there are, of Bytes together.
	Records, Bytes int
	// Commits are the writes of this member while it led that were stored by a majority, and Failed those that were not, or of
	// which that is not known.
	Commits scheduler.Histogram
	Failed  uint64
}

// GossipMetrics are about how members find each other.
type GossipMetrics struct {
	// Sent and Received are packets.
	Sent, Received uint64
	// Health is 0 while this member is answered in time. The higher it is, the more often it is not: it may be overloaded, or cut off.
	Health int
}

// ZooKeeperMetrics are about the session with the servers.
type ZooKeeperMetrics struct {
	// Connected reports whether there is a session that is connected. Sessions is how many have begun: each of them after the
	// first has replaced one that expired, or that ended after a term.
	Connected bool
	Sessions  uint64
}
