package zookeeper

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

// observed tells of the requests that a member makes: how many lists of the election, and which of its nodes are watched.
type observed struct {
	net.Conn
	path    string
	lists   *atomic.Int64
	watched chan string
}

// Write implements net.Conn. The library writes each request at once: its length, number, operation, and a path with its length.
func (o observed) Write(b []byte) (int, error) {
	if len(b) > 16 {
		path := string(b[16 : len(b)-1]) // the last byte is whether to watch
		switch op := int32(binary.BigEndian.Uint32(b[8:])); {
		case op == zktest.OpChildren && path == o.path:
			o.lists.Add(1)
		case op == zktest.OpData && b[len(b)-1] == 1 && strings.HasPrefix(path, o.path):
			o.watched <- path
		}
	}
	return o.Conn.Write(b)
}

// The node before that of a member goes as soon as it is watched, and another one has come: the member looks at the election ten
// times at once, and then with each beat and once more in that time. Who leads goes on, and afterwards the next one leads.
func storm(t *testing.T, s *zktest.Server, path string) {
	h, lists, watched := new(history), new(atomic.Int64), make(chan string, 100_000)
	a := join(t, h, Config{Address: address(path, s.Address), ID: "a"})
	term := a.leads()
	b := join(t, h, Config{
		Address: address(path, s.Address), ID: "b",
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return observed{conn, path + "/election", lists, watched}, err
		},
	})
	b.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })

	c := s.Connect(t)
	children, _, err := c.Children(path + "/election")
	require.NoError(t, err)
	first := inOrder(children)[0]
	last, before, began := "", lists.Load(), time.Now()
	for i := 0; time.Since(began) < patient/2 || lists.Load()-before <= lookBurst; i++ {
		node := fmt.Sprintf("%s/election/x%09d-%s", path, i, first) // between the members, and of a session, so that it counts
		_, err := c.Create(node, nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
		require.NoError(t, err)
		if last != "" {
			c.Remove(last)
		}
		last = node
		for seen := ""; seen != node; {
			select {
			case seen = <-watched:
			case <-time.After(deadline):
				require.Fail(t, "the member does not look")
			}
		}
	}
	beats := int64(time.Since(began)/(patient/6)) + 1
	require.LessOrEqual(t, lists.Load()-before, lookBurst+2*beats)
	require.NoError(t, term.ctx.Err())
	require.NoError(t, term.Confirm(t.Context()))

	c.Remove(last)
	a.ends()
	require.Greater(t, b.leads().Number, term.Number)
	require.Equal(t, []string{"a leads", "a has led", "b leads"}, h.all())
}

// Somebody writes into the nodes of the members all the time: they are there, and that is what counts.
func nodeChangedByHand(t *testing.T, s *zktest.Server, path string) {
	h := new(history)
	m := join(t, h, Config{Address: address(path, s.Address), ID: "a", SessionTimeout: 2 * short})
	term := m.leads()
	c := s.Connect(t)
	children, _, err := c.Children(path + "/election")
	require.NoError(t, err)
	for began := time.Now(); time.Since(began) < 2*short; { // longer than leading lasts without a proof
		_, err = c.Set(path+"/election/"+children[0], []byte("{}"), -1)
		require.NoError(t, err)
		require.NoError(t, term.Store.Apply(t.Context(), map[string][]byte{"a": []byte("1")}))
		require.NoError(t, term.Confirm(t.Context()))
	}
	require.NoError(t, term.ctx.Err())
	require.Equal(t, []string{"a leads"}, h.all())
}
