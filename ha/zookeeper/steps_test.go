package zookeeper

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
)

// step creates a node, or deletes it.
type step struct {
	name string
	data []byte // nil: deletes
}

// steps is a log on a server that lags behind, and shows the steps of each request one by one.
type steps struct {
	all []step

	mu     sync.Mutex
	random *rand.Rand
	seen   int               // so many steps has the server made
	nodes  map[string][]byte // after them
}

// pass has the server make some more steps.
func (s *steps) pass(most int) {
	for n := s.random.IntN(most + 1); n > 0 && s.seen < len(s.all); n-- {
		next := s.all[s.seen]
		s.seen++
		if s.nodes[next.name] = next.data; next.data == nil {
			delete(s.nodes, next.name)
		}
	}
}

func (s *steps) Get(node string) ([]byte, *zk.Stat, error) {
	if node == "/state" {
		return []byte(format), nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass(2)
	if data, ok := s.nodes[path.Base(node)]; ok {
		return data, nil, nil
	}
	return nil, nil, zk.ErrNoNode
}

func (s *steps) Children(string) ([]string, *zk.Stat, error) {
	s.pass(20)
	return slices.Collect(maps.Keys(s.nodes)), nil, nil
}

func (s *steps) ChildrenW(string) ([]string, *zk.Stat, <-chan zk.Event, error) {
	return nil, nil, nil, errTest
}

// readWhileItIsTidied has members read a log in the midst of requests that put any of its entries together, and returns
// how one of them finds other records than there were at some time.
func readWhileItIsTidied(t *testing.T, seed uint64, deleteFirst bool) error {
	var (
		random = rand.New(rand.NewPCG(seed, 0))
		s      = &steps{random: random, nodes: map[string][]byte{}}
		leader = newReplica("/state", quiet())
		warm   = newReplica("/state", quiet())
		states = []map[string]string{{}} // by number of the last Apply
		keys   = 1 + random.IntN(20)
	)
	for range 300 {
		var (
			replaced []entry
			e        = entry{first: leader.last() + 1, last: leader.last() + 1}
			changes  = map[string][]byte{}
			n        = len(leader.entries)
		)
		switch kind := random.IntN(6); {
		case kind == 0 && n > 3: // the begin of the log is written anew
			replaced = leader.entries[:1+random.IntN(n)]
			changes = leader.changesOf(replaced, true)
		case kind == 1 && n > 3: // several become one
			from := random.IntN(n - 1)
			replaced = leader.entries[from : from+2+random.IntN(n-from-1)]
			e = entry{first: replaced[0].first, last: replaced[len(replaced)-1].last}
			changes = leader.changesOf(replaced, false)
		default:
			for range 1 + random.IntN(3) {
				changes[fmt.Sprint(random.IntN(keys))] = [][]byte{nil, {}, {byte(random.IntN(256))}}[random.IntN(3)]
			}
		}
		entries := leader.with(e, replaced)
		request := []step{{e.name(), encode(content{entries[0].first, changes})}}
		for _, old := range replaced {
			request = append(request, step{old.name(), nil})
		}
		if deleteFirst {
			slices.Reverse(request)
		}
		s.all = append(s.all, request...)
		if leader.wrote(e, changes, entries); int(leader.last()) == len(states) {
			states = append(states, of(leader))
		}
		for _, r := range []*replica{warm, newReplica("/state", quiet())} {
			switch _, err := r.catchUp(t.Context(), s, false); {
			case errors.Is(err, ErrFormat):
				return err
			case err == nil && !maps.Equal(states[r.last()], of(r)):
				return fmt.Errorf("at %d: %v, and not %v", r.last(), of(r), states[r.last()])
			}
		}
	}
	for s.seen < len(s.all) {
		s.pass(1000)
	}
	_, err := warm.catchUp(t.Context(), s, false)
	require.Equal(t, of(leader), of(warm))
	return err
}

func TestReadWhileItIsTidied(t *testing.T) {
	for seed := range uint64(20) {
		require.NoError(t, readWhileItIsTidied(t, seed, false), "seed %d", seed)
		require.Error(t, readWhileItIsTidied(t, seed, true), "the control: old nodes go before there is a new one")
	}
}
