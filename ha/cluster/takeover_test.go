package cluster

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
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
		PresetLocal: {150 * time.Millisecond, 2 * time.Second}, PresetLAN: {300 * time.Millisecond, 5 * time.Second}, PresetWAN: {1100 * time.Millisecond, 20 * time.Second},
	} {
		if testing.Short() && preset != PresetLAN {
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
				w.Logf("cut off → leads no more: %v", time.Since(cut))
				require.LessOrEqual(w, time.Since(cut), within.down)
				require.ErrorIs(w, context.Cause(ctx), errLost)
				var fenced *FencedError
				require.ErrorAs(w, term.Store.Apply(context.Background(), map[string][]byte{"a": nil}), &fenced)
				_, err := term.Store.Load(context.Background())
				require.ErrorAs(w, err, &fenced)
				require.ErrorAs(w, term.Confirm(context.Background()), &fenced)
				next := w.leader(within.up, old)
				require.LessOrEqual(w, time.Since(cut), within.up)
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
			time.Sleep(5 * time.Second)
			w.net.Split([]string{ipOf(leader)}, w.others(leader))
			cut := time.Now()
			leader = w.leader(10*time.Second, leader)
			times = append(times, time.Since(cut))
			w.net.Split()
		}
		slices.Sort(times)
		w.Logf("the leader cut off → another one leads: p50 %v, p90 %v, max %v", times[cuts/2], times[cuts*9/10], times[cuts-1])
		require.LessOrEqual(w, times[cuts/2], 1500*time.Millisecond)
		require.LessOrEqual(w, times[cuts*8/10], 2*time.Second)
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
	t.Parallel()
	inBubble(t, func(w *world) {
		leader := w.startThree()
		follower := leader%3 + 1
		for _, long := range []time.Duration{time.Second, 5 * time.Second, time.Minute} {
			w.net.Split([]string{ipOf(follower)}, w.others(follower))
			time.Sleep(long)
			w.net.Split()
			time.Sleep(30 * time.Second)
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
			next := w.leader(5*time.Second, leader)
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
		healed := time.Now()
		w.leader(5 * time.Second)
		w.Logf("healed → one leads: %v", time.Since(healed))
		time.Sleep(time.Minute)
		require.Len(w, w.leaders(), 1)
		require.NoError(w, w.check())
	})
}
