package invoker

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func canSuspend(s *settings) { s.canSuspend = true }

// idle returns a machine with an idle container o-1-1 of key a.
func idle(t *testing.T, change ...func(*settings)) *bench {
	b := newBench(t, change...)
	b.step(release{grant: b.warm(1, keyNamed("a"), "x")})
	return b
}

func TestAnIdleContainerIsSuspendedAfterAWhileAndResumedWhenItIsNeeded(t *testing.T) {
	b := idle(t, canSuspend)
	require.Empty(t, b.elapse(10*time.Second-1))
	require.Equal(t, []command{suspend{id: "o-1-1"}}, b.elapse(1))
	b.step(suspended{id: "o-1-1"})
	require.Equal(t, []string{"suspended o-1-1"}, kinds(b.commands))
	b.acquire(2, keyNamed("a"))
	require.Equal(t, []command{resume{id: "o-1-1"}}, b.commands)
	b.step(resumed{id: "o-1-1"})
	require.Equal(t, []string{"resumed o-1-1"}, kinds(b.commands))
	require.Equal(t, Warm, only[grant](b.commands)[0].start)
}

func TestAContainerThatIsNeededWhileItIsBeingSuspendedIsResumedOnceItIsFrozen(t *testing.T) {
	b := idle(t, canSuspend)
	b.elapse(10 * time.Second)
	require.Empty(t, b.acquire(2, keyNamed("a")))
	require.Empty(t, only[create](b.acquire(3, keyNamed("b")))[1:], "only the other key needs a start")
	b.step(suspended{id: "o-1-1"})
	require.Equal(t, []resume{{id: "o-1-1"}}, only[resume](b.commands))
}

func TestAContainerThatCannotBeSuspendedOrResumedIsRemoved(t *testing.T) {
	b := idle(t, canSuspend)
	b.elapse(10 * time.Second)
	b.step(suspended{id: "o-1-1", err: errors.New("no")})
	require.Len(t, only[destroy](b.commands), 1)

	b = idle(t, canSuspend)
	b.elapse(10 * time.Second)
	b.step(suspended{id: "o-1-1"})
	b.acquire(2, keyNamed("a"))
	b.step(resumed{id: "o-1-1", err: errors.New("no")})
	require.Len(t, only[destroy](b.commands), 1)
	require.Len(t, only[create](b.commands), 1, "the caller gets another one")
}

func TestAnIdleContainerIsRemovedAfterItsTime(t *testing.T) {
	for name, change := range map[string]func(*settings){"running": func(*settings) {}, "suspended": canSuspend} {
		t.Run(name, func(t *testing.T) {
			b := idle(t, change)
			if b.m.settings.canSuspend {
				b.elapse(10 * time.Second)
				b.step(suspended{id: "o-1-1"})
				b.elapse(9*time.Minute + 50*time.Second - 1)
			} else {
				require.Empty(t, b.elapse(10*time.Minute-1))
			}
			require.Equal(t, []string{"marked o-1-1", "removing o-1-1"}, kinds(b.elapse(1)), "nobody else could need a warning")
		})
	}
}

func TestAMarkedContainerIsRevivedForWhoNeedsIt(t *testing.T) {
	b := idle(t)
	b.step(opened{session: 7, ttl: time.Hour})
	require.Equal(t, []string{"marked o-1-1"}, kinds(b.elapse(10*time.Minute)))
	b.elapse(5*time.Second - 1)
	b.acquire(2, keyNamed("a"))
	require.Equal(t, []string{"revived o-1-1"}, kinds(b.commands))
	require.Len(t, only[grant](b.commands), 1)
	b.step(release{grant: only[grant](b.commands)[0].id})
	require.Equal(t, []string{"marked o-1-1"}, kinds(b.elapse(10*time.Minute)))
	require.Empty(t, b.elapse(5*time.Second-1))
	require.Equal(t, []string{"removing o-1-1"}, kinds(b.elapse(1)))
	require.Len(t, only[create](b.acquire(3, keyNamed("a"))), 1, "it is too late to revive it")
}

func TestAtMostTenContainersOfAnAgentAreSweptAtOnce(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Memory = 16 * 256 })
	var leases []GrantID
	for i := range 14 {
		agent := "x"
		if i >= 12 {
			agent = "y"
		}
		leases = append(leases, b.warm(ref(i+1), keyNamed("a"), agent))
	}
	for _, l := range leases {
		b.step(release{grant: l})
	}
	all := b.elapse(10 * time.Minute)
	require.Len(t, only[notify](all), 14+12, "all are marked, those beyond are not removed yet")
	require.Len(t, only[destroy](all), 12)
	require.Empty(t, b.elapse(time.Minute))
	b.acquire(20, keyNamed("a"))
	require.Len(t, only[grant](b.commands), 1, "they can be revived")
	require.Len(t, only[destroy](b.step(destroyed{id: "o-1-1"})), 1)
	require.Empty(t, only[destroy](b.step(destroyed{id: "o-1-2"})))
}
