//go:build integration && linux

package actionclient

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// untilWhen is how long after it has connected the process of the test below may send.
const untilWhen = 400 * time.Millisecond

// TestMain runs the test's program as a process that sends more than a connection takes, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "send" {
		var end time.Time
		client := New(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			end = time.Now().Add(untilWhen)
			return conn, err
		})
		client.Until(func() time.Time { return end })
		params := []byte(`{"pad":"` + strings.Repeat("x", 32<<20) + `"}`)
		client.Container(os.Args[2], 1).Run(context.Background(), &RunRequest{Call: call(), Params: params})
		return
	}
	os.Exit(m.Run())
}

// A process is stopped while it sends, and woken when it must not send any more, though the connection takes more now.
func TestAProcessThatIsStoppedSendsNothingAfterTheEnd(t *testing.T) {
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		cmd := exec.Command(os.Args[0], "send", l.Addr().String())
		require.NoError(t, cmd.Start())
		conn, err := l.Accept()
		require.NoError(t, err)
		time.Sleep(untilWhen / 2) // the buffers are full
		require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
		var received int
		for buf := make([]byte, 1<<20); err == nil; received += len(buf) {
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(untilWhen)))
			_, err = io.ReadFull(conn, buf)
		}
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		late, err := io.Copy(io.Discard, conn)
		t.Log(received>>20, "MiB, late:", late, err)
		require.Zero(t, late, "bytes that were sent after the end")
		_ = conn.Close()
		_ = l.Close()
		_ = cmd.Wait()
	}
}
