package detector

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deadline is far beyond what anything here takes on a busy machine: a test that reaches it hangs.
const deadline = time.Minute

// running is a Detector whose Run is under way.
type running struct {
	t *testing.T
	*Detector
	log  *logs
	stop context.CancelFunc
	done chan error
}

// detect runs a Detector for the length of the test.
func detect(t *testing.T, config Config) *running {
	r := &running{t: t, log: &logs{lines: make(chan string, 10_000)}, done: make(chan error, 1)}
	config.Logger = slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	r.Detector, err = New(config)
	require.NoError(t, err)
	r.sessionTimeout = time.Second // the least that the server takes
	r.retry = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.done <- r.Run(ctx, nil) }()
	t.Cleanup(r.ends)
	return r
}

// ends stops Run and waits for it.
func (r *running) ends() {
	r.stop()
	select {
	case err := <-r.done:
		require.ErrorIs(r.t, err, context.Canceled)
		r.done <- err
	case <-time.After(deadline):
		require.Fail(r.t, "Run does not end")
	}
}

// leader waits for the first leader.
func (r *running) leader() Lead {
	ctx, cancel := context.WithTimeout(r.t.Context(), deadline)
	defer cancel()
	for {
		_, news, _ := r.state()
		lead, err := r.Leader(ctx)
		if err == nil {
			return lead
		}
		require.NoError(r.t, ctx.Err(), err)
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
}

// leads waits for the first leader and requires that it is url.
func (r *running) leads(url string) Lead {
	lead := r.leader()
	require.Equal(r.t, url, lead.URL)
	return lead
}

// changes waits for the leader after lead and requires that it is url.
func (r *running) changes(lead Lead, url string) Lead {
	select {
	case <-lead.Changed:
	case <-time.After(deadline):
		require.Fail(r.t, "no other leader was found")
	}
	return r.leads(url)
}

// keeps requires that lead is still the leader.
func (r *running) keeps(lead Lead) {
	select {
	case <-lead.Changed:
		require.Fail(r.t, "the leader was given up")
	default:
	}
	require.Equal(r.t, lead, r.leads(lead.URL))
}

// logs collects log lines.
type logs struct {
	lines chan string // nil: nobody waits for lines
	mu    sync.Mutex
	all   strings.Builder
}

// Write implements io.Writer. slog writes whole lines.
func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	l.all.Write(line)
	l.mu.Unlock()
	if l.lines != nil {
		l.lines <- string(line)
	}
	return len(line), nil
}

// text returns all lines.
func (l *logs) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// says waits for a log line that contains all the parts.
func (r *running) says(parts ...string) {
	late := time.After(deadline)
	for {
		select {
		case line := <-r.log.lines:
			missing := false
			for _, part := range parts {
				missing = missing || !strings.Contains(line, part)
			}
			if !missing {
				return
			}
		case <-late:
			require.Fail(r.t, "not in the log", "%q", parts)
		}
	}
}

// gate is a network that can be cut off.
type gate struct {
	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func (g *gate) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, syscall.ENETUNREACH
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	g.conns = append(g.conns, conn)
	return conn, err
}

// set opens or closes the gate, and closes all connections.
func (g *gate) set(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = closed
	for _, conn := range g.conns {
		conn.Close()
	}
	g.conns = nil
}
