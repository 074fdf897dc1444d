package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/mesos-actor/mesos-actor-go/internal/fenced"
)

// limit is how much a store takes at once, see scheduler.BatchLimiter; 0 is without limit.
type limit struct{ records, bytes int }

func limitOf(s Store) limit {
	if l, ok := s.(interface{ BatchLimit() (records, bytes int) }); ok {
		records, bytes := l.BatchLimit()
		return limit{max(0, records), max(0, bytes)}
	}
	return limit{}
}

// takes reports whether so much is within the limit.
func (l limit) takes(records, bytes int) bool {
	return (l.records == 0 || records <= l.records) && (l.bytes == 0 || bytes <= l.bytes)
}

// divide returns the changes in parts that are within the limit, without what alone is not.
func (l limit) divide(changes records) []records {
	if l.takes(len(changes), sizeOf(changes)) {
		return []records{changes}
	}
	var parts []records
	part, size := records{}, 0
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		more := len(key) + len(changes[key])
		if !l.takes(1, more) {
			continue
		}
		if !l.takes(len(part)+1, size+more) {
			parts = append(parts, part)
			part, size = records{}, 0
		}
		part[key] = changes[key]
		size += more
	}
	return append(parts, part)
}

// sizeOf returns the bytes of keys and values.
func sizeOf(changes records) (size int) {
	for key, value := range changes {
		size += len(key) + len(value)
	}
	return size
}

func limitChecks() []check {
	limited := func(run func(context.Context, Store, limit) error) func(context.Context, Store, func(Store) Store) error {
		return func(ctx context.Context, s Store, _ func(Store) Store) error {
			if l := limitOf(s); l != (limit{}) {
				return run(ctx, s, l)
			}
			return nil
		}
	}
	return []check{
		{name: "limit stays", run: limited(limitStays)},
		{name: "takes its limit", run: limited(takesLimit)},
		{name: "more than its limit", run: limited(moreThanLimit)},
	}
}

// limitStays checks that the limit is the same whatever the store holds: a scheduler asks for it once.
func limitStays(ctx context.Context, s Store, l limit) error {
	model := records{}
	for i := range 3 {
		if err := apply(ctx, s, model, records{fmt.Sprint(i): []byte("value")}); err != nil {
			return err
		}
		if now := limitOf(s); now != l {
			return fmt.Errorf("batch limit: was %v, is %v after %d batches", l, now, i+1)
		}
	}
	return nil
}

// A store may take any amount at once; more than this is not tried.
const (
	mostRecords = 20_000
	mostBytes   = 16 << 20
)

// takesLimit checks that a store takes exactly as much as it says: in as many records as it takes, in a single one,
// and as deletions.
func takesLimit(ctx context.Context, s Store, l limit) error {
	var batches []records
	if l.records > 0 && l.records <= mostRecords {
		batches = append(batches, sized("small", l.records, 16*l.records))
	}
	if l.bytes > 0 && l.bytes <= mostBytes {
		batches = append(batches, sized("one", 1, l.bytes), sized("few", 5, l.bytes), sized("many", min(l.records, mostRecords), l.bytes))
	}
	for _, changes := range batches {
		if len(changes) == 0 || !l.takes(len(changes), sizeOf(changes)) {
			continue
		}
		model := records{}
		if err := applyAtOnce(ctx, s, model, changes); err != nil {
			return fmt.Errorf("%d records of %d bytes, of %v: %w", len(changes), sizeOf(changes), l, err)
		}
		if err := holds(ctx, s, model); err != nil {
			return err
		}
		gone := records{}
		for key := range changes {
			gone[key] = nil
		}
		if err := applyAtOnce(ctx, s, model, gone); err != nil {
			return fmt.Errorf("%d deletions, of %v: %w", len(gone), l, err)
		}
		if err := holds(ctx, s, model); err != nil {
			return err
		}
	}
	return nil
}

// moreThanLimit checks that a store takes a batch that is larger than it says as a whole, or refuses it as a whole and
// goes on.
func moreThanLimit(ctx context.Context, s Store, l limit) error {
	model := records{}
	if err := apply(ctx, s, model, records{"stays": []byte("value"), "z": []byte("value")}); err != nil {
		return err
	}
	var batches []records
	if l.records > 0 && l.records <= mostRecords {
		batches = append(batches, sized("a", l.records+1, 16*(l.records+1)), sized("b", 2*l.records, 32*l.records))
	}
	if l.bytes > 0 && l.bytes <= mostBytes {
		batches = append(batches, sized("c", 1, l.bytes+1), sized("d", 5, l.bytes+1), sized("e", 3, 3*l.bytes))
	}
	for i, changes := range batches {
		changes["z"] = nil
		after := maps.Clone(model)
		err := applyAtOnce(ctx, s, after, changes)
		switch {
		case err == nil:
			model = after
		case fenced.Is(err):
			return fmt.Errorf("a batch of %d records and %d bytes, of %v, is taken for a change of leader: %w", len(changes), sizeOf(changes), l, err)
		}
		if err := holds(ctx, s, model); err != nil {
			return fmt.Errorf("after a batch of %d records and %d bytes, of %v: %w", len(changes), sizeOf(changes), l, err)
		}
		if err := apply(ctx, s, model, records{"next": []byte(fmt.Sprint(i))}); err != nil {
			return fmt.Errorf("after a batch larger than the limit: %w", err)
		}
	}
	return holds(ctx, s, model)
}

// sized returns so many records of so many bytes, none if they cannot be.
func sized(prefix string, n, size int) records {
	changes := records{}
	for i := range n {
		changes[fmt.Sprintf("%s%05d", prefix, i)] = []byte{}
	}
	rest := size - sizeOf(changes)
	if n == 0 || rest < 0 {
		return records{}
	}
	for i, key := range slices.Sorted(maps.Keys(changes)) {
		value := make([]byte, rest/(n-i))
		for j := range value {
			value[j] = byte(i + j)
		}
		changes[key] = value
		rest -= len(value)
	}
	return changes
}
