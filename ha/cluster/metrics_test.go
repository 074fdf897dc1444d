package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Three members count commits, silence, gossip and leaders, over the crash of the first leader.
func TestMemberMetrics(t *testing.T) {
	inBubble(t, func(w *world) {
		old := w.startThree()
		leader := w.members[old]
		time.Sleep(10 * time.Second)
		before := leader.Metrics()
		leader.mu.Lock()
		term := leader.term
		leader.mu.Unlock()
		for range 5 {
			require.NoError(w, term.Store.Apply(w.Context(), map[string][]byte{"key": []byte("value")}))
		}
		synctest.Wait()
		m := leader.Metrics()
		require.EqualValues(w, 1, m.LeaderChanges)
		require.Zero(w, m.Raft.Silence, "it leads")
		require.EqualValues(w, 5, m.Raft.Commits.Count-before.Raft.Commits.Count)
		require.Greater(w, m.Raft.Applied, before.Raft.Applied)
		require.Equal(w, m.Raft.Committed, m.Raft.Applied)
		require.Equal(w, before.Raft.Records+1, m.Raft.Records)
		require.Equal(w, before.Raft.Bytes+len("key")+len("value"), m.Raft.Bytes)
		time.Sleep(10 * time.Second) // the intervals of gossip are random
		m = leader.Metrics()
		require.Greater(w, m.Gossip.Sent, before.Gossip.Sent)
		require.Greater(w, m.Gossip.Received, before.Gossip.Received)

		w.crash(old)
		next := w.leader(time.Minute, old)
		other := w.members[6-old-next]
		time.Sleep(5 * time.Second)
		m = other.Metrics()
		require.EqualValues(w, 2, m.LeaderChanges)
		require.Zero(w, m.Raft.Commits.Count, "it never led")
		require.Less(w, m.Raft.Silence, time.Second)
		w.crash(next)
		time.Sleep(30 * time.Second)
		require.GreaterOrEqual(w, other.Metrics().Raft.Silence, 30*time.Second)

		w.stop(6 - old - next)
		ended := other.Metrics()
		require.Equal(w, m.LeaderChanges, ended.LeaderChanges, "counters stay")
		require.GreaterOrEqual(w, ended.Gossip.Sent, m.Gossip.Sent)
		require.Zero(w, ended.Raft.Applied)
	})
}
