package taskmatcher

import (
	"cmp"
	"slices"
)

// numbered is a room with what it is sorted by.
type numbered struct {
	by uint64
	at int32
}

// sortNumbered sorts by number and leaves those of equal ones in their order. Most of the time of a cycle that places
// a few tasks on many agents goes into sorting rooms, and the numbers have few bytes that differ: so it goes
// byte by byte, from the last to the first, in several times less time than by comparing.
func sortNumbered(all []numbered) {
	if len(all) < 64 {
		slices.SortStableFunc(all, func(a, b numbered) int { return cmp.Compare(a.by, b.by) })
		return
	}
	var counts [8][256]int32
	for _, x := range all {
		for i := range counts {
			counts[i][byte(x.by>>(8*i))]++
		}
	}
	from, to := all, make([]numbered, len(all))
	for i := range counts {
		starts := &counts[i]
		if starts[byte(from[0].by>>(8*i))] == int32(len(from)) {
			continue // all alike
		}
		next := int32(0)
		for digit, n := range starts {
			starts[digit] = next
			next += n
		}
		for _, x := range from {
			digit := byte(x.by >> (8 * i))
			to[starts[digit]] = x
			starts[digit]++
		}
		from, to = to, from
	}
	if &from[0] != &all[0] {
		copy(all, from)
	}
}

// sortRuns sorts what has equal numbers by another order.
func sortRuns(sorted []numbered, compare func(a, b numbered) int) {
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
