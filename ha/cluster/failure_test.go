package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// disk is a log whose writings hang or fail when the test says so.
type disk struct {
	raft.LogStore
	mu    sync.Mutex
	hangs chan struct{} // until it is closed; nil: it does not
	full  error
}

func (d *disk) StoreLogs(entries []*raft.Log) error {
	d.mu.Lock()
	hangs, full := d.hangs, d.full
	d.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
	if full != nil {
		return full
	}
	return d.LogStore.StoreLogs(entries)
}

func (d *disk) StoreLog(entry *raft.Log) error { return d.StoreLogs([]*raft.Log{entry}) }

// stableDisk is what Raft keeps beside the log on such a disk.
type stableDisk struct {
	raft.StableStore
	on *disk
}

func (d stableDisk) SetUint64(key []byte, value uint64) error {
	d.on.mu.Lock()
	full := d.on.full
	d.on.mu.Unlock()
	if full != nil {
		return full
	}
	return d.StableStore.SetUint64(key, value)
}

// set changes how the disk works.
func (d *disk) set(hangs chan struct{}, full error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hangs, d.full = hangs, full
}

func (w *world) withDisks() map[int]*disk {
	disks := map[int]*disk{1: {}, 2: {}, 3: {}}
	w.config = func(i int, c *Config) {
		c.wrapLog = func(log raft.LogStore) raft.LogStore {
			disks[i].LogStore = log
			return disks[i]
		}
		c.wrapStable = func(stable raft.StableStore) raft.StableStore { return stableDisk{stable, disks[i]} }
	}
	return disks
}

// A leader whose disk hangs goes on to send heartbeats: without a watchdog it would lead for ever.
func TestDiskOfLeaderHangs(t *testing.T) {
	inBubble(t, func(w *world) { // its lead hangs as well, such as on the same disk
		returns, hangs := make(chan struct{}), make(chan struct{})
		release := sync.OnceFunc(func() { close(returns) })
		defer close(hangs)
		defer release() // also when the test has failed
		w.lead = func(ctx context.Context, _ int, _ scheduler.Term) error {
			<-ctx.Done()
			<-returns
			return context.Cause(ctx)
		}
		disks := w.withDisks()
		old := w.startThree()
		time.Sleep(10 * time.Second)
		r := w.members[old]
		disks[old].set(hangs, nil)
		began := time.Now()
		next := w.leader(20*time.Second, old)
		require.LessOrEqual(w, time.Since(began), 10*time.Second)
		require.NoError(w, w.members[next].leading().Store.Apply(w.Context(), map[string][]byte{"a": {}}))
		release()
		require.ErrorIs(w, <-r.ended, ErrStalled)
		delete(w.members, old)
	})
	for range 5 { // Raft's loop may be busy with a record when it is asked, or not
		inBubble(t, func(w *world) { w.hangDisk(false) })
		inBubble(t, func(w *world) { w.hangDisk(true) })
	}
}

// hangDisk hangs the disk of the leader, with a record or without one that is just written.
func (w *world) hangDisk(writing bool) {
	disks := w.withDisks()
	old := w.startThree()
	time.Sleep(10 * time.Second)
	hangs := make(chan struct{})
	disks[old].set(hangs, nil)
	ctx, r := w.members[old].context(), w.members[old]
	began := time.Now()
	if writing {
		go func() { _ = r.leading().Store.Apply(ctx, map[string][]byte{"lost": {}}) }()
	}
	<-ctx.Done()
	require.ErrorIs(w, context.Cause(ctx), errNotStored)
	require.LessOrEqual(w, time.Since(began), 5*time.Second+100*time.Millisecond)
	next := w.leader(10*time.Second, old)
	w.Logf("the disk hangs → another one leads: %v", time.Since(began))
	require.LessOrEqual(w, time.Since(began), 10*time.Second)
	require.ErrorIs(w, <-r.ended, ErrStalled)
	delete(w.members, old)
	require.NoError(w, w.members[next].leading().Store.Apply(w.Context(), map[string][]byte{"a": {}}))
	require.NoError(w, w.check())
	close(hangs)
}

// The disks of both followers hang: the leader's term ends, but not the leader, which leads again once one of them works.
func TestDisksOfFollowersHang(t *testing.T) {
	inBubble(t, func(w *world) {
		disks := w.withDisks()
		leader := w.startThree()
		time.Sleep(10 * time.Second)
		hangs, began := make(chan struct{}), time.Now()
		for i, d := range disks {
			if i != leader {
				d.set(hangs, nil)
			}
		}
		ctx := w.members[leader].context()
		<-ctx.Done()
		require.ErrorIs(w, context.Cause(ctx), errNotStored)
		require.LessOrEqual(w, time.Since(began), 5*time.Second+100*time.Millisecond)
		time.Sleep(20 * time.Second)
		require.Empty(w, w.leaders())
		for _, d := range disks {
			d.set(nil, nil)
		}
		close(hangs)
		w.leader(20 * time.Second)
		require.Len(w, w.members, 3, "none has ended")
		for _, r := range w.members {
			require.Empty(w, r.ended)
		}
		require.NoError(w, w.check())
	})
}

// The same, and the leader's lead does not return: another member leads once one of them works.
func TestDisksOfFollowersHangAndLeadIsSlow(t *testing.T) {
	inBubble(t, func(w *world) {
		disks := w.withDisks()
		returns := make(chan struct{})
		w.lead = func(ctx context.Context, _ int, _ scheduler.Term) error {
			<-ctx.Done()
			<-returns
			return context.Cause(ctx)
		}
		defer close(returns)
		leader := w.startThree()
		time.Sleep(10 * time.Second)
		hangs := make(chan struct{})
		for i, d := range disks {
			if i != leader {
				d.set(hangs, nil)
			}
		}
		<-w.members[leader].context().Done()
		time.Sleep(20 * time.Second)
		for _, d := range disks {
			d.set(nil, nil)
		}
		close(hangs)
		next := w.leader(10*time.Second, leader)
		require.NoError(w, w.members[next].leading().Store.Apply(w.Context(), map[string][]byte{"a": {}}))
	})
}

func TestDiskOfLeaderIsFull(t *testing.T) {
	inBubble(t, func(w *world) {
		disks := w.withDisks()
		old := w.startThree()
		time.Sleep(10 * time.Second)
		ctx, store := w.members[old].context(), w.members[old].leading().Store
		disks[old].set(nil, errors.New("no space left on device"))
		require.Error(w, store.Apply(ctx, map[string][]byte{"a": {}}))
		next := w.leader(15*time.Second, old)
		require.Error(w, ctx.Err())
		disks[old].set(nil, nil)
		time.Sleep(30 * time.Second)
		require.Equal(w, []int{next}, w.leaders())
		require.NoError(w, w.check())
	})
}

// Raft itself panics when it cannot write its term. Of the two that are left one cannot vote until its disk has room.
func TestDiskOfFollowerIsFull(t *testing.T) {
	inBubble(t, func(w *world) {
		disks := w.withDisks()
		old := w.startThree()
		time.Sleep(10 * time.Second)
		follower := old%3 + 1
		disks[follower].set(nil, errors.New("no space left on device"))
		require.NoError(w, w.members[old].leading().Store.Apply(w.Context(), map[string][]byte{"a": {}}), "two of three have it")
		w.net.Split([]string{ipOf(old)}, w.others(old))
		time.Sleep(30 * time.Second)
		require.Empty(w, w.leaders())
		disks[follower].set(nil, nil)
		next := w.leader(20*time.Second, old)
		records, err := w.members[next].leading().Store.Load(w.Context())
		require.NoError(w, err)
		require.Equal(w, map[string][]byte{"a": {}}, records)
		disks[next].set(nil, errors.New("no space left on device"))
		w.stop(next) // also while it waits for its disk
		require.NoError(w, w.check())
	})
}

func TestDirectory(t *testing.T) {
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		config := w.config
		w.config = func(i int, c *Config) { config(i, c); c.Expect = 1; c.Seeds = nil }
		r := w.start(1)
		w.leader(time.Minute)

		c := Config{Name: "framework", Network: w.net.Host(ipOf(9)), GossipBind: ipOf(9) + ":1", RaftBind: ipOf(9) + ":2"}
		config(1, &c)
		m, err := New(c)
		require.NoError(w, err)
		require.ErrorIs(w, m.Run(w.Context(), nil), ErrLocked)
		_, err = Recover(c, true)
		require.ErrorIs(w, err, ErrLocked)
		self := r.Status().Self
		w.stop(1)

		file := filepath.Join(c.Dir, logFile)
		whole, err := os.ReadFile(file)
		require.NoError(w, err)
		require.NoError(w, os.WriteFile(file, append([]byte("x"), whole[1:]...), 0o600))
		require.NoError(w, os.Truncate(file, 5000))
		err = m.Run(w.Context(), nil)
		require.Error(w, err)
		require.ErrorContains(w, err, file)
		require.NoError(w, os.WriteFile(file, whole, 0o600))
		w.start(1)
		w.leader(time.Minute)
		require.Equal(w, self, w.members[1].Status().Self)

		// Who has lost its memory comes back as another one.
		w.stop(1)
		require.NoError(w, os.RemoveAll(c.Dir))
		w.start(1)
		w.leader(time.Minute)
		require.NotEqual(w, self, w.members[1].Status().Self)
	})
}

// Two of three directories are lost.
func TestRecover(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		leader := w.startThree()
		for i := range 50 {
			require.NoError(w, w.members[leader].leading().Store.Apply(w.Context(), map[string][]byte{fmt.Sprint(i): {}}))
		}
		number := w.members[leader].leading().Number
		time.Sleep(time.Second)
		var c Config
		for i := 1; i <= 3; i++ {
			c = Config{Name: "framework"}
			w.config(i, &c)
			w.crash(i)
			if i < 3 {
				require.NoError(w, os.Rename(c.Dir, c.Dir+"-lost"))
			}
		}
		w.start(3)
		time.Sleep(90 * time.Second)
		require.Empty(w, w.leaders(), "one of three is no majority")
		w.stop(3)

		found, err := Recover(c, true)
		require.NoError(w, err)
		require.Len(w, found.Members, 3)
		require.Contains(w, found.Members, found.ID)
		require.Greater(w, found.LastIndex, uint64(50))
		again, err := Recover(c, false)
		require.NoError(w, err)
		require.Equal(w, found.LastIndex, again.LastIndex)
		require.Equal(w, 50, again.Records)
		require.NotContains(w, found.Members, again.ID)
		leader = w.startThree()
		require.Equal(w, 3, leader, "the others have nothing")
		require.Greater(w, w.members[leader].leading().Number, number)
		records, err := w.members[leader].leading().Store.Load(w.Context())
		require.NoError(w, err)
		require.Len(w, records, 50)
		time.Sleep(time.Minute)
		require.Len(w, voters(w.members[leader]), 3, "the new ones vote")

		// The lost ones come back after all, and are a majority of what there was: then there are two clusters.
		config := w.config
		w.config = func(i int, c *Config) {
			if config(i, c); i > 3 {
				config(i-3, c)
				c.Dir, c.GossipBind, c.RaftBind, c.Network = c.Dir+"-lost", ipOf(i)+":7946", ipOf(i)+":7000", w.net.Host(ipOf(i))
			}
		}
		w.start(4)
		w.start(5)
		time.Sleep(time.Minute)
		require.NotZero(w, w.log.count("A member of another cluster"))
		require.Len(w, w.leaders(), 2)
		for _, i := range w.leaders() {
			records, err := w.members[i].leading().Store.Load(w.Context())
			require.NoError(w, err)
			require.Len(w, records, 50)
		}
		require.NotNil(w, w.members[leader].leading(), "it is not disturbed")

		c.Dir = w.TempDir()
		_, err = Recover(c, false)
		require.ErrorIs(w, err, fs.ErrNotExist)
		require.NoFileExists(w, filepath.Join(c.Dir, logFile), "nothing is made")
		c.Dir = ""
		_, err = Recover(c, false)
		require.ErrorAs(w, err, new(*ConfigError))
		synctest.Wait()
	})
}

// A member that was cut off for so long that the log has no more what it lacks gets a snapshot.
func TestCatchUpBySnapshot(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		var logs [4]raft.LogStore
		w.config = func(i int, c *Config) {
			c.leastLog = 100 * entryCost
			c.wrapLog = func(log raft.LogStore) raft.LogStore { logs[i] = log; return log }
			c.wrapStable = func(stable raft.StableStore) raft.StableStore { return stable }
		}
		leader := w.startThree()
		follower := leader%3 + 1
		w.net.Split([]string{ipOf(follower)}, w.others(follower))
		store := w.members[leader].leading().Store
		for i := range 3000 {
			require.NoError(w, store.Apply(w.Context(), map[string][]byte{fmt.Sprint(i % 1000): fmt.Append(nil, i)}))
		}
		time.Sleep(time.Second) // snapshots are taken
		first, err := logs[leader].FirstIndex()
		require.NoError(w, err)
		require.Greater(w, first, uint64(1000), "half of the log stays")
		w.net.Split()
		time.Sleep(30 * time.Second)
		for leader != follower { // until it leads
			w.net.Split([]string{ipOf(leader)}, w.others(leader))
			leader = w.leader(10*time.Second, leader)
			w.net.Split()
			time.Sleep(30 * time.Second)
		}
		records, err := w.members[leader].leading().Store.Load(w.Context())
		require.NoError(w, err)
		require.Len(w, records, 1000)
		for i := range 1000 {
			require.Equal(w, fmt.Sprint(2000+i), string(records[fmt.Sprint(i)]))
		}
	})
}

// A member without a directory that comes back at its old address has lost its memory: it must not vote in the name of the
// one that it was, and takes its place in time.
func TestForgottenMemberDoesNotVote(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.config = func(_ int, c *Config) { c.DeadAfter = 30 * time.Second }
		leader := w.startThree()
		time.Sleep(20 * time.Second)
		behind, forgets := leader%3+1, (leader+1)%3+1
		apart := [][]string{{ipOf(leader)}, {ipOf(behind)}}
		w.net.Split(apart...)
		require.NoError(w, w.members[leader].leading().Store.Apply(w.Context(), map[string][]byte{"a": {}}))
		w.crash(forgets)
		w.net.Split([]string{ipOf(leader)}, []string{ipOf(behind), ipOf(forgets)})
		w.start(forgets)
		time.Sleep(time.Minute)
		require.Empty(w, w.leaders(), "one of three has a vote, and one has not heard of the newest entry")
		w.net.Split()
		time.Sleep(2 * time.Minute)
		next := w.leader(time.Second)
		records, err := w.members[next].leading().Store.Load(w.Context())
		require.NoError(w, err)
		require.Contains(w, records, "a")
		require.Len(w, voters(w.members[next]), 3)
		require.Contains(w, voters(w.members[next]), w.members[forgets].Status().Self)
		require.NoError(w, w.check())
	})
}
