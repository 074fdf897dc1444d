package hatest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// member is one process of the framework: a member of the cluster, and a scheduler that leads when it is elected.
type member struct {
	*world
	n          int
	host       *virtualnet.Host
	cluster    *cluster.Member
	sched      *scheduler.Scheduler
	disk       *disk
	stop       context.CancelCauseFunc
	ended      chan struct{}
	err        error // of Run, once it has ended
	background sync.WaitGroup
	cache      map[string][]byte // of a control

	// Guarded by the mutex of the world.

	dead       bool
	term       uint64        // that it leads, 0: none
	unaware    bool          // its term is over, and it does not know yet
	notice     time.Duration // how long it then takes until it does
	afterProof time.Duration // it is paused for that long after its next proof
	proved     bool          // since its last SUBSCRIBE
	wakes      time.Time     // when its last pause ends
}

var (
	errKilled  = errors.New("the process is killed")
	errStopped = errors.New("the process is stopped")
)

func ip(n int) string { return fmt.Sprintf("10.0.0.%d", n) }

// start starts a process of member n, which has the directory of the one before it.
func (w *world) start(n int) *member {
	w.restore(n)
	m := &member{
		world: w, n: n, host: w.net.Host(ip(n)), ended: make(chan struct{}), cache: map[string][]byte{},
		disk: &disk{random: w.source(100 + uint64(n))},
	}
	logger := slog.New(slog.DiscardHandler)
	if *chaosLog {
		logger = slog.New(slog.NewTextHandler(noteWriter{w.history, n}, nil))
	}
	c := cluster.Config{
		Name: "framework", ID: fmt.Sprint("m", n), Dir: w.dir(n), Expect: w.members, GossipBind: ip(n) + ":7946", RaftBind: ip(n) + ":7000",
		Preset: w.preset, DeadAfter: 20 * time.Second, Network: m.host, Logger: logger,
	}
	for i := range w.members {
		c.Seeds = append(c.Seeds, ip(i+1)+":7946")
	}
	var err error
	m.cluster, err = cluster.New(c)
	require.NoError(w, err)
	m.sched, err = scheduler.New(scheduler.Config{
		Master: strings.Join(w.masters, ","), Framework: scheduler.Framework{Name: "framework", User: "nobody"},
		DialContext: m.dial, Logger: logger, MissedHeartbeats: w.missed, LaunchTimeout: 10 * time.Second, MaxLaunches: 1000,
	})
	require.NoError(w, err)
	ctx, stop := context.WithCancelCause(context.Background())
	m.stop = stop
	w.mu.Lock()
	w.processes[n] = m
	w.mu.Unlock()
	w.note("member %d starts", n)
	go func() {
		defer close(m.ended)
		m.err = ha.Run(ctx, elector{m.cluster, m}, m.sched)
		stop(nil)
		m.background.Wait()
		w.note("member %d has ended: %v", n, m.err)
	}()
	return m
}

// watch notes when the scheduler is subscribed, and when it was evicted.
func (m *member) watch(events iter.Seq[scheduler.Event]) {
	for e := range events {
		e, is := e.(scheduler.ConnectionEvent)
		if !is {
			continue
		}
		m.note("member %d: %v", m.n, e)
		m.mu.Lock()
		switch {
		case e.Connected:
			m.subscribed = append(m.subscribed, subscription{m.n, e.FrameworkID, time.Now()})
		case errors.Is(e.Err, scheduler.ErrEvicted):
			m.evictions++
		}
		m.mu.Unlock()
	}
}

// subscription is the beginning of one.
type subscription struct {
	member      int
	frameworkID string
	at          time.Time
}

// dir is the directory of a member, "" if it has none.
func (w *world) dir(n int) string {
	if w.folder == "" {
		return ""
	}
	return filepath.Join(w.folder, fmt.Sprint(n))
}

// restore gives a member back what it had before its first start, its ID alone, if that is the control.
func (w *world) restore(n int) {
	if !w.flaws.lostMemory {
		return
	}
	file, kept := filepath.Join(w.dir(n), "raft.db"), filepath.Join(w.folder, fmt.Sprintf("%d.first", n))
	first, err := os.ReadFile(kept)
	if err == nil {
		require.NoError(w, os.RemoveAll(w.dir(n)))
		require.NoError(w, os.MkdirAll(w.dir(n), 0o700))
		require.NoError(w, os.WriteFile(file, first, 0o600))
		return
	}
	m, err := cluster.New(cluster.Config{Name: "framework", ID: fmt.Sprint("m", n), Dir: w.dir(n), GossipBind: ip(n) + ":1", RaftBind: ip(n) + ":2", Network: w.net.Host(ip(n))})
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = m.Run(ctx, nil)
	first, err = os.ReadFile(file)
	require.NoError(w, err)
	require.NoError(w, os.WriteFile(kept, first, 0o600))
}

// kill ends the process as SIGKILL does. It may be paused.
func (m *member) kill() {
	m.note("member %d is killed", m.n)
	m.mu.Lock()
	m.dead = true
	m.mu.Unlock()
	m.host.Kill()
	m.stop(errKilled)
	<-m.ended
}

// end stops the process as planned.
func (m *member) end() {
	m.note("member %d is stopped", m.n)
	m.host.Resume()
	m.stop(errStopped)
	<-m.ended
}

// pause stops the process for a while; what it then knows last is that it does not lead any more.
func (m *member) pause(d, notice time.Duration) {
	m.note("member %d is paused for %v, notices after %v", m.n, d, notice)
	m.mu.Lock()
	m.notice, m.wakes = notice, time.Now().Add(d)
	m.mu.Unlock()
	m.host.Pause()
	time.AfterFunc(d, func() {
		m.note("member %d goes on", m.n)
		m.host.Resume()
	})
}

// pausedUntil returns when the last pause ends.
func (m *member) pausedUntil() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wakes
}

// elector is the elector of a process.
type elector struct {
	*cluster.Member
	of *member
}

// Run takes part in the election.
func (e elector) Run(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
	return e.Member.Run(ctx, func(ctx context.Context, t scheduler.Term) error { return e.of.lead(ctx, t, lead) })
}

// lead leads for one term. The context of the scheduler ends with that of the term, unless the process is paused: then when
// it notices.
func (m *member) lead(ctx context.Context, t scheduler.Term, lead func(context.Context, scheduler.Term) error) error {
	m.leads(t.Number)
	defer m.leads(0)
	known, end := context.WithCancelCause(context.WithoutCancel(ctx))
	done := make(chan struct{})
	var watching sync.WaitGroup
	defer watching.Wait()
	defer close(done)
	watching.Go(func() {
		select {
		case <-ctx.Done():
			if m.flaws.lingers {
				_ = sleep(known, 3*time.Second)
			}
			m.learns(known, done)
		case <-done:
		}
		end(context.Cause(ctx))
	})
	confirm := t.Confirm
	if m.flaws.forgets {
		t.Store = &ha.Memory{}
	}
	t.Store = &termStore{member: m, inner: t.Store, term: t.Number}
	t.Confirm = func(ctx context.Context) error { return m.confirm(ctx, confirm) }
	events := m.sched.Watch(known)
	watching.Go(func() { m.watch(events) })
	return lead(known, t)
}

// learns waits until a member whose term is over knows of it.
func (m *member) learns(ctx context.Context, done <-chan struct{}) {
	m.mu.Lock()
	m.unaware = true
	m.mu.Unlock()
	if m.host.Awake(ctx) != nil {
		return
	}
	m.mu.Lock()
	notice := m.notice
	m.notice = 0
	m.mu.Unlock()
	timer := time.NewTimer(notice)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}

// confirm asks whether the member leads, and may be paused then.
func (m *member) confirm(ctx context.Context, ask func(context.Context) error) error {
	if m.flaws.noProof {
		return nil
	}
	if err := errors.Join(m.host.Awake(ctx), ask(ctx)); err != nil {
		return err
	}
	m.mu.Lock()
	m.proved = true
	pause := m.afterProof
	m.afterProof = 0
	m.mu.Unlock()
	if pause > 0 {
		m.note("member %d has proved that it leads, and is paused", m.n)
		m.pause(pause, time.Second)
	}
	return m.host.Awake(context.Background()) // a process that stands still notices no timeout
}

// dial connects to a master.
func (m *member) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := m.host.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return callConn{c, m}, nil
}

// callConn looks at what is sent to a master.
type callConn struct {
	net.Conn
	of *member
}

// Write sees a request as a whole.
func (c callConn) Write(b []byte) (int, error) {
	if text := string(b); strings.HasPrefix(text, "POST /api/v1/scheduler ") && !strings.Contains(text, "Mesos-Stream-Id") {
		c.of.subscribes()
	}
	return c.Conn.Write(b)
}

// subscribes checks that a SUBSCRIBE comes after a proof of its own. Redirects that it follows are a part of it.
func (m *member) subscribes() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note("member %d sends SUBSCRIBE in term %d", m.n, m.term)
	if !m.proved {
		m.violate("I2", "member %d sends SUBSCRIBE without a proof that it leads", m.n)
	}
	m.proved = m.proved && len(m.masters) > 1
}

// noteWriter puts the log into the history.
type noteWriter struct {
	*history
	n int
}

func (w noteWriter) Write(b []byte) (int, error) {
	_, text, _ := strings.Cut(strings.TrimSpace(string(b)), "level=")
	w.note("    %d %s", w.n, text)
	return len(b), nil
}
