package zookeeper

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
)

// logInMemory is a log without a server.
type logInMemory struct {
	mu    sync.Mutex
	id    string
	nodes map[string][]byte
	reads int
}

func (l *logInMemory) Get(node string) ([]byte, *zk.Stat, error) {
	if node == "/state" {
		return []byte(format + l.id), nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	data, ok := l.nodes[path.Base(node)]
	if !ok {
		return nil, nil, zk.ErrNoNode
	}
	return data, nil, nil
}

func (l *logInMemory) Children(string) ([]string, *zk.Stat, error) {
	return slices.Collect(maps.Keys(l.nodes)), nil, nil
}

func (l *logInMemory) ChildrenW(string) ([]string, *zk.Stat, <-chan zk.Event, error) {
	names, _, err := l.Children("")
	return names, nil, make(chan zk.Event), err
}

// put does what a store does.
func (l *logInMemory) put(r *replica, e entry, changes map[string][]byte, replaced []entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, value := range changes {
		e.size += sizeOf(key, value)
	}
	entries := r.with(e, replaced)
	l.nodes[e.name()] = encode(content{entries[0].first, changes})
	for _, old := range replaced {
		delete(l.nodes, old.name())
	}
	r.wrote(e, changes, entries)
}

func (l *logInMemory) apply(r *replica, changes map[string][]byte) {
	for range tidyAtOnce {
		replaced, e, content := r.untidy()
		if len(replaced) == 0 {
			break
		}
		l.put(r, e, content, replaced)
	}
	next := r.last() + 1
	l.put(r, entry{first: next, last: next}, changes, nil)
}

func (l *logInMemory) size() (n int) {
	for _, data := range l.nodes {
		n += len(data)
	}
	return n
}

func of(r *replica) map[string]string {
	got := map[string]string{}
	for key, value := range r.load() {
		got[key] = string(value)
	}
	return got
}

// TestReplica compares replicas that follow at times, one that begins anew, and what ranges over one of them, with a map.
// Members take turns in leading.
func TestReplica(t *testing.T) {
	for seed := range uint64(12) {
		var (
			random  = rand.New(rand.NewPCG(seed, 0))
			l       = &logInMemory{id: "a", nodes: map[string][]byte{}}
			want    = map[string]string{}
			members = []*replica{newReplica("/state", quiet()), newReplica("/state", quiet()), newReplica("/state", quiet())}
			leader  = members[0]
			size    = 1 << (4 + 2*(seed%6)) // of values, 16 KiB at most
			keys    = 1 + random.IntN(1<<(6+seed%4))
		)
		members[2].run(true)
		f, followed := members[2].subscribe(), map[string]string{}
		catchUp := func(r *replica) {
			_, err := r.catchUp(t.Context(), l, false)
			require.NoError(t, err)
			require.True(t, maps.Equal(want, of(r)), "other records than were written")
			require.LessOrEqual(t, r.live, r.size)
		}
		catchUp(leader)
		written := 0
		for step := range 1500 {
			changes := map[string][]byte{}
			for range 1 + random.IntN(5) {
				key := fmt.Sprint("key-", random.IntN(keys))
				switch random.IntN(3) {
				case 0:
					changes[key] = nil
					delete(want, key)
				default:
					changes[key] = bytes.Repeat([]byte{byte(step)}, random.IntN(int(size)))
					want[key] = string(changes[key])
				}
				written += sizeOf(key, changes[key])
			}
			l.apply(leader, changes)
			for i, seldom := range []int{10, 100, 400} {
				if random.IntN(seldom) == 0 {
					catchUp(members[i])
				}
			}
			if random.IntN(300) == 0 {
				leader = members[random.IntN(3)]
				catchUp(leader)
			}
			if random.IntN(10) > 0 {
				continue
			}
			news, over := members[2].take(f)
			require.False(t, over)
			for key, value := range news {
				if followed[key] = string(value); value == nil {
					delete(followed, key)
				}
			}
			require.True(t, maps.Equal(followed, of(members[2])), "other records than were followed")
		}
		catchUp(newReplica("/state", quiet()))
		for _, r := range members {
			catchUp(r)
		}
		live := 0
		for key, value := range want {
			live += sizeOf(key, []byte(value))
		}
		require.LessOrEqual(t, l.size(), 2*live+sizeAllowed+2*tidySize)
		require.LessOrEqual(t, len(l.nodes), moreEntries+l.size()/entrySize+fewestFolded, "of %d bytes written", written)
	}
}

// However many nodes give way to one, the request that names them is one that servers take.
func TestTidyRequestIsShort(t *testing.T) {
	r := newReplica("/state", quiet())
	for i := range uint64(5 * mostReplaced) {
		r.entries = append(r.entries, entry{first: i + 1, last: i + 1, size: 1})
	}
	for _, size := range []int{0, 2 * sizeAllowed} { // too many nodes, and too long a log
		r.size = size
		replaced, _, _ := r.untidy()
		require.Len(t, replaced, mostReplaced)
	}
}

// A few small nodes between larger ones are put together as well.
func TestTidySmallBetweenLarge(t *testing.T) {
	for _, small := range []int{1, 3, 7, 9} {
		l, r := &logInMemory{id: "a", nodes: map[string][]byte{}}, newReplica("/state", quiet())
		for i := range 500 {
			l.apply(r, map[string][]byte{fmt.Sprint(i): make([]byte, 33<<10)})
			for j := range small {
				l.apply(r, map[string][]byte{fmt.Sprint(i, j): make([]byte, 500)})
			}
		}
		require.LessOrEqual(t, len(l.nodes), moreEntries+r.size/entrySize+fewestFolded)
	}
}

// Only what is new is read, and a log at the same place that is another one is told from the one before.
func TestReplicaReadsWhatIsNew(t *testing.T) {
	l := &logInMemory{id: "a", nodes: map[string][]byte{}}
	said := new(logs)
	leader, r := newReplica("/state", quiet()), newReplica("/state", slog.New(slog.NewTextHandler(said, nil)))
	r.run(true)
	catchUp := func() {
		_, err := r.catchUp(t.Context(), l, false)
		require.NoError(t, err)
	}
	for i := range 100 {
		l.apply(leader, map[string][]byte{fmt.Sprint(i): {}})
	}
	catchUp()
	require.Equal(t, 100, l.reads)
	f := r.subscribe()
	news, _ := r.take(f)
	require.Len(t, news, 100)
	l.apply(leader, map[string][]byte{"new": {}, "0": nil, "1": {}})
	catchUp()
	require.Equal(t, 101, l.reads)
	news, _ = r.take(f)
	require.Equal(t, map[string][]byte{"new": {}, "0": nil}, news) // "1" is what it was
	l.put(leader, entry{first: 2, last: 50}, map[string][]byte{}, leader.entries[1:50])
	catchUp()
	require.Equal(t, 101, l.reads, "it has all of that")
	require.Len(t, of(r), 100)

	require.Empty(t, said.String())
	for what, change := range map[string]func(){
		"sameLog=false had=101 have=101": func() { l.id = "b" },
		"sameLog=true had=101 have=100":  func() { delete(l.nodes, "101-101") },
		"sameLog=true had=101 have=0":    func() { clear(l.nodes) },
	} {
		_, over := r.take(f)
		require.False(t, over)
		change()
		catchUp()
		require.Contains(t, said.String(), what)
		_, over = r.take(f)
		require.True(t, over, what)
		f = r.subscribe()
		news, _ = r.take(f)
		require.Len(t, news, len(of(r)))
		l = &logInMemory{id: l.id + "+", nodes: map[string][]byte{}}
		leader = newReplica("/state", quiet())
		for i := range 101 {
			l.apply(leader, map[string][]byte{fmt.Sprint(i): {}})
		}
		catchUp()
		f = r.subscribe()
	}
}

// Who follows before Run, or after it, waits for the next one.
func TestFollowersWaitForRun(t *testing.T) {
	l := &logInMemory{id: "a", nodes: map[string][]byte{}}
	leader, r := newReplica("/state", quiet()), newReplica("/state", quiet())
	l.apply(leader, map[string][]byte{"a": {}})
	for range 2 {
		f := r.subscribe()
		news, over := r.take(f)
		require.Nil(t, news)
		require.False(t, over)
		r.run(true)
		_, err := r.catchUp(t.Context(), l, false)
		require.NoError(t, err)
		news, over = r.take(f)
		require.Equal(t, map[string][]byte{"a": {}}, news)
		require.False(t, over)
		r.run(false)
		_, over = r.take(f)
		require.True(t, over)
		r.unsubscribe(f)
	}
}

// Without its first nodes a log is none, nor without the one that says which these are; those that it does not need any
// more do no harm.
func TestFrontOfTheLog(t *testing.T) {
	l := &logInMemory{id: "a", nodes: map[string][]byte{}}
	leader := newReplica("/state", quiet())
	for i := range 6 {
		l.apply(leader, map[string][]byte{fmt.Sprint(i): {}})
	}
	old := maps.Clone(l.nodes)
	l.put(leader, entry{first: 7, last: 7}, map[string][]byte{"0": {}, "1": {}}, leader.entries[:2])
	l.nodes["2-2"] = old["2-2"]
	warm := newReplica("/state", quiet())
	_, err := warm.catchUp(t.Context(), l, false)
	require.NoError(t, err)
	require.Len(t, of(warm), 6)
	delete(l.nodes, "2-2")
	delete(l.nodes, "3-3")
	for _, r := range []*replica{warm, newReplica("/state", quiet())} {
		_, err := r.catchUp(t.Context(), l, false)
		require.EqualError(t, err, "ha/zookeeper: not records of this version: in /state the log begins with number 4, and should with 3")
		require.ErrorIs(t, err, ErrFormat)
	}
	l.nodes = map[string][]byte{"1-1": encode(content{2, nil})}
	_, err = newReplica("/state", quiet()).catchUp(t.Context(), l, false)
	require.ErrorContains(t, err, "the log begins with number 1, and should with 2")
}

// vanishing is a log whose entries become one while they are read.
type vanishing struct {
	*logInMemory
	at     string
	vanish func() // once
}

func (v *vanishing) Get(node string) ([]byte, *zk.Stat, error) {
	if path.Base(node) == v.at {
		v.vanish()
	}
	return v.logInMemory.Get(node)
}

func TestEntryVanishesWhileItIsRead(t *testing.T) {
	l := &logInMemory{id: "a", nodes: map[string][]byte{}}
	leader, r := newReplica("/state", quiet()), newReplica("/state", quiet())
	for i := range 10 {
		l.apply(leader, map[string][]byte{fmt.Sprint(i): {byte(i)}})
	}
	changes := map[string][]byte{}
	for i := range 5 {
		changes[fmt.Sprint(i)] = []byte{byte(i)}
	}
	v := &vanishing{l, "3-3", sync.OnceFunc(func() { l.put(leader, entry{first: 1, last: 5}, changes, leader.entries[:5]) })}
	_, err := r.catchUp(t.Context(), v, false)
	require.NoError(t, err)
	require.Equal(t, of(leader), of(r))
	require.Equal(t, len(leader.entries), len(r.entries))
}

// lagging is a log on a server that has not heard of the last Applies when it is listed for the first time.
type lagging struct {
	*logInMemory
	old []string
}

func (l *lagging) Children(base string) ([]string, *zk.Stat, error) {
	if old := l.old; old != nil {
		l.old = nil
		return old, nil, nil
	}
	return l.logInMemory.Children(base)
}

// What was read of a log that seemed to have lost some of its data is not taken for news when it turns out that it has not.
func TestServerCatchesUpWhileItIsRead(t *testing.T) {
	l := &logInMemory{id: "a", nodes: map[string][]byte{}}
	leader, r := newReplica("/state", quiet()), newReplica("/state", quiet())
	for i := range 10 {
		l.apply(leader, map[string][]byte{"n": {byte(i)}})
	}
	_, err := r.catchUp(t.Context(), l, false)
	require.NoError(t, err)
	l.put(leader, entry{first: 1, last: 3}, map[string][]byte{}, leader.entries[:3])
	_, err = r.catchUp(t.Context(), &lagging{l, []string{"1-1", "2-2", "3-3", "4-4", "5-5"}}, false)
	require.NoError(t, err)
	require.Equal(t, of(leader), of(r))
}
