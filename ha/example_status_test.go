package ha_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// summary says in a line how an election is.
func summary(s ha.Status) string {
	dead := 0
	for _, m := range s.Members {
		if m.Voter && !m.Alive {
			dead++
		}
	}
	if s.Leader == "" {
		return fmt.Sprintf("%s knows no leader: %s", s.Self, s.Reason)
	}
	return fmt.Sprintf("%s leads term %d; this member leads: %v; voters that are down: %d", s.Leader, s.Term, s.Leads(), dead)
}

// What one member knows of an election, such as it is shown to operators.
func ExampleStatus() {
	fmt.Println(summary(ha.Status{
		Self: "b", Leader: "a", Term: 7,
		Members: []ha.Member{
			{ID: "a", API: "10.0.0.1:8080", Alive: true, Voter: true},
			{ID: "b", API: "10.0.0.2:8080", Alive: true, Voter: true},
			{ID: "c", API: "10.0.0.3:8080", Alive: false, Voter: true},
		},
	}))
	fmt.Println(summary(ha.Status{Self: "b", Reason: "the leader did not answer"}))
	// Output:
	// a leads term 7; this member leads: false; voters that are down: 1
	// b knows no leader: the leader did not answer
}

// health says what is wrong with this member; "" for nothing.
func health(m ha.Metrics) string {
	raft := func(r *ha.RaftMetrics) string {
		switch {
		case r.Silence > 10*time.Second:
			return fmt.Sprint("no leader for ", r.Silence)
		case r.Committed-r.Applied > 10_000:
			return "far behind the leader"
		}
		return ""
	}
	zookeeper := func(z *ha.ZooKeeperMetrics) string {
		if !z.Connected {
			return fmt.Sprint("not connected, after ", z.Sessions, " sessions")
		}
		return ""
	}
	overloaded := func(g *ha.GossipMetrics) bool { return g != nil && g.Health > 3 }
	switch {
	case overloaded(m.Gossip):
		return "overloaded, or cut off"
	case m.Raft != nil:
		return raft(m.Raft)
	case m.ZooKeeper != nil:
		return zookeeper(m.ZooKeeper)
	}
	return ""
}

// Numbers of a member. Package metrics exports them to Prometheus.
func ExampleMetrics() {
	fmt.Println(health(ha.Metrics{LeaderChanges: 2, Raft: &ha.RaftMetrics{Silence: 12 * time.Second}, Gossip: &ha.GossipMetrics{}}))
	fmt.Println(health(ha.Metrics{ZooKeeper: &ha.ZooKeeperMetrics{Sessions: 3}}))
	// Output:
	// no leader for 12s
	// not connected, after 3 sessions
}

// toDo says what an operator should do when ha.Run or a store has returned an error.
func toDo(err error) string {
	var foreign *ha.ForeignSchedulerError
	var record *ha.RecordError
	switch {
	case errors.As(err, &foreign):
		return fmt.Sprintf("stop the scheduler that evicted this one %d times", foreign.Evictions)
	case errors.As(err, &record):
		return "use a shorter ID: " + record.Reason
	case errors.Is(err, ha.ErrLocked):
		return "stop the other process that uses the file"
	case errors.Is(err, ha.ErrCorrupt), errors.Is(err, ha.ErrFormat):
		return "restore the file"
	case errors.Is(err, os.ErrNotExist):
		return "make the directory"
	}
	return fmt.Sprint("nothing: ", err)
}

// Errors of an election and of a store.
func ExampleForeignSchedulerError() {
	_, err := ha.OpenFile("no/such/directory/tasks.store")
	fmt.Println(toDo(err))
	fmt.Println(toDo(&ha.ForeignSchedulerError{Evictions: 3, Within: time.Minute, Err: scheduler.ErrEvicted}))
	fmt.Println(toDo(new(ha.Memory).Apply(context.Background(), map[string][]byte{"": nil})))
	// Output:
	// make the directory
	// stop the scheduler that evicted this one 3 times
	// use a shorter ID: the key is empty
}
