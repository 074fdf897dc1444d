package zookeeper

import (
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

// A node of the member's own session, of which it does not know, keeps nobody from leading.
func orphan(t *testing.T, s *zktest.Server, path string) {
	h := new(history)
	a := join(t, h, Config{Address: address(path, s.Address), ID: "a"})
	a.leads()
	b, err := New(Config{Address: address(path, s.Address), ID: "b", Logger: quiet()})
	require.NoError(t, err)
	session, err := b.open(t.Context())
	require.NoError(t, err)
	defer session.close(true)
	_, err = b.established(t.Context(), session)
	require.NoError(t, err)
	lost, err := b.enter(session, true)
	require.NoError(t, err)
	own, err := b.enter(session, true)
	require.NoError(t, err)
	c := &candidacy{Elector: b, s: session, own: own, known: map[string]known{}}
	v := c.look(true)
	require.NoError(t, v.err)
	require.True(t, v.proved)
	require.Len(t, v.candidates, 2)
	require.NotContains(t, v.candidates, lost)
	there, _, err := session.conn.Exists(b.election + "/" + lost.node)
	require.NoError(t, err)
	require.False(t, there)

	require.Contains(t, c.known, lost.node)
	require.NoError(t, c.look(true).err)
	require.NotContains(t, c.known, lost.node, "members that come and go are forgotten")
	require.Len(t, c.known, 2)
}

func deletedByHand(t *testing.T, s *zktest.Server, path string) {
	m := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"})
	term := m.leads()
	c := s.Connect(t)
	children, _, err := c.Children(path + "/election")
	require.NoError(t, err)
	c.Remove(path + "/election/" + children[0])
	require.ErrorIs(t, term.over(t), errGone)
	next := m.leads()
	require.Greater(t, next.Number, term.Number)
	require.NoError(t, next.Confirm(t.Context()))
}

// Nodes that belong to no session never end, and do not count.
func nodesByHand(t *testing.T, s *zktest.Server, path string) {
	first := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"})
	first.leads()
	first.ends()
	c := s.Connect(t)
	c.Put(path+"/election/_c_00-member-0000000000", "{}")
	c.Put(path+"/election/other", "")
	m := join(t, new(history), Config{Address: address(path, s.Address), ID: "b"})
	term := m.leads()
	c.Put(path+"/election/_c_00-member--000000001", "{}")
	require.NoError(t, term.Confirm(t.Context()))
	require.Len(t, m.shows("its leadership", ha.Status.Leads).Members, 1)
}

func electionDeleted(t *testing.T, s *zktest.Server, path string) {
	m := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"})
	term := m.leads()
	c := s.Connect(t)
	children, _, err := c.Children(path + "/election")
	require.NoError(t, err)
	_, err = c.Multi(&zk.DeleteRequest{Path: path + "/election/" + children[0], Version: -1}, &zk.DeleteRequest{Path: path + "/election", Version: -1})
	require.NoError(t, err)
	require.ErrorIs(t, term.over(t), errGone)
	require.NoError(t, m.leads().Confirm(t.Context()))
}

func anotherFormat(t *testing.T, s *zktest.Server, path string) {
	c := s.Connect(t)
	c.Put(path, "")
	c.Put(path+"/state", "something else")
	m := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"})
	err := m.returns()
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, path+`/state says "something else"`)
	_, err = c.Set(path+"/state", []byte("mesos-actor-go log 2 x"), -1) // of a later version
	require.NoError(t, err)
	require.ErrorIs(t, join(t, new(history), Config{Address: address(path, s.Address), ID: "a"}).returns(), ErrFormat)
}

// What another program has at the path is said, and left alone.
func anotherProgram(t *testing.T, s *zktest.Server, path string) {
	c := s.Connect(t)
	c.Put(path, "theirs")
	join(t, new(history), Config{Address: address(path, s.Address), ID: "a"}).leads() // a node is as good as another
	data, _, err := c.Get(path)
	require.NoError(t, err)
	require.Equal(t, "theirs", string(data))

	_, err = c.Create(path+"-ephemeral", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	require.NoError(t, err)
	m := join(t, new(history), Config{Address: address(path+"-ephemeral", s.Address), ID: "a"})
	m.shows("why", func(s ha.Status) bool {
		return s.Reason == "create "+path+"-ephemeral/election: zk: ephemeral nodes may not have children"
	})
	c.Remove(path + "-ephemeral") // it may go away, as their session may end
	m.leads()
}

// Somebody takes the right to use the nodes away: from the election, which ends Run at once, or from the records, which
// ends the term before that.
func accessLost(t *testing.T, s *zktest.Server, path string) {
	c := s.Connect(t)
	for _, node := range []string{"/election", "/state"} {
		m := join(t, new(history), Config{Address: address(path+node, s.Address), ID: "a"})
		m.leads()
		_, err := c.SetACL(path+node+node, zk.DigestACL(zk.PermAll, "somebody", "else"), -1)
		require.NoError(t, err)
		if node == "/state" {
			m.answer <- errTest
		}
		require.ErrorIs(t, m.returns(), ErrDenied)
	}
}
