package invoker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

const sessionA, sessionB = "session-a-0123456789", "session-b-0123456789"

func demand(session string, request uint64, action string) Demand {
	a := sample(action)
	return Demand{Session: session, Request: request, Key: a.key(), Timeout: a.timeout()}
}

// open opens a session with what it holds, and returns the epoch.
func open(t *testing.T, c Control, session string, held ...Held) uint64 {
	r, err := c.Renew(t.Context(), Renewal{Session: session, Name: "test", Open: true, Held: held})
	require.NoError(t, err)
	require.Equal(t, SessionTTL, r.TTL)
	return r.Epoch
}

func TestControlOfAProcessThatDoesNotLead(t *testing.T) {
	v, err := New(Config{Owner: "test", Engine: newFakeEngine()})
	require.NoError(t, err)
	_, err = v.Control().Renew(t.Context(), Renewal{Session: sessionA, Open: true})
	require.ErrorIs(t, err, ErrNotLeading)
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		open(t, c, sessionA)
		waiting := make(chan error, 2)
		go func() {
			_, err := c.Notices(t.Context(), sessionA, 0)
			waiting <- err
		}()
		go func() {
			_, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
			waiting <- err
		}()
		synctest.Wait()
		require.ErrorIs(t, w.end(), errStopped)
		for range cap(waiting) {
			require.ErrorIs(t, <-waiting, ErrNotLeading)
		}
		_, err := c.Renew(t.Context(), Renewal{Session: sessionA})
		require.ErrorIs(t, err, ErrNotLeading)
	})
}

func TestASessionHasToBeOpened(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		ctx := t.Context()
		_, err := c.Renew(ctx, Renewal{Session: sessionA})
		require.ErrorIs(t, err, ErrSession)
		_, err = c.Acquire(ctx, demand(sessionA, 1, "a"))
		require.ErrorIs(t, err, ErrSession)
		_, err = c.Notices(ctx, sessionA, 0)
		require.ErrorIs(t, err, ErrSession)
		require.ErrorIs(t, c.Report(ctx, Report{Session: sessionA}), ErrSession)
		require.NoError(t, c.End(ctx, sessionA))
		for _, r := range []Renewal{{Session: "short"}, {Session: strings.Repeat("a", 65)}, {Session: sessionA + "/"}, {Session: sessionA, Name: strings.Repeat("a", 257)}} {
			r.Open = true
			_, err := c.Renew(ctx, r)
			var invalid *ConfigError
			require.ErrorAs(t, err, &invalid)
		}
		open(t, c, sessionA)
		time.Sleep(11*time.Second - 1)
		_, err = c.Renew(ctx, Renewal{Session: sessionA})
		require.NoError(t, err)
		time.Sleep(11*time.Second + 1)
		_, err = c.Renew(ctx, Renewal{Session: sessionA})
		require.ErrorIs(t, err, ErrSession)
	})
}

func TestARepeatedDemandHasTheSameGrant(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		epoch := open(t, c, sessionA)
		grants := make(chan Grant, 2)
		for range cap(grants) {
			go func() {
				g, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
				if err == nil {
					grants <- g
				}
			}()
		}
		first := <-grants
		require.Equal(t, first, <-grants)
		require.Equal(t, epoch, first.Epoch())
		require.True(t, first.Init)
		require.Equal(t, Cold, first.Start)
		again, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.NoError(t, c.Report(t.Context(), Report{Session: sessionA, Withdrawn: []uint64{1}}))
		next, err := c.Acquire(t.Context(), demand(sessionA, 2, "a"))
		require.NoError(t, err)
		require.Equal(t, first.Container, next.Container)
		require.NotEqual(t, first.GrantID, next.GrantID)
		require.Equal(t, 1, w.engine.count("create"))
	})
}

func TestADemandThatIsWithdrawn(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		open(t, c, sessionA)
		waiting := make(chan error, 1)
		go func() {
			_, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
			waiting <- err
		}()
		synctest.Wait()
		require.NoError(t, c.Report(t.Context(), Report{Session: sessionA, Withdrawn: []uint64{1, 2}}))
		require.ErrorIs(t, <-waiting, ErrWithdrawn)
		_, err := c.Acquire(t.Context(), demand(sessionA, 2, "a"))
		require.ErrorIs(t, err, ErrWithdrawn, "it was withdrawn before it came")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = c.Acquire(ctx, demand(sessionA, 3, "b"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		stats, err := w.invoker.Stats(t.Context())
		require.NoError(t, err)
		require.Zero(t, stats.Waiting)
	})
}

func TestADemandThatArrivesAgainAfterItWasWithdrawnGetsNothing(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		open(t, c, sessionA)
		_, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		require.NoError(t, c.Report(t.Context(), Report{Session: sessionA, Withdrawn: []uint64{1}}))
		_, err = c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.ErrorIs(t, err, ErrWithdrawn)
	})
}

func TestOnlyItsHolderReleasesAGrant(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		open(t, c, sessionA)
		open(t, c, sessionB)
		g, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		forged := Report{Session: sessionB, Released: []Released{{g.GrantID, Discard}, {GrantID{g.Container, g.Number + 1}, Discard}, {Outcome: Dead}}, Initialised: []GrantID{g.GrantID}}
		require.NoError(t, c.Report(t.Context(), forged))
		time.Sleep(time.Second)
		require.Zero(t, w.engine.count("destroy"))
		for in := range w.invoker.Containers(t.Context()) {
			require.Equal(t, 1, in.Active)
			require.False(t, in.Initialised)
		}
	})
}

func TestNotices(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		open(t, c, sessionA)
		open(t, c, sessionB)
		g, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		require.NoError(t, c.Report(t.Context(), Report{Session: sessionA, Initialised: []GrantID{g.GrantID}}))
		go func() { _, _ = c.Acquire(t.Context(), demand(sessionB, 1, "a")) }()
		first, err := c.Notices(t.Context(), sessionA, 0)
		require.NoError(t, err)
		require.Len(t, first, 1)
		require.Equal(t, Notice{Number: first[0].Number, Grant: g.GrantID}, first[0])
		again, err := c.Notices(t.Context(), sessionA, 0)
		require.NoError(t, err)
		require.Equal(t, first, again, "it is told until it has acted on it")
		go w.engine.end(g.Container, ErrMemory, "killed")
		next, err := c.Notices(t.Context(), sessionA, first[0].Number)
		require.NoError(t, err)
		require.Len(t, next, 1)
		require.Equal(t, Notice{Number: first[0].Number + 1, Grant: g.GrantID, Revoked: true, Reason: "killed", Err: ErrMemory}, next[0])
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.Notices(ctx, sessionA, next[0].Number)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// TestARenewalIsConfirmed: a process that does not lead any more, and does not know it, renews no session.
func TestARenewalIsConfirmed(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		w.end()
		var lost error
		w.begin(scheduler.Term{Number: 3, Confirm: func(context.Context) error { return lost }})
		c := w.invoker.Control()
		open(t, c, sessionA)
		lost = errors.New("another one leads")
		_, err := c.Renew(t.Context(), Renewal{Session: sessionA})
		require.ErrorIs(t, err, ErrNotLeading)
		require.ErrorIs(t, err, lost)
	})
}

// TestDeclared has a session go on with a container after a change of the leader, also one in which /init has succeeded without the
// former leader having heard of it.
func TestDeclared(t *testing.T) {
	for _, told := range []bool{true, false} {
		inWorld(t, withStore, func(t *testing.T, w *world) {
			w.crash(2)
			c := w.invoker.Control()
			open(t, c, sessionA)
			g, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
			require.NoError(t, err)
			if told {
				require.NoError(t, c.Report(t.Context(), Report{Session: sessionA, Initialised: []GrantID{g.GrantID}}))
				time.Sleep(time.Second)
			}
			w.crash(3)
			c = w.invoker.Control()
			time.Sleep(9 * time.Second)
			require.Equal(t, uint64(3), open(t, c, sessionA, Held{g.GrantID, true}, Held{GrantID{"unknown", 7}, true}))
			n, err := c.Notices(t.Context(), sessionA, 0)
			require.NoError(t, err)
			require.Len(t, n, 1)
			require.Equal(t, "unknown", n[0].Grant.Container)
			require.NoError(t, c.Report(t.Context(), Report{Session: sessionA, Released: []Released{{g.GrantID, Reuse}}}))
			l, err := w.invoker.Acquire(t.Context(), sample("a"))
			require.NoError(t, err)
			require.Equal(t, Warm, l.Start())
			l.Release()
		})
	}
}

// TestSessionsAreLimited opens as many as may be open. A further one is refused, and the others go on.
func TestSessionsAreLimited(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		name := func(i int) string { return fmt.Sprintf("session-%016d", i) }
		for i := range maxSessions {
			open(t, c, name(i))
		}
		one := Renewal{Session: name(maxSessions), Open: true}
		_, err := c.Renew(t.Context(), one)
		require.ErrorIs(t, err, ErrTooManySessions)
		open(t, c, name(7))
		require.NoError(t, c.End(t.Context(), name(8)))
		open(t, c, one.Session)
		_, err = c.Renew(t.Context(), Renewal{Session: name(8), Open: true})
		require.ErrorIs(t, err, ErrTooManySessions)
		time.Sleep(SessionTTL + sessionMargin)
		synctest.Wait()
		open(t, c, name(8)) // all others have ended
		require.Len(t, w.invoker.present.pool.remotes.byName, 1)
	})
}

// TestASessionThatDoesNotReadItsNoticesEnds has a session declare what it cannot hold, again and again. It is not renewed any more, and
// ends when it is over: until then it may send to what it does hold.
func TestASessionThatDoesNotReadItsNoticesEnds(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		epoch := open(t, c, sessionA)
		_, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		time.Sleep(time.Second)
		held := func(n int) (all []Held) {
			for i := range n {
				all = append(all, Held{GrantID: GrantID{Container: "gone", Number: uint64(i)}})
			}
			return all
		}
		_, err = c.Renew(t.Context(), Renewal{Session: sessionA, Open: true, Held: held(maxHeld + 1)})
		var invalid *ConfigError
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "Renewal.Held", invalid.Field)
		open(t, c, sessionA, held(maxNotices-1)...)
		open(t, c, sessionA, held(1)...)
		_, err = c.Renew(t.Context(), Renewal{Session: sessionA, Open: true})
		require.ErrorIs(t, err, ErrSession)
		require.ErrorContains(t, err, "10000 notices")
		time.Sleep(SessionTTL + sessionMargin - 1)
		require.Equal(t, 1, w.now().Containers[0].Active, "its session is not over")
		time.Sleep(time.Nanosecond)
		require.Zero(t, w.now().Stats.Containers[StateBusy])

		open(t, c, sessionB, held(maxNotices)...)
		notices, err := c.Notices(t.Context(), sessionB, 0)
		require.NoError(t, err)
		require.Len(t, notices, maxNotices)
		go func() { _, _ = c.Notices(t.Context(), sessionB, notices[maxNotices-1].Number) }()
		synctest.Wait()
		require.Equal(t, epoch, open(t, c, sessionB), "one that reads them goes on")
		require.NoError(t, c.End(t.Context(), sessionB))
	})
}

func TestWhatIsMeantForAnotherLeaderIsNotTaken(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		epoch := open(t, c, sessionA)
		g, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		for _, other := range []uint64{epoch - 1, epoch + 1} {
			d := demand(sessionA, 2, "a")
			d.Epoch = other
			_, err := c.Acquire(t.Context(), d)
			require.ErrorIs(t, err, ErrSession)
			require.ErrorIs(t, c.Report(t.Context(), Report{Session: sessionA, Epoch: other, Released: []Released{{g.GrantID, Discard}}}), ErrSession)
			_, err = c.Notices(t.Context(), sessionA, FirstNotice(other))
			require.ErrorIs(t, err, ErrSession)
		}
		require.Equal(t, 1, w.now().Containers[0].Active)
		require.NoError(t, c.Report(t.Context(), Report{Session: sessionA, Epoch: epoch, Released: []Released{{g.GrantID, Reuse}}}))
		require.Zero(t, w.now().Containers[0].Active)
	})
}

func TestADemandGoesOnWhileOneOfItsCallersWaits(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		open(t, c, sessionA)
		granted := make(chan error, 1)
		go func() {
			_, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
			granted <- err
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
		defer cancel()
		_, err := c.Acquire(ctx, demand(sessionA, 1, "a"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, <-granted)
	})
}

func TestADemandIsServedAnewWhenItsGrantIsVoid(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		open(t, c, sessionA)
		first, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		w.engine.end(first.Container, nil, "exited")
		synctest.Wait()
		next, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		require.NotEqual(t, first.Container, next.Container)
	})
}

func TestAKeyHasNoTenantButItsNamespace(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := w.invoker.Control()
		open(t, c, sessionA)
		d := demand(sessionA, 1, "a")
		d.Key.Tenant = "another"
		_, err := c.Acquire(t.Context(), d)
		var invalid *ConfigError
		require.ErrorAs(t, err, &invalid)
		require.Zero(t, w.engine.count("create"))
	})
}
