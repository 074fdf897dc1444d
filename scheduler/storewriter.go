package scheduler

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// storeTimeout bounds one call of Apply. Nothing is launched or acknowledged meanwhile.
const storeTimeout = 10 * time.Second

// write writes the changes that come through the channel, which has room for one write.
func (e *edges) write(ctx context.Context, s storeTurn, limit batchLimit) chan<- []change {
	writes := make(chan []change, 1)
	e.start(func() {
		for {
			select {
			case changes := <-writes:
				if !e.writeAll(ctx, s, limit, changes) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return writes
}

// writeAll writes changes in as many calls of Apply as the store's limit takes, and reports each as an input,
// up to the first that fails. It returns false if the run has ended.
func (e *edges) writeAll(ctx context.Context, s storeTurn, limit batchLimit, changes []change) bool {
	for len(changes) > 0 {
		records, n, err := limit.cut(changes)
		for _, part := range limit.divide(records, changes[0], n) {
			if err == nil {
				err = s.apply(ctx, part)
			}
		}
		if err != nil {
			return e.put(ctx, stored{err: printable.Error(err)})
		}
		if !e.put(ctx, stored{records: n}) {
			return false
		}
		changes = changes[n:]
	}
	return true
}

// batchLimit is what a store takes at once; 0 is without limit.
type batchLimit struct{ records, bytes int }

// limit asks a store how much it takes at once. Like load, it may take as long as ctx lets it.
func (s storeTurn) limit(ctx context.Context) (batchLimit, error) {
	l, ok := s.Store.(BatchLimiter)
	if !ok {
		return batchLimit{}, nil
	}
	limit := make(chan batchLimit, 1)
	err := s.turn.call(ctx, "the store", func(context.Context) error {
		s.code.callFor(func() {
			records, bytes := l.BatchLimit()
			limit <- batchLimit{max(0, records), max(0, bytes)}
		})
		return nil
	})
	if err != nil {
		return batchLimit{}, err
	}
	return <-limit, nil
}

// cut encodes as many of the first changes as may be written at once, and returns how many these are: at the
// least one, with all that are joined to it, even if that is more than the limit.
func (l batchLimit) cut(changes []change) (map[string][]byte, int, error) {
	if l == (batchLimit{}) {
		records, err := encodeChanges(changes)
		return records, len(changes), err
	}
	batch, size, n := map[string][]byte{}, 0, 0
	for n < len(changes) {
		unit := 1
		for n+unit < len(changes) && changes[n+unit].joined {
			unit++
		}
		records, err := encodeChanges(changes[n : n+unit])
		if err != nil {
			return nil, 0, err
		}
		more := sizeOf(records)
		if l.bytes > 0 && more > l.bytes {
			if records, err = encodeChanges(withoutTexts(changes[n : n+unit])); err != nil {
				return nil, 0, err
			}
			more = sizeOf(records)
		}
		full := l.records > 0 && len(batch)+len(records) > l.records || l.bytes > 0 && size+more > l.bytes
		if full && n > 0 {
			break
		}
		maps.Copy(batch, records)
		size, n = size+more, n+unit
	}
	return batch, n, nil
}

// divide divides the records of a batch in two, to be written one after the other, if the store takes fewer than the three
// that change when a task is no longer on record: what is left of it, and the two that it had before. Whichever is written
// when the process ends, the task is on record or remembered, and no record lacks another that it needs.
func (l batchLimit) divide(records map[string][]byte, first change, changes int) []map[string][]byte {
	if l.records == 0 || l.records > 2 || changes > 1 || first.id == "" || first.task != nil {
		return []map[string][]byte{records}
	}
	key := record.EndedKey(first.id)
	left, before := map[string][]byte{key: records[key]}, maps.Clone(records)
	delete(before, key)
	if first.ended == nil {
		return []map[string][]byte{before, left}
	}
	return []map[string][]byte{left, before}
}

// withoutTexts leaves out of states what may be large, and is for people only. The addresses have a field of their own.
func withoutTexts(changes []change) []change {
	short := slices.Clone(changes)
	for i, c := range short {
		if c.task == nil {
			continue
		}
		t := *c.task
		t.Info.Err, short[i].task = nil, &t
		t.History = t.History.WithoutMessages(t.Info.Submitted, record.Place{AgentID: t.Info.AgentID, Hostname: t.Info.Hostname})
		if status := t.Info.Status(); status != nil {
			ips := t.Info.IPs()
			status.Message, status.Data, status.Labels, status.ContainerStatus, status.CheckStatus, status.Limitation = nil, nil, nil, nil, nil, nil
			t.Info.SetStatus(status, ips)
		}
	}
	return short
}

// sizeOf returns the bytes of keys and values.
func sizeOf(records map[string][]byte) (size int) {
	for key, value := range records {
		size += len(key) + len(value)
	}
	return size
}

// load reads all records.
func (s storeTurn) load(ctx context.Context) (map[string][]byte, error) {
	records := make(chan map[string][]byte, 1)
	err := s.turn.call(ctx, "the store", func(ctx context.Context) (err error) {
		s.late.records = nil
		s.code.callFor(func() {
			var all map[string][]byte
			all, err = s.Load(ctx)
			records <- all
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-records, nil
}

// apply bounds a write, and before that the wait for an earlier one that was left behind, so that a store that hangs is
// known to fail. No bound reaches beyond the end of the term, which is that of ctx. All of a write that was left behind is
// written again, unless it has turned out meanwhile that it succeeded: a store that always takes too long, and ignores its
// context, would else never get on.
func (s storeTurn) apply(ctx context.Context, records map[string][]byte) error {
	wait, end := context.WithTimeoutCause(ctx, storeTimeout, errStoreHangs)
	defer end()
	if err := s.turn.take(wait, "the store"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, storeTimeout, errStoreHangs)
	defer cancel()
	return s.turn.run(ctx, "the store", func(ctx context.Context) error {
		if s.late.records != nil && maps.EqualFunc(s.late.records, records, bytes.Equal) {
			return nil
		}
		s.late.records = nil
		err := s.Apply(ctx, records)
		if err == nil && ctx.Err() != nil {
			s.late.records = records
		}
		return err
	})
}

// errStoreHangs is what a store gets that takes too long.
var errStoreHangs = fmt.Errorf("scheduler: the store took longer than %v", storeTimeout)
