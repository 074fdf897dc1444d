package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/storetest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

var (
	_ scheduler.Store        = (*termStore)(nil)
	_ scheduler.BatchLimiter = (*termStore)(nil)
)

// bare is Raft without gossip, over a transport in memory and with short times.
type bare struct {
	*node
	disk  *disk
	trans *raft.InmemTransport
	dir   string
	term  *termStore
}

// calm are times in which nobody loses the leadership by chance, however busy the machine is. Who is to lead is told so.
func calm() timing {
	return timing{election: time.Minute, commit: time.Millisecond, rpc: time.Second}
}

func startBare(t *testing.T, id, dir string) *bare {
	c := Config{Name: "framework", Dir: dir, Preset: PresetLocal, StallAfter: 30 * time.Second}
	c, err := c.normalize()
	require.NoError(t, err)
	stores, err := openStores(&c, c.Logger)
	require.NoError(t, err)
	_, trans := raft.NewInmemTransportWithTimeout(raft.ServerAddress(id), 10*time.Second)
	d := &disk{LogStore: stores.log}
	b := &bare{disk: d, node: &node{config: c, timing: calm(), log: c.Logger, id: id, file: stores.file, state: newState()}, trans: trans, dir: dir}
	b.raft, err = raft.NewRaft(raftConfig(id, b.timing, nil), b.state, d, stores.stable, stores.snapshots, trans)
	require.NoError(t, err)
	t.Cleanup(b.close)
	return b
}

// close ends it; again it does nothing.
func (b *bare) close() {
	if b.file != nil || b.dir == "" {
		_ = b.node.close(false)
		b.file = nil
	}
}

// elect has it stand for election at once.
func (b *bare) elect(t *testing.T) {
	_, asks := raft.NewInmemTransport("")
	asks.Connect(raft.ServerAddress(b.id), b.trans)
	request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}}
	require.NoError(t, asks.TimeoutNow(raft.ServerID(b.id), raft.ServerAddress(b.id), request, new(raft.TimeoutNowResponse)))
}

// lead waits until Raft has elected it, and begins a term.
func (b *bare) lead(t *testing.T) *termStore {
	var number uint64
	for err := errors.New("none"); err != nil; {
		require.NoError(t, t.Context().Err())
		for b.raft.State() != raft.Leader {
			require.NoError(t, t.Context().Err())
			<-time.After(time.Millisecond)
		}
		number, err = (&runner{node: b.node}).prepare(t.Context(), 0)
	}
	b.term = &termStore{raft: b.raft, state: b.state, term: number, over: make(chan struct{}), turn: make(chan struct{}, 1), calls: &b.calls}
	return b.term
}

func startBares(t *testing.T, ids ...string) []*bare {
	var (
		all     []*bare
		servers []raft.Server
	)
	for _, id := range ids {
		all = append(all, startBare(t, id, ""))
		servers = append(servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
	}
	for _, a := range all {
		for _, b := range all {
			a.trans.Connect(raft.ServerAddress(b.id), b.trans)
		}
	}
	require.NoError(t, all[0].raft.BootstrapCluster(raft.Configuration{Servers: servers}).Error())
	all[0].elect(t)
	return all
}

// leading returns the one that leads first.
func leading(t *testing.T, all []*bare) *bare {
	for {
		require.NoError(t, t.Context().Err())
		for _, b := range all {
			if b.raft.State() == raft.Leader {
				b.lead(t)
				return b
			}
		}
		<-time.After(time.Millisecond)
	}
}

func TestStoreConforms(t *testing.T) {
	t.Parallel()
	opened := map[storetest.Store]*bare{}
	open := func(t *testing.T) storetest.Store {
		dir := ""
		if !testing.Short() {
			dir = t.TempDir()
		}
		b := startBare(t, "a", dir)
		require.NoError(t, b.raft.BootstrapCluster(raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "a"}}}).Error())
		b.elect(t)
		s := b.lead(t)
		opened[s] = b
		return s
	}
	reopen := func(t *testing.T, s storetest.Store) storetest.Store {
		opened[s].close()
		b := startBare(t, "a", opened[s].dir)
		b.elect(t)
		again := b.lead(t)
		opened[again] = b
		return again
	}
	if testing.Short() {
		reopen = nil
	}
	storetest.Run(t, open, reopen)
}

func TestStoreIsFenced(t *testing.T) {
	t.Parallel()
	storetest.RunFenced(t, func(t *testing.T) (storetest.Store, func() storetest.Store) {
		all := startBares(t, "a", "b", "c")
		old := leading(t, all)
		return old.term, func() storetest.Store {
			require.NoError(t, old.raft.LeadershipTransfer().Error())
			for {
				if next := leading(t, all); next != old {
					return next.term
				}
				require.NoError(t, old.raft.LeadershipTransfer().Error())
			}
		}
	})
}

// The disk hangs, and with it Raft, which knows no contexts.
func TestStoreWhileTheDiskHangs(t *testing.T) {
	t.Parallel()
	storetest.RunHanging(t, func(t *testing.T) (storetest.Store, func() func()) {
		b := startBares(t, "a")[0]
		return b.lead(t), func() func() {
			hung := make(chan struct{})
			b.disk.set(hung, nil)
			return func() { b.disk.set(nil, nil); close(hung) }
		}
	})
}

// A member that leads again in a later term does not serve the store of its earlier one.
func TestStoreOfEarlierTermOfSameMember(t *testing.T) {
	b := startBares(t, "a")[0]
	first := b.lead(t)
	require.NoError(t, first.Apply(t.Context(), map[string][]byte{"a": []byte("1")}))
	require.NoError(t, first.confirm(t.Context()))
	second := b.lead(t)
	require.Greater(t, second.term, first.term)
	var fenced *FencedError
	require.ErrorAs(t, first.Apply(t.Context(), map[string][]byte{"a": nil}), &fenced)
	require.EqualError(t, fenced, fmt.Sprintf("ha/cluster: term %d is over: term %d of member a has begun", first.term, second.term))
	require.True(t, fenced.Fenced())
	require.ErrorAs(t, first.confirm(t.Context()), &fenced)
	_, err := first.Load(t.Context())
	require.ErrorAs(t, err, &fenced)
	require.NoError(t, second.confirm(t.Context()))
	records, err := second.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"a": []byte("1")}, records)
}

// What has waited for its turn until its term was over is not written.
func TestStoreTurnAfterTerm(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config = func(_ int, c *Config) { c.Expect = 1 }
		ends := make(chan error)
		w.lead = func(ctx context.Context, _ int, _ scheduler.Term) error { return <-ends }
		r := w.start(1)
		w.leader(time.Minute)
		store := r.leading().Store.(*termStore)
		store.turn <- struct{}{}
		applied := make(chan error, 1)
		go func() { applied <- store.Apply(w.Context(), map[string][]byte{"a": {}}) }()
		synctest.Wait()
		ends <- errors.New("lead failed")
		synctest.Wait()
		<-store.turn
		require.ErrorAs(w, <-applied, new(*FencedError))
		w.leader(time.Minute)
		records, err := r.leading().Store.Load(w.Context())
		require.NoError(w, err)
		require.Empty(w, records)
		close(ends)
		require.NoError(w, <-r.ended)
		delete(w.members, 1)
	})
}

func TestStoreRefuses(t *testing.T) {
	b := startBares(t, "a")[0]
	s := b.lead(t)
	many := map[string][]byte{}
	for i := range maxRecords + 1 {
		many[fmt.Sprint(i)] = nil
	}
	require.ErrorContains(t, s.Apply(t.Context(), many), "ha/cluster: 1001 records of 2894 bytes at once, at most 1000 of 507904 are taken")
	require.ErrorAs(t, s.Apply(t.Context(), map[string][]byte{"": {}}), new(*ha.RecordError))
	require.ErrorAs(t, s.Apply(t.Context(), map[string][]byte{"k": make([]byte, maxBytes)}), new(*ha.RecordError))
	over := make(chan struct{})
	close(over)
	s.over = over
	require.ErrorContains(t, s.Apply(t.Context(), nil), "is over: the leadership was lost")
	b.close()
	s.over = nil
	var fenced *FencedError
	require.ErrorAs(t, s.Apply(t.Context(), nil), &fenced)
	require.ErrorIs(t, fenced, raft.ErrRaftShutdown)
}

// TestStoreIsNotOvertaken gives up writings, and checks that none of them undoes a later one that was stored.
func TestStoreIsNotOvertaken(t *testing.T) {
	b := startBares(t, "a")[0]
	s := b.lead(t)
	var writing sync.WaitGroup
	defer writing.Wait()
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		writing.Go(cancel) // at any moment
		_ = s.Apply(ctx, map[string][]byte{"a": []byte("old")})
		value := strings.Repeat("x", i)
		require.NoError(t, s.Apply(t.Context(), map[string][]byte{"a": []byte(value)}))
		records, err := s.Load(t.Context())
		require.NoError(t, err)
		require.Equal(t, value, string(records["a"]))
	}
}
