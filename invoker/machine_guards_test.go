package invoker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pilot answers what the machine wants, at once.
type pilot struct {
	*bench
	todo  []command
	start func(create) input // nil: it starts
	grant func(grant)
	fast  bool // nothing is recounted
}

func (p *pilot) step(in input) {
	if !p.fast {
		p.todo = append(p.todo, p.bench.step(in)...)
		return
	}
	for _, c := range p.m.step(p.now, in) {
		if g, ok := c.(*grant); ok {
			c = *g
		}
		p.todo = append(p.todo, c)
	}
}

// fly lets time pass.
func (p *pilot) fly(d time.Duration) {
	p.t.Helper()
	end := p.now.Add(d)
	for {
		for len(p.todo) > 0 {
			c := p.todo[0]
			p.todo = p.todo[1:]
			p.answer(c)
		}
		next := p.m.deadline()
		if next.IsZero() || next.After(end) {
			p.now = end
			return
		}
		p.now = next
		p.step(wake{})
	}
}

func (p *pilot) answer(c command) {
	switch c := c.(type) {
	case create:
		in := input(created{id: c.id, instance: Instance{ID: c.id, Agent: "x"}})
		if p.start != nil {
			in = p.start(c)
		}
		p.step(in)
	case probe:
		p.step(probed{id: c.instance.ID})
	case bind:
		p.step(stored{id: c.record.ID})
	case destroy:
		p.step(destroyed{id: c.id})
	case suspend:
		p.step(suspended{id: c.id})
	case resume:
		p.step(resumed{id: c.id})
	case grant:
		p.grant(c)
	}
}

func seconds(n ...float64) []time.Duration {
	var all []time.Duration
	for _, s := range n {
		all = append(all, time.Duration(s*float64(time.Second)))
	}
	return all
}

func TestStemCellsThatCannotBeStartedPauseAfterFiveFailures(t *testing.T) {
	p := &pilot{bench: newBench(t, func(s *settings) { s.Stems = []StemCells{{Kind: "nodejs:20", Memory: 256, Initial: 1, Min: 1, Max: 1}} })}
	var at []time.Duration
	p.start = func(c create) input {
		at = append(at, p.now.Sub(epoch))
		return created{id: c.id, err: fmt.Errorf("%w: exit status 125", ErrStart)}
	}
	p.todo = p.commands
	p.fly(15 * time.Minute)
	require.Equal(t, seconds(0, 0, 0, 0, 0, 10, 30, 70, 150, 310, 610), at)

	at, p.start = nil, nil // the next one starts, and everything is as before
	p.fly(10*time.Second + shortLife)
	infos := p.m.infos()
	require.Len(t, infos, 1)
	require.Equal(t, 910*time.Second, infos[0].Created.Sub(epoch))
	require.False(t, p.m.stemmed[0].guard.breaker.Open(), "it has lived for a minute")
	p.step(changed{Change{ID: infos[0].ID, State: Gone}})
	p.fly(0)
	require.Len(t, p.m.infos(), 1, "one that ends is replaced at once")
}

func TestStemCellsThatStartAndSoonEndPauseAsWell(t *testing.T) {
	p := stemmed(t, nodes(StemCells{Initial: 1, Min: 1, Max: 1}))
	var at []time.Duration
	p.start = func(c create) input {
		at = append(at, p.now.Sub(epoch))
		return created{id: c.id, instance: Instance{ID: c.id, Agent: "x"}}
	}
	for range 400 {
		p.fly(time.Second)
		for id, c := range p.m.containers {
			if c.state == StateStem {
				p.step(changed{Change{ID: id, State: Gone, Reason: "exit status 1"}})
			}
		}
	}
	// Each ends up to a second after its start, and the pause begins then.
	require.Len(t, at, 10)
	require.Equal(t, seconds(0, 1, 2, 3, 4), at[:5])
	for i, pause := range seconds(10, 20, 40, 80, 160) {
		require.InDelta(t, pause, at[5+i]-at[4+i], float64(time.Second))
	}
}

func TestCallersOfAnImageThatCannotBeStartedAreRefusedUntilATrialStarts(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Memory = 0 })
	broken, fine := keyNamed("broken"), keyNamed("fine")
	broken.Kind, broken.Image, broken.Tenant = "blackbox", "user/broken", "guest"
	err := fmt.Errorf("%w: not found", ErrImage)
	for r := range ref(5) {
		made := only[create](b.acquire(r+1, broken))
		require.Len(t, made, 1)
		b.step(created{id: made[0].id, err: err})
		require.Equal(t, []refuse{{ref: r + 1, err: &StartError{Fault: FaultDeveloper, Image: "user/broken", Err: err}}}, only[refuse](b.commands))
		b.step(destroyed{id: made[0].id})
	}
	b.elapse(5 * time.Second)
	require.Equal(t, []command{refuse{ref: 6, err: &StartError{Fault: FaultDeveloper, Image: "user/broken", Err: err}}}, b.acquire(6, broken))
	require.Len(t, only[create](b.acquire(7, fine)), 1, "others are not affected")

	b.elapse(5 * time.Second)
	made := only[create](b.acquire(8, broken))
	require.Len(t, made, 1, "the trial")
	require.Empty(t, only[create](b.acquire(9, broken)), "one at a time")
	b.up(made[0].id, "x")
	b.step(stored{id: made[0].id})
	require.Len(t, only[grant](b.commands), 1)
	require.Len(t, only[create](b.acquire(10, broken)), 1, "it works: as many as are needed")
}

func TestAnActionThatKillsItsContainersGetsOneAtATimeAfterAPause(t *testing.T) {
	p := &pilot{bench: newBench(t, func(s *settings) { s.Memory = 0 })}
	poison, other := keyNamed("poison"), keyNamed("other")
	var at, others []time.Duration
	p.grant = func(g grant) {
		if g.ref > 1000 {
			others = append(others, p.now.Sub(epoch))
			p.step(release{grant: g.id})
			return
		}
		at = append(at, p.now.Sub(epoch))
		p.step(initialised{grant: g.id})
		p.step(changed{Change{ID: g.id.Container, State: Gone, Err: ErrMemory, Reason: "out of memory"}})
	}
	for r := range ref(20) { // one after the other, as a user does who tries again
		p.step(acquire{ref: 1 + r, key: poison})
		p.fly(0)
	}
	require.Equal(t, seconds(0, 0, 0), at)
	p.fly(30 * time.Second)
	p.step(acquire{ref: 1001, key: other})
	p.fly(200 * time.Second)
	require.Equal(t, seconds(0, 0, 0, 1, 3, 7, 15, 31, 63, 123, 183), at)
	require.Equal(t, seconds(30), others, "others are not affected")
}

func TestWhatWasBegunBeforeThePauseDoesNotMakeItLonger(t *testing.T) {
	p := &pilot{bench: newBench(t, func(s *settings) { s.Memory = 0 })}
	var held []grant
	p.grant = func(g grant) { held = append(held, g) }
	for r := range ref(10) {
		p.step(acquire{ref: 1 + r, key: keyNamed("a")})
	}
	p.fly(0)
	require.Len(t, held, 10)
	for _, g := range held {
		p.step(release{grant: g.id, outcome: crashed})
	}
	held = nil
	p.step(acquire{ref: 11, key: keyNamed("a")})
	p.step(acquire{ref: 12, key: keyNamed("a")})
	p.fly(time.Second - 1)
	require.Empty(t, held)
	p.fly(1)
	require.Len(t, held, 1, "one at a time")
	p.fly(time.Minute)
	require.Len(t, held, 1, "as long as it runs")
}

func TestASuccessEndsTheLimitOfAnAction(t *testing.T) {
	p, k := crashing(t)
	p.step(acquire{ref: 4, key: k})
	p.step(acquire{ref: 5, key: k})
	p.step(acquire{ref: 6, key: k})
	var served []ref
	p.grant = func(g grant) {
		served = append(served, g.ref)
		if len(served) == 1 {
			p.step(release{grant: g.id})
		}
	}
	p.fly(time.Second - 1)
	require.Empty(t, p.m.containers)
	p.fly(1)
	require.Equal(t, []ref{4, 5, 6}, served)
	require.Len(t, p.m.containers, 2)
}

// crashing returns a machine in which three containers of a key have died while they served.
func crashing(t *testing.T) (*pilot, Key) {
	p := &pilot{bench: newBench(t, func(s *settings) { s.Memory = 0 })}
	p.grant = func(g grant) { p.step(release{grant: g.id, outcome: crashed}) }
	for r := range ref(3) {
		p.step(acquire{ref: 1 + r, key: keyNamed("a")})
		p.fly(0)
	}
	require.Empty(t, p.m.containers)
	return p, keyNamed("a")
}

func TestContainersThatEndWithTheirAgentAreNobodysFault(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Memory = 0 })
	k := keyNamed("a")
	for r := range ref(4) {
		b.warm(r+1, k, "x")
	}
	b.step(changed{Change{Agent: "x", State: Gone, Err: ErrUnavailable, Reason: "the agent is gone"}})
	require.Empty(t, b.m.containers)
	require.Len(t, only[create](b.acquire(9, k)), 1)
}

func TestATrialThatIsNotUsedLetsTheNextOneBegin(t *testing.T) {
	p, k := crashing(t)
	var served []time.Duration
	p.grant = func(grant) { served = append(served, p.now.Sub(epoch)) }
	p.step(acquire{ref: 4, key: k})
	p.fly(time.Second - 1)
	p.now = p.now.Add(1)
	p.bench.step(wake{})
	id := p.m.inOrder()[0].id
	p.up(id, "x")
	require.Len(t, only[bind](p.commands), 1)
	p.step(stored{id: id, err: errors.New("the disk is full")})
	p.fly(time.Minute)
	require.Equal(t, seconds(2), served, "after the pause of the store")
}

func TestARemovalThatTakesLongDoesNotHoldUpAnActionWhoseContainersDied(t *testing.T) {
	b := newBench(t)
	for r := range ref(3) {
		l := b.warm(1+r, keyNamed("a"), "x")
		b.step(release{grant: l, outcome: crashed})
		b.step(destroyed{id: l.Container})
	}
	require.True(t, b.m.keys[keyNamed("a")].guard.blocked)
	b.elapse(time.Second)
	b.step(release{grant: b.warm(4, keyNamed("a"), "x"), outcome: discard}) // which shows nothing
	require.Len(t, only[destroy](b.commands), 1)
	require.Len(t, only[create](b.acquire(5, keyNamed("a"))), 1)
}
