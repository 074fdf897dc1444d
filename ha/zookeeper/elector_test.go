package zookeeper

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/stretchr/testify/require"
)

func oneMember(t *testing.T, s *zktest.Server, path string) {
	m := join(t, new(history), Config{Address: address(path, s.Address), ID: "a", API: "http://a:1"})
	term := m.leads()
	require.NoError(t, term.Confirm(t.Context()))
	status := m.shows("its leadership", ha.Status.Leads)
	require.Equal(t, term.Number, status.Term)
	require.Len(t, status.Members, 1)
	require.Equal(t, "http://a:1", status.Members[0].API)
	require.True(t, status.Members[0].Alive)

	c := s.Connect(t)
	var record epochRecord
	require.NoError(t, json.Unmarshal([]byte(epoch(t, c, path)), &record))
	require.Equal(t, "a", record.Member)
	require.Equal(t, term.Number, record.Term)
	require.ErrorIs(t, m.Run(t.Context(), nil), ErrRunning)

	require.ErrorIs(t, m.ends(), context.Canceled)
	require.Equal(t, "not running", m.Status().Reason)
	require.Empty(t, m.Status().Leader)
	children, _, err := c.Children(path + "/election")
	require.NoError(t, err)
	require.Empty(t, children)
	var fenced *FencedError
	require.ErrorAs(t, term.Confirm(t.Context()), &fenced)
	require.ErrorAs(t, term.Store.Apply(t.Context(), map[string][]byte{"a": {}}), &fenced)
}

// A planned hand-over: nobody waits for a session to expire, and the two never lead at the same time.
func twoMembers(t *testing.T, s *zktest.Server, path string) {
	h := new(history)
	a := join(t, h, Config{Address: address(path, s.Address), ID: "a", SessionTimeout: patient})
	first := a.leads()
	b := join(t, h, Config{Address: address(path, s.Address), ID: "b", SessionTimeout: patient})
	both := func(s ha.Status) bool { return s.Leader == "a" && len(s.Members) == 2 }
	require.Equal(t, first.Number, b.shows("the leader", both).Term)
	a.shows("both", both)
	require.NoError(t, first.Store.Apply(t.Context(), map[string][]byte{"k": []byte("of a")}))

	begun := time.Now()
	a.stop()
	second := b.leads()
	took := time.Since(begun)
	t.Logf("handed over in %v", took)
	require.Less(t, took, patient/2)
	require.Greater(t, second.Number, first.Number)
	require.Equal(t, []string{"a leads", "a has led", "b leads"}, h.all())
	records, err := second.Store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"k": []byte("of a")}, records)
	a.returns()
	b.shows("its leadership", func(s ha.Status) bool { return s.Leads() && len(s.Members) == 1 })
}

// The servers hear nothing of a member. It steps down before its session expires, and another one leads after that.
func expiry(t *testing.T, s *zktest.Server, path string) {
	h := new(history)
	r := newRelay(t, s.Address)
	a := join(t, h, Config{Address: address(path, r.address), ID: "a", SessionTimeout: short})
	first := a.leads()
	b := join(t, h, Config{Address: address(path, s.Address), ID: "b"})
	b.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })

	begun := time.Now()
	r.close()
	var fenced *FencedError
	require.ErrorAs(t, first.over(t), &fenced)
	down := time.Since(begun)
	second := b.leads()
	took := time.Since(begun)
	t.Logf("session of %v: the old one stepped down after %v, the new one led after %v", short, down, took)
	require.Equal(t, []string{"a leads", "a has led", "b leads"}, h.all())
	require.ErrorAs(t, first.Confirm(t.Context()), &fenced)
	require.ErrorAs(t, first.Store.Apply(t.Context(), map[string][]byte{"a": {}}), &fenced)
	require.NoError(t, second.Confirm(t.Context()))

	r.open()
	a.shows("the new leader", func(s ha.Status) bool { return s.Leader == "b" && len(s.Members) == 2 })
	require.NoError(t, second.ctx.Err())
}

// A connection that breaks, and one over which nothing comes for a while, change nothing.
func reconnect(t *testing.T, s *zktest.Server, path string) {
	h := new(history)
	r := newRelay(t, s.Address)
	a := join(t, h, Config{Address: address(path, r.address), ID: "a", SessionTimeout: patient})
	term := a.leads()
	b := join(t, h, Config{Address: address(path, s.Address), ID: "b"})
	b.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })
	for i := range 3 {
		r.cut()
		proved := term.Confirm(t.Context())
		for proved != nil { // the connection broke meanwhile
			require.NoError(t, term.ctx.Err())
			proved = term.Confirm(t.Context())
		}
		err := term.Store.Apply(t.Context(), map[string][]byte{"n": {byte(i)}})
		require.NoError(t, err)
	}
	r.close()
	select {
	case <-time.After(patient / 4):
	case <-term.ctx.Done():
	}
	r.open()
	require.NoError(t, term.Confirm(t.Context()))
	require.NoError(t, term.ctx.Err())
	require.Equal(t, []string{"a leads"}, h.all())
}

// failing is a connection that breaks with its second write.
type failing struct {
	net.Conn
	writes int
}

func (f *failing) Write(b []byte) (int, error) {
	if f.writes++; f.writes == 2 {
		f.Close()
		return 0, errTest
	}
	return f.Conn.Write(b)
}

// The second connection breaks when the password is sent again. The third one goes on with the session.
func writeFails(t *testing.T, s *zktest.Server, path string) {
	r := newRelay(t, s.Address)
	dials := 0
	m := join(t, new(history), Config{
		Address: address(path, "user:password@"+r.address), ID: "a",
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if dials++; dials == 2 && err == nil {
				conn = &failing{Conn: conn}
			}
			return conn, err
		},
	})
	term := m.leads()
	r.cut()
	for proved := errTest; proved != nil; proved = term.Confirm(t.Context()) {
		require.NoError(t, term.ctx.Err(), "%v", proved)
	}
	m.ends()
	require.GreaterOrEqual(t, dials, 3)
}

// A server that takes a twentieth of the session timeout for each answer is not taken for a dead one.
func slowServer(t *testing.T, s *zktest.Server, path string) {
	h := new(history)
	r := newRelay(t, s.Address)
	const timeout = 3 * short
	r.delay(timeout / 20)
	a := join(t, h, Config{Address: address(path, r.address), ID: "a", SessionTimeout: timeout})
	term := a.leads()
	b := join(t, h, Config{Address: address(path, s.Address), ID: "b"})
	b.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })
	for i, began := 0, time.Now(); time.Since(began) < timeout; i++ {
		require.NoError(t, term.Store.Apply(t.Context(), map[string][]byte{"n": {byte(i)}}))
	}
	require.Equal(t, []string{"a leads"}, h.all())
}

// The reply to the creation of the node is lost with its connection. The member creates another one, and leads.
func lostCreation(t *testing.T, s *zktest.Server, path string) {
	const create = 1
	r := newRelay(t, s.Address)
	first := join(t, new(history), Config{Address: address(path, s.Address), ID: "first"})
	first.leads() // everything else is there
	first.ends()
	s.Connect(t).Put(path+"/election/_c_x", "") // the library's own search for a lost node would panic over it
	r.loseReply(create)
	m := join(t, new(history), Config{Address: address(path, r.address), ID: "a"})
	term := m.leads()
	require.Equal(t, 1, r.losses())
	require.NoError(t, term.Confirm(t.Context()))
	children, _, err := s.Connect(t).Children(path + "/election")
	require.NoError(t, err)
	require.Len(t, inOrder(children), 1)
}

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

func leadReturns(t *testing.T, s *zktest.Server, path string) {
	h := new(history)
	config := Config{Address: address(path, s.Address), ID: "a"}
	a := join(t, h, config)
	first := a.leads()
	a.answer <- errTest // ends the term alone
	require.Greater(t, a.leads().Number, first.Number)
	config.ID = "b"
	b := join(t, h, config)
	b.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })
	a.answer <- errTest
	b.leads()
	b.answer <- &ha.StopError{Err: errTest}
	require.ErrorIs(t, b.returns(), errTest)
	a.leads()
	a.answer <- nil
	require.NoError(t, a.returns())
	require.Equal(t, []string{
		"a leads", "a has led", "a leads", "a has led", "b leads", "b has led", "a leads", "a has led",
	}, h.all())
}

func wrongPassword(t *testing.T, s *zktest.Server, path string) {
	right := join(t, new(history), Config{Address: address(path, "user:right@"+s.Address), ID: "a"})
	term := right.leads()
	require.NoError(t, term.Store.Apply(t.Context(), map[string][]byte{"a": []byte("secret")}))
	for _, who := range []string{"user:wr0ng@", "other:right@", ""} {
		m := join(t, new(history), Config{Address: address(path, who+s.Address), ID: "b"})
		err := m.returns()
		require.ErrorIs(t, err, ErrDenied)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.ErrorContains(t, err, "password")
		require.NotContains(t, err.Error()+m.log.String(), "wr0ng")
	}
	c := s.Connect(t)
	for _, node := range []string{path, path + "/state", path + "/state/1-1", path + "/state/2-2"} {
		_, _, err := c.Get(node)
		require.ErrorIs(t, err, zk.ErrNoAuth, node)
	}
	require.True(t, right.Status().Leads())
}

// A member that comes back under its ID before the session of its last run has expired does not take that for itself.
func sameID(t *testing.T, s *zktest.Server, path string) {
	a := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"})
	a.leads()
	again := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"})
	again.shows("that it waits", func(s ha.Status) bool {
		return s.Leader == "" && s.Reason == "an earlier run of this member has not left the election yet"
	})
	a.ends()
	again.leads()
	again.shows("its leadership", ha.Status.Leads)
}

func deepPath(t *testing.T, s *zktest.Server, path string) {
	join(t, new(history), Config{Address: address(path+"/b/c", "u:p@"+s.Address), ID: "a"}).leads()
	join(t, new(history), Config{Address: address(path+"/b/d", "v:p@"+s.Address), ID: "a"}).leads()
}

func endsInBlackHole(t *testing.T, s *zktest.Server, path string) {
	r := newRelay(t, s.Address)
	a := join(t, new(history), Config{Address: address(path, r.address), ID: "a"})
	term := a.leads()
	r.close()
	ctx, cancel := context.WithTimeout(t.Context(), tick)
	defer cancel()
	require.ErrorIs(t, term.Store.Apply(ctx, map[string][]byte{"a": {}}), context.DeadlineExceeded)
	require.ErrorIs(t, term.Confirm(ctx), context.DeadlineExceeded)
	begun := time.Now()
	a.ends()
	t.Logf("ended in %v", time.Since(begun))
	never := join(t, new(history), Config{Address: address(path, r.address), ID: "b"})
	require.ErrorIs(t, never.ends(), context.Canceled)
}

// A name that resolves to nothing, and a port at which something else answers, are said, and cost nothing but time: the
// next server is tried.
func nobodyAnswers(t *testing.T, s *zktest.Server, path string) {
	web, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer web.Close()
	serving.Go(func() {
		for {
			conn, err := web.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			conn.Close()
		}
	})
	other := web.Addr().String()
	for server, problem := range map[string]string{
		"nowhere.invalid:2181": "lookup nowhere.invalid: no such host",
		other:                  other + ` is not a ZooKeeper server: it says "HTTP"`,
	} {
		config := Config{
			Address: address(path, server), ID: "a", SessionTimeout: short / 2,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if address == "nowhere.invalid:2181" {
					return nil, &net.DNSError{Name: "nowhere.invalid", Err: "no such host", IsNotFound: true}
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		}
		m := join(t, new(history), config)
		m.shows("why", func(s ha.Status) bool { return s.Reason == "cannot connect: "+problem })
		m.ends()
		config.Address = address(path, server, s.Address)
		m = join(t, new(history), config)
		m.leads()
		m.ends()
	}
}

// The reply to a write is lost, which had its effect or not. The same records can be written again.
func lostWrite(t *testing.T, s *zktest.Server, path string) {
	const multi = 14
	r := newRelay(t, s.Address)
	a := join(t, new(history), Config{Address: address(path, r.address), ID: "a"})
	term := a.leads()
	_, err := term.Store.Load(t.Context())
	require.NoError(t, err)
	for _, changes := range []map[string][]byte{
		{"a": []byte("1"), "b": []byte("1")},
		{"a": nil, "b": []byte("2"), "c": []byte("2")},
	} {
		var failed error
		for failed == nil { // a proof may lose its reply instead
			r.loseReply(multi)
			failed = term.Store.Apply(t.Context(), changes)
		}
		var fenced *FencedError
		require.NotErrorAs(t, failed, &fenced)
		for failed != nil {
			require.NoError(t, term.ctx.Err())
			failed = term.Store.Apply(t.Context(), changes)
		}
	}
	records, err := term.Store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"b": []byte("2"), "c": []byte("2")}, records)
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

// No watch reports anything. Members look regularly as well.
func lostWatches(t *testing.T, s *zktest.Server, path string) {
	r := newRelay(t, s.Address)
	r.loseWatches()
	a := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"})
	term := a.leads()
	b := join(t, new(history), Config{Address: address(path, r.address), ID: "b", SessionTimeout: short / 2})
	b.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })
	news := b.follows(t)
	require.Empty(t, <-news)
	require.NoError(t, term.Store.Apply(t.Context(), map[string][]byte{"k": []byte("v")}))
	require.Equal(t, map[string][]byte{"k": []byte("v")}, <-news)
	a.ends()
	b.leads()
	require.Positive(t, r.losses())
}

// A lead that does not return keeps nobody else from leading once its term is lost. Its member is seen meanwhile, and is
// a candidate again when lead has returned.
func slowLead(t *testing.T, s *zktest.Server, path string) {
	r := newRelay(t, s.Address)
	a, err := New(Config{Address: address(path, r.address), ID: "a", SessionTimeout: short, Logger: quiet()})
	require.NoError(t, err)
	var (
		ctx, stop = context.WithCancel(t.Context())
		release   = make(chan struct{})
		leads     = make(chan context.Context, 10)
		done      = make(chan error, 1)
	)
	go func() {
		done <- a.Run(ctx, func(ctx context.Context, _ scheduler.Term) error {
			leads <- ctx
			<-ctx.Done()
			<-release
			return context.Cause(ctx)
		})
	}()
	first := <-leads
	b := join(t, new(history), Config{Address: address(path, s.Address), ID: "b"})
	b.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })
	r.close()
	term := b.leads()
	require.Error(t, first.Err())
	r.open()
	b.shows("the member that waits", func(s ha.Status) bool { return s.Leads() && len(s.Members) == 2 })
	for s := range a.Watch(t.Context()) {
		if s.Leader == "b" && len(s.Members) == 2 {
			break
		}
	}
	require.NoError(t, term.Confirm(t.Context()))
	close(release)
	for seen := range a.Watch(t.Context()) { // its second node is a candidate's
		children, _, err := s.Connect(t).Children(path + "/election")
		require.NoError(t, err)
		if seen.Leader == "b" && len(inOrder(children)) == 2 {
			break
		}
	}
	b.ends()
	<-leads
	stop()
	require.ErrorIs(t, <-done, context.Canceled)
}

// A term that its store ends, since it finds another log, is lost as well: a lead that does not return keeps nobody from
// leading.
func slowLeadOfAnotherLog(t *testing.T, s *zktest.Server, path string) {
	a, err := New(Config{Address: address(path, s.Address), ID: "a", SessionTimeout: patient, Logger: quiet()})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	release, leads, done := make(chan struct{}), make(chan led, 10), make(chan error, 1)
	go func() {
		done <- a.Run(ctx, func(ctx context.Context, term scheduler.Term) error {
			leads <- led{ctx, term}
			<-ctx.Done()
			<-release
			return context.Cause(ctx)
		})
	}()
	term := <-leads
	require.NoError(t, term.Store.Apply(t.Context(), map[string][]byte{"a": []byte("1")}))
	c := s.Connect(t)
	for _, node := range []string{"/1-1", "/2-2", ""} {
		c.Remove(path + "/state" + node)
	}
	b := join(t, new(history), Config{Address: address(path, s.Address), ID: "b"})
	b.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })
	require.Error(t, term.Store.Apply(t.Context(), map[string][]byte{"b": []byte("1")}))
	require.Error(t, term.ctx.Err())
	b.leads()
	close(release)
	stop()
	require.ErrorIs(t, <-done, context.Canceled)
}

// Two frameworks were given the same path. The one that comes second is refused, and changes nothing.
func twoFrameworks(t *testing.T, s *zktest.Server, path string) {
	first := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"})
	records := map[string][]byte{
		"framework": []byte(`{"version":3,"id":"f-1","state":"active","fingerprint":{"name":"one","master":"http://127.0.0.1:5050"}}`),
	}
	require.NoError(t, first.leads().Store.Apply(t.Context(), records))
	first.ends()

	e, err := New(Config{Address: address(path, s.Address), ID: "b", SessionTimeout: patient, Logger: quiet()})
	require.NoError(t, err)
	two, err := scheduler.New(scheduler.Config{
		Master: "127.0.0.1:5050", Framework: scheduler.Framework{Name: "two"}, Logger: quiet(),
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errTest },
	})
	require.NoError(t, err)
	var differs *scheduler.FingerprintError
	require.ErrorAs(t, ha.Run(t.Context(), e, two), &differs)
	require.Equal(t, scheduler.FingerprintError{Field: "name", Stored: "one", Config: "two"}, *differs)
	got, err := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"}).leads().Store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, records, got)
}

var (
	_ scheduler.Store        = (*store)(nil)
	_ scheduler.BatchLimiter = (*store)(nil)
)
