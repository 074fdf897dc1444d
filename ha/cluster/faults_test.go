package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// Of five members two may die, of three that are left none.
func TestFiveMembers(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config = func(_ int, c *Config) { c.Expect = 5 }
		for i := 1; i <= 5; i++ {
			w.start(i)
		}
		for range 2 {
			w.crash(w.leader(time.Minute))
		}
		leader := w.leader(10 * time.Second)
		store, ctx := w.members[leader].leading().Store, w.members[leader].context()
		require.NoError(w, store.Apply(ctx, map[string][]byte{"a": {}}))
		require.Len(w, w.members[leader].Status().Members, 5)
		for i := range w.members {
			if i != leader {
				w.crash(i)
				break
			}
		}
		died := time.Now()
		<-ctx.Done()
		require.LessOrEqual(w, time.Since(died), 300*time.Millisecond)
		time.Sleep(time.Minute)
		require.Empty(w, w.leaders())
		require.NoError(w, w.check())
	})
}

// An hour in which a fifth of all packets gets lost and the others take up to 200 ms more. The leader does not change in
// most such hours, and rarely more than once: four in a row that are lost are enough for that.
func TestBadNetwork(t *testing.T) {
	t.Parallel()
	long := time.Hour
	if testing.Short() {
		long = 5 * time.Minute
	}
	inBubble(t, func(w *world) {
		w.config = func(_ int, c *Config) { c.Preset = PresetWAN }
		w.startThree()
		for i := 1; i <= 3; i++ {
			for j := 1; j <= 3; j++ {
				w.net.SetLink(ipOf(i), ipOf(j), virtualnet.Link{Loss: 0.2, Jitter: 200 * time.Millisecond})
			}
		}
		time.Sleep(long)
		changes := len(w.happened()) / 2
		w.Logf("changes of the leader: %d", changes)
		require.LessOrEqual(w, changes, 3)
		require.Len(w, w.leaders(), 1)
		require.NoError(w, w.check())
	})
}

// Two clusters come back with each other's addresses, one of them without one of its members: another member is where its
// leader would reach it.
func TestSwappedAddresses(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		dir, swapped := w.TempDir(), 0
		w.config = func(i int, c *Config) {
			if c.Name = "one"; i > 3 {
				c.Name = "other"
			}
			c.Dir = filepath.Join(dir, fmt.Sprint(i))
			at := ipOf((i-1+swapped)%6 + 1)
			c.Network, c.GossipBind, c.RaftBind, c.Seeds = w.net.Host(at), at+":7946", at+":7000", nil
			for j := range 6 {
				c.Seeds = append(c.Seeds, ipOf(j+1)+":7946")
			}
		}
		cluster := func(members ...int) *running {
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				for _, i := range members {
					if r := w.members[i]; r != nil && r.leading() != nil {
						return r
					}
				}
				require.True(w, time.Now().Before(deadline), "nobody leads")
			}
		}
		for i := 1; i <= 6; i++ {
			w.start(i)
		}
		one, other := cluster(1, 2, 3), cluster(4, 5, 6)
		require.NoError(w, one.leading().Store.Apply(w.Context(), map[string][]byte{"one": {}}))
		require.NoError(w, other.leading().Store.Apply(w.Context(), map[string][]byte{"other": {}}))
		time.Sleep(5 * time.Second)
		for i := 1; i <= 6; i++ {
			w.stop(i)
		}
		swapped = 3
		for i := 2; i <= 6; i++ {
			w.start(i)
		}
		time.Sleep(time.Minute)
		for name, r := range map[string]*running{"one": cluster(2, 3), "other": cluster(4, 5, 6)} {
			require.Len(w, voters(r), 3)
			require.Len(w, r.Status().Members, 3)
			records, err := r.leading().Store.Load(w.Context())
			require.NoError(w, err)
			require.Equal(w, map[string][]byte{name: {}}, records)
		}
		require.Positive(w, w.log.count(errOtherMember.Error()), "Raft alone would have asked it")
	})
}

// A copy of a directory runs on another host: that one ends, and both say why.
func TestCopiedDirectory(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		leader := w.startThree()
		follower := leader%3 + 1
		w.stop(follower)
		var of, to Config
		w.config(follower, &of)
		w.config(7, &to)
		require.NoError(w, os.CopyFS(to.Dir, os.DirFS(of.Dir)))
		w.start(follower)
		time.Sleep(10 * time.Second)
		double := w.start(7)
		time.Sleep(time.Minute)
		require.Zero(w, w.log.count("Another process runs as this member"), "it may have died a moment ago")
		time.Sleep(2 * time.Minute)
		require.ErrorIs(w, <-double.ended, ErrCopied)
		delete(w.members, 7)
		require.Equal(w, 2, w.log.count("Another process runs as this member"))
		time.Sleep(10 * time.Second)
		leader = w.leader(time.Second)
		require.Equal(w, 3, w.members[leader].alive())
		require.Len(w, voters(w.members[leader]), 3)
		require.NoError(w, w.check())
	})
}

// What the log and the status say when there is no leader, or another one.
func TestReasons(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start(1)
		time.Sleep(61 * time.Second)
		require.Equal(w, "there is no cluster yet", w.members[1].Status().Reason)
		require.Equal(w, 1, w.log.count(`msg="There is no cluster yet: it begins when as many members as are expected see one another"`))
		require.Equal(w, 1, w.log.count("for=1m0s reachable=["+w.members[1].Status().Self+"] expected=3"))
		w.start(2)
		w.start(3)
		leader := w.leader(time.Minute)
		reason := func(format string, args ...any) {
			time.Sleep(time.Second)
			for _, r := range w.members {
				require.Equal(w, fmt.Sprintf(format, args...), r.Status().Reason)
			}
		}
		reason("it is the first leader of the cluster")

		dead := w.members[leader].Status().Self
		w.crash(leader)
		leader = w.leader(20 * time.Second)
		reason("nothing was heard of member %s any more", dead)
		left := w.members[leader].Status().Self
		w.start(4)
		time.Sleep(2 * time.Second)
		require.Equal(w, "this member does not belong to the cluster yet: the leader takes it in when it has seen it for a while", w.members[4].Status().Reason)
		time.Sleep(28 * time.Second)
		w.stop(leader)
		leader = w.leader(time.Second)
		reason("member %s has handed over", left)

		time.Sleep(10 * time.Second)
		for i := range w.members {
			if i != leader {
				w.crash(i)
			}
		}
		time.Sleep(62 * time.Second)
		reason("no leader is known: of 3 voters 2 have to run, and 1 can be seen")
		require.Equal(w, 1, w.log.count("No leader is known: a majority of the voters has to run and to reach each other. Start those that are missing; "+
			"only if their directories are lost for good, stop one of the rest and call Recover for it"))
		require.Equal(w, 1, w.log.count(`missing="[`))
		require.Less(w, w.log.count("raft: failed to heartbeat"), 60, "some 200 without the guard: Raft tries several times a second")
	})
}

// A member whose later version says of itself what this one cannot read is no member to it, and does not seem to live for ever.
func TestMetaOfAnotherVersion(t *testing.T) {
	own := meta{id: "self", start: time.Unix(1, 0), expect: 3}
	var log lines
	g := &gossip{log: log.logger(), own: own, self: "self-1", nodes: map[string]peer{}, changed: make(chan struct{}, 1)}
	other := meta{id: "other", start: time.Unix(2, 0), raft: "10.0.0.2:7000", expect: 3}
	node := &memberlist.Node{Name: "other-1", Meta: other.encode()}
	g.NotifyJoin(node)
	require.True(t, g.peers()["other"].alive)
	node.Meta = append([]byte{metaVersion + 1}, node.Meta[1:]...)
	g.NotifyUpdate(node)
	require.Empty(t, g.peers())
	g.NotifyLeave(node)
	require.Empty(t, g.peers())
	require.Equal(t, 2, log.count("A member is ignored: what it says of itself cannot be read"))
	node.Meta = other.encode()
	g.NotifyJoin(node)
	require.True(t, g.peers()["other"].alive)
}

// Of two runs of a member the one that lives counts, whatever their clocks say, or else the later one.
func TestNewerRun(t *testing.T) {
	run := func(alive bool, start int64) peer { return peer{meta: meta{start: time.Unix(start, 0)}, alive: alive} }
	require.True(t, run(true, 1).newer(run(false, 9)), "the clock was set back in between")
	require.False(t, run(false, 9).newer(run(true, 1)))
	require.True(t, run(true, 9).newer(run(true, 1)))
	require.False(t, run(false, 1).newer(run(false, 9)))
}
