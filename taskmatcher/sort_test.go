package taskmatcher

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// radixSort agrees with a stable sort, whichever bytes of the numbers differ and however many items there are.
func TestRadixSort(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		mask := []uint64{0, 1, 0xff, 0xff00, 0xf0f0f0f0f0f0f0f0, 1 << 63, ^uint64(0)}[r.IntN(7)]
		all := make([]sortItem, r.IntN(400))
		for i := range all {
			all[i] = sortItem{r.Uint64() & mask, int32(i)}
		}
		want := slices.Clone(all)
		slices.SortStableFunc(want, func(a, b sortItem) int { return cmp.Compare(a.by, b.by) })
		radixSort(all, make([]sortItem, len(all)))
		require.Equal(t, want, all, "seed %d", seed)
	}
}
