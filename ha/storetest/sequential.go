package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

type records = map[string][]byte

// apply makes the changes to the store, within its limit, and to the model of what it should hold.
func apply(ctx context.Context, s Store, model, changes records) error {
	for _, part := range limitOf(s).divide(changes) {
		if err := applyAtOnce(ctx, s, model, part); err != nil {
			return err
		}
	}
	return nil
}

func applyAtOnce(ctx context.Context, s Store, model, changes records) error {
	if err := s.Apply(ctx, changes); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	for key, value := range changes {
		if value == nil {
			delete(model, key)
		} else {
			model[key] = bytes.Clone(value)
		}
	}
	return nil
}

// holds returns an error unless the store has exactly the records of want.
func holds(ctx context.Context, s Store, want records) error {
	got, err := s.Load(ctx)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if got == nil {
		return errors.New("load: the map is nil")
	}
	for key, value := range want {
		switch loaded, ok := got[key]; {
		case !ok:
			return fmt.Errorf("load: record %.80q is missing", key)
		case loaded == nil:
			return fmt.Errorf("load: record %.80q is nil", key)
		case !bytes.Equal(loaded, value):
			return fmt.Errorf("load: record %.80q is %.80q (%d bytes), should be %.80q (%d bytes)", key, loaded, len(loaded), value, len(value))
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			return fmt.Errorf("load: record %.80q should not be there", key)
		}
	}
	return nil
}

// follow applies one batch after the other and checks the records after each.
func follow(ctx context.Context, s Store, batches ...records) error {
	model := records{}
	for i, changes := range batches {
		if err := apply(ctx, s, model, changes); err != nil {
			return fmt.Errorf("batch %d: %w", i, err)
		}
		if err := holds(ctx, s, model); err != nil {
			return fmt.Errorf("after batch %d: %w", i, err)
		}
	}
	return nil
}

func emptyAtFirst(ctx context.Context, s Store) error {
	if err := holds(ctx, s, records{}); err != nil {
		return err
	}
	return follow(ctx, s, nil, records{})
}

func anyBytes(ctx context.Context, s Store) error {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	model := records{
		string(all): all,
		"empty":     {}, "a": []byte("1"), "A": []byte("2"), "a ": []byte("3"), " a": []byte("4"),
		"a\x00": []byte("5"), "a\x00b": []byte("6"), "\x00": []byte("\x00"), "a/b": []byte("7"), "../a": []byte("8"),
		"\xff\xfe": []byte("not UTF-8"), "ü": []byte("one form"), "u\u0308": []byte("another"), "a\n": []byte("\r\n"),
		strings.Repeat("k", 32<<10): []byte("long"), strings.Repeat("k", 32<<10-1): []byte("shorter"),
	}
	return follow(ctx, s, model)
}

func overwrite(ctx context.Context, s Store) error {
	return follow(ctx, s,
		records{"a": []byte("first"), "b": []byte("stays")},
		records{"a": []byte("second")},
		records{"a": []byte("2")}, // shorter
		records{"a": {}},
		records{"a": bytes.Repeat([]byte("long"), 1000)},
		records{"a": []byte("x"), "b": []byte("y")},
	)
}

func deletion(ctx context.Context, s Store) error {
	return follow(ctx, s,
		records{"a": []byte("1"), "b": []byte("2"), "c": {}},
		records{"a": nil},
		records{"a": nil, "never": nil}, // not there: no error
		records{"a": []byte("again"), "b": nil, "c": nil},
		records{"a": {}}, // empty: not deleted
		records{"a": nil},
		records{"b": []byte("last")},
	)
}

func largeValues(ctx context.Context, s Store) error {
	large := func(size int, seed byte) []byte {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(i>>8) ^ byte(i) + seed
		}
		return b
	}
	return follow(ctx, s,
		records{"a": large(4<<20, 1), "b": large(4095, 2), "c": large(4096, 3), "d": large(4097, 4), "e": []byte("small")},
		records{"a": large(1<<20, 5), "e": large(1<<20, 6)},
		records{"a": []byte("small"), "e": nil},
	)
}

func manyKeys(ctx context.Context, s Store) error {
	n := 5000
	if !limitOf(s).takes(100, 4<<10) {
		n = 200 // of which each takes an Apply
	}
	name := func(i int) string { return fmt.Sprintf("task-%d", i*7919%n) }
	all, odd, back := records{}, records{}, records{}
	for i := range n {
		all[name(i)] = []byte(fmt.Sprintf("value %d", i))
		if i%2 == 1 {
			odd[name(i)] = nil
		}
		if i%10 == 1 {
			back[name(i)] = []byte(fmt.Sprintf("value %d again", i))
		}
	}
	none := records{}
	for i := range n {
		none[name(i)] = nil
	}
	return follow(ctx, s, all, odd, back, none)
}

func argumentsCopied(ctx context.Context, s Store) error {
	value := []byte("value")
	changes, model := records{"a": value, "b": []byte("2")}, records{}
	if err := apply(ctx, s, model, changes); err != nil {
		return err
	}
	value[0] = 'X'
	changes["c"] = []byte("3")
	delete(changes, "b")
	if err := holds(ctx, s, model); err != nil {
		return fmt.Errorf("after a change to what Apply was given: %w", err)
	}
	return nil
}

func resultsCopied(ctx context.Context, s Store) error {
	model := records{}
	if err := apply(ctx, s, model, records{"a": []byte("one"), "b": []byte("two"), "c": []byte("three")}); err != nil {
		return err
	}
	got, err := s.Load(ctx)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	for _, value := range got {
		value[0] = 'X'
		_ = append(value, "and into a neighbour"...)
	}
	got["d"] = []byte("new")
	delete(got, "a")
	if err := holds(ctx, s, model); err != nil {
		return fmt.Errorf("after a change to what Load returned: %w", err)
	}
	return nil
}

// refusedWhole checks that a store which refuses a key refuses the whole batch with it.
func refusedWhole(ctx context.Context, s Store) error {
	model := records{}
	if err := apply(ctx, s, model, records{"a": []byte("1"), "z": []byte("1")}); err != nil {
		return err
	}
	for _, key := range []string{"", strings.Repeat("m", 1<<20)} {
		changes := records{"a": []byte("2"), "b": []byte("2"), key: []byte("2"), "y": []byte("2"), "z": nil}
		after := maps.Clone(model)
		if err := applyAtOnce(ctx, s, after, changes); err == nil {
			model = after
		}
		if err := holds(ctx, s, model); err != nil {
			return fmt.Errorf("after a batch with a key of %d bytes: %w", len(key), err)
		}
	}
	return nil
}

func contextEnded(ctx context.Context, s Store) error {
	model := records{}
	if err := apply(ctx, s, model, records{"a": []byte("1")}); err != nil {
		return err
	}
	cause := errors.New("storetest: the cause")
	canceled, cancel := context.WithCancelCause(ctx)
	cancel(cause)
	late, cancelLate := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancelLate()
	for _, ended := range []context.Context{canceled, late} {
		want := context.Cause(ended)
		if err := s.Apply(ended, records{"a": []byte("2"), "b": []byte("2")}); !errors.Is(err, want) {
			return fmt.Errorf("apply with a context that ended by %q returned %v", want, err)
		}
		if _, err := s.Load(ended); !errors.Is(err, want) {
			return fmt.Errorf("load with a context that ended by %q returned %v", want, err)
		}
	}
	if err := holds(ctx, s, model); err != nil {
		return fmt.Errorf("after an Apply whose context had ended: %w", err)
	}
	return nil
}

func durable(ctx context.Context, s Store, reopen func(Store) Store) error {
	model := records{}
	for i, changes := range []records{
		nil,
		{"a": []byte("1"), "b": []byte("1"), "empty": {}, "\x00\xff": []byte("\x00\xff")},
		{"a": nil, "b": []byte("2"), "large": make([]byte, 100_000)},
		{"large": nil, "c": []byte("3")},
		{"b": nil, "c": nil, "empty": nil, "\x00\xff": nil},
	} {
		if err := apply(ctx, s, model, changes); err != nil {
			return fmt.Errorf("batch %d: %w", i, err)
		}
		s = reopen(s)
		if err := holds(ctx, s, model); err != nil {
			return fmt.Errorf("reopened after batch %d: %w", i, err)
		}
	}
	return nil
}
