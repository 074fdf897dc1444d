package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// memorySnapshots keeps the newest snapshot in memory, a raft.SnapshotStore. Unlike Raft's own for tests it has a
// snapshot only when that is complete.
type memorySnapshots struct {
	mu     sync.Mutex
	newest *memorySnapshot
}

// memorySnapshot is one snapshot, a raft.SnapshotSink until it is complete.
type memorySnapshot struct {
	store    *memorySnapshots
	meta     raft.SnapshotMeta
	contents bytes.Buffer
}

// Create begins a snapshot.
func (s *memorySnapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration, configurationIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &memorySnapshot{store: s, meta: raft.SnapshotMeta{
		Version: version, ID: fmt.Sprintf("%d-%d", term, index), Index: index, Term: term,
		Configuration: configuration.Clone(), ConfigurationIndex: configurationIndex,
	}}, nil
}

// List returns the newest complete snapshot, if there is one.
func (s *memorySnapshots) List() ([]*raft.SnapshotMeta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest == nil {
		return nil, nil
	}
	meta := s.newest.meta
	return []*raft.SnapshotMeta{&meta}, nil
}

var errNoSnapshot = errors.New("ha/cluster: no such snapshot")

// Open returns the contents of a snapshot that List has named and that is still the newest.
func (s *memorySnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest == nil || s.newest.meta.ID != id {
		return nil, nil, fmt.Errorf("%w: %s", errNoSnapshot, id)
	}
	meta := s.newest.meta
	return &meta, io.NopCloser(bytes.NewReader(s.newest.contents.Bytes())), nil
}

// Write adds to the contents.
func (s *memorySnapshot) Write(b []byte) (int, error) { return s.contents.Write(b) }

// ID returns the name of the snapshot.
func (s *memorySnapshot) ID() string { return s.meta.ID }

// Cancel drops the snapshot.
func (s *memorySnapshot) Cancel() error { return nil }

// Close makes the snapshot the newest one.
func (s *memorySnapshot) Close() error {
	s.meta.Size = int64(s.contents.Len())
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.newest = s
	return nil
}
