package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// Six keys, four of them in each batch: any two batches share at least two keys, and few are equal.
const (
	keys     = 6
	perBatch = 4
	workers  = 4
	perRound = 3 // batches of each worker
	rounds   = 30
)

// batch is one Apply of a round: the keys that it writes. The value of each is the batch's number.
type batch []int

func keyName(i int) string { return fmt.Sprintf("key-%d", i) }

// serialOrder checks that the result of concurrent Applies is that of the same batches one after the other, in some
// order.
func serialOrder(ctx context.Context, s Store) error {
	if !limitOf(s).takes(keys, keys*16) {
		return nil // such a store does not take batches that could be told apart
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		batches := make([]batch, workers*perRound)
		for i := range batches {
			batches[i] = random.Perm(keys)[:perBatch]
		}
		if err := applyConcurrently(ctx, s, batches); err != nil {
			return err
		}
		loaded, err := s.Load(ctx)
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		last := make([]int, keys) // batch by key
		for key := range last {
			last[key] = -1
			if value, ok := loaded[keyName(key)]; ok && len(value) == 4 {
				last[key] = int(binary.BigEndian.Uint32(value))
			}
		}
		if !serial(batches, last) {
			return fmt.Errorf("no order of the batches %v, each of %d goroutines applying %d in a row, leaves %v as the last writers of the keys",
				batches, workers, perRound, last)
		}
		clean := records{}
		for key := range keys {
			clean[keyName(key)] = nil
		}
		if err := s.Apply(ctx, clean); err != nil {
			return fmt.Errorf("apply: %w", err)
		}
	}
	return nil
}

// applyConcurrently runs workers that each apply their share of the batches, in order.
func applyConcurrently(ctx context.Context, s Store, batches []batch) error {
	errs := make([]error, workers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			<-start
			for n := w * perRound; n < (w+1)*perRound && errs[w] == nil; n++ {
				changes := records{}
				for _, key := range batches[n] {
					changes[keyName(key)] = binary.BigEndian.AppendUint32(nil, uint32(n))
				}
				if err := s.Apply(ctx, changes); err != nil {
					errs[w] = fmt.Errorf("apply: %w", err)
				}
			}
		})
	}
	close(start)
	all.Wait()
	return errors.Join(errs...)
}

// serial reports whether an order of the batches exists that agrees with the last writer of each key: each other
// writer of the key comes before it, and each worker's batches come in their order. It searches from the end: a batch
// can be the last of the remaining ones if, for every key that it writes, it is the last writer, or that has already
// been placed after it.
func serial(batches []batch, last []int) bool {
	remaining := make([]int, len(batches))
	for n, keys := range batches {
		remaining[n] = n
		for _, key := range keys {
			if w := last[key]; w < 0 || w >= len(batches) || !slices.Contains(batches[w], key) {
				return false
			}
		}
	}
	settled := make([]bool, len(last)) // keys whose last writer has been placed
	for len(remaining) > 0 {
		at := slices.IndexFunc(remaining, func(n int) bool {
			for _, key := range batches[n] {
				if last[key] != n && !settled[key] {
					return false
				}
			}
			return !slices.ContainsFunc(remaining, func(m int) bool { return m > n && m/perRound == n/perRound })
		})
		if at < 0 {
			return false
		}
		for _, key := range batches[remaining[at]] {
			settled[key] = true
		}
		remaining = slices.Delete(remaining, at, at+1)
	}
	return true
}

// wholeApplies checks that a Load during an Apply sees all of its changes or none.
func wholeApplies(ctx context.Context, s Store) error {
	const applies, width = 100, 8
	if !limitOf(s).takes(width+1, (width+1)*16) {
		return nil
	}
	write := func(n int) error {
		changes := records{}
		for key := range width {
			changes[keyName(key)] = binary.BigEndian.AppendUint32(nil, uint32(n))
		}
		// A further key is inserted and deleted in turn.
		if changes["even"] = nil; n%2 == 0 {
			changes["even"] = changes[keyName(0)]
		}
		return s.Apply(ctx, changes)
	}
	if err := write(0); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	done := make(chan struct{})
	var writeErr error
	go func() {
		defer close(done)
		for n := 1; n < applies && writeErr == nil; n++ {
			writeErr = write(n)
		}
	}()
	newest, err := 0, error(nil)
	for writing := true; writing && err == nil; {
		select {
		case <-done:
			writing = false // one more Load
		default:
		}
		newest, err = loadWhole(ctx, s, width, newest)
	}
	<-done
	if writeErr != nil {
		return fmt.Errorf("apply: %w", writeErr)
	}
	if err == nil && newest != applies-1 {
		err = fmt.Errorf("load: saw Apply %d last, of %d", newest, applies)
	}
	return err
}

// loadWhole returns which Apply a Load saw, at least oldest.
func loadWhole(ctx context.Context, s Store, width, oldest int) (int, error) {
	loaded, err := s.Load(ctx)
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	first := loaded[keyName(0)]
	if len(first) != 4 {
		return 0, fmt.Errorf("load: record %q is %q", keyName(0), first)
	}
	n := int(binary.BigEndian.Uint32(first))
	for key := range width {
		if got := loaded[keyName(key)]; string(got) != string(first) {
			return 0, fmt.Errorf("load: record %q is %x of one Apply, record %q is %x of another", keyName(0), first, keyName(key), got)
		}
	}
	if _, even := loaded["even"]; even != (n%2 == 0) {
		return 0, fmt.Errorf("load: saw the records of Apply %d, but its deletion or insertion not", n)
	}
	if n < oldest {
		return 0, fmt.Errorf("load: saw Apply %d after Apply %d", n, oldest)
	}
	return n, nil
}
