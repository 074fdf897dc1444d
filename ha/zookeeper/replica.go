package zookeeper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-zookeeper/zk"
)

const (
	// readers is how many entries are read at once. The servers answer over one connection, in order: the next proof of
	// leadership waits for them, so that it should be few MiB.
	readers = 8
	// attempts is how often reading or writing begins anew because the log is another one than it was just before.
	attempts = 10
)

// replica is what this member knows of the records. It is kept while sessions and terms come and go: only what the log has
// more is read.
type replica struct {
	base string // the node below which the log is
	log  *slog.Logger

	busy chan struct{} // of capacity 1: full while somebody reads or writes the log
	// Used by who has busy, which includes requests for which nobody waits any more.
	id         string  // of the log, "" if none was read
	entries    []entry // in order
	size, live int     // bytes of all entries, and of the records in them that count
	emptied    int     // how often the log was another one than before, or had lost records

	mu        sync.Mutex
	records   map[string]record // changed by who has busy, so that it may read them without mu
	followers map[*follower]struct{}
	running   bool // during Run
}

// record is what an Apply has made of a key.
type record struct {
	value []byte // is never changed; nil: the record was deleted, and older entries may still have it
	at    uint64 // the number of the Apply, or of a later one in the same entry
}

// reader is what of the client reads a log.
type reader interface {
	Get(path string) ([]byte, *zk.Stat, error)
	Children(path string) ([]string, *zk.Stat, error)
	ChildrenW(path string) ([]string, *zk.Stat, <-chan zk.Event, error)
}

func newReplica(base string, log *slog.Logger) *replica {
	return &replica{
		base: base, log: log, busy: make(chan struct{}, 1), records: map[string]record{}, followers: map[*follower]struct{}{},
	}
}

// last returns the number of the last Apply.
func (r *replica) last() uint64 { return lastOf(r.entries) }

func lastOf(entries []entry) uint64 {
	if len(entries) == 0 {
		return 0
	}
	return entries[len(entries)-1].last
}

// errNoLog is the error of a log whose node is gone.
var errNoLog = errors.New("the records are gone")

// catchUp reads what the log has more than the replica. The channel, unless it is nil, is a watch of the log; it may come
// with an error.
func (r *replica) catchUp(ctx context.Context, conn reader, watch bool) (changed <-chan zk.Event, err error) {
	read, of := map[entry]content{}, "" // by entries without size
	for range attempts {
		id, err := identify(conn, r.base)
		if err != nil {
			return changed, err
		}
		if id != of {
			of = id
			clear(read)
		}
		var names []string
		if watch && changed == nil {
			names, _, changed, err = conn.ChildrenW(r.base)
		} else {
			names, _, err = conn.Children(r.base)
		}
		if err != nil {
			return changed, fmt.Errorf("list the log in %s: %w", r.base, err)
		}
		entries, err := parseEntries(names)
		if err != nil {
			return changed, fmt.Errorf("%w: in %s %w", ErrFormat, r.base, err)
		}
		known := r.last()
		anew := id != r.id
		if lastOf(entries) < known {
			anew = true // the servers have lost some of their data
		}
		if anew {
			known = 0
		}
		switch err := r.read(ctx, conn, entries, known, read); {
		case errors.Is(err, zk.ErrNoNode):
			continue // another entry has taken its place
		case err != nil:
			return changed, err
		}
		if entries, err = r.fromFront(entries, read); err != nil {
			return changed, fmt.Errorf("%w: in %s %w", ErrFormat, r.base, err)
		}
		if anew && r.id != "" {
			r.log.Warn("the records are not those from before any more: the servers have lost data, or the log was deleted",
				"path", r.base, "sameLog", id == r.id, "had", r.last(), "have", lastOf(entries))
		}
		r.adopt(id, anew, entries, read)
		return changed, nil
	}
	return changed, fmt.Errorf("read the log in %s: it changes all the time", r.base)
}

// identify returns what tells the log from another one at the same place.
func identify(conn reader, base string) (id string, err error) {
	switch data, _, err := conn.Get(base); {
	case errors.Is(err, zk.ErrNoNode):
		return "", fmt.Errorf("%w: there is no %s", errNoLog, base)
	case err != nil:
		return "", fmt.Errorf("read %s: %w", base, err)
	case !strings.HasPrefix(string(data), format):
		return "", fmt.Errorf("%w: %s says %.40q, which does not begin with %q", ErrFormat, base, data, format)
	default:
		return string(data), nil
	}
}

// fromFront returns the entries from the first one that counts, as the last one says: it has to be there, and those before
// it are about to be deleted.
func (r *replica) fromFront(entries []entry, read map[entry]content) ([]entry, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	last, ok := read[entries[len(entries)-1]]
	if !ok {
		last.front = r.entries[0].first
	}
	for len(entries) > 1 && entries[0].last < last.front {
		entries = entries[1:]
	}
	if entries[0].first != last.front {
		return nil, fmt.Errorf("the log begins with number %d, and should with %d", entries[0].first, last.front)
	}
	return entries, nil
}

// read reads the entries with Applies after known that were not read before.
func (r *replica) read(ctx context.Context, conn reader, entries []entry, known uint64, read map[entry]content) error {
	var (
		missing []int
		mu      sync.Mutex
	)
	for i, e := range entries {
		if _, ok := read[e]; !ok && e.last > known {
			missing = append(missing, i)
		}
	}
	return inParallel(ctx, len(missing), func(i int) error {
		e := entries[missing[i]]
		data, _, err := conn.Get(path.Join(r.base, e.name()))
		if err != nil {
			return fmt.Errorf("read entry %s of the log in %s: %w", e.name(), r.base, err)
		}
		c, err := decode(data)
		if err != nil {
			return fmt.Errorf("%w: in %s node %q %w", ErrFormat, r.base, e.name(), err)
		}
		mu.Lock()
		defer mu.Unlock()
		read[e] = c
		return nil
	})
}

// adopt takes over the log as it is, of which the entries were read that the replica did not have.
func (r *replica) adopt(id string, anew bool, entries []entry, read map[entry]content) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if anew && r.id != "" {
		r.forget()
	}
	r.id = id
	known, last := r.entries, r.last()
	for i, e := range entries {
		news := e.last > last // others may have been read before the log was found to be the same one
		if news {
			for key, value := range read[e].changes {
				entries[i].size += sizeOf(key, value)
				r.set(key, value, e.last)
			}
		}
		for len(known) > 0 && known[0].last <= e.last {
			if !news && e.first <= known[0].first {
				entries[i].size += known[0].size // that of the whole is not known, but not more
			}
			known = known[1:]
		}
	}
	r.arrange(entries)
}

// forget makes the replica empty, and ends what ranges over it.
func (r *replica) forget() {
	r.emptied++
	r.entries, r.size, r.live = nil, 0, 0
	r.records = map[string]record{}
	for f := range r.followers {
		f.end()
	}
}

// with returns the entries as they are when another one has taken the place of some.
func (r *replica) with(e entry, replaced []entry) []entry {
	entries := r.entries
	if len(replaced) > 0 {
		first, last := replaced[0].first, replaced[len(replaced)-1].last
		entries = slices.DeleteFunc(slices.Clone(entries), func(old entry) bool { return first <= old.first && old.last <= last })
	}
	at, _ := slices.BinarySearchFunc(entries, e, byFirst)
	return slices.Insert(entries, at, e)
}

// wrote takes over an entry that was written, and the entries that there are since.
func (r *replica) wrote(e entry, changes map[string][]byte, entries []entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, value := range changes {
		r.set(key, value, e.last)
	}
	r.arrange(entries)
}

// set changes a record. Equal values stay the same one.
func (r *replica) set(key string, value []byte, at uint64) {
	old := r.records[key]
	if same := (old.value == nil) == (value == nil) && bytes.Equal(old.value, value); same {
		r.records[key] = record{old.value, at}
		return
	}
	if old.value != nil {
		r.live -= sizeOf(key, old.value)
	}
	if value != nil {
		value = append(make([]byte, 0, len(value)), value...) // not part of what may be garbage later
		r.live += sizeOf(key, value)
	}
	r.records[key] = record{value, at}
	for f := range r.followers {
		f.tell(key, value)
	}
}

// arrange takes over which entries there are. What is in none of them is no more.
func (r *replica) arrange(entries []entry) {
	r.size = 0
	for _, e := range entries {
		r.size += e.size
	}
	if len(r.entries) > 0 && len(entries) > 0 && r.entries[0].first < entries[0].first {
		for key, old := range r.records {
			if old.at >= entries[0].first {
				continue
			}
			delete(r.records, key)
			if old.value != nil {
				r.live -= sizeOf(key, old.value)
				for f := range r.followers {
					f.tell(key, nil)
				}
			}
		}
	}
	r.entries = entries
	for f := range r.followers {
		f.publish(r.records)
	}
}

// load returns all records, as copies.
func (r *replica) load() map[string][]byte {
	records := make(map[string][]byte, len(r.records))
	for key, record := range r.records {
		if record.value != nil && key != epochKey {
			records[key] = append(make([]byte, 0, len(record.value)), record.value...)
		}
	}
	return records
}

// inParallel calls f for each number below n, some at once, and returns an error of one of them. It begins no more once
// there is one, or ctx has ended.
func inParallel(ctx context.Context, n int, f func(i int) error) error {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		next  int
		first error
	)
	take := func(err error) (i int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case first != nil:
		case err != nil:
			first = err
		case ctx.Err() != nil && next < n:
			first = context.Cause(ctx)
		}
		i = next
		next++
		return i, first == nil && i < n
	}
	for range min(n, readers) {
		all.Go(func() {
			for i, ok := take(nil); ok; {
				i, ok = take(f(i))
			}
		})
	}
	all.Wait()
	return first
}
