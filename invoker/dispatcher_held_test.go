package invoker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests of this file are about what a dispatcher makes of answers, notices and the end of its session, one step at a time.

// holds has a dispatcher hold a container that so many leases may use at once.
func holds(t *testing.T, concurrency int) (*Dispatcher, *heldContainer) {
	d, _, g := holder(t)
	a := sample("a")
	a.Concurrency = concurrency
	d.granted(d.keyOf(a), Demand{}, g)
	require.Contains(t, d.held, g.GrantID)
	return d, d.held[g.GrantID]
}

// lease gives a caller a slot of a container, whatever room there is.
func (h *heldContainer) lease(d *Dispatcher) *Lease {
	l := &Lease{grantor: d, answered: make(chan struct{})}
	d.give(h, l)
	return l
}

func TestAContainerThatIsGoingToBeGivenBackIsGivenToNobodyElse(t *testing.T) {
	for name, c := range map[string]struct {
		leases int
		change func(d *Dispatcher, h *heldContainer)
		room   bool
	}{
		"none is in use":                           {0, func(*Dispatcher, *heldContainer) {}, true},
		"one of two is in use":                     {1, func(*Dispatcher, *heldContainer) {}, true},
		"both are in use":                          {2, func(*Dispatcher, *heldContainer) {}, false},
		"it was recalled":                          {1, func(d *Dispatcher, h *heldContainer) { d.notice(Notice{Grant: h.grant.GrantID}) }, false},
		"an activation forbids to use it again":    {2, func(d *Dispatcher, h *heldContainer) { d.free(h.leases[0], discard) }, false},
		"nobody has initialised it":                {0, func(_ *Dispatcher, h *heldContainer) { h.initialised = false; h.file() }, true},
		"another activation is to initialise it":   {1, func(_ *Dispatcher, h *heldContainer) { h.initialised = false; h.file() }, false},
		"that activation has initialised it":       {1, func(d *Dispatcher, h *heldContainer) { h.initialised = false; d.succeeded(h.leases[0]) }, true},
		"its session is over, with all its leases": {2, func(d *Dispatcher, h *heldContainer) { d.session.until = time.Now(); d.expire(time.Now()) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			d, h := holds(t, 2)
			for range c.leases {
				h.lease(d)
			}
			c.change(d, h)
			require.Equal(t, c.room, d.held[h.grant.GrantID] != nil && d.pick(h.key) == h)
			d.work.Wait()
		})
	}
}

func TestTheFirstActivationThatForbidsToUseAContainerAgainCounts(t *testing.T) {
	d, h := holds(t, 3)
	first, second, third := h.lease(d), h.lease(d), h.lease(d)
	d.free(first, reuse)
	d.free(second, crashed)
	d.free(third, reuse)
	require.Equal(t, []Released{{h.grant.GrantID, Crashed}}, d.report.Released)
	d.work.Wait()
}

func TestAGrantThatIsVoidWhenItArrivesIsGivenToNobody(t *testing.T) {
	d, k, g := holder(t)
	l := &Lease{grantor: d, answered: make(chan struct{})}
	k.waiters, d.waiting = append(k.waiters, l), 1
	d.notice(Notice{Grant: g.GrantID, Revoked: true})
	d.granted(k, Demand{}, g)
	require.Equal(t, []*Lease{l}, k.waiters)
}

func TestWhatWasGivenBackIsNotDeclaredWhenItIsGone(t *testing.T) {
	d, h := holds(t, 1)
	d.giveBack(h)
	d.notice(Notice{Grant: h.grant.GrantID, Revoked: true})
	var r Renewal
	d.declare(&r)
	require.Empty(t, r.Held)
	d.work.Wait()
}

func TestTheLogsOfAContainerThatIsRevokedAreReadToTheEnd(t *testing.T) {
	d, h := holds(t, 1)
	d.logs = newLogCollector(newPrinter(), d.log)
	read := d.logs.container(h.grant.Instance, false)
	require.False(t, read.over)
	d.notice(Notice{Grant: h.grant.GrantID, Revoked: true})
	require.True(t, read.over)
	d.work.Wait()
}

func TestADispatcherThatHasReachedNoLeaderHasNothingToGiveBack(t *testing.T) {
	d, _, _ := holder(t)
	d.session.epoch = 0
	d.config.Control = nil // is not asked
	d.leave(t.Context())
}

func TestAContainerThatIsInUseForLongIsNotGivenBack(t *testing.T) {
	d, h := holds(t, 2)
	l := h.lease(d)
	d.look(h.used.Add(2 * keepLast))
	require.Contains(t, d.held, h.grant.GrantID)
	d.free(l, reuse)
	d.look(h.used.Add(keepLast))
	require.Empty(t, d.held)
	d.work.Wait()
}

// TestAGrantForAKeyThatWasForgottenMeanwhile is for those who wait for that key now.
func TestAGrantForAKeyThatWasForgottenMeanwhile(t *testing.T) {
	d, k, g := holder(t)
	demand := Demand{Session: d.session.name, Request: 1}
	d.early[GrantID{"other", 1<<32 + 9}] = Notice{}
	d.tidy(k)
	require.Empty(t, d.keys)
	now := d.keyOf(sample("a"))
	l := &Lease{grantor: d, answered: make(chan struct{})}
	now.waiters, d.waiting = append(now.waiters, l), 1
	d.answered(t.Context(), k, demand, g, nil)
	<-l.answered
	require.Empty(t, d.early, "no grant is under way that it could be about")

	d, k, g = holder(t)
	demand.Session = d.session.name
	d.tidy(k)
	d.answered(t.Context(), k, demand, g, nil)
	require.Equal(t, map[Key]*heldKey{k.key: k}, d.keys)
}

func TestADemandThatMayHaveArrivedIsWithdrawn(t *testing.T) {
	for name, c := range map[string]struct {
		err       error
		withdrawn []uint64
		open      bool
	}{
		"nobody knows":        {errTest, []uint64{4}, false},
		"it was refused":      {&StartError{}, nil, true},
		"the leader is busy":  {&CapacityError{}, nil, true},
		"it was not taken at": {ErrNotLeading, []uint64{4}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d, k, _ := holder(t)
			d.session.open = true
			d.answered(t.Context(), k, Demand{Session: d.session.name, Request: 4}, Grant{}, c.err)
			require.Equal(t, c.withdrawn, d.report.Withdrawn)
			require.Equal(t, c.open, d.session.open)
		})
	}
}

func TestARecallOfWhatIsNotHeld(t *testing.T) {
	d, _, g := holder(t)
	d.notice(Notice{Grant: g.GrantID})
	require.Contains(t, d.early, g.GrantID, "it may be on its way")

	d, _, g = holder(t)
	d.asking = 0
	d.notice(Notice{Grant: g.GrantID})
	require.Empty(t, d.early)
	require.Equal(t, []Released{{g.GrantID, Discard}}, d.report.Released)
	d.notice(Notice{Grant: g.GrantID, Revoked: true})
	require.Len(t, d.report.Released, 1)

	d, h := holds(t, 1)
	d.giveBack(h)
	d.asking = 0
	d.notice(Notice{Grant: h.grant.GrantID})
	require.Equal(t, []Released{{h.grant.GrantID, Reuse}}, d.report.Released, "it is on its way back")
	d.work.Wait()
}

// silentLeader is a Control that grants nothing.
type silentLeader struct{ Control }

func (silentLeader) Acquire(ctx context.Context, _ Demand) (Grant, error) {
	<-ctx.Done()
	return Grant{}, context.Cause(ctx)
}

func TestAsManyContainersAreDemandedAsCallersNeed(t *testing.T) {
	d, _, _ := holder(t)
	d.config.Control = silentLeader{}
	d.opened(t.Context(), 1)
	a := sample("two")
	a.Concurrency = 2
	k := d.keyOf(a)
	for waiters, asks := range []int{0, 1, 1, 2, 2, 3} {
		d.mu.Lock()
		k.waiters = make([]*Lease, waiters)
		d.ask(k)
		require.Len(t, k.asks, asks)
		d.mu.Unlock()
	}
	d.mu.Lock()
	k.waiters = nil
	d.ask(k)
	d.mu.Unlock()
	d.work.Wait() // all are cancelled
	require.Empty(t, d.keys[k.key])
}

func TestTheContainerToUseNextIsInUseAlreadyOrOnTheAgentWithMost(t *testing.T) {
	d, _, _ := holder(t)
	a := sample("two")
	a.Concurrency = 2
	k := d.keyOf(a)
	held := map[string]*heldContainer{}
	for i, c := range []struct{ id, agent string }{{"a1", "a"}, {"b1", "b"}, {"b2", "b"}, {"b3", "b"}, {"a2", "a"}, {"c1", "c"}} {
		g := Grant{GrantID: GrantID{c.id, 1<<32 + uint64(i)}, Instance: Instance{ID: c.id, Agent: c.agent}}
		d.granted(k, Demand{}, g)
		held[c.id] = d.held[g.GrantID]
	}
	require.Same(t, held["b3"], d.pick(k), "the one used last of the agent with most")
	held["a1"].lease(d)
	held["c1"].lease(d)
	require.Same(t, held["a1"], d.pick(k), "one that is in use, of the agent with more")
}

func TestWhatIsNotUsedAgainIsGivenBackBeforeItsLogsAreComplete(t *testing.T) {
	for _, o := range []outcome{reuse, discard} {
		synctest.Test(t, func(t *testing.T) {
			d, h := holds(t, 1)
			d.logs = newLogCollector(newPrinter(), d.log)
			d.logs.container(h.grant.Instance, false)
			d.mu.Lock()
			h.outcome = o
			d.giveBack(h)
			require.Equal(t, o == discard, len(d.report.Released) == 1)
			d.mu.Unlock()
			d.work.Wait()
			require.Len(t, d.report.Released, 1)
		})
	}
}
