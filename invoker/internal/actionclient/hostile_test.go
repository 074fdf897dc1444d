package actionclient

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// few is how many bytes are read at once, and so of what has no more.
const few = 4 << 10

// Whatever a runtime answers: how much of it is read, how long that takes, and whether the connection is used again.
func TestHostileAnswersAreBounded(t *testing.T) {
	for name, want := range map[string]struct {
		outcome Outcome
		bytes   int64
		took    time.Duration
		kept    int64 // connections
	}{
		"endless-head": {DeveloperError, maxHead, time.Second, 0},
		"endless-1xx":  {DeveloperError, maxHead, time.Second, 0},
		"endless-body": {ApplicationError, MaxBody + few, time.Second, 0},
		"huge-body":    {ApplicationError, MaxBody + few, time.Second, 0},
		"drip":         {DeveloperError, few, time.Minute, 0},
		"gzip-bomb":    {DeveloperError, 200 << 10, 0, 1},
		"redirect":     {DeveloperError, few, 0, 1},
		"short-body":   {DeveloperError, few, 0, 0},
		"garbage":      {DeveloperError, few, 0, 0},
		"nothing":      {DeveloperError, few, 0, 0},
		"long-body":    {Success, few, 0, 0},
		"extra":        {Success, few, 0, 0},
		"chunked":      {Success, few, 0, 1},
		"trailers":     {Success, few, 0, 1},
		"http10":       {Success, few, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.serve(actionruntime.Config{Seen: func(r actionruntime.Request) {
					require.NotEqual(t, "/redirected", r.Path)
				}})
				require.Equal(t, Success, w.init("http "+name).Outcome)
				w.container.Suspend()
				before := w.read.Load()
				a := w.run("{}")
				require.Equal(t, want.outcome, a.Outcome, "%v %.100s", a.Err, a.Body)
				require.LessOrEqual(t, w.read.Load()-before, want.bytes)
				require.LessOrEqual(t, a.Duration, want.took)
				require.Equal(t, name == "drip", a.TimedOut)
				require.LessOrEqual(t, len(a.Body), MaxBody)
				if want.outcome == Success {
					require.Equal(t, "{}", string(a.Body))
				}
				require.Equal(t, want.kept, w.open.Load(), "connections that are kept")
			})
		})
	}
}

// hostileHead writes a head and then the same again and again, without a pause, until it is not read any more.
func hostileHead(head, again string) func(conn *virtualnet.Conn, n int, _ *http.Request) bool {
	return func(conn *virtualnet.Conn, _ int, _ *http.Request) bool {
		_, err := io.WriteString(conn, head)
		for ; err == nil; time.Sleep(time.Microsecond) {
			_, err = io.WriteString(conn, again)
		}
		return false
	}
}

func TestOtherHostileAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, want := range map[string]struct {
		serve   func(conn *virtualnet.Conn, n int, _ *http.Request) bool
		outcome Outcome
		bytes   int64
	}{
		"a header line without end":     {hostileHead(ok+"X: ", strings.Repeat("x", 4096)), DeveloperError, maxHead},
		"a status line without end":     {hostileHead("HTTP/1.1 200 ", strings.Repeat("x", 4096)), DeveloperError, maxHead},
		"chunks of one byte":            {hostileHead(ok+"Transfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\nx\r\n", 700)), DeveloperError, maxHead + 2*MaxBody + few},
		"chunk extensions":              {hostileHead(ok+"Transfer-Encoding: chunked\r\n\r\n", "1;"+strings.Repeat("x", 2000)+"\r\nx\r\n"), DeveloperError, maxHead + 2*MaxBody},
		"a chunk length without end":    {hostileHead(ok+"Transfer-Encoding: chunked\r\n\r\n", strings.Repeat("0", 4096)), DeveloperError, maxHead},
		"trailers without end":          {hostileHead(ok+"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "X: x\r\n"), DeveloperError, maxHead},
		"chunks without end":            {hostileHead(ok+"Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("1000\r\n%s\r\n", strings.Repeat("x", 4096))), ApplicationError, MaxBody + 16<<10},
		"two lengths":                   {hostileHead(ok+"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}", "x"), DeveloperError, maxHead},
		"a negative length":             {hostileHead(ok+"Content-Length: -1\r\n\r\n{}", "x"), DeveloperError, maxHead},
		"the length that has no number": {hostileHead(ok+"Content-Length: 99999999999999999999999\r\n\r\n{}", "x"), DeveloperError, maxHead},
		"another protocol":              {hostileHead("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", strings.Repeat("x", 4096)), DeveloperError, MaxBody + 16<<10},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.accept(want.serve)
				a := w.run("{}")
				require.Equal(t, want.outcome, a.Outcome, "%v %.100s", a.Err, a.Body)
				require.LessOrEqual(t, w.read.Load(), want.bytes)
				require.Less(t, a.Duration, time.Second)
				require.Zero(t, w.open.Load())
				require.Equal(t, strings.Contains(string(a.Body), "status 101"), name == "another protocol")
			})
		})
	}
}

// A runtime that does not read what it is sent.
func TestARequestThatIsNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		listener := w.listen()
		go func() { _, _ = listener.Accept() }()
		a := w.init(strings.Repeat("x", 4<<20))
		require.True(t, a.TimedOut && a.Sent)
		require.Equal(t, time.Minute, a.Duration)
	})
}

// A runtime may refuse a long request before it has read it.
func TestAnAnswerBeforeTheEndOfTheRequest(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.accept(func(conn *virtualnet.Conn, _ int, _ *http.Request) bool {
			_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 20\r\n\r\n{\"error\":\"too long\"}")
			return false
		})
		a := w.init(strings.Repeat("x", 1<<20))
		require.Equal(t, DeveloperError, a.Outcome)
		require.Equal(t, `{"error":"too long"}`, string(a.Body))
	})
}

// What net/http says of a malformed answer has the answer in it, as it came.
func TestMalformedAnswersAreQuotedShortly(t *testing.T) {
	line := strings.Repeat("x\x1b", 10<<10)
	for _, said := range []string{line, "HTTP/1.1 " + line, "HTTP/1.1 200 OK\r\n" + line, "HTTP/1.1 200 OK\r\nContent-Length: " + line, "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + line} {
		bubble(t, func(t *testing.T, w *world) {
			w.accept(func(conn *virtualnet.Conn, _ int, _ *http.Request) bool {
				_, _ = io.WriteString(conn, said+"\r\n\r\n")
				return false
			})
			a := w.run("{}")
			require.True(t, a.Broken)
			require.NotEmpty(t, a.Err.Error())
			require.LessOrEqual(t, len(a.Err.Error()), 4*maxQuoted)
			require.NotContains(t, a.Err.Error(), "\x1b")
		})
	}
}
