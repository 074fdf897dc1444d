package invoker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// kept returns which containers are kept for a key.
func (b *bench) kept(k Key) []string {
	var ids []string
	for _, c := range b.m.inOrder() {
		if c.reserved {
			require.Equal(b.t, k, c.key.Key)
			ids = append(ids, c.id)
		}
	}
	require.Len(b.t, ids, b.m.keys[k].reserved)
	return ids
}

// idle returns a machine with so many idle containers of a key.
func idleOnes(t *testing.T, k Key, n int) *bench {
	b := newBench(t)
	var leases []GrantID
	for r := range ref(n) {
		leases = append(leases, b.warm(r+1, k, "x"))
	}
	for _, l := range leases {
		b.step(release{grant: l})
	}
	return b
}

func TestReservedContainersNeitherExpireNorMakeRoom(t *testing.T) {
	k := keyNamed("a")
	b := idleOnes(t, k, 3)
	b.step(reserve{key: k, n: 2})
	require.Equal(t, []string{"o-1-1", "o-1-2"}, b.kept(k))
	b.acquire(4, sized("big", 512))
	require.Equal(t, []destroy{{id: "o-1-3"}}, only[destroy](b.commands), "256 MiB are free")
	b.step(destroyed{id: "o-1-3"})
	b.acquire(5, keyNamed("other"))
	require.Empty(t, only[destroy](b.commands))
	b.elapse(time.Hour)
	require.Equal(t, []string{"o-1-1", "o-1-2"}, b.kept(k))

	b.step(reserve{key: k, n: 0})
	require.Equal(t, []destroy{{id: "o-1-1"}, {id: "o-1-2"}}, only[destroy](b.commands), "they have been idle for an hour")
}

func TestAnotherContainerIsKeptInPlaceOfOneThatIsGone(t *testing.T) {
	k := keyNamed("a")
	b := idleOnes(t, k, 3)
	b.step(reserve{key: k, n: 2})
	b.step(changed{Change{ID: "o-1-1", State: Gone}})
	require.Equal(t, []string{"o-1-2", "o-1-3"}, b.kept(k))
	b.step(changed{Change{ID: "o-1-2", State: Gone}})
	require.Equal(t, []string{"o-1-3"}, b.kept(k))
	b.step(release{grant: b.warm(4, keyNamed("other"), "x")})
	require.Equal(t, []string{"o-1-3"}, b.kept(k))
	b.acquire(5, k)
	b.step(release{grant: b.warm(6, k, "x")})
	require.Equal(t, []string{"o-1-3", "o-1-5"}, b.kept(k), "the next one that is bound")
}
