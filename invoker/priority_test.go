package invoker

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

type number struct{ value, place int }

func (n *number) before(o *number) bool { return n.value < o.value }
func (n *number) position() *int        { return &n.place }

func TestThePriorityQueueAlwaysHasTheLeastFirst(t *testing.T) {
	oneGoroutine(t)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		var q priority[*number]
		all := make([]*number, 30)
		for i := range all {
			all[i] = &number{}
		}
		for range 2000 {
			n := all[random.IntN(len(all))]
			if random.IntN(3) == 0 {
				q.remove(n)
				require.Zero(t, n.place)
			} else {
				n.value = random.IntN(100)
				q.put(n)
			}
			least := -1
			for _, n := range all {
				if n.place > 0 {
					require.Same(t, n, q.elements[n.place-1])
					if least < 0 || n.value < least {
						least = n.value
					}
				}
			}
			first, ok := q.first()
			require.Equal(t, least >= 0, ok)
			if ok {
				require.Equal(t, least, first.value)
			}
		}
	}
}
