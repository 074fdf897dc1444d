package invoker

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// left is a container that an earlier run has left.
func left(id string) Instance {
	return Instance{ID: id, Incarnation: "i", Agent: "x", Address: id + ":80", Labels: map[string]string{
		"invoker.owner": "o", "invoker.kind": "nodejs:20", "invoker.image": "", "invoker.memory": "256", "invoker.term": "1",
	}}
}

func leftRecord(id string) record {
	return record{ID: id, Incarnation: "i", Key: keyNamed("a"), Timeout: time.Minute, Term: 1, Initialised: true}
}

// successor returns a machine of the second term that has not listed yet.
func successor(t *testing.T) *bench {
	b := &bench{t: t, m: newMachine(testSettings()), now: epoch}
	b.step(start{term: 2})
	return b
}

func TestNothingIsDecidedBeforeAListingHasSucceeded(t *testing.T) {
	b := successor(t)
	require.Empty(t, b.acquire(1, keyNamed("a")))
	b.step(listed{err: errors.New("no")})
	require.Empty(t, b.commands)
	require.Empty(t, b.elapse(time.Second-1))
	require.Equal(t, []command{list{}}, b.elapse(1))
	b.step(listed{err: errors.New("no")})
	require.Empty(t, b.elapse(2*time.Second-1))
	require.Equal(t, []command{list{}}, b.elapse(1))
	b.step(listed{})
	require.Len(t, only[create](b.commands), 1)
	require.Equal(t, "o-2-1", only[create](b.commands)[0].id)
}

func TestWhatAnEarlierRunHasLeftIsAdopted(t *testing.T) {
	b := successor(t)
	foreign := left("theirs")
	foreign.Labels["invoker.owner"] = "other"
	unmarked := left("unmarked")
	unmarked.Labels = nil
	half := leftRecord("half")
	half.Initialised = false
	restarted := leftRecord("restarted")
	restarted.Incarnation = "earlier"
	b.step(listed{
		instances: []Instance{foreign, unmarked, left("unbound"), left("half"), left("restarted"), left("unknown"), left("warm")},
		records:   []record{half, restarted, {ID: "unknown"}, leftRecord("warm"), leftRecord("gone")},
	})
	require.Equal(t, "unbound", only[probe](b.commands)[0].instance.ID)
	require.Equal(t, []destroy{{id: "half"}, {id: "restarted"}, {id: "unknown"}}, only[destroy](b.commands))
	require.Equal(t, []forget{{id: "gone"}}, only[forget](b.commands))
	require.Len(t, b.m.containers, 5, "those of others are left alone")

	b.step(probed{id: "unbound"})
	require.Empty(t, only[bind](b.commands))
	b.acquire(1, keyNamed("b"))
	require.Equal(t, "unbound", only[bind](b.commands)[0].record.ID)
	b.step(destroyed{id: "half"})
	require.Equal(t, []forget{{id: "half"}}, only[forget](b.commands))
}

// Whoever waits would otherwise wait for a probe that cannot succeed.
func TestAStartThatWasUnderWayIsNotWaitedFor(t *testing.T) {
	b := successor(t)
	starting := left("starting")
	starting.Address = ""
	b.acquire(1, keyNamed("a"))
	b.step(listed{instances: []Instance{starting}})
	require.Empty(t, only[probe](b.commands))
	require.Equal(t, []destroy{{id: "starting"}}, only[destroy](b.commands))
	require.Len(t, only[create](b.commands), 1)
}

func TestAContainerThatNobodyDeclaresIsUsedWhenWhatItMayRunIsOver(t *testing.T) {
	b := successor(t)
	b.step(listed{instances: []Instance{left("warm")}, records: []record{leftRecord("warm")}})
	require.Empty(t, b.elapse(11*time.Second+time.Minute-1))
	require.Len(t, only[create](b.acquire(1, keyNamed("a"))), 1)
	require.Len(t, only[grant](b.elapse(1)), 1)
}

func TestAHolderDeclaresWhatItHoldsAndGoesOn(t *testing.T) {
	old := grantID("warm", 5)
	for name, early := range map[string]bool{"before the listing": true, "after it": false} {
		t.Run(name, func(t *testing.T) {
			b := successor(t)
			declare := func() []command {
				b.step(opened{session: 7, ttl: 10 * time.Second})
				return b.step(declared{session: 7, grants: []GrantID{old, grantID("gone", 6)}})
			}
			listing := listed{instances: []Instance{left("warm")}, records: []record{leftRecord("warm")}}
			var all []command
			if early {
				all = append(declare(), b.step(listing)...)
			} else {
				all = append(b.step(listing), declare()...)
			}
			require.Equal(t, []revoke{{session: 7, grant: grantID("gone", 6)}}, only[revoke](all))
			b.elapse(10 * time.Second)
			b.step(opened{session: 7, ttl: 10 * time.Minute})
			b.elapse(5 * time.Minute)
			require.Equal(t, 1, b.m.infos()[0].Active)
			b.step(release{grant: old})
			require.Len(t, only[grant](b.acquire(1, keyNamed("a"))), 1)
		})
	}
}

func TestALateReleaseOfAnEarlierTermDoesNotFreeAGrantOfThisOne(t *testing.T) {
	b := successor(t)
	b.step(listed{instances: []Instance{left("warm")}, records: []record{leftRecord("warm")}})
	b.elapse(2 * time.Minute)
	b.acquire(1, keyNamed("a"))
	require.Len(t, only[grant](b.commands), 1)
	for n := range uint64(5) {
		b.step(release{grant: grantID("warm", n)})
	}
	b.step(opened{session: 7, ttl: time.Minute})
	b.step(declared{session: 7, grants: []GrantID{grantID("warm", 1)}})
	require.Len(t, only[revoke](b.commands), 1, "it is too late to declare it")
	require.Equal(t, 1, b.m.infos()[0].Active)
}

func TestAListingMakesUpForChangesThatWereMissed(t *testing.T) {
	b := newBench(t)
	held := b.warm(1, keyNamed("a"), "x")
	b.warm(2, keyNamed("a"), "x")
	b.step(changed{Change{State: Lagged}})
	require.Equal(t, []command{list{}}, b.commands)
	require.Empty(t, b.step(changed{Change{State: Lagged}}))
	b.acquire(3, keyNamed("b"))
	b.up("o-1-3", "x")

	later := left("o-2-1")
	later.Labels["invoker.term"] = "2"
	b.step(listed{instances: []Instance{left("o-1-2"), left("o-1-9"), later}})
	require.Equal(t, []destroy{{id: "o-1-9"}}, only[destroy](b.commands), "one of a later leader is left alone")
	require.Equal(t, []revoke{{grant: held, address: held.Container + ":80"}}, only[revoke](b.commands))
	require.Equal(t, []string{"removing o-1-9", "gone o-1-1"}, kinds(b.commands), "what was started meanwhile need not be in it")
	require.Len(t, only[list](b.commands), 1, "changes were missed while it was made")
	b.step(listed{instances: []Instance{left("o-1-2"), left("o-1-3")}})
	require.Empty(t, b.commands)
}

func TestATimeLimitThatIsLongerThanTheOneOnRecordIsPutOnRecord(t *testing.T) {
	b := newBench(t)
	b.step(release{grant: b.warm(1, keyNamed("a"), "x")})
	longer := acquire{ref: 2, key: keyNamed("a"), timeout: time.Hour}
	b.step(longer)
	changes := only[note](b.commands)
	require.Len(t, changes, 1)
	require.Equal(t, time.Hour, changes[0].record.Timeout)
	b.step(release{grant: only[grant](b.commands)[0].id})
	b.step(longer)
	require.Empty(t, only[note](b.commands), "it is there")
	b.step(release{grant: only[grant](b.commands)[0].id})
	require.Empty(t, only[note](b.acquire(3, keyNamed("a"))), "one that is shorter changes nothing")
}
