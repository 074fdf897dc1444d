package zookeeper

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

// ensemble starts three servers, two members and a term of the first one.
func ensemble(t *testing.T, timeout time.Duration) (servers []*zktest.Server, h *history, a, b *member, term led) {
	servers, h = zktest.Ensemble(t, 3, tick), new(history)
	var all []string
	for _, s := range servers {
		all = append(all, s.Address)
	}
	a = join(t, h, Config{Address: address("/ensemble", all...), ID: "a", SessionTimeout: timeout})
	term = a.leads()
	b = join(t, h, Config{Address: address("/ensemble", all...), ID: "b", SessionTimeout: timeout})
	b.shows("both", func(s ha.Status) bool { return s.Leader == "a" && len(s.Members) == 2 })
	return servers, h, a, b, term
}

// writes repeats an Apply until it succeeds, and requires that the term goes on meanwhile.
func (l led) writes(t *testing.T, value int) {
	for {
		err := l.Store.Apply(t.Context(), map[string][]byte{"n": fmt.Append(nil, value)})
		if err == nil {
			return
		}
		require.NoError(t, l.ctx.Err(), "%v", err)
	}
}

// A server that has lost the others still answers questions from its memory. That proves nothing: they may have
// given the leadership to another member. Then the ensemble's leader dies: the others elect another one, which takes
// them a second or more on a busy machine, and the sessions go on.
func TestEnsemble(t *testing.T) {
	t.Parallel()
	servers, h, _, _, term := ensemble(t, defaultSessionTimeout)
	at := slices.IndexFunc(servers, func(s *zktest.Server) bool { return !s.Leads(t) })
	alone := servers[at]
	m := join(t, new(history), Config{Address: address("/majority", alone.Address), ID: "a"})
	other := m.leads()
	c := alone.Connect(t)
	children, _, err := c.Children("/majority/election")
	require.NoError(t, err)
	for i, s := range servers {
		if i != at {
			s.Signal(t, syscall.SIGSTOP)
		}
	}
	there, _, err := c.Exists("/majority/election/" + children[0])
	require.NoError(t, err)
	require.True(t, there)
	ctx, cancel := context.WithTimeout(t.Context(), short/4)
	defer cancel()
	require.Error(t, other.Confirm(ctx))
	for i, s := range servers {
		if i != at {
			s.Signal(t, syscall.SIGCONT)
		}
	}
	term.writes(t, 1)
	m.ends()

	at = slices.IndexFunc(servers, func(s *zktest.Server) bool { return s.Leads(t) })
	servers[at].Kill()
	begun := time.Now()
	term.writes(t, 2)
	t.Logf("written %v after the kill", time.Since(begun))
	require.NoError(t, term.Confirm(t.Context()))
	require.Equal(t, []string{"a leads"}, h.all())
}

// All servers hang for half a session timeout, and for two.
func TestEnsembleHangs(t *testing.T) {
	t.Parallel()
	const timeout = 3 * time.Second
	servers, h, a, b, term := ensemble(t, timeout)
	signal := func(s syscall.Signal) {
		for _, server := range servers {
			server.Signal(t, s)
		}
	}
	hang := func(d time.Duration) {
		signal(syscall.SIGSTOP)
		defer signal(syscall.SIGCONT)
		time.Sleep(d) // they hang, and nothing can be waited for
	}
	hang(timeout / 4)
	term.writes(t, 1)
	require.Equal(t, []string{"a leads"}, h.all())

	hang(2 * timeout)
	begun := time.Now()
	require.Error(t, term.over(t))
	var next led
	select {
	case next = <-a.terms:
	case next = <-b.terms:
	case <-time.After(deadline):
		require.Fail(t, "nobody leads")
	}
	t.Logf("led %v after the servers went on", time.Since(begun))
	require.Greater(t, next.Number, term.Number)
	next.writes(t, 2)
	require.Equal(t, []string{"a leads", "a has led"}, h.all()[:2])
	require.Len(t, h.all(), 3)
}

// The servers start anew without their data.
func TestServersLoseTheirData(t *testing.T) {
	t.Parallel()
	s := zktest.Ensemble(t, 1, tick)[0]
	m := join(t, new(history), Config{Address: address("/lost", s.Address), ID: "a", SessionTimeout: short})
	term := m.leads()
	term.writes(t, 1)
	s.Kill()
	s.Wipe(t)
	s.Restart(t)
	require.Error(t, term.over(t))
	next := m.leads()
	records, err := next.Store.Load(t.Context())
	require.NoError(t, err)
	require.Empty(t, records)
}

// Not parallel: it looks at all goroutines of the process.
func TestNoGoroutineIsLeft(t *testing.T) {
	s := zktest.Ensemble(t, 1, tick)[0]
	r := newRelay(t, s.Address)
	for _, end := range []func(m *member, term led){
		func(m *member, _ led) { m.ends() },
		func(m *member, _ led) { m.answer <- nil; m.returns() },
		func(m *member, _ led) { r.cut(); m.ends() },
		func(m *member, term led) {
			r.close()
			go func() { _, _ = term.Store.Load(t.Context()) }()
			go func() { _ = term.Confirm(t.Context()) }()
			require.Error(t, term.over(t))
			m.ends()
			r.open()
		},
	} {
		m := join(t, new(history), Config{Address: address("/goroutines", r.address), ID: "a", SessionTimeout: short / 4})
		term := m.leads()
		_, err := term.Store.Load(t.Context())
		require.NoError(t, err)
		end(m, term)
		requireNoGoroutine(t)
	}
}

// requireNoGoroutine waits for the end of the library's goroutines: the last thing that one of them does, to close a
// connection that is closed already, comes after it has said that it has ended.
func requireNoGoroutine(t *testing.T) {
	late := time.Now().Add(deadline)
	for {
		all := make([]byte, 1<<20)
		text := string(all[:runtime.Stack(all, true)])
		left := slices.DeleteFunc([]string{
			"zk.(*Conn)", "zookeeper.(*session)", "zookeeper.(*candidacy)", "zookeeper.await", "zookeeper.(*store)", "zookeeper.(*term)",
		}, func(part string) bool { return !strings.Contains(text, part) })
		if len(left) == 0 {
			return
		}
		require.True(t, time.Now().Before(late), "%s", text)
		runtime.Gosched()
	}
}
