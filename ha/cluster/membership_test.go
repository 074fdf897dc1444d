package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// withDirs gives the members directories, and addresses that depend on how often they were started.
func (w *world) withDirs(moved *int) {
	dir := w.TempDir()
	w.config = func(i int, c *Config) {
		c.Dir, c.ID = filepath.Join(dir, fmt.Sprint(i)), fmt.Sprint("m", i)
		c.Network = w.net.Host(ipOf(i + *moved))
		c.GossipBind, c.RaftBind, c.Seeds = ipOf(i+*moved)+":7946", ipOf(i+*moved)+":7000", nil
		for j := 1; j <= 3; j++ {
			c.Seeds = append(c.Seeds, ipOf(j+*moved)+":7946")
		}
	}
}

func TestPlannedStop(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		for range 3 { // a rolling restart, the leader first
			old := w.leaderOfAll()
			self := w.members[old].Status().Self
			asked := time.Now()
			w.members[old].stop(errTestEnds)
			next := w.leader(500*time.Millisecond, old)
			require.LessOrEqual(w, time.Since(asked), 500*time.Millisecond)
			w.stop(old)
			w.start(old)
			time.Sleep(20 * time.Second)
			require.Equal(w, []int{next}, w.leaders())
			require.Equal(w, self, w.members[old].Status().Self, "the ID is kept")
			require.True(w, strings.HasPrefix(self, fmt.Sprintf("m%d-", old)))
			for _, m := range w.members[next].Status().Members {
				require.True(w, m.Voter && m.Alive, "%+v", m)
			}
		}
		require.NoError(w, w.check())
	})
}

// leaderOfAll starts members 1 to 3 unless they run, and returns the one that leads.
func (w *world) leaderOfAll() int {
	if len(w.members) == 0 {
		return w.startThree()
	}
	return w.leader(time.Minute)
}

// All members end at once and come back with other addresses, as on new hosts.
func TestFullRestartElsewhere(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		var number uint64
		ids := map[int]string{}
		for i := range 3 {
			began := time.Now()
			leader := w.startThree()
			w.Logf("cold start → one leads: %v", time.Since(began))
			require.LessOrEqual(w, time.Since(began), 10*time.Second)
			for i, r := range w.members {
				require.True(w, ids[i] == "" || ids[i] == r.Status().Self)
				ids[i] = r.Status().Self
			}
			term := w.members[leader].leading()
			require.Greater(w, term.Number, number)
			number = term.Number
			records, err := term.Store.Load(w.Context())
			require.NoError(w, err)
			require.Len(w, records, i)
			require.NoError(w, term.Store.Apply(w.Context(), map[string][]byte{fmt.Sprint(i): {}}))
			time.Sleep(10 * time.Second)
			w.net.Split([]string{ipOf(1 + moved)}, []string{ipOf(2 + moved)}, []string{ipOf(3 + moved)})
			for i := 1; i <= 3; i++ {
				w.stop(i)
			}
			w.net.Split()
			moved += 3
		}
		require.NoError(w, w.check())
	})
}

// Members whose clocks are an hour fast or slow, and jump between two runs, come back at other addresses. Times of the
// clock only tell apart two runs of one member that are both dead, or both seem to live.
func TestWrongClocks(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		withDirs := w.config
		w.config = func(i int, c *Config) {
			withDirs(i, c)
			c.clock = time.Duration(i-2+moved%2) * time.Hour // and jumps with the address
			for j := 1; j <= 6; j++ {
				c.Seeds = append(c.Seeds, ipOf(j)+":7946")
			}
		}
		leader := w.startThree()
		term := w.members[leader].leading()
		for i := 1; i <= 3; i++ {
			if i == leader {
				continue
			}
			moved = 3 - moved // to another address, and an hour on or back
			w.crash(i)
			w.start(i)
			time.Sleep(20 * time.Second)
			require.Equal(w, []int{leader}, w.leaders())
			require.Same(w, term, w.members[leader].leading(), "no change of the leader")
			require.Equal(w, 3, w.members[leader].alive())
			require.NoError(w, term.Store.Apply(w.Context(), map[string][]byte{fmt.Sprint(i): {}}))
		}
		w.crash(leader)
		next := w.leader(10*time.Second, leader)
		records, err := w.members[next].leading().Store.Load(w.Context())
		require.NoError(w, err)
		require.Len(w, records, 2)
		require.NoError(w, w.check())
	})
}

func TestMembersWithoutDirectoryLeave(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		leader := w.startThree()
		require.NoError(w, w.members[leader].leading().Store.Apply(w.Context(), map[string][]byte{"a": {}}))
		for range 4 { // each once, and one twice
			old := w.leader(time.Minute)
			w.stop(old)
			next := w.leader(10*time.Second, old)
			require.Len(w, voters(w.members[next]), 2)
			w.start(old)
			time.Sleep(time.Minute)
			require.Len(w, voters(w.members[next]), 3, "the new one votes")
			records, err := w.members[next].leading().Store.Load(w.Context())
			require.NoError(w, err)
			require.Contains(w, records, "a")
		}
		require.NoError(w, w.check())
	})
}

func voters(r *running) (ids []string) {
	for _, m := range r.Status().Members {
		if m.Voter {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// A member dies for good and a new one takes its place, ten times. Every other one has a directory.
func TestMembersAreReplaced(t *testing.T) {
	t.Parallel()
	last := 13
	if testing.Short() {
		last = 5
	}
	inBubble(t, func(w *world) {
		dir := w.TempDir()
		w.config = func(i int, c *Config) {
			if c.DeadAfter = 20 * time.Second; i%2 == 0 {
				c.Dir = filepath.Join(dir, fmt.Sprint(i))
			}
			for j := i - 3; j < i; j++ {
				c.Seeds = append(c.Seeds, ipOf(max(1, j))+":7946")
			}
		}
		w.startThree()
		for i := 4; i <= last; i++ {
			r := w.start(i)
			time.Sleep(13 * time.Second)
			leader := w.leader(time.Second)
			require.NotContains(w, voters(w.members[leader]), r.Status().Self, "all places are taken")
			gone := w.members[i-3].Status().Self
			w.crash(i - 3)
			time.Sleep(10 * time.Second)
			leader = w.leader(time.Second)
			require.Contains(w, voters(w.members[leader]), gone, "it may come back")
			time.Sleep(30 * time.Second)
			leader = w.leader(time.Second)
			require.Len(w, voters(w.members[leader]), 3)
			require.NotContains(w, voters(w.members[leader]), gone)
			require.Contains(w, voters(w.members[leader]), r.Status().Self)
		}
		require.NoError(w, w.check())
	})
}

func TestAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		failure := errors.New("lead failed")
		var numbers []uint64
		w.config = func(_ int, c *Config) { c.Expect = 1 }
		w.lead = func(_ context.Context, _ int, t scheduler.Term) error {
			numbers = append(numbers, t.Number)
			switch len(numbers) {
			case 1:
				return failure
			case 2:
				panic("lead panicked")
			case 3:
				runtime.Goexit()
			}
			return &ha.StopError{Err: failure}
		}
		r := w.start(1)
		require.ErrorIs(w, <-r.ended, failure)
		require.Len(w, numbers, 4)
		require.Equal(w, 1, w.log.count("TestAlone.func"), "the stack of the panic")
		require.True(w, numbers[0] < numbers[1] && numbers[1] < numbers[2] && numbers[2] < numbers[3], "%v", numbers)
		delete(w.members, 1)
		require.Equal(w, ha.Status{}, r.Status())
	})
}

func TestLeadReturns(t *testing.T) {
	inBubble(t, func(w *world) {
		var fail, leave atomic.Bool
		fail.Store(true)
		w.lead = func(ctx context.Context, _ int, _ scheduler.Term) error {
			if fail.CompareAndSwap(true, false) {
				return errors.New("lead failed")
			}
			if leave.CompareAndSwap(true, false) {
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		for i := 1; i <= 3; i++ {
			w.start(i)
		}
		time.Sleep(20 * time.Second)
		events := w.happened()
		require.Len(w, events, 3)
		require.NotEqual(w, events[0].member, events[2].member, "another one takes over")
		require.Less(w, events[2].at.Sub(events[1].at), 500*time.Millisecond)
		leader := w.leader(time.Second)
		leave.Store(true)
		require.ErrorIs(w, w.members[leader].Run(w.Context(), nil), ErrRunning)
		w.net.Split([]string{ipOf(leader)}, w.others(leader))
		var nilled *running
		for deadline := time.Now().Add(time.Minute); nilled == nil && time.Now().Before(deadline); time.Sleep(time.Second) {
			for i, r := range w.members {
				select {
				case err := <-r.ended:
					require.NoError(w, err)
					nilled = r
					delete(w.members, i)
				default:
				}
			}
		}
		require.NotNil(w, nilled, "Run returns nil when lead has")
	})
}

// A lead that returns nil because its context has ended does not hide why the member stops.
func TestLeadReturnsAfterFailure(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config = func(_ int, c *Config) { c.Expect = 1 }
		w.lead = func(ctx context.Context, _ int, _ scheduler.Term) error { <-ctx.Done(); return nil }
		r := w.start(1)
		w.leader(time.Minute)
		r.Member.node.state.failed <- ErrFormat
		require.ErrorIs(w, <-r.ended, ErrFormat)
		delete(w.members, 1)
	})
}

// Who is cut off or stops does not say that it leads, also while its lead has not returned.
func TestStatusWhileLeadReturns(t *testing.T) {
	inBubble(t, func(w *world) {
		w.lead = func(ctx context.Context, _ int, _ scheduler.Term) error {
			<-ctx.Done()
			time.Sleep(20 * time.Second)
			return context.Cause(ctx)
		}
		old := w.startThree()
		w.net.Split([]string{ipOf(old)}, w.others(old))
		<-w.members[old].context().Done()
		synctest.Wait()
		require.NotNil(w, w.members[old].leading())
		require.Empty(w, w.members[old].Status().Leader)
		next := w.leader(10*time.Second, old)
		require.True(w, w.members[next].Status().Leads())
		w.members[next].stop(errTestEnds)
		synctest.Wait()
		require.NotNil(w, w.members[next].leading())
		require.False(w, w.members[next].Status().Leads())
	})
}

func TestExpectConflicts(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config = func(i int, c *Config) {
			if c.Expect = 3; i >= 3 {
				c.Expect = 5
			}
		}
		for i := 1; i <= 3; i++ {
			w.start(i)
		}
		for i, r := range w.members {
			require.ErrorIs(w, <-r.ended, ErrExpect)
			delete(w.members, i)
		}
		require.Empty(w, w.happened())

		// A cluster that exists is not disturbed.
		config := w.config
		w.config = nil
		leader := w.startThree()
		w.config = config
		require.ErrorIs(w, <-w.start(4).ended, ErrExpect)
		delete(w.members, 4)
		time.Sleep(time.Minute)
		require.Equal(w, []int{leader}, w.leaders())
		require.Len(w, w.happened(), 1)
	})
}

// Two clusters of the same name that began apart do not merge when they meet, also after one was restarted: none loses what it
// has stored.
func TestClustersStayApart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		dirs := w.config
		w.config = func(i int, c *Config) { dirs(i, c); c.Expect = 1 }
		w.net.Split([]string{ipOf(1)}, []string{ipOf(2)})
		w.start(1)
		w.start(2)
		time.Sleep(40 * time.Second)
		require.ElementsMatch(w, []int{1, 2}, w.leaders())
		apart := func() {
			w.net.Split()
			time.Sleep(time.Minute)
			require.ElementsMatch(w, []int{1, 2}, w.leaders())
			for i := 1; i <= 2; i++ {
				require.Equal(w, 2, w.members[i].alive(), "they see each other")
				require.Len(w, voters(w.members[i]), 1)
				records, err := w.members[i].leading().Store.Load(w.Context())
				require.NoError(w, err)
				require.Equal(w, map[string][]byte{fmt.Sprint(i): {}}, records)
			}
			require.NotZero(w, w.log.count("A member of another cluster"))
		}
		for i := 1; i <= 2; i++ {
			require.NoError(w, w.members[i].leading().Store.Apply(w.Context(), map[string][]byte{fmt.Sprint(i): {}}))
		}
		apart()
		w.stop(2)
		w.start(2)
		apart()
	})
}

// Two frameworks that have each other's addresses do not merge.
func TestNamesAreKeptApart(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config = func(i int, c *Config) {
			if c.Expect = 1; i > 1 {
				c.Name = "other"
			}
		}
		w.start(1)
		w.start(2)
		time.Sleep(time.Minute)
		require.ElementsMatch(w, []int{1, 2}, w.leaders())
		require.Equal(w, 1, w.members[1].alive())
		require.Equal(w, 1, w.members[2].alive())
	})
}
