package cluster

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// state is what the members replicate, a raft.FSM: the newest term that began, and the records. Every entry has the
// term that wrote it. One of an older term than the newest is refused, whoever replicates it: that is the fence. Values
// are never changed, so that a copy of the map is a copy of the state.
type state struct {
	// began gets a signal, if it has room, after each term that began. Failed gets the first error after which the
	// state can no longer follow the log.
	began  chan struct{}
	failed chan error

	// grew gets a signal, if it has room, whenever the log has grown by some more, see compact.
	grew chan struct{}
	// ended is closed when the Run ends of which this is the state.
	ended chan struct{}

	mu        sync.Mutex
	origin    uint64 // stands for the members with which the cluster began, see pickOf; 0: not known yet
	newest    epoch
	records   map[string][]byte
	size      int    // of the records, in bytes
	logged    logged // since the last snapshot
	followers map[*follower]struct{}
	broken    error
}

func newState() *state {
	return &state{
		began: make(chan struct{}, 1), failed: make(chan error, 1), grew: make(chan struct{}, 1), ended: make(chan struct{}),
		records: map[string][]byte{}, followers: map[*follower]struct{}{},
	}
}

// errOlder is why an entry is refused.
type errOlder struct{ newest epoch }

func (e *errOlder) Error() string {
	return fmt.Sprintf("term %d of member %s has begun", e.newest.term, e.newest.leader)
}

// Apply makes the change of one entry, on the goroutine of Raft's state machine. It returns nil or an error.
func (s *state) Apply(entry *raft.Log) any {
	c, err := decodeCommand(entry.Data)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grow(logged{1, len(entry.Data) + entryCost})
	switch {
	case s.broken != nil:
		return s.broken
	case err != nil:
		// To go on without it would be another state than that of the members that can read it.
		s.broken = fmt.Errorf("%w: entry %d of the log: %w", ErrFormat, entry.Index, err)
		select {
		case s.failed <- s.broken:
		default:
		}
		return s.broken
	case c.kind == kindBegin && c.epoch.term <= s.newest.term, c.kind == kindWrite && c.epoch.term != s.newest.term:
		return error(&errOlder{s.newest})
	case c.kind == kindBegin:
		s.newest = c.epoch
		signal(s.began)
	}
	for key, value := range c.changes {
		if old, had := s.records[key]; had {
			s.size -= len(key) + len(old)
		}
		if value == nil {
			s.note(key, nil)
			delete(s.records, key)
			continue
		}
		s.size += len(key) + len(value)
		// A copy: the value is a part of the entry, whose other parts would live as long.
		value = append(make([]byte, 0, len(value)), value...)
		s.note(key, value)
		s.records[key] = value
	}
	return error(nil)
}

// signal puts an element into a channel that has room.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// StoreConfiguration is called by Raft with who belongs to the cluster, from the beginning on.
func (s *state) StoreConfiguration(index uint64, c raft.Configuration) {
	if index == 1 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.origin = pickOf(idsOf(c.Servers))
	}
}

// cluster returns what stands for the cluster, 0: it is not known yet.
func (s *state) cluster() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.origin
}

// epoch returns the newest term that began, the zero epoch before the first.
func (s *state) epoch() epoch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest
}

// volume returns how many records there are, and of how many bytes.
func (s *state) volume() (records, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records), s.size
}

// copy returns the records, with values that belong to the caller.
func (s *state) copy() map[string][]byte {
	s.mu.Lock()
	records := maps.Clone(s.records)
	s.mu.Unlock()
	for key, value := range records {
		records[key] = append(make([]byte, 0, len(value)), value...) // never nil
	}
	return records
}

// Snapshot returns the state as it is now, to be written later. Raft calls it on the goroutine of Apply.
func (s *state) Snapshot() (raft.FSMSnapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, s.broken
	}
	s.logged = logged{}
	return &snapshot{origin: s.origin, newest: s.newest, records: maps.Clone(s.records)}, nil
}

// Restore takes over the state of a snapshot: all of it, or with an error nothing.
func (s *state) Restore(from io.ReadCloser) error {
	next := kept(from)
	if next != nil {
		next = &snapshot{origin: next.origin, newest: next.newest, records: maps.Clone(next.records)}
	} else {
		var err error
		if next, err = readSnapshot(from); err != nil {
			return fmt.Errorf("%w: snapshot: %w", ErrCorrupt, err)
		}
	}
	size := 0
	for key, value := range next.records {
		size += len(key) + len(value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteAll(next.records)
	s.origin, s.newest, s.records, s.size, s.logged = next.origin, next.newest, next.records, size, logged{}
	signal(s.began)
	return nil
}

// snapshotFormat begins a snapshot. What stands for the cluster follows, and the newest term, as its number, leader, reason
// and time, then the number of records and each record; numbers as uvarints, texts and values with their length before them.
// The checksum of everything before it ends it.
const snapshotFormat = "mesos-actor-go/ha/cluster snapshot 1\n"

// snapshot is the state at one moment, a raft.FSMSnapshot.
type snapshot struct {
	origin  uint64
	newest  epoch
	records map[string][]byte
}

// Persist writes the snapshot, or has it kept in memory as it is. When it fails, Raft removes what it wrote.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if memory, is := sink.(*memorySnapshot); is {
		memory.contents = s
		return nil // Raft closes it
	}
	if err := s.write(sink); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Release does nothing: the memory is the garbage collector's.
func (s *snapshot) Release() {}

func (s *snapshot) write(to io.Writer) error {
	sum := crc32.New(castagnoli())
	w := bufio.NewWriterSize(io.MultiWriter(to, sum), 64<<10)
	var b []byte
	b = append(b, snapshotFormat...)
	b = binary.AppendUvarint(b, s.origin)
	b = appendText(appendText(binary.AppendUvarint(b, s.newest.term), s.newest.leader), s.newest.why)
	var began int64
	if s.newest.term > 0 {
		began = s.newest.began.UnixNano()
	}
	b = binary.AppendUvarint(binary.AppendVarint(b, began), uint64(len(s.records)))
	if _, err := w.Write(b); err != nil {
		return err
	}
	for key, value := range s.records {
		b = append(binary.AppendUvarint(appendText(b[:0], key), uint64(len(value))), value...)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := to.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

// snapshotReader reads the fields of a snapshot and sums up what it has read; after the first error it returns zeros.
type snapshotReader struct {
	from *bufio.Reader
	sum  hash.Hash32
	err  error
}

// ReadByte implements io.ByteReader.
func (r *snapshotReader) ReadByte() (byte, error) {
	b, err := r.from.ReadByte()
	if err == nil {
		_, _ = r.sum.Write([]byte{b}) // a hash returns no error
	}
	return b, err
}

func (r *snapshotReader) uvarint() (value uint64) {
	if r.err == nil {
		value, r.err = binary.ReadUvarint(r)
	}
	return value
}

func (r *snapshotReader) varint() (value int64) {
	if r.err == nil {
		value, r.err = binary.ReadVarint(r)
	}
	return value
}

// bytes reads n bytes. A damaged length does not make it allocate more than there is.
func (r *snapshotReader) bytes(n uint64) []byte {
	if r.err != nil {
		return nil
	}
	const atOnce = 1 << 20
	var value []byte
	if n <= atOnce {
		value = make([]byte, n)
		_, r.err = io.ReadFull(r.from, value)
	} else {
		var buffer bytes.Buffer
		var read int64
		if read, r.err = io.Copy(&buffer, io.LimitReader(r.from, int64(min(n, 1<<62)))); r.err == nil && uint64(read) < n {
			r.err = io.ErrUnexpectedEOF
		}
		value = buffer.Bytes()
	}
	_, _ = r.sum.Write(value)
	return value
}

func readSnapshot(from io.Reader) (*snapshot, error) {
	r := &snapshotReader{from: bufio.NewReaderSize(from, 64<<10), sum: crc32.New(castagnoli())}
	if format := r.bytes(uint64(len(snapshotFormat))); r.err != nil || string(format) != snapshotFormat {
		return nil, errors.Join(errors.New("it does not begin as one of this version"), r.err)
	}
	s := &snapshot{records: map[string][]byte{}}
	s.origin = r.uvarint()
	s.newest.term = r.uvarint()
	s.newest.leader = string(r.bytes(r.uvarint()))
	s.newest.why = string(r.bytes(r.uvarint()))
	if began := r.varint(); s.newest.term > 0 {
		s.newest.began = time.Unix(0, began)
	}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		key := string(r.bytes(r.uvarint()))
		s.records[key] = r.bytes(r.uvarint())
	}
	if r.err != nil {
		return nil, fmt.Errorf("it cannot be read to its end: %w", r.err)
	}
	rest, err := io.ReadAll(io.LimitReader(r.from, 5))
	switch {
	case err != nil:
		return nil, err
	case len(rest) != 4 || binary.BigEndian.Uint32(rest) != r.sum.Sum32():
		return nil, errors.New("its checksum is wrong")
	}
	return s, nil
}
