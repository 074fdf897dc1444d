package detector

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
)

// deadline is far beyond what anything here takes on a busy machine: who gets there hangs.
const deadline = time.Minute

// server is a real ZooKeeper server, as Debian packages it.
type server struct {
	address string
	config  string
	data    string
	process *exec.Cmd
}

// startServer starts a server on a free port for the length of the test.
func startServer(t *testing.T) *server {
	const jar = "/usr/share/java/zookeeper.jar"
	_, err := os.Stat(jar)
	require.NoError(t, err, "these tests need a ZooKeeper server: apt-get install --no-install-recommends zookeeper")
	java, err := exec.LookPath("java")
	require.NoError(t, err, "these tests need Java to run a ZooKeeper server: apt-get install default-jre-headless")

	// Not 127.0.0.1: who dials a port of one's own address again and again, while nobody listens there, gets
	// connected to oneself one day.
	free, err := net.Listen("tcp", "127.0.0.2:0")
	require.NoError(t, err)
	s := &server{address: free.Addr().String(), config: filepath.Join(t.TempDir(), "zoo.cfg"), data: t.TempDir()}
	require.NoError(t, free.Close())
	_, port, err := net.SplitHostPort(s.address)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.config, fmt.Appendf(nil, "tickTime=500\ndataDir=%s\nclientPort=%s\n"+
		"clientPortAddress=127.0.0.2\nadmin.enableServer=false\n4lw.commands.whitelist=*\n", s.data, port), 0o600))
	t.Cleanup(s.kill) // also one that never gets ready
	s.start(t, java, jar)
	return s
}

func (s *server) start(t *testing.T, java, jar string) {
	s.process = exec.Command(java, "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jar,
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", s.config)
	require.NoError(t, s.process.Start())
	s.waitFor(t, "srvr", func(answer string) bool { return strings.Contains(answer, "Mode:") })
}

// restart starts the server again after kill, with the data that it had.
func (s *server) restart(t *testing.T) { s.start(t, s.process.Path, s.process.Args[5]) }

func (s *server) kill() {
	if s.process == nil || s.process.Process == nil {
		return // not started
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// wipe removes the data of a server that was killed.
func (s *server) wipe(t *testing.T) {
	require.NoError(t, os.RemoveAll(filepath.Join(s.data, "version-2")))
}

// signal stops (SIGSTOP) or continues (SIGCONT) the server.
func (s *server) signal(t *testing.T, signal syscall.Signal) {
	require.NoError(t, s.process.Process.Signal(signal))
}

// waitFor asks the server a four letter command until the answer is good.
func (s *server) waitFor(t *testing.T, command string, good func(answer string) bool) {
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(time.Second)) // one that is starting may not answer at all
			_, _ = io.WriteString(conn, command)
			answer, _ := io.ReadAll(conn)
			conn.Close()
			if good(string(answer)) {
				return
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			require.Fail(t, "the ZooKeeper server does not get ready", "%s: %v", command, err)
		}
	}
}

// client is a session of the test's own.
func (s *server) client(t *testing.T) *client {
	conn, _, err := zk.Connect([]string{s.address}, 10*time.Second, zk.WithLogger(logger{slog.New(slog.DiscardHandler)}))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return &client{t, conn}
}

type client struct {
	t *testing.T
	*zk.Conn
}

// put makes a node.
func (c *client) put(path, data string) {
	_, err := c.Create(path, []byte(data), zk.FlagPersistent, zk.WorldACL(zk.PermAll))
	require.NoError(c.t, err)
}

// remove removes a node.
func (c *client) remove(path string) { require.NoError(c.t, c.Delete(path, -1)) }

// running is a Detector that runs.
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
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.done <- r.Run(ctx) }()
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

// leads waits for the first leader, which must be url.
func (r *running) leads(url string) Lead {
	ctx, cancel := context.WithTimeout(r.t.Context(), deadline)
	defer cancel()
	lead, err := r.Leader(ctx)
	require.NoError(r.t, err)
	require.Equal(r.t, url, lead.URL)
	return lead
}

// changes waits for the leader after lead, which must be url.
func (r *running) changes(lead Lead, url string) Lead {
	select {
	case <-lead.Changed:
	case <-time.After(deadline):
		require.Fail(r.t, "no other leader is told")
	}
	return r.leads(url)
}

// keeps checks that lead is still the one.
func (r *running) keeps(lead Lead) {
	select {
	case <-lead.Changed:
		require.Fail(r.t, "the leader was given up")
	default:
	}
	require.Equal(r.t, lead, r.leads(lead.URL))
}

// logs waits for lines of a log.
type logs struct {
	lines chan string
	mu    sync.Mutex
	all   strings.Builder
}

// Write implements io.Writer. slog writes whole lines.
func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	l.all.Write(line)
	l.mu.Unlock()
	l.lines <- string(line)
	return len(line), nil
}

// text gives all lines.
func (l *logs) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// says waits for a line that has all the parts.
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

// gate is a network that can be cut.
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

// set opens or closes the gate.
func (g *gate) set(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = closed
	for _, conn := range g.conns {
		conn.Close()
	}
	g.conns = nil
}
