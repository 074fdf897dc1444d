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

// Six keys, four of them in each batch: any two batches share two keys at least, few are equal.
const (
	keys     = 6
	perBatch = 4
	workers  = 4
	perRound = 3 // batches of each worker
	rounds   = 30
)

// batch is an Apply of a round: which keys it writes. Its number is the value of them all.
type batch []int

func keyName(i int) string { return fmt.Sprintf("key-%d", i) }

// serialOrder: whatever several goroutines apply at once, there is an order of the batches, one after the
// other, that gives the same records.
func serialOrder(ctx context.Context, s Store) error {
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		batches := make([]batch, workers*perRound)
		for i := range batches {
			batches[i] = random.Perm(keys)[:perBatch]
		}
		if err := applyAtOnce(ctx, s, batches); err != nil {
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

// applyAtOnce has each worker apply its share of the batches, in order.
func applyAtOnce(ctx context.Context, s Store, batches []batch) error {
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
// writer of the key came before it, and each worker's batches came in a row. It is looked for from the end: a batch
// can be the last of those that remain when, of every key that it writes, it is the last writer or a later one was.
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

// wholeApplies: a Load beside an Apply sees all of it or nothing.
func wholeApplies(ctx context.Context, s Store) error {
	const applies, width = 100, 8
	write := func(n int) error {
		changes := records{}
		for key := range width {
			changes[keyName(key)] = binary.BigEndian.AppendUint32(nil, uint32(n))
		}
		// One key more comes and goes.
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
