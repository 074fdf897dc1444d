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
	"github.com/mesos-actor/mesos-actor-go/ha/storetest"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

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

// threeServers has everything that takes three servers, one after the other.
func threeServers(t *testing.T) {
	servers := zktest.Ensemble(t, 3, tick)
	var all []string
	for _, s := range servers {
		all = append(all, s.Address)
	}
	h := new(history)
	a := join(t, h, Config{Address: address("/ensemble", all...), ID: "a", SessionTimeout: 3 * hang})
	term := a.leads()
	b := join(t, h, Config{Address: address("/ensemble", all...), ID: "b"})
	b.shows("both", func(s ha.Status) bool { return s.Leader == "a" && len(s.Members) == 2 })
	for _, step := range []struct {
		name string
		run  func(t *testing.T, servers []*zktest.Server, all []string, term led)
	}{
		{"one is alone", aloneProvesNothing},
		{"all hang", allHang},
		{"the store while all hang", storeHangs},
		{"the leader dies", serversLeaderDies},
	} {
		t.Run(step.name, func(t *testing.T) { step.run(t, servers, all, term) })
		require.Equal(t, []string{"a leads"}, h.all())
	}
}

// signal stops or continues servers.
func signal(t *testing.T, servers []*zktest.Server, s syscall.Signal) {
	for _, server := range servers {
		server.Signal(t, s)
	}
}

// A server that has lost the others still answers questions from its memory. That proves nothing: they may have
// given the leadership to another member.
func aloneProvesNothing(t *testing.T, servers []*zktest.Server, _ []string, term led) {
	at := slices.IndexFunc(servers, func(s *zktest.Server) bool { return !s.Leads(t) })
	alone, others := servers[at], slices.Delete(slices.Clone(servers), at, at+1)
	other := join(t, new(history), Config{Address: address("/majority", alone.Address), ID: "a"}).leads()
	c := alone.Connect(t)
	children, _, err := c.Children("/majority/election")
	require.NoError(t, err)
	signal(t, others, syscall.SIGSTOP)
	defer signal(t, others, syscall.SIGCONT)
	there, _, err := c.Exists("/majority/election/" + children[0])
	require.NoError(t, err)
	require.True(t, there)
	ctx, cancel := context.WithTimeout(t.Context(), tick)
	defer cancel()
	require.Error(t, other.Confirm(ctx))
	signal(t, others, syscall.SIGCONT)
	term.writes(t, 1)
}

// All servers hang for less than a session timeout.
func storeHangs(t *testing.T, servers []*zktest.Server, all []string, _ led) {
	storetest.RunHanging(t, func(t *testing.T) (storetest.Store, func() func()) {
		return join(t, new(history), Config{Address: address(place(t), all...)}).leads().Store, func() func() {
			signal(t, servers, syscall.SIGSTOP)
			return func() { signal(t, servers, syscall.SIGCONT) }
		}
	})
}

// hang is for how long all servers hang.
const hang = 5 * time.Second

// All servers hang for a third of one election's session timeout, which changes nothing, and for two of another's.
func allHang(t *testing.T, servers []*zktest.Server, all []string, term led) {
	h := new(history)
	c := join(t, h, Config{Address: address("/hang", all...), ID: "c", SessionTimeout: hang / 2})
	short := c.leads()
	d := join(t, h, Config{Address: address("/hang", all...), ID: "d", SessionTimeout: hang / 2})
	d.shows("both", func(s ha.Status) bool { return s.Leader == "c" && len(s.Members) == 2 })
	signal(t, servers, syscall.SIGSTOP)
	time.Sleep(hang) // nothing can be waited for
	signal(t, servers, syscall.SIGCONT)
	begun := time.Now()
	term.writes(t, 2)
	t.Logf("a third of a session timeout of %v: written %v after the servers went on, in the same term", 3*hang, time.Since(begun))

	require.Error(t, short.over(t))
	var next led
	select {
	case next = <-c.terms:
	case next = <-d.terms:
	case <-time.After(deadline):
		require.Fail(t, "nobody leads")
	}
	t.Logf("two session timeouts of %v: led %v after the servers went on", hang/2, time.Since(begun))
	require.Greater(t, next.Number, short.Number)
	next.writes(t, 2)
	require.Equal(t, []string{"c leads", "c has led"}, h.all()[:2])
	require.Len(t, h.all(), 3)
}

// The others elect another leader, which takes them a second or more on a busy machine. The sessions go on.
func serversLeaderDies(t *testing.T, servers []*zktest.Server, _ []string, term led) {
	servers[slices.IndexFunc(servers, func(s *zktest.Server) bool { return s.Leads(t) })].Kill()
	begun := time.Now()
	term.writes(t, 3)
	t.Logf("written %v after the kill, in the same term", time.Since(begun))
	require.NoError(t, term.Confirm(t.Context()))
}

// The servers start anew without their data.
func losesItsData(t *testing.T, s *zktest.Server) {
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

func noGoroutineIsLeft(t *testing.T, s *zktest.Server) {
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
		m := join(t, new(history), Config{Address: address("/goroutines", r.address), ID: "a", SessionTimeout: short / 2})
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
			"zookeeper.(*replica)", "zookeeper.(*Elector)",
		}, func(part string) bool { return !strings.Contains(text, part) })
		if len(left) == 0 {
			return
		}
		require.True(t, time.Now().Before(late), "%s", text)
		runtime.Gosched()
	}
}
