package metrics

import "github.com/mesos-actor/mesos-actor-go/ha"

// electionSnapshot is what a member knows of the election at a time.
type electionSnapshot struct {
	ha.Status
	alive, voters int
}

func lookAt(e ha.Elector) electionSnapshot {
	s := electionSnapshot{Status: e.Status()}
	for _, m := range s.Members {
		if m.Alive {
			s.alive++
		}
		if m.Voter {
			s.voters++
		}
	}
	return s
}

// electionMetrics returns the metrics of an election, in the order of docs/metrics.md.
func electionMetrics() []metric[electionSnapshot] {
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
	}
}
