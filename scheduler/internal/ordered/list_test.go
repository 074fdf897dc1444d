package ordered

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// item is a value whose content changes while its number stays.
type item struct{ number, content int }

func newItems() *List[*item] { return New(func(i *item) int { return i.number }) }

// model is the dumb version of a list.
type model map[int]int // content by number

func (m model) all() []item {
	var all []item
	for number, content := range m {
		all = append(all, item{number, content})
	}
	slices.SortFunc(all, func(a, b item) int { return a.number - b.number })
	return all
}

func contents(of func(func(*item) bool)) []item {
	var all []item
	for v := range of {
		all = append(all, *v)
	}
	return all
}

// TestListEqualsModel makes random changes to a list and to the model, with few numbers and with many, mostly growing, mostly
// shrinking, and compares them; and each snapshot, at the end, with the model at the time when it was made.
func TestListEqualsModel(t *testing.T) {
	for seed := range uint64(15) {
		random := rand.New(rand.NewPCG(seed, 0))
		numbers := []int{20, 700, 5000}[seed%3]
		l, m := newItems(), model{}
		epochs := map[int]*Epoch[*item]{}
		var snapshots []Snapshot[*item]
		var then [][]item
		last := 0
		for step := range 4000 {
			n := random.IntN(numbers)
			if random.IntN(2) == 0 { // in order, as they come
				last++
				n = last
			}
			content, known := m[n]
			switch removes := step/1000%2 == 1; {
			case !known:
				m[n] = step
				l.Add(&item{n, step})
				epochs[n] = l.Epoch()
			case removes || random.IntN(4) == 0:
				delete(m, n)
				require.True(t, l.Remove(n))
			default: // as the owner of a value does: it copies what a snapshot may have
				v, found := l.Get(n)
				require.True(t, found)
				require.Equal(t, content, v.content)
				if epochs[n].Over() {
					v = &item{n, content}
					epochs[n] = epochs[n].Replace(v)
				}
				v.content, m[n] = step, step
			}
			if random.IntN(100) == 0 {
				pick := random.IntN(7)
				l.RemoveAll(func(v *item) bool { return v.number%7 == pick && v.content%2 == 0 })
				for number, content := range m {
					if number%7 == pick && content%2 == 0 {
						delete(m, number)
					}
				}
			}
			if random.IntN(100) == 0 {
				below := random.IntN(numbers / 10)
				var want []item
				for _, i := range m.all() {
					if i.number < below {
						want = append(want, i)
						delete(m, i.number)
					}
				}
				require.Equal(t, want, contents(slices.Values(l.TakeFirst(func(v *item) bool { return v.number < below }))))
			}
			if random.IntN(50) == 0 {
				snapshots, then = append(snapshots, l.Snapshot()), append(then, m.all())
			}
			require.Equal(t, len(m), l.Len())
			first, ok := l.First()
			require.Equal(t, len(m) > 0, ok)
			if step%97 == 0 {
				require.Equal(t, m.all(), contents(l.All()), "seed %d, step %d", seed, step)
				if ok {
					require.Equal(t, m.all()[0], *first)
				}
			}
			if step%31 == 0 {
				checkChunks(t, l)
			}
		}
		for i, s := range snapshots {
			require.Equal(t, then[i], contents(s.All()), "seed %d, snapshot %d", seed, i)
			require.Equal(t, len(then[i]), s.Len())
		}
	}
}

// checkChunks checks that chunks are neither empty nor too long, and not many more than needed.
func checkChunks(t *testing.T, l *List[*item]) {
	for i, c := range l.chunks {
		require.NotEmpty(t, c.items)
		require.LessOrEqual(t, len(c.items), chunkSize)
		require.LessOrEqual(t, cap(c.items), chunkSize)
		require.LessOrEqual(t, c.from, c.items[0].number)
		require.True(t, i == 0 || l.chunks[i-1].items[len(l.chunks[i-1].items)-1].number < c.from)
	}
	require.LessOrEqual(t, len(l.chunks), 1+l.size/(chunkSize/4)+1)
}

func TestWhatIsNotThere(t *testing.T) {
	l := newItems()
	require.False(t, l.Remove(1))
	require.False(t, l.Replace(&item{number: 1}))
	_, ok := l.First()
	require.False(t, ok)
	l.Add(&item{number: 2})
	require.False(t, l.Remove(1))
	require.False(t, l.Remove(3))
	require.False(t, l.Replace(&item{number: 3}))
	_, ok = l.Get(1)
	require.False(t, ok)
	require.Equal(t, 1, l.Len())
	var none *Epoch[*item]
	require.False(t, none.Over())
	require.Zero(t, Snapshot[*item]{}.Len())
	require.Empty(t, contents(Snapshot[*item]{}.All()))
}

// TestSnapshotsAreReadConcurrently changes a list while others read its snapshots: the race detector would report a chunk that
// both use.
func TestSnapshotsAreReadConcurrently(t *testing.T) {
	l := newItems()
	for i := range 2000 {
		l.Add(&item{number: i})
	}
	epochs := make([]*Epoch[*item], 2000)
	for i := range epochs {
		epochs[i] = l.Epoch()
	}
	var readers sync.WaitGroup
	for round := range 50 {
		s, want := l.Snapshot(), contents(l.All())
		readers.Go(func() {
			for range 3 {
				require.Equal(t, want, contents(s.All()))
			}
		})
		for i := range 100 {
			n := (round*37 + i*19) % 2000
			v, found := l.Get(n)
			switch {
			case !found:
				l.Add(&item{n, round})
				epochs[n] = l.Epoch()
			case i%5 == 0:
				l.Remove(n)
			default:
				if epochs[n].Over() {
					copied := *v
					v = &copied
					epochs[n] = epochs[n].Replace(v)
				}
				v.content = round
			}
		}
	}
	readers.Wait()
}

// BenchmarkList measures the removal of the first value, together with an addition at the end, and a snapshot followed by a
// change. Run it with
//
//	go test ./scheduler/internal/ordered -run '^$' -bench List
func BenchmarkList(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		l := newItems()
		for i := range n {
			l.Add(&item{number: i})
		}
		next := n
		b.Run(fmt.Sprintf("first/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			v := &item{}
			for b.Loop() {
				first, _ := l.First()
				l.Remove(first.number)
				v, next = first, next+1
				v.number = next
				l.Add(v)
			}
		})
		b.Run(fmt.Sprintf("snapshot/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Snapshot()
			}
		})
	}
}
