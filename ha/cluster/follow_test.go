package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// merge makes the changes that a follower got.
func merge(records, changes map[string][]byte) {
	for key, value := range changes {
		if records[key] = value; value == nil {
			delete(records, key)
		}
	}
}

// Followers that take at any time, or never, have the records in the end, also after a restored snapshot, and what they are
// owed is bounded by the records.
func TestFollowersHaveAll(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := randomState(r, 5)
		often, once := map[string][]byte{}, map[string][]byte{}
		f, all := s.follow()
		merge(often, all)
		g, all := s.follow()
		merge(once, all)
		began := len(all)
		for range 60 {
			switch r.IntN(10) {
			case 0: // of a leader with other records
				var to sink
				other, err := randomState(r, r.IntN(10)).Snapshot()
				require.NoError(t, err)
				require.NoError(t, other.Persist(&to))
				require.NoError(t, s.Restore(io.NopCloser(&to)))
			case 1, 2, 3:
				changes := s.take(f)
				for key, value := range changes {
					require.False(t, value == nil && often[key] == nil, "%s was never there", key)
				}
				merge(often, changes)
				require.Equal(t, s.copy(), often)
			default:
				changes := map[string][]byte{fmt.Sprint("new ", r.Uint64()): {}}
				if r.IntN(2) == 0 {
					for key := range s.copy() {
						changes = map[string][]byte{key: nil}
					}
				}
				write(s, s.newest.term, changes)
			}
			require.LessOrEqual(t, len(g.changes), began+len(s.records))
			require.LessOrEqual(t, len(g.added), len(g.changes))
		}
		merge(once, s.take(g))
		require.Equal(t, s.copy(), once)
		require.Empty(t, s.take(g))
		s.unfollow(f)
		s.unfollow(g)
		require.Empty(t, s.followers)
	}
}

// TestFollow follows the records in a member that does not lead, from the beginning of its Run to the end.
func TestFollow(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start(1)
		w.start(2)
		m := w.start(3)
		got, first := map[string][]byte{}, 0
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for changes := range m.Follow(w.Context()) {
				first++
				merge(got, changes)
			}
		}()
		leader := w.leader(time.Minute)
		w.stop(3)
		<-ended
		require.Positive(w, first)

		leader = w.leader(time.Minute)
		apply := func(changes map[string][]byte) {
			require.NoError(w, w.members[leader].leading().Store.Apply(w.Context(), changes))
		}
		apply(map[string][]byte{"a": []byte("1"), "b": {}, "c": {}})
		m = w.start(3)
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		yields := make(chan map[string][]byte)
		go func() {
			defer close(yields)
			for changes := range m.Follow(ctx) {
				yields <- changes
			}
		}()
		has := func() map[string][]byte {
			for {
				synctest.Wait()
				select {
				case changes := <-yields:
					merge(got, changes)
				default:
					return maps.Clone(got)
				}
			}
		}
		clear(got)
		time.Sleep(30 * time.Second)
		require.Equal(w, map[string][]byte{"a": []byte("1"), "b": {}, "c": {}}, has())
		apply(map[string][]byte{"a": []byte("2"), "b": nil})
		apply(map[string][]byte{"a": []byte("3")})
		time.Sleep(time.Second)
		require.Equal(w, map[string][]byte{"a": []byte("3"), "c": {}}, has())
		cancel()
		_, more := <-yields
		require.False(w, more)
		for range m.Follow(ctx) {
			require.Fail(w, "its context had ended")
		}
		for changes := range m.Follow(w.Context()) {
			require.Equal(w, map[string][]byte{"a": []byte("3"), "c": {}}, changes)
			break
		}
	})
}

// BenchmarkApply is what the writer pays for followers.
func BenchmarkApply(b *testing.B) {
	for followers := range 2 {
		b.Run(fmt.Sprintf("%d followers", followers), func(b *testing.B) {
			s := newState()
			beginTerm(s, 1, "a")
			for range followers {
				s.follow()
			}
			value := bytes.Repeat([]byte("x"), 850)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				write(s, 1, map[string][]byte{fmt.Sprint(n % 10_000): value})
			}
		})
	}
}
