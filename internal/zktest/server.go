// Package zktest starts real ZooKeeper servers for tests, as Debian packages them. It promises that they
// are ready when Start returns, listen on loopback only, and are gone when the test has ended. It does
// not skip: without a server the test fails. A server is a process; there are no goroutines but those of
// the clients that Connect gives.
package zktest

import (
	"context"
	"fmt"
	"io"
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

// deadline is far beyond what anything here takes on a busy machine: who gets there hangs.
const deadline = time.Minute

// Server is a real ZooKeeper server, as Debian packages it.
type Server struct {
	Address string // host:port
	config  string
	data    string
	process *exec.Cmd
}

// Start starts a server on a free port for the length of the test.
func Start(t *testing.T) *Server {
	const jar = "/usr/share/java/zookeeper.jar"
	_, err := os.Stat(jar)
	require.NoError(t, err, "these tests need a ZooKeeper server: apt-get install --no-install-recommends zookeeper")
	java, err := exec.LookPath("java")
	require.NoError(t, err, "these tests need Java to run a ZooKeeper server: apt-get install default-jre-headless")

	// Not 127.0.0.1: who dials a port of one's own address again and again, while nobody listens there, gets
	// connected to oneself one day.
	free, err := net.Listen("tcp", "127.0.0.2:0")
	require.NoError(t, err)
	s := &Server{Address: free.Addr().String(), config: filepath.Join(t.TempDir(), "zoo.cfg"), data: t.TempDir()}
	require.NoError(t, free.Close())
	_, port, err := net.SplitHostPort(s.Address)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.config, fmt.Appendf(nil, "tickTime=500\ndataDir=%s\nclientPort=%s\n"+
		"clientPortAddress=127.0.0.2\nadmin.enableServer=false\n4lw.commands.whitelist=*\n", s.data, port), 0o600))
	t.Cleanup(s.Kill) // also one that never gets ready
	s.start(t, java, jar)
	return s
}

func (s *Server) start(t *testing.T, java, jar string) {
	s.process = exec.Command(java, "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jar,
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", s.config)
	require.NoError(t, s.process.Start())
	s.waitFor(t, "srvr", func(answer string) bool { return strings.Contains(answer, "Mode:") })
}

// Restart starts the server again after Kill, with the data that it had.
func (s *Server) Restart(t *testing.T) { s.start(t, s.process.Path, s.process.Args[5]) }

// Kill ends the server's process at once.
func (s *Server) Kill() {
	if s.process == nil || s.process.Process == nil {
		return // not started
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// Wipe removes the data of a server that was killed.
func (s *Server) Wipe(t *testing.T) {
	require.NoError(t, os.RemoveAll(filepath.Join(s.data, "version-2")))
}

// Signal stops (SIGSTOP) or continues (SIGCONT) the server.
func (s *Server) Signal(t *testing.T, signal syscall.Signal) {
	require.NoError(t, s.process.Process.Signal(signal))
}

// waitFor asks the server a four letter command until the answer is good.
func (s *Server) waitFor(t *testing.T, command string, good func(answer string) bool) {
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
			require.Fail(t, "the ZooKeeper server does not get ready", "%s: %v", command, err)
		}
	}
}

// Connect opens a session of the test's own.
func (s *Server) Connect(t *testing.T) *Client {
	conn, _, err := zk.Connect([]string{s.Address}, 10*time.Second, zk.WithLogger(silent{}))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return &Client{t, conn}
}

// Client is a session whose errors end the test.
type Client struct {
	t *testing.T
	*zk.Conn
}

// Put makes a node.
func (c *Client) Put(path, data string) {
	_, err := c.Create(path, []byte(data), zk.FlagPersistent, zk.WorldACL(zk.PermAll))
	require.NoError(c.t, err)
}

// Remove removes a node.
func (c *Client) Remove(path string) { require.NoError(c.t, c.Delete(path, -1)) }

// silent is a logger that says nothing.
type silent struct{}

// Printf implements zk.Logger.
func (silent) Printf(string, ...any) {}
