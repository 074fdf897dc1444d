package scheduler

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCallersEqualModel makes random changes to callers and to a plain list of their numbers.
func TestCallersEqualModel(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		var cs callers
		var model []ref
		last, widest := ref(0), 0
		for range 2000 {
			switch random.IntN(20) {
			default:
				last++
				cs.add(caller{ref: last, owner: last%3 == 0})
				model = append(model, last)
			case 0:
				cs.add(caller{})
			case 1, 2, 3, 4, 5, 6, 7, 8, 9: // may have given up already
				gone := ref(random.IntN(int(last) + 2))
				if seed%2 == 0 && len(model) > 0 {
					gone = model[random.IntN(len(model))]
				}
				at := slices.Index(model, gone)
				c, found := cs.forget(gone)
				require.Equal(t, at >= 0, found)
				if found {
					require.Equal(t, caller{ref: gone, owner: gone%3 == 0}, c)
					model = slices.Delete(model, at, at+1)
				}
			case 10:
				if random.IntN(20) > 0 {
					break
				}
				even := func(r ref) bool { return r%2 == 0 }
				var want, taken []ref
				for _, c := range cs.take(func(c caller) bool { return even(c.ref) }) {
					taken = append(taken, c.ref)
				}
				model = slices.DeleteFunc(model, func(r ref) bool {
					if even(r) {
						want = append(want, r)
					}
					return even(r)
				})
				require.Equal(t, want, taken)
			}
			widest = max(widest, len(model))
			require.LessOrEqual(t, len(cs), 4*widest+4, "those that have given up stay too long")
			if len(model) == 0 {
				require.Nil(t, cs)
			}
		}
		require.Equal(t, append([]ref(nil), model...), cs.takeAll())
		require.Nil(t, cs)
	}
}
