package invoker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/stemsize"
)

// stemmed returns a pilot of a machine with these stem cells, and as much memory as it wants.
func stemmed(t *testing.T, cells ...StemCells) *pilot {
	p := &pilot{bench: newBench(t, func(s *settings) { s.Memory, s.Stems = 0, cells })}
	p.todo = p.commands
	p.grant = func(g grant) { p.step(initialised{grant: g.id}) }
	return p
}

func nodes(c StemCells) StemCells {
	c.Kind, c.Memory = "nodejs:20", 256
	return c
}

// stems returns the figures of the only kind of stem cell.
func (p *pilot) stems() StemStats {
	all := p.m.stats().Stems
	require.Len(p.t, all, 1)
	return all[0]
}

func TestATakenStemCellIsReplacedAtOnce(t *testing.T) {
	p := stemmed(t, nodes(StemCells{Initial: 2, Min: 2, Max: 2}))
	p.fly(0)
	require.Equal(t, 2, p.stems().Have)
	p.start = func(c create) input { return nil } // is not answered
	p.bench.acquire(1, keyNamed("a"))
	require.Len(t, only[bind](p.commands), 1)
	require.Len(t, only[create](p.commands), 1)
}

func TestStemCellsFollowTheDemandWithinTheirBounds(t *testing.T) {
	oneGoroutine(t)
	p := stemmed(t, nodes(StemCells{Initial: 1, Min: 1, Max: 6}))
	p.start = func(c create) input { // as if it had taken a second
		p.m.containers[c.id].created = p.now.Add(-time.Second)
		return created{id: c.id, instance: Instance{ID: c.id, Agent: "x"}}
	}
	p.fly(0)
	require.Equal(t, 1, p.stems().Have)
	for r := range ref(18) { // 3 in a second, on average of 6 s: 3 + 2√3 = 6.5
		p.step(acquire{ref: 1 + r, key: keyNamed(fmt.Sprint("first use of ", r))})
		p.fly(0)
	}
	require.Equal(t, 6, p.stems().Want, "at once, but not more than Max")
	require.Equal(t, 6, p.stems().Have)
	p.fly(9 * time.Second)
	require.Equal(t, 6, p.stems().Want)
	p.fly(time.Second)
	require.Equal(t, 3, p.stems().Want, "at most by half in 10 s")
	p.fly(10 * time.Second)
	require.Equal(t, 2, p.stems().Want, "18 in a minute")
	require.Equal(t, 6, p.stems().Have, "what is there is kept for a while")
	p.fly(time.Minute)
	require.Equal(t, 1, p.stems().Want)
	p.fly(10 * time.Minute)
	require.Equal(t, 1, p.stems().Have)
}

func TestStemCellsByOpenWhisksFormula(t *testing.T) {
	p := stemmed(t, nodes(StemCells{Initial: 1, Min: 1, Max: 5, Threshold: 2, Increment: 2}))
	p.fly(0)
	for r := range ref(5) { // one finds a stem cell, four do not
		p.step(acquire{ref: 1 + r, key: keyNamed(fmt.Sprint(r))})
	}
	p.fly(10*time.Minute - 1)
	require.Equal(t, 1, p.stems().Want)
	p.fly(11 * time.Second)
	require.Equal(t, 4, p.stems().Want, "4 / 2 × 2")
	p.fly(10 * time.Minute)
	require.Equal(t, 1, p.stems().Want)
}

func TestStemCellsEndBeforeTheirTimeToLiveTheOldestFirstAndAreReplaced(t *testing.T) {
	p := stemmed(t, nodes(StemCells{Initial: 300, Min: 300, Max: 300, TTL: 10 * time.Minute}))
	p.m.settings.MaxStarts, p.fast = 400, true
	p.fly(0)
	first := p.m.infos()
	require.Len(t, first, 300)
	gone := map[string]time.Duration{}
	for p.now.Sub(epoch) < 10*time.Minute+10*time.Second {
		p.fly(10 * time.Second)
		n := 0
		for _, i := range first {
			if _, seen := gone[i.ID]; !seen && p.m.containers[i.ID] == nil {
				gone[i.ID] = p.now.Sub(epoch)
				n++
			}
		}
		require.LessOrEqual(t, n, 100)
		require.Equal(t, 300, p.stems().Have)
	}
	for _, i := range first {
		life := stemsize.Lifetime(i.ID, 10*time.Minute)
		require.GreaterOrEqual(t, gone[i.ID], life)
		require.Less(t, gone[i.ID], life+10*time.Second)
	}
}

func TestOnlyAHundredStemCellsEndAtOnce(t *testing.T) {
	p := stemmed(t, nodes(StemCells{Initial: 250, Min: 250, Max: 250, TTL: time.Second}))
	p.m.settings.MaxStarts, p.fast = 1000, true
	p.fly(0)
	for _, left := range []int{250, 150, 50, 0} {
		n := 0
		for _, i := range p.m.infos() {
			if i.Created.Equal(epoch) {
				n++
			}
		}
		require.Equal(t, left, n)
		if p.now.Equal(epoch) {
			p.m.stemmed[0].cells.TTL = 15 * time.Second // its successors live for longer
		}
		p.fly(10 * time.Second)
		if left == 250 {
			p.fly(10 * time.Second)
		}
	}
}

func TestStemCellsTakeAQuarterOfTheStartsAndNoneWhileACallerLacksRoom(t *testing.T) {
	b := newBench(t, func(s *settings) {
		s.Memory = 4096
		s.Stems = []StemCells{nodes(StemCells{Initial: 10, Min: 10, Max: 10})}
	})
	require.Len(t, only[create](b.commands), 5)
	b.acquire(1, sized("big", 4096))
	for _, c := range b.m.inOrder() {
		b.up(c.id, "x")
		require.Empty(t, only[create](b.commands))
	}
}

func TestAStemCellIsPingedEachThreeSecondsAndReplacedAfterThreeFailures(t *testing.T) {
	p := stemmed(t, nodes(StemCells{Initial: 1, Min: 1, Max: 1}))
	p.fly(0)
	first := p.m.infos()[0].ID
	pings := 0
	for p.m.containers[first] != nil {
		p.now = p.m.deadline()
		for _, c := range only[probe](p.bench.step(wake{})) {
			require.True(t, c.ping)
			pings++
			p.step(probed{id: c.instance.ID, err: errors.New("connection refused")})
		}
		p.fly(0)
	}
	require.Equal(t, 3, pings)
	require.Equal(t, 9*time.Second, p.now.Sub(epoch))
	require.Equal(t, 1, p.stems().Have)
}
