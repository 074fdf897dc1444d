package zookeeper

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

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
