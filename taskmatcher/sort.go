package taskmatcher

import (
	"cmp"
	"slices"
)

// sortItem is a candidate and the number that it is sorted by.
type sortItem struct {
	by uint64
	at int32
}

func (x sortItem) before(y sortItem) bool { return x.by < y.by || x.by == y.by && x.at < y.at }

func (x sortItem) compare(y sortItem) int {
	return cmp.Or(cmp.Compare(x.by, y.by), cmp.Compare(x.at, y.at))
}

// radixSort sorts by number; it is stable. A cycle that places a few tasks on many agents spends most of its time
// sorting candidates. Their numbers differ in few bytes, so that a radix sort is several times faster than one that
// compares. It needs space for a copy of all.
func radixSort(all, space []sortItem) {
	if len(all) < 64 {
		slices.SortStableFunc(all, func(a, b sortItem) int { return cmp.Compare(a.by, b.by) })
		return
	}
	differing, sorted := uint64(0), true
	for i, x := range all[1:] { // all[i] is the one before x
		differing |= x.by ^ all[i].by
		sorted = sorted && all[i].by <= x.by
	}
	if sorted { // as candidates are by memory
		return
	}
	from, to := all, space[:len(all)]
	for shift := 0; shift < 64; shift += 8 {
		if byte(differing>>shift) == 0 {
			continue // all have the same byte
		}
		var starts [256]int32
		for _, x := range from {
			starts[byte(x.by>>shift)]++
		}
		next := int32(0)
		for digit, n := range starts {
			starts[digit] = next
			next += n
		}
		for _, x := range from {
			digit := byte(x.by >> shift)
			to[starts[digit]] = x
			starts[digit]++
		}
		from, to = to, from
	}
	if &from[0] != &all[0] {
		copy(all, from)
	}
}

// sortTies sorts the items with equal numbers among themselves, in another order.
func sortTies(sorted []sortItem, compare func(a, b sortItem) int) {
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].by == sorted[0].by {
			n++
		}
		if n > 1 {
			slices.SortFunc(sorted[:n], compare)
		}
		sorted = sorted[n:]
	}
}
