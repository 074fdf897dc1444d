package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-zookeeper/zk"
)

const (
	// readers is how many reads are under way at once. The servers answer them in order, over one connection.
	readers = 128
	// attempts is how often an Apply begins anew when it finds other nodes than it expected.
	attempts = 3
)

// store keeps the records of a term, one node each. It is used by one term, and every request has its fence.
type store struct {
	t    *term
	base string
	acl  []zk.ACL
	// The limits.
	records, bytes int

	busy chan struct{} // of capacity 1: full during a request, also one for which nobody waits any more
	// What is known of the nodes; used by who has busy.
	exists map[string]bool     // by key; one that is missing is not there if loaded, and unknown otherwise
	loaded bool                // all keys
	doubt  map[string]struct{} // keys of requests of which nobody knows whether they had an effect
}

func newStore(t *term, base string, acl []zk.ACL) *store {
	st := &store{t: t, base: base, acl: acl, busy: make(chan struct{}, 1), exists: map[string]bool{}, doubt: map[string]struct{}{}}
	st.records, st.bytes = limits(base, acl)
	return st
}

// BatchLimit returns what one request takes, see scheduler.BatchLimiter.
func (st *store) BatchLimit() (records, bytes int) { return st.records, st.bytes }

// change is one record to write, or to delete.
type change struct {
	key, node string
	data      []byte // nil: delete
}

func newChange(base, key string, value []byte) change {
	name, withKey := nodeName(key)
	c := change{key: key, node: path.Join(base, bucketOf(key)) + "/" + name}
	if value != nil {
		c.data = encodeData(key, value, withKey)
	}
	return c
}

// Apply writes the changes, all or none; a nil value deletes, an empty one does not. A [*RecordError] and the cause of
// a ctx that had ended before mean that nothing was changed, and so does a [*FencedError], unless an earlier call was
// cut off. After another error nobody knows.
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
	list := make([]change, 0, len(changes))
	for key, value := range changes {
		list = append(list, newChange(st.base, key, value))
	}
	slices.SortFunc(list, func(a, b change) int { return strings.Compare(a.key, b.key) })
	return st.apply(ctx, list)
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

// exclusive runs f while nothing else uses the store. If ctx ends before f does, the store stays busy until f has
// returned: what comes later must not overtake it.
func exclusive[T any](ctx context.Context, st *store, f func() (T, error)) (T, error) {
	var none T
	select {
	case st.busy <- struct{}{}:
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	if err := st.t.check(); err != nil {
		<-st.busy
		return none, err
	}
	if !st.t.s.begin() {
		<-st.busy
		return none, errOver
	}
	return await(ctx, st.t.s, func() (T, error) {
		defer func() { <-st.busy }()
		return f()
	})
}

// apply writes the changes.
func (st *store) apply(ctx context.Context, changes []change) error {
	_, err := exclusive(ctx, st, func() (struct{}, error) { return struct{}{}, st.write(ctx, changes) })
	if err != nil && ctx.Err() == nil {
		return st.t.fenced(err)
	}
	return err
}

// write writes the changes by one request. Whether a record is created, set or left alone depends on what is there.
func (st *store) write(ctx context.Context, changes []change) error {
	var err error
	for range attempts {
		if err = st.examine(ctx, changes); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var results []zk.MultiResponse
		results, err = st.t.s.conn.Multi(st.request(changes)...)
		if err == nil {
			st.learn(changes, func(i int) bool { return changes[i].data != nil })
			return nil
		}
		if len(results) > 0 && (errors.Is(results[0].Error, zk.ErrNoNode) || errors.Is(results[0].Error, zk.ErrBadVersion)) {
			return st.t.lost()
		}
		// Either there are other nodes than was thought, or nobody knows what there is now.
		for _, c := range changes {
			st.doubt[c.key] = struct{}{}
		}
		if !errors.Is(err, zk.ErrNodeExists) && !errors.Is(err, zk.ErrNoNode) {
			break
		}
	}
	return fmt.Errorf("ha/zookeeper: write %d records: %w", len(changes), err)
}

// request returns the operations for the changes, behind the fence.
func (st *store) request(changes []change) []any {
	ops := make([]any, 1, len(changes)+1)
	ops[0] = st.t.fence()
	for _, c := range changes {
		switch there := st.exists[c.key]; {
		case c.data == nil && there:
			ops = append(ops, &zk.DeleteRequest{Path: c.node, Version: -1})
		case c.data == nil:
		case there:
			ops = append(ops, &zk.SetDataRequest{Path: c.node, Data: c.data, Version: -1})
		default:
			ops = append(ops, &zk.CreateRequest{Path: c.node, Data: c.data, Acl: st.acl})
		}
	}
	return ops
}

// examine finds out which of the nodes are there, where that is not known.
func (st *store) examine(ctx context.Context, changes []change) error {
	var unknown []change
	for _, c := range changes {
		_, known := st.exists[c.key]
		if _, doubt := st.doubt[c.key]; doubt || !known && !st.loaded {
			unknown = append(unknown, c)
		}
	}
	there := make([]bool, len(unknown))
	err := inParallel(ctx, len(unknown), func(i int) (err error) {
		there[i], _, err = st.t.s.conn.Exists(unknown[i].node)
		return err
	})
	if err != nil {
		return fmt.Errorf("ha/zookeeper: look for %d records: %w", len(unknown), err)
	}
	st.learn(unknown, func(i int) bool { return there[i] })
	return nil
}

// learn records which nodes are there.
func (st *store) learn(changes []change, there func(i int) bool) {
	for i, c := range changes {
		delete(st.doubt, c.key)
		if st.exists[c.key] = there(i); st.loaded && !there(i) {
			delete(st.exists, c.key)
		}
	}
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
	// The server that answers has everything that was written before the proof.
	if err := st.t.proveNow(); err != nil {
		return nil, err
	}
	nodes, err := st.list(ctx)
	if err != nil {
		return nil, err
	}
	var (
		mu      sync.Mutex
		records = make(map[string][]byte, len(nodes))
	)
	err = inParallel(ctx, len(nodes), func(i int) error {
		data, _, err := st.t.s.conn.Get(nodes[i])
		if err != nil {
			return fmt.Errorf("ha/zookeeper: read %s: %w", nodes[i], err)
		}
		key, value, err := decodeNode(path.Base(nodes[i]), data)
		if err != nil {
			return fmt.Errorf("ha/zookeeper: %s: %w", st.base, err)
		}
		mu.Lock()
		defer mu.Unlock()
		records[key] = value
		return nil
	})
	if proof := st.t.proveNow(); proof != nil { // or somebody else may have written meanwhile
		return nil, proof
	}
	if err != nil {
		return nil, err
	}
	clear(st.exists)
	clear(st.doubt)
	for key := range records {
		st.exists[key] = true
	}
	st.loaded = true
	delete(records, epochKey)
	return records, nil
}

// list returns the nodes of all records.
func (st *store) list(ctx context.Context) ([]string, error) {
	lists := make([][]string, buckets)
	err := inParallel(ctx, buckets, func(i int) (err error) {
		bucket := path.Join(st.base, bucketName(i))
		lists[i], _, err = st.t.s.conn.Children(bucket)
		for at, name := range lists[i] {
			lists[i][at] = bucket + "/" + name
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ha/zookeeper: list the records below %s: %w", st.base, err)
	}
	return slices.Concat(lists...), nil
}

// inParallel calls f for each number below n, many at once, and returns an error of one of them. It begins no more once
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
