package mesoshttp_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// endless writes text until the other side closes the connection, and returns how many bytes that has read.
func endless(t *testing.T, taken chan<- int, before, text string) *network {
	return serveRaw(t, func(conn net.Conn, _ *bufio.Reader) {
		n, err := io.WriteString(conn, before)
		total := n
		for err == nil {
			n, err = io.WriteString(conn, text)
			total += n
		}
		taken <- total
	})
}

// Of an endless answer the limit is read, and not much more: net/http reads ahead by 4 KiB.
func TestEndlessAnswers(t *testing.T) {
	text := strings.Repeat("x", 1000)
	refused := func(t *testing.T, err error) {
		var status *mesoshttp.StatusError
		require.ErrorAs(t, err, &status)
		require.Equal(t, strings.Repeat("x", 4096), status.Body)
	}
	for _, test := range []struct {
		why, before, text string
		most              int
		check             func(*testing.T, error)
	}{
		{"body of a refusal", "HTTP/1.1 503 \r\n\r\n", text, 16 << 10, refused},
		{"body of a refusal, chunked", "HTTP/1.1 503 \r\nTransfer-Encoding: chunked\r\n\r\n", chunk(text), 16 << 10, refused},
		{"body of a success", "HTTP/1.1 202 \r\n\r\n", text, 16 << 10, func(t *testing.T, err error) { require.NoError(t, err) }},
		{"head", "HTTP/1.1 202 \r\n", "X: " + text + "\r\n", 72 << 10, func(t *testing.T, err error) {
			require.ErrorContains(t, err, "server response headers exceeded 65536 bytes")
		}},
		{"line of a head", "HTTP/1.1 202 \r\nX: ", text, 72 << 10, func(t *testing.T, err error) {
			require.ErrorContains(t, err, "server response headers exceeded 65536 bytes")
		}},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				taken := make(chan int, 1)
				client := newClient(t, endless(t, taken, test.before, test.text), mesoshttp.Config{})
				test.check(t, client.Call(t.Context(), master, streamID, killCall("t"), nil))
				require.LessOrEqual(t, <-taken, test.most)
			})
		})
	}
}

// The limit of a head is far above what masters send.
func TestLongHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serveRaw(t, func(conn net.Conn, _ *bufio.Reader) {
			_, _ = io.WriteString(conn, "HTTP/1.1 202 \r\nContent-Length: 0\r\nX: "+strings.Repeat("x", 60<<10)+"\r\n\r\n")
		})
		require.NoError(t, newClient(t, n, mesoshttp.Config{}).Call(t.Context(), master, streamID, killCall("t"), nil))
	})
}
