// Package zktest starts real ZooKeeper servers for tests, as Debian packages them. It promises that a server
// is ready when Start returns, listens on loopback only, and is gone when the test has ended. A test that
// cannot have one is skipped, unless it was asked for; Start says when. A server is a process; there are no
// goroutines but those of the clients that Connect returns.
package zktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
)

const (
	// deadline is far beyond what anything here takes on a busy machine: a test that reaches it hangs.
	deadline = time.Minute
	// jar is where Debian installs the server.
	jar = "/usr/share/java/zookeeper.jar"
)

// Server is a real ZooKeeper server.
type Server struct {
	Address string // host:port
	java    string
	config  string
	data    string
	process *exec.Cmd
}

// Start starts a server on a free port for the length of the test. Without a server to start the test is
// skipped, and so it is by go test -short. With the environment variable ZOOKEEPER or CI set, to whatever
// value, it is never skipped: it fails when there is no server.
func Start(t testing.TB) *Server {
	t.Helper()
	return Ensemble(t, 1, 500*time.Millisecond)[0]
}

// Ensemble starts n servers that work together, with a tick that sessions last at least two of, and 20 or a minute at
// most. The rest is as with Start.
func Ensemble(t testing.TB, n int, tick time.Duration) []*Server {
	t.Helper()
	asked := os.Getenv("ZOOKEEPER") != "" || os.Getenv("CI") != ""
	if testing.Short() && !asked {
		t.Skip("skipped by -short: starts a ZooKeeper server (ZOOKEEPER=1 runs it all the same)")
	}
	java, err := findServer()
	if err != nil && !asked {
		t.Skipf("skipped: %v (ZOOKEEPER=1 makes this a failure)", err)
	}
	require.NoError(t, err)

	// Not 127.0.0.1: who dials a port of their own address again and again, while nobody listens there, gets
	// connected to themselves one day. An address of its own keeps servers that run at the same time from
	// getting the same port, which is free again until the server listens.
	host := net.IPv4(127, byte(1+rand.IntN(254)), byte(rand.IntN(256)), byte(1+rand.IntN(254))).String()
	var (
		free    []net.Listener // held until all ports are known
		servers []*Server
		peers   strings.Builder // each with two ports more
	)
	port := func() string {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		require.NoError(t, err)
		free = append(free, l)
		return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	}
	for i := range n {
		s := &Server{java: java, config: filepath.Join(t.TempDir(), "zoo.cfg"), data: t.TempDir()}
		s.Address = net.JoinHostPort(host, port())
		fmt.Fprintf(&peers, "server.%d=%s:%s:%s\n", i+1, host, port(), port())
		servers = append(servers, s)
	}
	if n == 1 {
		peers.Reset()
	} else {
		// In ticks: servers that are stopped for seconds remain an ensemble, as they do with the ticks of real ones.
		peers.WriteString("initLimit=300\nsyncLimit=300\n")
	}
	for i, s := range servers {
		_, port, err := net.SplitHostPort(s.Address)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(s.data, "myid"), fmt.Appendln(nil, i+1), 0o600))
		require.NoError(t, os.WriteFile(s.config, fmt.Appendf(nil, "tickTime=%d\ndataDir=%s\nclientPort=%s\n"+
			"clientPortAddress=%s\nadmin.enableServer=false\n4lw.commands.whitelist=*\nmaxSessionTimeout=%d\n%s",
			tick.Milliseconds(), s.data, port, host, max(20*tick, time.Minute).Milliseconds(), peers.String()), 0o600))
	}
	for _, l := range free {
		require.NoError(t, l.Close())
	}
	for _, s := range servers {
		t.Cleanup(s.Kill) // also one that never gets ready
		s.launch(t)
	}
	for _, s := range servers {
		s.ready(t)
	}
	return servers
}

// findServer returns the path of Java, or an error that says what is missing and how to get it.
func findServer() (java string, err error) {
	if _, err := os.Stat(jar); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("no ZooKeeper server at %s: apt-get install --no-install-recommends zookeeper default-jre-headless", jar)
	}
	java, err = exec.LookPath("java")
	if err != nil {
		return "", errors.New("no Java to run a ZooKeeper server: apt-get install --no-install-recommends default-jre-headless")
	}
	return java, nil
}

// launch starts the server's process.
func (s *Server) launch(t testing.TB) {
	s.process = exec.Command(s.java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		// Only processes are killed here, not the machine: what the server has written is not lost. On a busy disk
		// waiting for it takes tens of milliseconds for each change.
		"-Dzookeeper.forceSync=no",
		"-cp", jar, "org.apache.zookeeper.server.quorum.QuorumPeerMain", s.config)
	require.NoError(t, s.process.Start())
}

// ready waits until the server answers.
func (s *Server) ready(t testing.TB) {
	s.waitFor(t, "srvr", func(answer string) bool { return strings.Contains(answer, "Mode:") })
}

// Leads reports whether the server leads its ensemble.
func (s *Server) Leads(t testing.TB) (leads bool) {
	s.waitFor(t, "srvr", func(answer string) bool {
		leads = strings.Contains(answer, "Mode: leader")
		return strings.Contains(answer, "Mode:")
	})
	return leads
}

// Restart starts the server again after Kill, with the data that it had. Of an ensemble a majority has to run.
func (s *Server) Restart(t testing.TB) {
	s.launch(t)
	s.ready(t)
}

// Kill ends the server's process at once.
func (s *Server) Kill() {
	if s.process == nil || s.process.Process == nil {
		return // it was never started
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// Wipe removes the data of a server that was killed.
func (s *Server) Wipe(t testing.TB) {
	require.NoError(t, os.RemoveAll(filepath.Join(s.data, "version-2")))
}

// Signal stops (SIGSTOP) or continues (SIGCONT) the server.
func (s *Server) Signal(t testing.TB, signal syscall.Signal) {
	require.NoError(t, s.process.Process.Signal(signal))
}

// waitFor sends the server a four-letter command until the answer is good.
func (s *Server) waitFor(t testing.TB, command string, good func(answer string) bool) {
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Address)
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
			require.Fail(t, "the ZooKeeper server did not get ready", "%s: %v", command, err)
		}
	}
}

// Connect opens a session for the test itself.
func (s *Server) Connect(t testing.TB) *Client {
	conn, _, err := zk.Connect([]string{s.Address}, 10*time.Second, zk.WithLogger(silent{}))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return &Client{t, conn}
}

// Client is a session whose errors end the test.
type Client struct {
	t testing.TB
	*zk.Conn
}

// Put creates a node.
func (c *Client) Put(path, data string) {
	_, err := c.Create(path, []byte(data), zk.FlagPersistent, zk.WorldACL(zk.PermAll))
	require.NoError(c.t, err)
}

// Remove removes a node.
func (c *Client) Remove(path string) { require.NoError(c.t, c.Delete(path, -1)) }

// silent is a logger that discards everything.
type silent struct{}

// Printf implements zk.Logger.
func (silent) Printf(string, ...any) {}
