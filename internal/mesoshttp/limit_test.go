package mesoshttp_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// Whatever a server sends without end, in answer to whatever, little of it is read, and the request ends with its limit at the
// latest.
func TestAnswersWithoutEnd(t *testing.T) {
	const accepted = "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
	long := strings.Repeat("x", 1000)
	for what, answer := range map[string]struct{ before, text string }{
		"102 for ever":               {"", "HTTP/1.1 102 Processing\r\n\r\n"},
		"100 for ever":               {"", "HTTP/1.1 100 Continue\r\n\r\n"},
		"103 with links":             {"", "HTTP/1.1 103 Early Hints\r\nLink: " + long + "\r\n\r\n"},
		"a head of 1 MB":             {"HTTP/1.1 202 Accepted\r\n", "X: " + long + "\r\n"},
		"a status line":              {"HTTP/1.1 202 ", long},
		"a trailer":                  {accepted + "3\r\nyes\r\n0\r\n", "X: " + long + "\r\n"},
		"the extension of a chunk":   {accepted + "3;", long},
		"the size of a chunk":        {accepted, "0000"},
		"chunks of one byte":         {accepted, chunk("x")},
		"a body of 10 GB":            {"HTTP/1.1 202 Accepted\r\nContent-Length: 10000000000\r\n\r\n", long},
		"a refusal of 10 GB":         {"HTTP/1.1 503 No\r\nContent-Length: 10000000000\r\n\r\n", long},
		"a redirect of 10 GB":        {"HTTP/1.1 307 No\r\nLocation: //other:5050/\r\nContent-Length: 10000000000\r\n\r\n", long},
		"a stream of another type":   {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", long},
		"a switch of the protocol":   {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", long},
		"a compressed body":          {"HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\n\r\n", long},
		"what is not HTTP":           {"", long},
		"a body that is kept back":   {"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\n", ""},
		"a refusal that is kept":     {"HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\n", ""},
		"a head that is kept back":   {"HTTP/1.1 202 Acc", ""},
		"a byte now and then":        {accepted, ""},
		"nothing, from a connection": {"", ""},
	} {
		for name, request := range requests {
			synctest.Test(t, func(t *testing.T) {
				var taken atomic.Int64
				n := serveRaw(t, func(conn net.Conn, _ *bufio.Reader) {
					sent, err := io.WriteString(conn, answer.before)
					for err == nil {
						taken.Add(int64(sent))
						text := answer.text
						if text == "" {
							time.Sleep(time.Second)
							text = "\r"
						}
						sent, err = io.WriteString(conn, text)
					}
				})
				client := newClient(t, n, mesoshttp.Config{})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				began := time.Now()
				_ = request(ctx, client, master)
				require.LessOrEqual(t, time.Since(began), 10*time.Second, "%s in %s", what, name)
				client.Close()
				cancel()
				time.Sleep(2 * time.Second)
				synctest.Wait()
				// A failed SUBSCRIBE may ask twice more, for what is wrong.
				require.LessOrEqual(t, taken.Load(), int64(3*80<<10), "%s in %s", what, name)
			})
		}
	}
}
