package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// node is a member during one Run: everything that is open.
type node struct {
	config Config
	timing timing
	log    *slog.Logger
	id     string
	file   *logStore // nil without a directory
	state  *state
	stream *raftStream
	trans  *raft.NetworkTransport
	raft   *raft.Raft
	gossip *gossip
	silent chan struct{} // closed when nothing is sent any more
	began  time.Time
	// calls are the goroutines that wait for Raft. They end with it.
	calls sync.WaitGroup
}

// stores are what Raft writes to.
type stores struct {
	log       raft.LogStore
	stable    raft.StableStore
	snapshots raft.SnapshotStore
	file      *logStore // nil: they are in memory
	id        string
}

// The files of a directory: the log's, and the folder of Raft's snapshots, which has the name that Raft gives it.
const (
	logFile         = "raft.db"
	snapshotsFolder = "snapshots"
)

// snapshotsKept is how many snapshots a directory has: one more than is needed, in case the newest cannot be read.
const snapshotsKept = 2

// openStores opens the directory of a member, or makes stores in memory if it has none.
func openStores(c *Config, log *slog.Logger) (*stores, error) {
	if c.Dir == "" {
		memory := raft.NewInmemStore()
		return &stores{log: memory, stable: memory, snapshots: &memorySnapshots{}, id: newID(c.ID)}, nil
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("ha/cluster: %w", err)
	}
	file, err := openLogStore(filepath.Join(c.Dir, logFile))
	if err != nil {
		return nil, err
	}
	file.db.NoSync = c.noSync
	s := &stores{stable: file, file: file}
	if s.id, err = memberID(c, file); err == nil {
		s.snapshots, err = raft.NewFileSnapshotStoreWithLogger(c.Dir, snapshotsKept, &raftLog{to: log})
	}
	if err == nil {
		// What is sent to the others was written a moment ago.
		s.log, err = raft.NewLogCache(atOnce, file)
	}
	if err == nil {
		err = s.verify(filepath.Join(c.Dir, snapshotsFolder))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ha/cluster: open %s: %w", c.Dir, err), file.Close())
	}
	return s, nil
}

// verify returns an error if entries are missing between the newest snapshot that can be read and the end of what the member
// had: its log, and each snapshot that was ever complete. Without those at the end it would have forgotten what it has
// acknowledged; at a gap Raft would end the process.
func (s *stores) verify(folder string) error {
	snapshots, err := s.snapshots.List() // the newest first; those that it cannot list it passes over
	if err != nil {
		return err
	}
	var index uint64
	var damaged error
	for _, snapshot := range snapshots {
		_, from, err := s.snapshots.Open(snapshot.ID) // verifies a checksum over all of it
		if err == nil {
			index = snapshot.Index
			if err := from.Close(); err != nil {
				return err
			}
			break
		}
		damaged = errors.Join(damaged, fmt.Errorf("%s: %w", filepath.Join(folder, snapshot.ID), err))
	}
	last, err := s.log.LastIndex()
	if err != nil {
		return err
	}
	missing, err := s.file.missing(index+1, max(last, newestSnapshot(folder)))
	if err != nil || missing == 0 {
		return err
	}
	err = fmt.Errorf("%w: entry %d is neither in %s nor in a snapshot in %s that can be read", ErrCorrupt, missing, s.file.path, folder)
	if damaged != nil {
		err = fmt.Errorf("%w: %w", err, damaged)
	}
	return err
}

// newestSnapshot returns the highest index of the complete snapshots of a folder, by the names that Raft gives them, 0 if there
// are none. What is in them may be damaged.
func newestSnapshot(folder string) (index uint64) {
	names, _ := filepath.Glob(filepath.Join(folder, "*-*-*"))
	for _, name := range names {
		var of, at, when uint64
		if n, _ := fmt.Sscanf(filepath.Base(name), "%d-%d-%d", &of, &at, &when); n == 3 && filepath.Ext(name) == "" { // or else ".tmp"
			index = max(index, at)
		}
	}
	return index
}

// atOnce is how many entries are sent in one call, and kept in memory for that. They may have half a megabyte each, and have
// to arrive within the time of a call: otherwise a member at the end of a slow link would never catch up.
const atOnce = 16

// newID returns an ID that no member had, with the given name in front.
func newID(name string) string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	if name == "" {
		name = "member"
	}
	return name + "-" + hex.EncodeToString(b[:])
}

// memberID returns the ID that the directory keeps, and makes it once. It is in the same file as the log: who loses
// one loses the other, and comes back as another member.
func memberID(c *Config, file *logStore) (string, error) {
	id, retired, err := file.member()
	if id != "" || err != nil {
		return id, err
	}
	snapshots := filepath.Join(c.Dir, snapshotsFolder)
	if retired {
		err = os.RemoveAll(snapshots)
	} else if left, _ := os.ReadDir(snapshots); len(left) > 0 {
		err = fmt.Errorf("%w: %s has snapshots, but %s is missing", ErrCorrupt, c.Dir, file.path)
	}
	if err != nil {
		return "", err
	}
	id = newID(c.ID)
	return id, file.employ(id)
}

// raftConfig returns Raft's configuration for a member.
func raftConfig(id string, t timing, log *slog.Logger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(id)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = t.election, t.election, t.election/2
	c.CommitTimeout = t.commit
	c.ShutdownOnRemove = false                                    // it stops by itself when it has left
	c.SnapshotInterval, c.SnapshotThreshold = 24*time.Hour, 1<<40 // never: see compact
	c.MaxAppendEntries = atOnce
	c.NoLegacyTelemetry = true
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c.Logger = &raftLog{to: log}
	return c
}

// open opens everything, in the order in which it is used. Nothing is sent yet.
func open(c *Config, count *counts) (_ *node, err error) {
	stores, err := openStores(c, c.Logger)
	if err != nil {
		return nil, err
	}
	n := &node{config: *c, timing: presets()[c.Preset], id: stores.id, file: stores.file, state: newState(), silent: make(chan struct{}), began: time.Now()}
	n.log = c.Logger.With("member", n.id)
	defer func() {
		if err != nil {
			_ = n.close(false)
		}
	}()
	if c.wrapLog != nil {
		stores.log, stores.stable = c.wrapLog(stores.log), c.wrapStable(stores.stable)
	}
	if n.stream, err = listenRaft(c, n.id); err != nil {
		return nil, fmt.Errorf("ha/cluster: listen for Raft: %w", err)
	}
	hasState, err := raft.HasExistingState(stores.log, stores.stable, stores.snapshots)
	if err != nil {
		return nil, fmt.Errorf("ha/cluster: open %s: %w", c.Dir, err)
	}
	if err := n.state.remember(stores.log); err != nil {
		return nil, err
	}
	own := meta{id: n.id, start: time.Now().Add(c.clock), raft: n.stream.Addr().String(), api: c.API, expect: c.Expect, hasState: hasState}
	if n.gossip, err = startGossip(c, count, own, newID("run")[4:], n.log); err != nil {
		return nil, err
	}
	n.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: n.stream, MaxPool: 3, Timeout: n.timing.rpc, Logger: &raftLog{to: n.log}, ServerAddressProvider: n.gossip,
		MaxRPCsInFlight: 1, // pipelining can wedge towards one member
	})
	n.raft, err = raft.NewRaft(raftConfig(n.id, n.timing, n.log), n.state, stores.log,
		&patientStable{stores.stable, n.log, n.silent}, stores.snapshots, n.trans)
	if err != nil {
		return nil, fmt.Errorf("ha/cluster: open %s: %w", c.Dir, err)
	}
	return n, nil
}

// close ends everything and waits for it, as long as the disk answers within StallAfter. The directory of a member that
// has left for good is emptied; the error is that this was not possible.
func (n *node) close(left bool) error {
	if n.gossip != nil {
		n.gossip.stop(time.Second)
	}
	// What was asked is answered while Raft works: afterwards it forgets some questions.
	answered := make(chan struct{})
	go func() { n.calls.Wait(); close(answered) }()
	select {
	case <-answered:
	case <-time.After(n.timing.rpc):
	}
	switch {
	case n.trans != nil:
		_ = n.trans.Close() // its listener's error, with which nothing can be done
		n.trans.CloseStreams()
	case n.stream != nil:
		_ = n.stream.Close()
	}
	if n.silent != nil {
		close(n.silent)
	}
	ended := make(chan error, 1)
	go func() {
		var err error
		defer func() { ended <- err }()
		if n.raft != nil {
			_ = n.raft.Shutdown().Error() // always nil
		}
		<-answered
		if left {
			err = n.retire()
		}
		if n.file != nil {
			if err := n.file.Close(); err != nil {
				n.log.Error("The directory cannot be closed", "error", err)
			}
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(max(n.config.StallAfter, 2*n.timing.rpc)):
		n.log.Error("The directory stays in use until the process ends: the disk does not answer", "dir", n.config.Dir)
		if left {
			return ErrStalled
		}
		return nil
	}
}

// remember has the state know its cluster before the first entry is applied, or a snapshot restored, that has it.
func (s *state) remember(log raft.LogStore) error {
	var first raft.Log
	switch err := log.GetLog(1, &first); {
	case errors.Is(err, raft.ErrLogNotFound):
	case err != nil:
		return fmt.Errorf("ha/cluster: read the log: %w", err)
	case first.Type == raft.LogConfiguration:
		s.StoreConfiguration(1, raft.DecodeConfiguration(first.Data))
	}
	return nil
}

// servers returns who belongs to the cluster, as far as this member knows.
func (n *node) servers() []raft.Server {
	return n.raft.GetConfiguration().Configuration().Servers
}

// others returns the voters beside this member.
func (n *node) others() (voters int) {
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter && string(s.ID) != n.id {
			voters++
		}
	}
	return voters
}

// await calls ask on a goroutine of its own and returns its error, or false when ctx ends before.
func (n *node) await(ctx context.Context, ask func() error) (answered bool, err error) {
	answer := make(chan error, 1)
	n.calls.Go(func() { answer <- ask() })
	select {
	case err := <-answer:
		return true, err
	case <-ctx.Done():
		return false, nil
	}
}
