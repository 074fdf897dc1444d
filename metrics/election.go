package metrics

import (
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// electionSnapshot is what a member knows of the election at a time, and what it has counted.
type electionSnapshot struct {
	ha.Status
	ha.Metrics
	alive, voters, votersAlive int
}

func lookAt(e ha.Elector) electionSnapshot {
	s := electionSnapshot{Status: e.Status()}
	if m, able := e.(ha.Measured); able {
		s.Metrics = m.Metrics()
	}
	for _, m := range s.Members {
		if m.Alive {
			s.alive++
		}
		if m.Voter {
			s.voters++
		}
		if m.Alive && m.Voter {
			s.votersAlive++
		}
	}
	return s
}

// electionMetrics returns the metrics that an elector has, in the order of docs/metrics.md.
func electionMetrics(e ha.Elector) []metric[electionSnapshot] {
	all := statusMetrics()
	measured, able := e.(ha.Measured)
	if !able {
		return all
	}
	all = append(all, count("election_leader_changes_total", "New leaders, or new terms of the same one, that this member has learned of.",
		func(s *electionSnapshot) uint64 { return s.LeaderChanges }))
	of := measured.Metrics()
	if of.Raft != nil {
		all = append(all, raftMetrics()...)
	}
	if of.Gossip != nil {
		all = append(all, gossipMetrics()...)
	}
	if of.ZooKeeper != nil {
		all = append(all, zooKeeperMetrics()...)
	}
	return all
}

func statusMetrics() []metric[electionSnapshot] {
	type from = *electionSnapshot
	return []metric[electionSnapshot]{
		level("election_leader", "1 if this member leads.", func(s from) float64 { return oneIf(s.Leads()) }),
		level("election_leader_known", "1 if this member knows who leads.", func(s from) float64 { return oneIf(s.Leader != "") }),
		level("election_term", "The term of the leader, 0 if none is known.", func(s from) float64 { return float64(s.Term) }),
		level("election_changed_timestamp_seconds", "When this member learned who leads, or that nobody does. 0: it does not take part.",
			func(s from) float64 { return timestamp(s.Since) }),
		level("election_members", "Members, with this one.", func(s from) float64 { return float64(len(s.Members)) }),
		level("election_members_alive", "Members that were heard from lately.", func(s from) float64 { return float64(s.alive) }),
		level("election_voters", "Members that vote.", func(s from) float64 { return float64(s.voters) }),
		level("election_voters_alive", "Members that vote, and were heard from lately.", func(s from) float64 { return float64(s.votersAlive) }),
	}
}

func raftMetrics() []metric[electionSnapshot] {
	type from = *electionSnapshot
	return []metric[electionSnapshot]{
		level("raft_leader_silence_seconds", "For how long nothing was heard of the leader, 0 on the leader itself.",
			func(s from) float64 { return s.Raft.Silence.Seconds() }),
		level("raft_commit_index", "Index of the last entry of the log that a majority has, as far as this member knows.",
			func(s from) float64 { return float64(s.Raft.Committed) }),
		level("raft_applied_index", "Index of the last entry of the log that this member has made.", func(s from) float64 { return float64(s.Raft.Applied) }),
		level("raft_records", "Records that are replicated.", func(s from) float64 { return float64(s.Raft.Records) }),
		level("raft_records_bytes", "Size of the records that are replicated.", func(s from) float64 { return float64(s.Raft.Bytes) }),
		durations("raft_commit_duration_seconds", "Time of a write of this member while it led, until a majority had stored it.",
			func(s from) *scheduler.Histogram { return &s.Raft.Commits }),
		count("raft_commit_failures_total", "Writes of this member while it led that were not stored, or of which that is not known.",
			func(s from) uint64 { return s.Raft.Failed }),
	}
}

func gossipMetrics() []metric[electionSnapshot] {
	type from = *electionSnapshot
	return []metric[electionSnapshot]{
		count("gossip_packets_sent_total", "Packets of gossip that this member sent.", func(s from) uint64 { return s.Gossip.Sent }),
		count("gossip_packets_received_total", "Packets of gossip that this member received.", func(s from) uint64 { return s.Gossip.Received }),
		level("gossip_health", "0 while other members answer this one in time. The higher, the more often they do not: it may be overloaded, or cut off.",
			func(s from) float64 { return float64(s.Gossip.Health) }),
	}
}

func zooKeeperMetrics() []metric[electionSnapshot] {
	type from = *electionSnapshot
	return []metric[electionSnapshot]{
		level("zookeeper_connected", "1 while this member has a session with ZooKeeper that is connected.", func(s from) float64 { return oneIf(s.ZooKeeper.Connected) }),
		count("zookeeper_sessions_total", "Sessions with ZooKeeper that have begun.", func(s from) uint64 { return s.ZooKeeper.Sessions }),
	}
}
