package invoker

import (
	"maps"
	"slices"
	"time"
)

// simStore keeps records. It outlives the leaders, unless it is only memory.
type simStore struct {
	w       *simWorld
	records map[string]record
	durable bool
	writes  []*simWrite        // on their way
	pending map[string]*record // of note and forget: what is to be on record, nil for nothing
	busy    time.Time          // until then the writer writes
	down    time.Time          // until then all writes fail
}

// simWrite is a write on its way.
type simWrite struct {
	record     record
	lost, over bool
}

func newSimStore(w *simWorld) *simStore {
	return &simStore{w: w, durable: w.scene.durable, records: map[string]record{}, pending: map[string]*record{}}
}

// bind carries out the command. Writes are made one after the other.
func (s *simStore) bind(r record) {
	w := s.w
	w.book.binds[r.ID]++
	w.book.bound[r.ID] = r.Key
	durable := s.written()
	fails := w.now.Before(s.down) || w.fault(storeFails, 50)
	write := &simWrite{record: r, lost: fails && w.random.IntN(2) == 0}
	s.writes = append(s.writes, write)
	w.inLane("store", func() { w.at(durable, func() { s.land(write) }) })
	in := stored{id: r.ID}
	if w.mutation.storedAtOnce {
		w.tell(0, in)
		return
	}
	if fails { // it may be on record all the same
		in.err = errSim
	}
	w.inLane("store", func() { w.tell(durable.Sub(w.now)+w.between(0, 2*time.Millisecond), in) })
}

// land makes a write durable.
func (s *simStore) land(write *simWrite) {
	if write.over {
		return
	}
	write.over = true
	s.writes = slices.DeleteFunc(s.writes, func(other *simWrite) bool { return other == write })
	if !write.lost {
		s.records[write.record.ID] = write.record
	}
}

// written returns when a write that begins now is durable.
func (s *simStore) written() time.Time {
	w := s.w
	begin := w.now
	if s.busy.After(begin) {
		begin = s.busy
	}
	took := w.between(200*time.Microsecond, 8*time.Millisecond)
	if w.fault(storeSlow, 50) {
		took = w.between(100*time.Millisecond, 4*time.Second)
	}
	s.busy = begin.Add(took)
	return s.busy
}

// later carries out note, and forget with nil. It is tried until it succeeds, or the leader dies.
func (s *simStore) later(id string, r *record) {
	w := s.w
	s.pending[id] = r
	w.inLeader(w.between(0, time.Second), func() {
		r, ok := s.pending[id]
		switch {
		case !ok:
		case w.now.Before(s.down):
			s.later(id, r)
		case r == nil:
			delete(s.pending, id)
			delete(s.records, id)
		default:
			delete(s.pending, id)
			s.records[id] = *r
		}
	})
}

// leaderDied loses what is not written yet: of the writes on their way some land, the last ones do not. No write of a leader
// lands when its successor has loaded the records.
func (s *simStore) leaderDied() {
	s.pending = map[string]*record{}
	land := s.w.random.IntN(len(s.writes) + 1)
	for i, write := range slices.Clone(s.writes) {
		write.lost = write.lost || i >= land
		s.land(write)
	}
}

// all returns the records in the order of their IDs. Of a store in memory nothing is left but which containers there were.
func (s *simStore) all(instances []Instance) []record {
	var records []record
	if !s.durable {
		for _, in := range instances {
			records = append(records, record{ID: in.ID})
		}
		return records
	}
	for _, id := range slices.Sorted(maps.Keys(s.records)) {
		records = append(records, s.records[id])
	}
	return records
}
