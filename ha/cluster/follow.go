package cluster

import (
	"bytes"
	"context"
	"iter"
	"maps"
)

// Follow yields the records as this member knows them, see [ha.Replica]. It waits for Run to begin, and ends with it. A
// member that has fallen far behind gets all records from the leader again; Follow then yields what differs.
func (m *Member) Follow(ctx context.Context) iter.Seq[map[string][]byte] {
	return func(yield func(map[string][]byte) bool) {
		s := m.running(ctx)
		if s == nil {
			return
		}
		f, records := s.follow()
		defer s.unfollow(f)
		for yield(records) {
			for records = nil; len(records) == 0; records = s.take(f) {
				select {
				case <-f.signal:
				case <-s.ended:
					return
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

// running returns the state of the Run that goes on, or of the next one, nil when ctx ends before.
func (m *Member) running(ctx context.Context) *state {
	for ctx.Err() == nil {
		m.mu.Lock()
		n, changed := m.node, m.changed
		m.mu.Unlock()
		if n != nil {
			return n.state
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil
}

// follower is what one who follows the records has not been given yet. It belongs to its state's mutex. It has no more
// entries than there are records and were at the last time: a record that comes and goes between leaves none.
type follower struct {
	changes map[string][]byte   // nil: the record was deleted
	added   map[string]struct{} // those of changes that the follower never had
	signal  chan struct{}       // gets an element, if it has room, after a change
}

// follow begins to follow, and returns all records.
func (s *state) follow() (*follower, map[string][]byte) {
	f := &follower{changes: map[string][]byte{}, added: map[string]struct{}{}, signal: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers[f] = struct{}{}
	return f, maps.Clone(s.records)
}

func (s *state) unfollow(f *follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.followers, f)
}

// take returns what has changed since the last time.
func (s *state) take(f *follower) map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes := f.changes
	f.changes, f.added = map[string][]byte{}, map[string]struct{}{}
	return changes
}

// note keeps a change of one record for all followers, nil: it is deleted. It is called before the change is made.
func (s *state) note(key string, value []byte) {
	for f := range s.followers {
		if _, noted := f.changes[key]; !noted {
			if _, had := s.records[key]; !had {
				f.added[key] = struct{}{}
			}
		}
		f.changes[key] = value
		if _, added := f.added[key]; added && value == nil {
			delete(f.changes, key)
			delete(f.added, key)
		}
		signal(f.signal)
	}
}

// noteAll keeps that other records are to take the place of all.
func (s *state) noteAll(next map[string][]byte) {
	if len(s.followers) == 0 {
		return
	}
	for key := range s.records {
		if _, has := next[key]; !has {
			s.note(key, nil)
		}
	}
	for key, value := range next {
		if old, had := s.records[key]; !had || !bytes.Equal(old, value) {
			s.note(key, value)
		}
	}
}
