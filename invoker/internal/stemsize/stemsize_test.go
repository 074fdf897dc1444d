package stemsize

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func second(s float64) time.Time {
	return time.Unix(1e6, 0).Add(time.Duration(s * float64(time.Second)))
}

// The examples are those of OpenWhisk's ContainerPoolTests and of its comment in runtimes.json.
func TestWhiskIsOpenWhisksFormula(t *testing.T) {
	for _, c := range []struct{ coldStarts, threshold, increment, least, most, want int }{
		{0, 2, 1, 2, 4, 2},   // none: the least
		{1, 2, 1, 2, 4, 2},   // less than the threshold: 0, raised to the least
		{2, 2, 1, 1, 4, 1},   // the threshold
		{5, 2, 1, 1, 4, 2},   // rounded down before it is multiplied
		{5, 2, 3, 1, 10, 6},  //
		{99, 1, 1, 1, 4, 4},  // the most
		{99, 1, 1, 0, 0, 0},  //
		{3, 4, 100, 0, 9, 0}, // rounded down to nothing
	} {
		require.Equal(t, c.want, Whisk(c.coldStarts, c.threshold, c.increment, c.least, c.most), "%+v", c)
	}
}

func TestDemandIsWhatIsUsedUpWhileOneStartsAndAMargin(t *testing.T) {
	var d Demand
	require.Equal(t, 1, d.Want(second(0), 1, 9), "nothing was used: the least")
	for range 20 {
		d.Started(500 * time.Millisecond)
	}
	for i := range 60 { // ten a second for 6 s: λL = 5, and 2√5 = 4.47
		d.Used(second(float64(i) / 10))
	}
	require.Equal(t, 10, d.Want(second(5.9), 0, 99))
	require.Equal(t, 9, d.Want(second(5.9), 0, 9))
}

func TestDemandShrinksAtMostByHalfInTenSeconds(t *testing.T) {
	var d Demand
	d.Started(time.Second)
	for range 96 { // 16 a second: 16 + 8
		d.Used(second(0))
	}
	require.Equal(t, 24, d.Want(second(0), 0, 99))
	require.Equal(t, 24, d.Want(second(9.9), 0, 99))
	require.Equal(t, 12, d.Want(second(10), 0, 99))
	require.Equal(t, 12, d.Want(second(19), 0, 99))
	require.Equal(t, 6, d.Want(second(20), 0, 99), "96 in 60 s: 1.6 + 2.5 are needed, more than half")
	require.Equal(t, 5, d.Want(second(30), 0, 99))
	require.Equal(t, 5, d.Want(second(59), 0, 99))
	require.Equal(t, 2, d.Want(second(60), 0, 99), "the uses are over a minute ago")
	require.Equal(t, 1, d.Want(second(70), 0, 99))
	require.Equal(t, 0, d.Want(second(80), 0, 99))
	d.Used(second(81))
	require.Equal(t, 1, d.Want(second(81), 0, 99), "and grows at once")
}

// Sizing against one that keeps each use and each start time, and looks at all of them each time.
func TestDemandAgainstNaive(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		var d Demand
		var naive naiveDemand
		now := 0.0
		for range 300 {
			now += r.ExpFloat64() * []float64{0.05, 1, 20}[r.IntN(3)]
			switch r.IntN(3) {
			case 0:
				d.Used(second(now))
				naive.uses = append(naive.uses, second(now).Unix())
			case 1:
				took := time.Duration(r.ExpFloat64() * float64(time.Second))
				d.Started(took)
				naive.starts = append(naive.starts, took)
			case 2:
				d.advance(second(now))
				require.InDelta(t, naive.rate(second(now).Unix()), d.rate(), 1e-9, "seed %d", seed)
				require.Equal(t, naive.startTime(), d.StartTime(), "seed %d", seed)
				least, most := r.IntN(4), 4+r.IntN(20)
				want, needed := d.Want(second(now), least, most), naive.needed(second(now).Unix())
				require.GreaterOrEqual(t, want, min(max(needed, least), most), "seed %d: enough", seed)
				require.LessOrEqual(t, want, most, "seed %d", seed)
			}
		}
	}
}

type naiveDemand struct {
	uses   []int64
	starts []time.Duration
}

func (n *naiveDemand) rate(now int64) float64 {
	short, long := 0.0, 0.0
	for _, at := range n.uses {
		if at > now-6 {
			short++
		}
		if at > now-60 {
			long++
		}
	}
	return max(short/6, long/60)
}

func (n *naiveDemand) startTime() time.Duration {
	last := slices.Clone(n.starts[max(0, len(n.starts)-32):])
	slices.Sort(last)
	for i, d := range last {
		if float64(i+1) >= 0.9*float64(len(last))-1e-9 {
			return d
		}
	}
	return 0
}

func (n *naiveDemand) needed(now int64) int {
	load := n.rate(now) * n.startTime().Seconds()
	return int(math.Ceil(load + 2*math.Sqrt(load)))
}

func TestLifetimesAreSpreadAndTheSameForAnID(t *testing.T) {
	seen := map[time.Duration]bool{}
	early := 0
	for i := range 1000 {
		id := fmt.Sprintf("pool-1-%d", i)
		d := Lifetime(id, 10*time.Minute)
		require.Equal(t, d, Lifetime(id, 10*time.Minute))
		require.GreaterOrEqual(t, d, 9*time.Minute)
		require.LessOrEqual(t, d, 10*time.Minute)
		seen[d] = true
		if d < 9*time.Minute+30*time.Second {
			early++
		}
	}
	require.Greater(t, len(seen), 990)
	require.InDelta(t, 500, early, 100, "half of them in the first half")
}

func BenchmarkWant(b *testing.B) {
	var d Demand
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now := second(float64(i) / 100)
		d.Used(now)
		d.Started(time.Second)
		d.Want(now, 0, 100)
	}
}
