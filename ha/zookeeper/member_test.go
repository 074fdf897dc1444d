package zookeeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/stretchr/testify/require"
)

const (
	// deadline is far beyond what anything here takes on a busy machine: a test that reaches it hangs.
	deadline = time.Minute
	// tick of the servers.
	tick = 100 * time.Millisecond
	// patient is for sessions that should not expire, nor a leader step down, on a busy machine.
	patient = defaultSessionTimeout
	// short is for sessions whose expiry is waited for.
	short = 2 * time.Second
)

// history is what several members did, in order.
type history struct {
	mu     sync.Mutex
	events []string
}

func (h *history) add(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, fmt.Sprintf(format, args...))
}

func (h *history) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.events...)
}

// member is an elector whose Run is under way. It leads until its context ends or it is told to return.
type member struct {
	t testing.TB
	*Elector
	terms  chan led
	answer chan error // what lead returns
	log    *logs
	stop   context.CancelFunc
	done   chan error
}

// led is a term that has begun.
type led struct {
	ctx context.Context
	scheduler.Term
}

// join starts a member for the length of the test.
func join(t testing.TB, h *history, config Config) *member {
	m := &member{
		t: t, terms: make(chan led, 10), answer: make(chan error), done: make(chan error, 1), log: new(logs),
	}
	config.SessionTimeout = cmp.Or(config.SessionTimeout, patient)
	config.Logger = slog.New(slog.NewTextHandler(m.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	m.Elector, err = New(config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	go func() {
		m.done <- m.Run(ctx, func(ctx context.Context, term scheduler.Term) error {
			h.add("%s leads", config.ID)
			defer h.add("%s has led", config.ID)
			m.terms <- led{ctx, term}
			select {
			case err := <-m.answer:
				return err
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	t.Cleanup(func() {
		m.ends()
		if t.Failed() {
			t.Logf("log of %s:\n%s", config.ID, m.log)
		}
	})
	return m
}

// leads waits for a term of the member.
func (m *member) leads() led {
	m.t.Helper()
	select {
	case term := <-m.terms:
		return term
	case <-time.After(deadline):
		require.Fail(m.t, "does not lead", "%s", m.log)
		return led{}
	}
}

// ends stops Run and returns its error.
func (m *member) ends() error {
	m.stop()
	return m.returns()
}

// returns waits until Run returns.
func (m *member) returns() error {
	m.t.Helper()
	select {
	case err := <-m.done:
		m.done <- err
		return err
	case <-time.After(deadline):
		require.Fail(m.t, "Run does not end")
		return nil
	}
}

// shows waits for a state.
func (m *member) shows(what string, good func(s ha.Status) bool) ha.Status {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), deadline)
	defer cancel()
	for s := range m.Watch(ctx) {
		if good(s) {
			return s
		}
	}
	require.Fail(m.t, "not shown: "+what, "%+v", m.Status())
	return ha.Status{}
}

// follows ranges over the records as the member knows them, for the length of the test.
func (m *member) follows(t *testing.T) <-chan map[string][]byte {
	news := make(chan map[string][]byte, 1000)
	var done sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	done.Go(func() {
		defer close(news)
		for changes := range m.Follow(ctx) {
			news <- changes
		}
	})
	t.Cleanup(done.Wait)
	t.Cleanup(cancel)
	return news
}

// over waits until a term is over and returns the cause.
func (l led) over(t testing.TB) error {
	t.Helper()
	select {
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	case <-time.After(deadline):
		require.Fail(t, "the term goes on")
		return nil
	}
}

// quiet returns a logger that discards everything.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// logs collects log lines.
type logs struct {
	mu  sync.Mutex
	all strings.Builder
}

// Write implements io.Writer.
func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(line)
}

// String returns all lines.
func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// address returns the address of a path on servers.
func address(path string, servers ...string) string {
	return "zk://" + strings.Join(servers, ",") + path
}

// epoch reads who leads, as it is on record.
func epoch(t *testing.T, c *zktest.Client, path string) string {
	r := newReplica(path+"/state", quiet())
	_, err := r.catchUp(t.Context(), c.Conn, false)
	require.NoError(t, err)
	return string(r.records[epochKey].value)
}

var errTest = errors.New("of the test")
