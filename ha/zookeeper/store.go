package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/go-zookeeper/zk"
)

// tidyAtOnce bounds how often an Apply tidies up before it writes: so often that the log does not grow for ever.
const tidyAtOnce = 4

// store writes the records in a term. Every request has the term's fence.
type store struct {
	t       *term
	replica *replica
	acl     []zk.ACL
	// The limits.
	records, bytes int

	// Used by who has the replica's busy: the log may have more than the replica. At first other members have written,
	// and later a request may have had an effect, or not. It has none any more after the next proof: servers refuse what
	// a connection has brought once the session has another one (SessionMovedException).
	doubt bool
	// How often the replica had been emptied when it was read for the first time in this term; nil: not yet.
	emptied *int
}

func newStore(t *term, r *replica, acl []zk.ACL) *store {
	st := &store{t: t, replica: r, acl: acl, doubt: true}
	st.records, st.bytes = limits(r.base, acl)
	return st
}

// BatchLimit returns what one request takes, see scheduler.BatchLimiter.
func (st *store) BatchLimit() (records, bytes int) { return st.records, st.bytes }

// Apply writes the changes, all or none; a nil value deletes, an empty one does not. After a [*RecordError], and when ctx
// had ended before the call, nothing was changed. After another error they may have been written or not. After a
// [*FencedError] nothing that begins later is written.
func (st *store) Apply(ctx context.Context, changes map[string][]byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	size := 0
	for key, value := range changes {
		if err := st.storable(key, value); err != nil {
			return err
		}
		size += len(key) + len(value)
	}
	if len(changes) > st.records || size > st.bytes {
		return fmt.Errorf("ha/zookeeper: %d records of %d bytes are too much for one request, which takes %d of %d",
			len(changes), size, st.records, st.bytes)
	}
	return st.apply(ctx, changes)
}

// storable returns a *RecordError for a record that a node cannot hold, or nil.
func (st *store) storable(key string, value []byte) error {
	size := len(key) + len(value)
	switch {
	case key == "":
		return &RecordError{Key: key, Size: size, Reason: "the key is empty"}
	case key == epochKey:
		return &RecordError{Key: key, Size: size, Reason: "the key is the elector's own"}
	case size > st.bytes:
		return &RecordError{Key: key, Size: size, Reason: fmt.Sprintf("a znode takes at most %d", st.bytes)}
	}
	return nil
}

// apply writes the changes, which the caller may modify when it has returned.
func (st *store) apply(ctx context.Context, changes map[string][]byte) error {
	own := make(map[string][]byte, len(changes))
	for key, value := range changes {
		if value != nil {
			value = append(make([]byte, 0, len(value)), value...)
		}
		own[key] = value
	}
	_, err := exclusive(ctx, st, func() (struct{}, error) { return struct{}{}, st.write(ctx, own) })
	if err != nil && ctx.Err() == nil {
		return st.t.fenced(err)
	}
	return err
}

// exclusive runs f while nothing else uses the log. If ctx ends before f does, the log stays busy until f has returned:
// what comes later must not overtake it.
func exclusive[T any](ctx context.Context, st *store, f func() (T, error)) (T, error) {
	var none T
	select {
	case st.replica.busy <- struct{}{}:
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	if err := st.t.check(); err != nil {
		<-st.replica.busy
		return none, err
	}
	if !st.t.s.begin() {
		<-st.replica.busy
		return none, errOver
	}
	return await(ctx, st.t.s, func() (T, error) {
		defer func() { <-st.replica.busy }()
		return f()
	})
}

// write writes the changes as one entry, after it has tidied up.
func (st *store) write(ctx context.Context, changes map[string][]byte) error {
	var err error
	for range attempts {
		if st.doubt {
			if err = st.catchUp(ctx); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = st.tidy()
		if err == nil {
			next := st.replica.last() + 1
			err = st.put(entry{first: next, last: next}, changes, nil)
		}
		// There are other entries than was thought: somebody has changed the log by hand.
		if !errors.Is(err, zk.ErrNodeExists) && !errors.Is(err, zk.ErrNoNode) {
			break
		}
	}
	return err
}

// catchUp makes the replica equal to the log. The server that answers has everything that was written before the proof.
func (st *store) catchUp(ctx context.Context) error {
	if err := st.t.proveNow(); err != nil {
		return err
	}
	_, err := st.replica.catchUp(ctx, st.t.s.conn, false)
	st.doubt = err != nil
	switch emptied := st.replica.emptied; {
	case errors.Is(err, errNoLog):
		return st.t.end(err) // the next term begins another log
	case errors.Is(err, ErrFormat):
		return err
	case err != nil:
		return fmt.Errorf("ha/zookeeper: %w", err)
	case st.emptied == nil:
		st.emptied = &emptied
	case *st.emptied != emptied:
		return st.t.end(errOtherLog) // who leads goes on from records that are no more
	}
	return nil
}

// tidy puts entries together.
func (st *store) tidy() error {
	for range tidyAtOnce {
		replaced, e, changes := st.replica.untidy()
		if len(replaced) == 0 {
			return nil
		}
		if err := st.put(e, changes, replaced); err != nil {
			return err
		}
	}
	return nil
}

// put writes an entry in the place of others.
func (st *store) put(e entry, changes map[string][]byte, replaced []entry) error {
	for key, value := range changes {
		e.size += sizeOf(key, value)
	}
	entries := st.replica.with(e, replaced)
	ops := []any{ // in this order, see parseEntries
		st.t.fence(),
		&zk.CreateRequest{Path: path.Join(st.replica.base, e.name()), Data: encode(content{entries[0].first, changes}), Acl: st.acl},
	}
	if n := len(st.replica.entries); n > 0 && e.first > st.replica.last() { // it must be the same log
		ops = append(ops, &zk.CheckVersionRequest{Path: path.Join(st.replica.base, st.replica.entries[n-1].name()), Version: -1})
	}
	for _, old := range replaced {
		ops = append(ops, &zk.DeleteRequest{Path: path.Join(st.replica.base, old.name()), Version: -1})
	}
	results, err := st.t.s.conn.Multi(ops...)
	switch {
	case err == nil:
		st.replica.wrote(e, changes, entries)
		return nil
	case len(results) > 0 && errors.Is(results[0].Error, zk.ErrNoNode):
		return st.t.lost()
	}
	st.doubt = true
	return fmt.Errorf("ha/zookeeper: write %d records: %w", len(changes), err)
}

// Load returns all records. The map and its values belong to the caller, and none is nil. They are what they were at one
// time after Load was called, during which this member led: nobody else can have written.
func (st *store) Load(ctx context.Context) (map[string][]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	records, err := exclusive(ctx, st, func() (map[string][]byte, error) { return st.read(ctx) })
	if err != nil && ctx.Err() == nil {
		return nil, st.t.fenced(err)
	}
	return records, err
}

func (st *store) read(ctx context.Context) (map[string][]byte, error) {
	err := st.catchUp(ctx)
	if proof := st.t.proveNow(); proof != nil { // or somebody else may have written meanwhile
		return nil, proof
	}
	if err != nil {
		return nil, err
	}
	return st.replica.load(), nil
}
