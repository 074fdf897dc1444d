package cluster

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// memorySnapshots keeps the newest snapshot in memory, a raft.SnapshotStore. It shares its values with the state: no bytes
// are kept twice. Only when one is sent to another member it is written, piece by piece.
type memorySnapshots struct {
	mu     sync.Mutex
	newest *memorySnapshot
}

// memorySnapshot is one snapshot, a raft.SnapshotSink until it is complete.
type memorySnapshot struct {
	store    *memorySnapshots
	meta     raft.SnapshotMeta
	contents *snapshot // nil: not complete
	// What another member sends is read while it arrives.
	to   *io.PipeWriter
	read chan error
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

var (
	errNoSnapshot = errors.New("ha/cluster: no such snapshot")
	errIncomplete = errors.New("ha/cluster: the snapshot is not complete")
)

// Open returns the contents of a snapshot that List has named and that is still the newest.
func (s *memorySnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest == nil || s.newest.meta.ID != id {
		return nil, nil, fmt.Errorf("%w: %s", errNoSnapshot, id)
	}
	meta := s.newest.meta
	return &meta, &memoryReader{contents: s.newest.contents}, nil
}

// Write takes the next bytes of what another member sends.
func (s *memorySnapshot) Write(b []byte) (int, error) {
	if s.to == nil {
		from, to := io.Pipe()
		s.to, s.read = to, make(chan error, 1)
		go func() {
			contents, err := readSnapshot(from)
			_ = from.CloseWithError(errors.Join(errIncomplete, err)) // always nil
			s.contents = contents
			s.read <- err
		}()
	}
	return s.to.Write(b)
}

// ID returns the name of the snapshot.
func (s *memorySnapshot) ID() string { return s.meta.ID }

// Cancel drops the snapshot.
func (s *memorySnapshot) Cancel() error {
	if s.read != nil {
		_ = s.to.CloseWithError(errIncomplete) // always nil
		<-s.read
		s.read = nil
	}
	return nil
}

// Close makes the snapshot the newest one.
func (s *memorySnapshot) Close() error {
	if s.read != nil {
		_ = s.to.Close() // always nil
		err := <-s.read
		if s.read = nil; err != nil {
			return err
		}
	}
	if s.contents == nil {
		return errIncomplete
	}
	var size counter
	if err := s.contents.write(&size); err != nil {
		return err
	}
	s.meta.Size = int64(size)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.newest = s
	return nil
}

// counter counts what is written to it.
type counter int64

// Write counts.
func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// memoryReader reads a snapshot in memory, which is written while it is read.
type memoryReader struct {
	contents *snapshot
	once     sync.Once
	from     *io.PipeReader
}

// Read reads the next bytes.
func (r *memoryReader) Read(b []byte) (int, error) {
	r.once.Do(func() {
		from, to := io.Pipe()
		r.from = from
		go func() { _ = to.CloseWithError(r.contents.write(to)) }() // ends with the reader
	})
	return r.from.Read(b)
}

// Close ends reading.
func (r *memoryReader) Close() error {
	if r.from != nil {
		return r.from.Close()
	}
	return nil
}

// kept returns the snapshot that a reader reads if it is one in memory, nil otherwise. Raft wraps its readers.
func kept(from io.ReadCloser) *snapshot {
	for {
		switch r := from.(type) {
		case *memoryReader:
			return r.contents
		case raft.ReadCloserWrapper:
			from = r.WrappedReadCloser()
		default:
			return nil
		}
	}
}
