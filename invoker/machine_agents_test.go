package invoker

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAContainerThatCannotBeReachedGetsNothingUntilItCan(t *testing.T) {
	b := idle(t)
	b.step(changed{Change{Agent: "x", State: Unreachable}})
	require.Len(t, only[create](b.acquire(2, keyNamed("a"))), 1)
	require.Empty(t, only[grant](b.commands))
	require.Empty(t, only[destroy](b.elapse(time.Hour)), "it is not given up")
	b.step(changed{Change{Agent: "x", State: Reachable}})
	require.Equal(t, ref(2), only[grant](b.commands)[0].ref)
}

func TestAContainerThatComesUpOnAnUnreachableAgentWaits(t *testing.T) {
	b := idle(t)
	b.acquire(2, keyNamed("b"))
	b.step(changed{Change{Agent: "x", State: Unreachable}})
	b.up("o-1-2", "x")
	require.Empty(t, only[bind](b.commands))
	b.step(changed{Change{Agent: "x", State: Reachable}})
	require.Len(t, only[bind](b.commands), 1)
}

func TestAllContainersOfALostAgentAreGoneAtOnce(t *testing.T) {
	b := newBench(t)
	held := b.warm(1, keyNamed("a"), "x")
	b.warm(2, keyNamed("b"), "y")
	b.step(release{grant: b.warm(3, keyNamed("c"), "x")})
	b.step(changed{Change{Agent: "x", State: Gone, Reason: "the agent is gone"}})
	require.Equal(t, []revoke{{grant: held, address: held.Container + ":80"}}, only[revoke](b.commands))
	require.Equal(t, []string{"gone o-1-1", "gone o-1-3"}, kinds(b.commands))
	require.Equal(t, 256, b.m.used)
}

func TestNothingStaysOnADrainedAgent(t *testing.T) {
	b := newBench(t)
	busy := b.warm(1, keyNamed("a"), "x")
	b.step(release{grant: b.warm(2, keyNamed("b"), "x")})
	b.step(changed{Change{Agent: "x", State: Draining}})
	require.Equal(t, []string{"marked o-1-2", "removing o-1-2"}, kinds(b.commands))
	b.step(release{grant: busy})
	require.Equal(t, []string{"marked o-1-1", "removing o-1-1"}, kinds(b.commands))
}

func TestADeadContainerIsReplacedForThoseWhoWaitForIt(t *testing.T) {
	b := newBench(t)
	b.acquire(1, keyNamed("a"))
	b.up("o-1-1", "x")
	b.step(changed{Change{ID: "o-1-1", State: Gone}})
	require.Len(t, only[create](b.commands), 1)
	require.Equal(t, []forget{{id: "o-1-1"}}, only[forget](b.commands))
	require.Empty(t, only[grant](b.step(stored{id: "o-1-1"})))
}

func TestACreationThatIsAnsweredAfterItsEndIsAFailedStart(t *testing.T) {
	b := newBench(t)
	b.acquire(1, keyNamed("a"))
	b.step(changed{Change{ID: "o-1-1", State: Gone}})
	require.Empty(t, b.commands)
	b.step(created{id: "o-1-1", instance: Instance{Agent: "x"}})
	require.Equal(t, []destroy{{id: "o-1-1"}}, only[destroy](b.commands))
	require.Len(t, only[create](b.commands), 1)
}

func TestWhoseFaultItIsThatNothingStarts(t *testing.T) {
	for name, c := range map[string]struct {
		tenant   string
		err      error
		attempts int
		fault    Fault
	}{
		"a misspelt image of the user": {"guest", ErrImage, 1, FaultDeveloper},
		"an image of the platform":     {"", ErrImage, 1, FaultPlatform},
		"it does not start":            {"guest", ErrStart, 2, FaultDeveloper},
		"it takes too long":            {"", errors.New("timeout"), 2, FaultPlatform},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			k := keyNamed("a")
			k.Tenant = c.tenant
			made := only[create](b.acquire(1, k))
			for n := range c.attempts {
				require.Len(t, made, 1)
				require.Equal(t, c.tenant, made[0].spec.Labels["invoker.tenant"])
				require.Equal(t, c.tenant != "", made[0].spec.UserImage)
				b.step(created{id: made[0].id, err: c.err})
				require.Equal(t, []destroy{{id: made[0].id}}, only[destroy](b.commands))
				made = only[create](b.commands)
				require.Equal(t, n == c.attempts-1, len(only[refuse](b.commands)) == 1)
			}
			var failed *StartError
			require.ErrorAs(t, only[refuse](b.commands)[0].err, &failed)
			require.Equal(t, c.fault, failed.Fault)
		})
	}
}

func TestStartsWaitForAPlatformThatIsNotAvailable(t *testing.T) {
	b := newBench(t)
	b.acquire(1, keyNamed("a"))
	b.step(created{id: "o-1-1", err: ErrUnavailable})
	b.step(destroyed{id: "o-1-1"})
	require.Empty(t, only[create](b.commands))
	require.Empty(t, b.elapse(time.Second-1))
	require.Len(t, only[create](b.elapse(1)), 1)
	b.step(created{id: "o-1-2", err: ErrUnavailable})
	b.step(destroyed{id: "o-1-2"})
	require.Empty(t, b.elapse(2*time.Second-1))
	require.Len(t, only[create](b.elapse(1)), 1)
	b.up("o-1-3", "x")
	b.step(stored{id: "o-1-3"})
	require.Len(t, only[grant](b.commands), 1, "the caller is not refused")
}

func TestAnEngineWithoutRoomIsAskedAgainLaterOrWhenSomethingGoes(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Memory = 0 })
	granted := b.warm(1, keyNamed("a"), "x")
	b.acquire(2, keyNamed("b"))
	b.step(created{id: "o-1-2", err: ErrNoCapacity})
	b.step(destroyed{id: "o-1-2"})
	require.Empty(t, b.elapse(time.Second-1))
	require.Len(t, only[create](b.elapse(1)), 1)
	b.step(created{id: "o-1-3", err: ErrNoCapacity})
	b.step(destroyed{id: "o-1-3"})
	b.step(release{grant: granted})
	require.Equal(t, []destroy{{id: "o-1-1"}}, only[destroy](b.commands), "an idle one makes room")
	b.step(destroyed{id: "o-1-1"})
	require.Len(t, only[create](b.commands), 1)
}

func TestAnAgentThatIsListedCanBeReached(t *testing.T) {
	b := idle(t)
	b.step(changed{Change{Agent: "x", State: Unreachable}})
	b.step(agentsSeen{})
	require.Empty(t, only[grant](b.acquire(2, keyNamed("a"))))
	b.step(agentsSeen{agents: []Agent{{ID: "x", Memory: 1024}}})
	require.Len(t, only[grant](b.commands), 1)
}

func TestAStemCellThatCannotBeReachedIsNotGivenUp(t *testing.T) {
	p := stemmed(t, nodes(StemCells{Initial: 1, Min: 1, Max: 1}))
	p.fly(0)
	p.step(changed{Change{Agent: "x", State: Unreachable}})
	for range 10 {
		p.elapse(pingInterval)
		p.step(probed{id: "o-1-1", err: errNotReady})
	}
	require.Equal(t, StateStem, p.m.containers["o-1-1"].state)
	require.False(t, p.m.stemmed[0].guard.breaker.Open())
	p.step(changed{Change{Agent: "x", State: Reachable}})
	for range maxPings {
		require.Equal(t, StateStem, p.m.containers["o-1-1"].state)
		p.elapse(pingInterval)
		p.step(probed{id: "o-1-1", err: errNotReady})
	}
	require.Equal(t, StateRemoving, p.m.containers["o-1-1"].state)
}
