package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
)

// leave has a member leave within a time, and returns Leave's error.
func (w *world) leave(i int, within time.Duration) error {
	ctx, cancel := context.WithTimeout(w.Context(), within)
	defer cancel()
	return w.members[i].Leave(ctx)
}

// left requires that a member has left, and forgets it.
func (w *world) left(i int) {
	require.ErrorIs(w, <-w.members[i].ended, ErrLeft)
	require.ErrorIs(w, w.members[i].Leave(w.Context()), ErrNotRunning)
	delete(w.members, i)
}

// Of four members with directories a follower leaves, and then the leader.
func TestLeave(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		leader := w.startThree()
		w.start(4)
		time.Sleep(30 * time.Second)
		require.NoError(w, w.members[leader].leading().Store.Apply(w.Context(), map[string][]byte{"a": {}}))
		require.Len(w, w.members[leader].Status().Members, 4)

		follower := leader%3 + 1
		gone := w.members[follower].Status().Self
		require.NoError(w, w.leave(follower, 10*time.Second))
		w.left(follower)
		time.Sleep(5 * time.Second)
		require.Len(w, voters(w.members[leader]), 3, "the one in reserve has its vote")
		require.NotContains(w, voters(w.members[leader]), gone)
		require.Len(w, w.happened(), 1, "the leader is not disturbed")

		gone = w.members[leader].Status().Self
		ctx, old := w.members[leader].context(), leader
		require.NoError(w, w.leave(leader, 10*time.Second))
		require.ErrorIs(w, context.Cause(ctx), ErrLeft)
		w.left(leader)
		leader = w.leader(time.Second)
		events := w.happened()
		require.Less(w, events[2].at.Sub(events[1].at), 500*time.Millisecond, "it was handed over")
		require.Len(w, voters(w.members[leader]), 2)

		// What is in the directory is no member any more.
		w.start(old)
		time.Sleep(30 * time.Second)
		require.NotEqual(w, gone, w.members[old].Status().Self)
		require.Len(w, voters(w.members[leader]), 3)
		require.NotContains(w, voters(w.members[leader]), gone)
		records, err := w.members[leader].leading().Store.Load(w.Context())
		require.NoError(w, err)
		require.Contains(w, records, "a")
		require.NoError(w, w.check())
	})
}

// Without a leader nobody takes the vote away: the member stays.
func TestLeaveWithoutMajority(t *testing.T) {
	inBubble(t, func(w *world) {
		leader := w.startThree()
		follower := leader%3 + 1
		w.net.Split([]string{ipOf(follower)}, w.others(follower))
		require.ErrorIs(w, w.leave(follower, 20*time.Second), context.DeadlineExceeded)
		w.net.Split()
		time.Sleep(30 * time.Second)
		require.Contains(w, voters(w.members[leader]), w.members[follower].Status().Self)

		// One of the others is dead: the rest would have no majority.
		w.crash(leader)
		w.leader(time.Minute)
		time.Sleep(20 * time.Second) // gossip knows it
		for i := range w.members {
			require.ErrorIs(w, w.leave(i, 5*time.Second), context.DeadlineExceeded)
		}
		require.Len(w, voters(w.members[w.leader(10*time.Second)]), 3)
	})
}

func TestLastMemberLeaves(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config = func(_ int, c *Config) { c.Expect = 1 }
		w.start(1)
		w.leader(time.Minute)
		require.NoError(w, w.members[1].leading().Store.Apply(w.Context(), map[string][]byte{"a": {}}))
		require.ErrorIs(w, w.leave(1, time.Second), ErrLastVoter)
		w.start(2)
		time.Sleep(30 * time.Second)
		require.Equal(w, []int{1}, w.leaders())
		require.Len(w, voters(w.members[1]), 1)
		require.NoError(w, w.leave(1, 10*time.Second), "there is one that takes its place")
		w.left(1)
		require.Equal(w, 2, w.leader(time.Second))
		records, err := w.members[2].leading().Store.Load(w.Context())
		require.NoError(w, err)
		require.Contains(w, records, "a")
		time.Sleep(5 * time.Second)
		require.Equal(w, []string{w.members[2].Status().Self}, voters(w.members[2]))
		require.NoError(w, w.check())
	})
}

// A process may die while its directory is emptied; it never comes back with a part of what was there.
func TestRetiredDirectory(t *testing.T) {
	dir := t.TempDir()
	c, err := Config{Name: "framework", Dir: dir, Preset: PresetLocal}.normalize()
	require.NoError(t, err)
	open := func() *stores {
		s, err := openStores(&c, c.Logger)
		require.NoError(t, err)
		return s
	}
	s := open()
	first := s.id
	require.NoError(t, s.log.StoreLog(&raft.Log{Index: 1, Term: 1}))
	require.NoError(t, s.stable.SetUint64([]byte("CurrentTerm"), 7))
	sink, err := s.snapshots.Create(1, 1, 1, raft.Configuration{}, 1, nil)
	require.NoError(t, err)
	require.NoError(t, sink.Close())
	require.NoError(t, s.file.retire())
	require.NoError(t, s.file.Close()) // the snapshots are still there

	s = open()
	require.NotEqual(t, first, s.id)
	has, err := raft.HasExistingState(s.log, s.stable, s.snapshots)
	require.NoError(t, err)
	require.False(t, has)
	second := s.id
	require.NoError(t, s.file.Close())
	s = open()
	require.Equal(t, second, s.id)
	sink, err = s.snapshots.Create(1, 1, 1, raft.Configuration{}, 1, nil)
	require.NoError(t, err)
	require.NoError(t, sink.Close())
	require.NoError(t, s.file.Close())

	// Snapshots whose vote is lost are refused.
	require.NoError(t, os.Remove(filepath.Join(dir, logFile)))
	_, err = openStores(&c, c.Logger)
	require.ErrorIs(t, err, ErrCorrupt)
	require.ErrorContains(t, err, fmt.Sprintf("%s has snapshots, but %s is missing", dir, filepath.Join(dir, logFile)))
}
