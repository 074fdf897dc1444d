package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// startThree starts members 1 to 3 and returns the one that leads.
func (w *world) startThree() int {
	for i := 1; i <= 3; i++ {
		w.start(i)
	}
	return w.leader(time.Minute)
}

// others returns the hosts of the members other than one.
func (w *world) others(i int) (hosts []string) {
	for j := range w.members {
		if j != i {
			hosts = append(hosts, ipOf(j))
		}
	}
	return hosts
}

// alive returns how many members a member holds alive.
func (r *running) alive() (n int) {
	for _, m := range r.Status().Members {
		if m.Alive {
			n++
		}
	}
	return n
}

// TestLeaderIsCutOff checks the times of the presets, and the order: the old leader ends before the new one begins.
func TestLeaderIsCutOff(t *testing.T) {
	t.Parallel()
	for preset, within := range map[Preset]struct{ down, up time.Duration }{
		// Up: a vote that is split is repeated, and so on.
		Local: {150 * time.Millisecond, 2 * time.Second}, LAN: {300 * time.Millisecond, 5 * time.Second}, WAN: {1100 * time.Millisecond, 20 * time.Second},
	} {
		if testing.Short() && preset != LAN {
			continue
		}
		t.Run(fmt.Sprint(preset), func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.config = func(_ int, c *Config) { c.Preset = preset }
				old := w.startThree()
				time.Sleep(30 * time.Second)
				require.Equal(w, []int{old}, w.leaders())
				was := w.members[old]
				term, ctx := was.leading(), was.context()
				require.NoError(w, term.Store.Apply(ctx, map[string][]byte{"a": []byte("1")}))
				require.NoError(w, term.Confirm(ctx))

				w.net.Split([]string{ipOf(old)}, w.others(old))
				cut := time.Now()
				<-ctx.Done()
				require.LessOrEqual(w, time.Since(cut), within.down)
				require.ErrorIs(w, context.Cause(ctx), errLost)
				var fenced *FencedError
				require.ErrorAs(w, term.Store.Apply(context.Background(), map[string][]byte{"a": nil}), &fenced)
				_, err := term.Store.Load(context.Background())
				require.ErrorAs(w, err, &fenced)
				require.ErrorAs(w, term.Confirm(context.Background()), &fenced)
				next := w.leader(within.up, old)
				require.LessOrEqual(w, time.Since(cut), within.up)
				w.Logf("another leads after %v", time.Since(cut))
				records, err := w.members[next].leading().Store.Load(context.Background())
				require.NoError(w, err)
				require.Equal(w, map[string][]byte{"a": []byte("1")}, records)
				synctest.Wait()
				require.Equal(w, "", was.Status().Leader)
				require.Equal(w, "no leader is known", was.Status().Reason)

				time.Sleep(2 * time.Minute) // gossip has given up
				require.Equal(w, 1, was.alive())
				w.net.Split()
				time.Sleep(30 * time.Second)
				require.Equal(w, []int{next}, w.leaders(), "the one that comes back does not disturb")
				for _, r := range w.members {
					s := r.Status()
					require.Equal(w, w.members[next].Status().Self, s.Leader)
					require.Equal(w, w.members[next].leading().Number, s.Term)
					require.Equal(w, 3, r.alive())
				}
				require.NoError(w, w.check())
			})
		})
	}
}

// TestTakeoverTimes cuts off many leaders, one after the other.
func TestTakeoverTimes(t *testing.T) {
	t.Parallel()
	cuts := 30
	if testing.Short() {
		cuts = 3
	}
	inBubble(t, func(w *world) {
		leader := w.startThree()
		var times []time.Duration
		for range cuts {
			time.Sleep(10 * time.Second)
			w.net.Split([]string{ipOf(leader)}, w.others(leader))
			cut := time.Now()
			leader = w.leader(10*time.Second, leader)
			times = append(times, time.Since(cut))
			w.net.Split()
		}
		slices.Sort(times)
		w.Logf("p50 %v, p90 %v, max %v", times[cuts/2], times[cuts*9/10], times[cuts-1])
		require.LessOrEqual(w, times[cuts/2], 1500*time.Millisecond)
		require.LessOrEqual(w, times[cuts-1], 6*time.Second)
		require.NoError(w, w.check())
	})
}

// Who watches sees the last state, whatever it misses, and ends with its context.
func TestWatch(t *testing.T) {
	inBubble(t, func(w *world) {
		r := w.start(1)
		ctx, cancel := context.WithCancel(w.Context())
		states, last := 0, ha.Status{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for s := range r.Watch(ctx) {
				states, last = states+1, s
				time.Sleep(700 * time.Millisecond) // it is slow
			}
		}()
		w.start(2)
		w.start(3)
		w.leader(time.Minute)
		time.Sleep(10 * time.Second)
		cancel()
		<-done
		require.Equal(w, r.Status(), last)
		require.NotEmpty(w, last.Leader)
		require.Equal(w, "api-1", last.Members[slices.IndexFunc(last.Members, func(m ha.Member) bool { return m.ID == last.Self })].API)
		require.Greater(w, states, 1)
		for range r.Watch(w.Context()) {
			break
		}
		for range r.Watch(ctx) {
			require.Fail(w, "its context had ended")
		}
	})
}

func TestFollowerIsCutOff(t *testing.T) {
	inBubble(t, func(w *world) {
		leader := w.startThree()
		follower := leader%3 + 1
		for range 3 {
			w.net.Split([]string{ipOf(follower)}, w.others(follower))
			time.Sleep(time.Minute)
			w.net.Split()
			time.Sleep(time.Minute)
		}
		require.Len(w, w.happened(), 1, "it leads without interruption")
		require.Equal(w, 3, w.members[follower].alive())
	})
}

// Only one direction of the leader's links works.
func TestOneWayCuts(t *testing.T) {
	for _, out := range []bool{true, false} {
		inBubble(t, func(w *world) {
			leader := w.startThree()
			time.Sleep(20 * time.Second)
			for _, other := range w.others(leader) {
				link := [2]string{ipOf(leader), other}
				if !out {
					slices.Reverse(link[:])
				}
				w.net.SetLink(link[0], link[1], virtualnet.Link{Cut: true})
			}
			next := w.leader(10*time.Second, leader)
			time.Sleep(time.Minute)
			require.Equal(w, []int{next}, w.leaders())
			require.NoError(w, w.check())
		})
	}
}

func TestThreeWaySplit(t *testing.T) {
	inBubble(t, func(w *world) {
		w.startThree()
		w.net.Split([]string{ipOf(1)}, []string{ipOf(2)}, []string{ipOf(3)})
		time.Sleep(2 * time.Minute)
		require.Empty(w, w.leaders())
		w.net.Split()
		w.leader(30 * time.Second)
		time.Sleep(time.Minute)
		require.Len(w, w.leaders(), 1)
		require.NoError(w, w.check())
	})
}

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
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		var number uint64
		for i := range 3 {
			leader := w.startThree()
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

func TestMembersWithoutDirectoryLeave(t *testing.T) {
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

// A member dies for good and a new one takes its place, ten times.
func TestMembersAreReplaced(t *testing.T) {
	t.Parallel()
	last := 13
	if testing.Short() {
		last = 5
	}
	inBubble(t, func(w *world) {
		w.config = func(i int, c *Config) {
			c.DeadAfter = 30 * time.Second
			for j := i - 3; j < i; j++ {
				c.Seeds = append(c.Seeds, ipOf(max(1, j))+":7946")
			}
		}
		w.startThree()
		for i := 4; i <= last; i++ {
			r := w.start(i)
			time.Sleep(20 * time.Second)
			leader := w.leader(time.Second)
			require.NotContains(w, voters(w.members[leader]), r.Status().Self, "all places are taken")
			gone := w.members[i-3].Status().Self
			w.crash(i - 3)
			time.Sleep(20 * time.Second)
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
			}
			return &ha.StopError{Err: failure}
		}
		r := w.start(1)
		require.ErrorIs(w, <-r.ended, failure)
		require.Len(w, numbers, 3)
		require.True(w, numbers[0] < numbers[1] && numbers[1] < numbers[2], "%v", numbers)
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
