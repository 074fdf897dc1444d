package zookeeper

import (
	"context"
	"encoding/json"
	"net"
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
