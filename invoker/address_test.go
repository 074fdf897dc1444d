package invoker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A platform gives the address of a container that has ended to another one. Nothing is sent there before everybody who held the
// first one knows that it is gone: it could reach the second one, which belongs to another action.
func TestAnAddressThatIsGivenAgain(t *testing.T) {
	for name, c := range map[string]struct {
		acts bool
		wait time.Duration
	}{
		"its holder knows":      {true, 0},
		"its holder is cut off": {false, SessionTTL + sessionMargin}, // looked for each second
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				control := w.invoker.Control()
				began := time.Now()
				open(t, control, sessionA)
				g, err := control.Acquire(t.Context(), demand(sessionA, 1, "a"))
				require.NoError(t, err)
				require.NoError(t, control.Report(t.Context(), Report{Session: sessionA, Initialised: []GrantID{g.GrantID}}))
				go w.engine.end(g.Container, nil, "killed")
				notices, err := control.Notices(t.Context(), sessionA, 0)
				require.NoError(t, err)
				require.True(t, notices[0].Revoked)
				if c.acts {
					go func() { _, _ = control.Notices(t.Context(), sessionA, notices[0].Number) }()
				}
				w.engine.mu.Lock()
				w.engine.started-- // the next one has the same address
				w.engine.mu.Unlock()
				r, err := w.within(time.Minute, sample("b"), Activation{})
				require.NoError(t, err)
				require.Equal(t, Success, r.Status)
				waited := time.Since(began)
				require.GreaterOrEqual(t, waited, c.wait)
				require.Less(t, waited, c.wait+2*time.Second)
			})
		})
	}
}

// TestAnAddressThatASessionMayUseForEver: a program with a pool of its own goes on without reading its notices. What gets the address of
// a container that has died is replaced, until the program is told otherwise that the container is gone.
func TestAnAddressThatASessionMayUseForEver(t *testing.T) {
	for name, learns := range map[string]bool{"it never learns of it": false, "it removes what is gone": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				control, f := w.invoker.Control(), w.invoker.Factory()
				open(t, control, sessionA)
				c, err := f.Create(t.Context(), wants(sessionA, "1"))
				require.NoError(t, err)
				w.engine.end(c.ID, nil, "killed")
				w.engine.mu.Lock()
				w.engine.started-- // the next one has the same address
				w.engine.mu.Unlock()
				ctx, stop := context.WithCancel(t.Context())
				var renewals sync.WaitGroup
				defer renewals.Wait()
				defer stop()
				renewals.Go(func() {
					for ; ctx.Err() == nil; time.Sleep(3 * time.Second) {
						_, _ = control.Renew(ctx, Renewal{Session: sessionA})
					}
				})
				if learns {
					require.NoError(t, f.Destroy(t.Context(), sessionA, c.ID))
				}
				began := time.Now()
				r, err := w.within(time.Minute, sample("b"), Activation{})
				require.NoError(t, err)
				require.Equal(t, Success, r.Status)
				require.Equal(t, learns, time.Since(began) < time.Second)
				require.Less(t, time.Since(began), revokedWait+time.Second)
			})
		})
	}
}

// The news that a container has ended may come after another one has its address.
func TestAContainerWhoseAddressAnotherOneHasIsRemoved(t *testing.T) {
	b := newBench(t)
	k := keyNamed("a")
	held := b.warm(1, k, "x")
	second := only[create](b.acquire(2, keyNamed("b")))[0].id
	address := b.m.containers[held.Container].instance.Address
	commands := b.step(created{id: second, instance: Instance{ID: second, Incarnation: "i", Agent: "x", Address: address}})
	require.Equal(t, []revoke{{grant: held, address: address}}, only[revoke](commands))
	require.Equal(t, []destroy{{id: held.Container}}, only[destroy](commands))
	b.step(destroyed{id: held.Container, err: errors.New("not yet")})
	b.step(destroyed{id: held.Container})
	require.Same(t, b.m.containers[second], b.m.addresses[address])
}
