package actionclient

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// script is a connection on which the runtime says what it says whatever it is asked.
type script struct {
	net.Conn // nil
	answer   io.Reader
	written  int
}

func (s *script) Read(b []byte) (int, error)    { return s.answer.Read(b) }
func (s *script) Write(b []byte) (int, error)   { s.written++; return len(b), nil }
func (s *script) Close() error                  { return nil }
func (s *script) SetDeadline(_ time.Time) error { return nil }
func (s *script) Readable() bool                { return false }

// answerTo returns the answer to an /init or a /run of a runtime that says these bytes, which arrive in the pieces of a reader, and
// what it says to the next /run on the same connection; ok is whether there was one.
func answerTo(init bool, said io.Reader) (first, next Answer, ok bool) {
	conn := &script{answer: said}
	dials := 0
	container := New(func(context.Context, string, string) (net.Conn, error) {
		dials++
		return conn, nil
	}).Container(address, 1)
	defer container.Close()
	if init {
		first = container.Init(context.Background(), &InitRequest{Call: call()})
	} else {
		first = container.Run(context.Background(), &RunRequest{Call: call()})
	}
	written := conn.written
	next = container.Run(context.Background(), &RunRequest{Call: call()})
	if written != 1 || conn.written != 2 {
		panic("a request was not written once")
	}
	return first, next, dials == 1
}

// FuzzAnswer has a runtime say anything. An answer is bounded and consistent, and does not depend on how the bytes arrive.
func FuzzAnswer(f *testing.F) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, said := range []string{
		ok + "Content-Length: 2\r\n\r\n{}", ok + "Content-Length: 12\r\n\r\n{\"error\":{}}", ok + "Content-Length: 2\r\n\r\n{}" + forged,
		ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nTrailer: x\r\n\r\n" + forged,
		"HTTP/1.0 200 OK\r\n\r\n[]", "HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 2\r\n\r\n{}", ok + "Connection: close\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 13\r\n\r\n{\"error\":\"x\"}", "HTTP/1.1 204 No Content\r\n\r\n", "garbage", "",
		"HTTP/1.1 101 Switching Protocols\r\n\r\nx", ok + "Content-Length: 10000000000\r\n\r\nxx", ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
	} {
		f.Add(true, []byte(said))
		f.Add(false, []byte(said))
	}
	f.Fuzz(func(t *testing.T, init bool, said []byte) {
		a, next, same := answerTo(init, bytes.NewReader(said))
		consistent(t, init, a)
		consistent(t, false, next)
		slow, _, sameSlow := answerTo(init, iotest.OneByteReader(bytes.NewReader(said)))
		a.Duration, slow.Duration = 0, 0
		a.Err, slow.Err = nil, nil
		require.Equal(t, a, slow)
		require.True(t, sameSlow || !same, "a connection that is good when all arrives at once is good")
	})
}

func consistent(t *testing.T, init bool, a Answer) {
	require.True(t, a.Sent)
	require.False(t, a.TimedOut || a.Refused)
	require.Equal(t, a.Outcome == Success || a.Outcome == ApplicationError, a.Reusable)
	require.Equal(t, a.Broken, a.Err != nil)
	require.LessOrEqual(t, len(a.Body), MaxBody)
	if init && a.Outcome == Success {
		require.Nil(t, a.Body)
		return
	}
	require.False(t, init && a.Outcome == ApplicationError)
	require.True(t, json.Valid(a.Body))
	var fields map[string]json.RawMessage
	err := json.Unmarshal(a.Body, &fields)
	_, failed := fields["error"]
	require.Equal(t, a.Outcome != Success, err == nil && failed, "%s", a.Body)
}

// FuzzKind compares with decoding.
func FuzzKind(f *testing.F) {
	for _, body := range []string{
		`{}`, `[]`, ` {"error":1}`, `{"a":{"error":1}}`, `[{"error":1}]`, `["error"]`, `{"a":"error"}`, `{"\u0065rror":1}`, `{"a\"":[","],"error":[]}`, `{"a":"\\","error":1}`, `5`, `{`, `{"Error":1}`,
		`{"error":1}x`, "{\"a\xff\":1}", `{"a":1,"error":2}`, `"error"`, `{"a":[1,"error"]}`, `{"a":{},"error":{}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var object map[string]json.RawMessage
		var array []json.RawMessage
		want := invalid
		if json.Unmarshal(body, &object) == nil && object != nil {
			want = plain
			if _, ok := object["error"]; ok {
				want = withError
			}
		} else if json.Unmarshal(body, &array) == nil && array != nil {
			want = plain
		}
		require.Equal(t, want, kindOf(body))
	})
}

// FuzzQuote compares with encoding/json.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b", `\`, "\x00", "ü", "\xff", "<&>", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		require.NoError(t, err)
		var decoded, wanted string
		require.NoError(t, json.Unmarshal(appendQuoted(nil, s), &decoded))
		require.NoError(t, json.Unmarshal(want, &wanted))
		require.Equal(t, wanted, decoded)
		for room := range min(len(want), 20) {
			cut, err := json.Marshal(string(quotable([]byte(s), room)))
			require.NoError(t, err)
			require.LessOrEqual(t, len(cut), room+len(`""`))
		}
	})
}
