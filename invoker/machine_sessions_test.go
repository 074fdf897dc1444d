package invoker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// held returns a machine with a container o-1-1 of key a that session 7 holds, and its granted.
func held(t *testing.T) (*bench, GrantID) {
	b := idle(t)
	b.step(opened{session: 7, name: "seven", ttl: 10 * time.Second})
	b.step(acquire{ref: 2, session: 7, key: keyNamed("a"), timeout: time.Minute})
	require.Equal(t, []string{"granted o-1-1"}, kinds(b.commands))
	return b, only[grant](b.commands)[0].id
}

func TestAProcessWithoutSessionGetsNothing(t *testing.T) {
	b := idle(t)
	b.step(acquire{ref: 2, session: 7, key: keyNamed("a")})
	require.Equal(t, []command{refuse{ref: 2, err: ErrSession}}, b.commands)
}

func TestAContainerOfAnotherProcessIsRecalledForWhoWaits(t *testing.T) {
	b, granted := held(t)
	b.acquire(3, keyNamed("a"))
	require.Equal(t, []recall{{session: 7, grant: granted}}, only[recall](b.commands))
	require.Empty(t, only[recall](b.acquire(4, keyNamed("a"))), "it is asked once")
	b.step(release{grant: granted})
	require.Equal(t, []string{"revoked o-1-1"}, kinds(b.commands)[:1])
	require.Equal(t, ref(3), only[grant](b.commands)[0].ref)
}

func TestASessionEndsAMomentLaterThanItsHolderThinks(t *testing.T) {
	b, granted := held(t)
	require.Empty(t, b.elapse(11*time.Second-1))
	all := b.elapse(1)
	require.Equal(t, []revoke{{session: 7, grant: granted, address: granted.Container + ":80"}}, only[revoke](all))
	require.Empty(t, b.step(release{grant: granted}))
	require.Empty(t, b.elapse(time.Minute-1))
	require.Len(t, only[create](b.acquire(3, keyNamed("a"))), 1, "what was sent before may still run")
	require.Len(t, only[grant](b.elapse(1)), 1)
}

func TestARenewedSessionLivesOn(t *testing.T) {
	b, granted := held(t)
	b.elapse(10 * time.Second)
	b.step(opened{session: 7, name: "seven", ttl: 10 * time.Second})
	require.Empty(t, b.elapse(11*time.Second-1))
	require.NotEmpty(t, b.step(release{grant: granted}))
}

func TestWhatAProcessDiedWithBeforeItWasInitialisedIsRemoved(t *testing.T) {
	b := newBench(t)
	b.step(opened{session: 7, ttl: 10 * time.Second})
	b.step(acquire{ref: 1, session: 7, key: keyNamed("a"), timeout: time.Minute})
	b.up("o-1-1", "x")
	b.step(stored{id: "o-1-1"})
	require.True(t, only[grant](b.commands)[0].init)
	require.Equal(t, []destroy{{id: "o-1-1"}}, only[destroy](b.elapse(11*time.Second)))
}

func TestASessionThatIsClosedGivesBackWhatItHolds(t *testing.T) {
	b, granted := held(t)
	b.step(acquire{ref: 3, session: 7, key: keyNamed("b"), timeout: time.Minute})
	b.step(closed{session: 7})
	require.Equal(t, []refuse{{ref: 3, err: ErrSession}}, only[refuse](b.commands))
	require.Equal(t, []revoke{{session: 7, grant: granted, address: granted.Container + ":80"}}, only[revoke](b.commands))
	require.Len(t, only[grant](b.acquire(4, keyNamed("a"))), 1)
}

func TestAProcessGetsWholeContainersOnly(t *testing.T) {
	b := newBench(t)
	k := keyNamed("a")
	k.Concurrency = 3
	mine := b.warm(1, k, "x")
	b.step(opened{session: 7, ttl: time.Hour})
	b.step(acquire{ref: 2, session: 7, key: k, timeout: time.Minute})
	require.Len(t, only[create](b.commands), 1)
	b.acquire(3, k)
	require.Equal(t, "o-1-1", only[grant](b.commands)[0].id.Container, "its other slots are for this process")
	b.step(release{grant: only[grant](b.commands)[0].id})
	require.Empty(t, only[grant](b.commands))
	b.step(release{grant: mine})
	require.Equal(t, ref(2), only[grant](b.commands)[0].ref)
	b.acquire(4, k)
	require.Empty(t, only[grant](b.commands))
	require.Len(t, only[recall](b.commands), 1)
}

func TestNoMoreIsRecalledThanIsNeeded(t *testing.T) {
	b := newBench(t)
	b.step(opened{session: 7, ttl: time.Hour})
	var leases []GrantID
	for i := range 4 {
		leases = append(leases, b.warm(ref(i+1), keyNamed("a"), "x"))
	}
	for i, l := range leases {
		b.step(release{grant: l})
		b.step(acquire{ref: ref(i + 10), session: 7, key: keyNamed("a"), timeout: time.Minute})
		require.Len(t, only[grant](b.commands), 1)
	}
	require.Len(t, only[recall](b.acquire(20, keyNamed("a"))), 1)
	require.Len(t, only[recall](b.acquire(21, keyNamed("a"))), 1)
	require.Empty(t, only[recall](b.acquire(22, keyNamed("b"))), "two are on their way, and make room")
	require.Len(t, only[recall](b.acquire(23, sized("c", 768))), 1)
}

func TestWhatALostProcessMayStillRunHasTheLongestTimeThatWasAskedFor(t *testing.T) {
	b := idle(t)
	b.step(opened{session: 7, name: "seven", ttl: 10 * time.Second})
	b.step(acquire{ref: 2, session: 7, key: keyNamed("a"), timeout: time.Hour})
	b.step(acquire{ref: 3, key: keyNamed("a"), timeout: time.Second})
	b.step(cancel{ref: 3})
	b.elapse(11*time.Second + time.Hour - 1)
	require.True(t, b.m.containers["o-1-1"].quarantined)
}
