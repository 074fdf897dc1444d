package invoker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sized is a key whose containers take so many MiB.
func sized(name string, memory int) Key {
	k := keyNamed(name)
	k.Memory = memory
	return k
}

func TestWhoWaitsBrieflyForRoomIsOvertakenByWhatFits(t *testing.T) {
	b := newBench(t)
	b.warm(1, sized("a", 512), "x")
	b.acquire(2, sized("big", 1024))
	require.Empty(t, only[create](b.commands))
	b.elapse(2*time.Second - 1)
	require.Len(t, only[create](b.acquire(3, sized("small", 256))), 1)
}

func TestWhoHasWaitedTwoSecondsForRoomIsNotOvertaken(t *testing.T) {
	b := newBench(t)
	first := b.warm(1, sized("a", 512), "x")
	b.acquire(2, sized("big", 1024))
	b.elapse(2 * time.Second)
	require.Empty(t, only[create](b.acquire(3, sized("small", 256))))
	b.acquire(4, sized("a", 512))
	b.step(release{grant: first})
	require.Equal(t, ref(4), only[grant](b.commands)[0].ref, "what is warm is never held up")
	b.step(release{grant: only[grant](b.commands)[0].id})
	require.Equal(t, []destroy{{id: "o-1-1"}}, only[destroy](b.commands))
	b.step(destroyed{id: "o-1-1"})
	made := only[create](b.commands)
	require.Len(t, made, 1)
	require.Equal(t, 1024, made[0].spec.Memory)
}

func TestOnAClusterOneAgentIsKeptForWhoWaitsForRoom(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Memory = 0 })
	b.step(agentsSeen{agents: []Agent{{ID: "x", Memory: 1024}, {ID: "y", Memory: 512}}})
	b.acquire(1, sized("a", 512)) // is expected where it leaves least
	b.up("o-1-1", "y")
	b.step(stored{id: "o-1-1"})
	busy := b.warm(2, sized("b", 256), "x")
	b.acquire(3, sized("big", 1024))
	b.elapse(2 * time.Second)
	require.Empty(t, only[create](b.acquire(4, sized("small", 256))), "x is kept, and y is full")
	b.step(agentsSeen{agents: []Agent{{ID: "x", Memory: 1024}, {ID: "y", Memory: 512}, {ID: "z", Memory: 256}}})
	require.Len(t, only[create](b.commands), 1, "elsewhere there is room")
	b.step(release{grant: busy})
	require.Equal(t, []destroy{{id: "o-1-2"}}, only[destroy](b.commands))
	b.step(destroyed{id: "o-1-2"})
	require.Equal(t, 1024, only[create](b.commands)[0].spec.Memory)
}

func TestWhatFitsNowhereHoldsNobodyUp(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Memory = 0 })
	b.step(agentsSeen{agents: []Agent{{ID: "x", Memory: 512}}})
	b.acquire(1, sized("big", 1024))
	b.elapse(time.Minute)
	require.Len(t, only[create](b.acquire(2, sized("small", 256))), 1)
}

// TestWhatIsLargerThanAnyAgentCostsNobodyAnything: it waits, since a larger agent may come, and says so. Meanwhile nothing is removed for it,
// and others are served, also where the pool has a limit of its own, and stem cells are started.
func TestWhatIsLargerThanAnyAgentCostsNobodyAnything(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Stems = []StemCells{{Kind: "python:3", Memory: 128, Initial: 1, Min: 1, Max: 1}} })
	small := []Agent{{ID: "x", Memory: 512}, {ID: "y", Memory: 640}}
	b.step(agentsSeen{agents: small})
	b.up("o-1-1", "y")
	b.step(release{grant: b.warm(1, sized("a", 512), "y")})
	b.step(release{grant: b.warm(2, sized("b", 384), "x")})
	require.Empty(t, only[destroy](b.acquire(3, sized("big", 1024))))
	require.Equal(t, "no agent has 1024 MiB: the largest has 640", b.m.stats().Waits[0].Reason)
	require.Empty(t, only[destroy](b.elapse(3*time.Second)))
	b.step(changed{Change{ID: "o-1-1", State: Gone}})
	require.Len(t, only[create](b.commands), 1, "the stem cell is replaced")
	b.up("o-1-4", "y")
	require.Len(t, only[destroy](b.acquire(4, sized("small", 128))), 1, "room is made for who is behind it")
	b.step(cancel{ref: 4})
	b.step(agentsSeen{agents: append(small, Agent{ID: "z", Memory: 1024, Draining: true})})
	require.Equal(t, "no agent has 1024 MiB: the largest has 640", b.m.stats().Waits[0].Reason)
	require.Empty(t, only[create](b.commands))
	b.step(agentsSeen{agents: append(small, Agent{ID: "z", Memory: 1024})})
	require.NotEmpty(t, only[destroy](b.commands), "it could run there: the pool makes room")
}

// TestAnAgentThatIsFullMayBeLargeEnough: the engine of a new leader does not know it before something ends there.
func TestAnAgentThatIsFullMayBeLargeEnough(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Memory = 2048 })
	b.step(agentsSeen{agents: []Agent{{ID: "x", Memory: 512}, {ID: "y", Memory: 2048}}})
	b.step(release{grant: b.warm(1, sized("a", 1536), "y")})
	b.step(agentsSeen{agents: []Agent{{ID: "x", Memory: 512}}})
	b.elapse(time.Minute)
	require.Len(t, only[destroy](b.acquire(2, sized("big", 1024))), 1, "so that it makes an offer")
	require.Equal(t, "there is no room for 1024 MiB", b.m.stats().Waits[0].Reason)
}

func TestWhoCannotBeServedIsRefusedAtOnce(t *testing.T) {
	b := newBench(t, func(s *settings) { s.MaxWaiting = 2 })
	b.acquire(1, sized("huge", 2048))
	require.Equal(t, []command{refuse{ref: 1, err: &CapacityError{Limit: 1024, Reason: "a container of 2048 MiB is larger than the pool"}}}, b.commands)
	granted := b.warm(2, sized("a", 1024), "x")
	b.acquire(3, sized("b", 1024))
	b.acquire(4, sized("c", 1024))
	b.acquire(5, sized("d", 1024))
	require.Equal(t, []command{refuse{ref: 5, err: &CapacityError{
		Used: 1024, Limit: 1024, Waiting: 2, Reason: "too many callers wait", RetryAfter: time.Second,
	}}}, b.commands)
	require.Empty(t, b.step(cancel{ref: 3}))
	require.Empty(t, b.acquire(6, sized("d", 1024)))
	b.step(release{grant: granted})
	require.Len(t, only[destroy](b.commands), 1)
}

func TestWarmContainersAreGrantedWhileTooManyWait(t *testing.T) {
	b := newBench(t, func(s *settings) { s.MaxWaiting = 0 })
	b.m.settings.MaxWaiting = 1
	b.step(release{grant: b.warm(1, keyNamed("a"), "x")})
	b.m.settings.MaxWaiting = 0
	require.Len(t, only[grant](b.acquire(2, keyNamed("a"))), 1)
}

func TestNoMoreContainersStartThanAllowedNorThanAreNeeded(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Memory, s.MaxStarts = 0, 3 })
	for i := range 5 {
		b.acquire(ref(i+1), keyNamed(fmt.Sprint(i)))
	}
	require.Equal(t, 3, b.m.starting)
	b.step(cancel{ref: 5})
	b.up("o-1-1", "x")
	require.Len(t, only[create](b.commands), 1, "the fourth caller's")
	b.up("o-1-2", "x")
	require.Empty(t, only[create](b.commands))
}

func TestWhoIsServedOtherwiseLeavesTheStartToOthers(t *testing.T) {
	b := newBench(t)
	granted := b.warm(1, keyNamed("a"), "x")
	b.acquire(2, keyNamed("a"))
	b.step(release{grant: granted})
	require.Empty(t, only[create](b.acquire(3, keyNamed("b"))), "the one for the second caller comes")
	b.up("o-1-2", "x")
	require.Equal(t, "b", only[bind](b.commands)[0].record.Key.Action)
}

func TestContainersOfUsersImagesServeTheirTenantOnly(t *testing.T) {
	b := newBench(t)
	k := keyNamed("a")
	k.Image, k.Tenant = "mine", "guest"
	b.acquire(1, k)
	b.step(cancel{ref: 1})
	b.up("o-1-1", "x")
	other := k
	other.Namespace, other.Tenant = "other", "other"
	require.Len(t, only[create](b.acquire(2, other)), 1)
	require.Len(t, only[bind](b.acquire(3, k)), 1)
}

func TestSlotsOfAContainerAreFilledOnceItIsInitialised(t *testing.T) {
	b := newBench(t)
	k := keyNamed("a")
	k.Concurrency = 2
	b.acquire(1, k)
	require.Empty(t, b.acquire(2, k), "one container is enough for two")
	require.Len(t, only[create](b.acquire(3, k)), 1)
	b.up("o-1-1", "x")
	b.step(stored{id: "o-1-1"})
	g := only[grant](b.commands)
	require.Len(t, g, 1, "while it is initialised it takes nothing else")
	b.step(initialised{grant: g[0].id})
	second := only[grant](b.commands)
	require.Equal(t, ref(2), second[0].ref)
	require.False(t, second[0].init)
	b.step(release{grant: g[0].id, outcome: discard})
	require.Empty(t, only[destroy](b.commands), "the other activation goes on")
	require.Empty(t, only[grant](b.commands))
	b.step(release{grant: second[0].id})
	require.Equal(t, []destroy{{id: "o-1-1"}}, only[destroy](b.commands))
}

func TestTheMostRecentlyUsedOnTheFullestAgentIsReused(t *testing.T) {
	b := newBench(t, func(s *settings) { s.Memory = 0 })
	var leases []GrantID
	for i, agent := range []string{"x", "y", "y", "x"} {
		leases = append(leases, b.warm(ref(i+1), keyNamed("a"), agent))
	}
	b.warm(5, keyNamed("b"), "y")
	for _, l := range leases {
		b.step(release{grant: l})
	}
	for i, want := range []string{"o-1-3", "o-1-2", "o-1-4", "o-1-1"} {
		require.Equal(t, want, only[grant](b.acquire(ref(10+i), keyNamed("a")))[0].id.Container)
	}
}

func TestStemCellsAreThereFromTheBeginningAndReplaced(t *testing.T) {
	b := newBench(t, func(s *settings) {
		s.Stems = []StemCells{{Kind: "nodejs:20", Memory: 256, Initial: 2, Min: 2, Max: 2}}
	})
	require.Equal(t, 2, b.m.starting)
	b.up("o-1-1", "x")
	b.up("o-1-2", "x")
	b.acquire(1, keyNamed("a"))
	require.Len(t, only[bind](b.commands), 1)
	require.Len(t, only[create](b.commands), 1)
}

func TestAContainerThatIsStartedInPlaceOfARemovedOneOfItsKeyIsRecreated(t *testing.T) {
	b := newBench(t)
	granted := b.warm(1, sized("a", 1024), "x")
	b.step(release{grant: granted})
	b.elapse(time.Minute)
	b.acquire(2, sized("b", 1024))
	b.step(destroyed{id: "o-1-1"})
	b.up("o-1-2", "x")
	b.step(stored{id: "o-1-2"})
	g := only[grant](b.commands)
	require.Equal(t, Cold, g[0].start)
	b.acquire(3, sized("a", 1024))
	b.step(release{grant: g[0].id, outcome: discard})
	b.step(destroyed{id: "o-1-2"})
	b.up("o-1-3", "x")
	b.step(stored{id: "o-1-3"})
	require.Equal(t, Recreated, only[grant](b.commands)[0].start)
}

func TestActionsThatNobodyUsesAreForgotten(t *testing.T) {
	b := newBench(t, func(s *settings) { s.MaxStarts = 0 })
	for i := range maxUnusedKeys {
		key := sized(fmt.Sprint(i), 256)
		r := ref(2*i + 1)
		b.m.step(b.now, acquire{ref: r, key: key, timeout: time.Minute})
		b.m.step(b.now, cancel{ref: r})
		key.Action, key.Memory = "huge"+key.Action, 2048
		b.m.step(b.now, acquire{ref: r + 1, key: key, timeout: time.Minute})
	}
	check(t, b.m)
	require.LessOrEqual(t, len(b.m.keys), maxUnusedKeys)
}

// Nobody knows what is free, but the engine has it: 640 MiB, of which 256 are.
func TestAnEngineThatDoesNotSayWhatIsFreeIsAskedAfterEachContainerThatIsRemoved(t *testing.T) {
	for _, limit := range []int{0, 4096} {
		b := newBench(t, func(s *settings) { s.Memory = limit })
		for i, memory := range []int{128, 128, 128} {
			b.idle(sized(fmt.Sprint(i), memory), "x")
			b.elapse(time.Minute)
		}
		b.acquire(9, sized("big", 512))
		b.step(created{id: "o-1-4", err: ErrNoCapacity})
		require.Equal(t, []destroy{{id: "o-1-4"}}, only[destroy](b.commands))
		require.Equal(t, []destroy{{id: "o-1-1"}}, only[destroy](b.step(destroyed{id: "o-1-4"})), "no more at once")
		require.Empty(t, only[destroy](b.acquire(10, sized("other", 512))))
		require.Len(t, only[create](b.step(destroyed{id: "o-1-1"})), 2)
		b.step(created{id: "o-1-5", err: ErrNoCapacity})
		b.step(created{id: "o-1-6", err: ErrNoCapacity})
		b.step(destroyed{id: "o-1-5"})
		require.Equal(t, []destroy{{id: "o-1-2"}}, only[destroy](b.step(destroyed{id: "o-1-6"})))
		require.Len(t, only[create](b.step(destroyed{id: "o-1-2"})), 2)
		b.up("o-1-7", "x")
		require.Equal(t, "big", only[bind](b.commands)[0].record.Key.Action)
	}
}
