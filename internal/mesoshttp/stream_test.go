package mesoshttp_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// subscribe opens a stream and requires that it opens.
func subscribe(t *testing.T, n *network, config mesoshttp.Config) *mesoshttp.Stream {
	stream, err := newClient(t, n, config).Subscribe(t.Context(), master, subscribeCall(), nil)
	require.NoError(t, err)
	require.Equal(t, streamID, stream.ID())
	return stream
}

// A real master ends a stream with the last chunk and leaves the TCP connection open: the end must be noticed all the
// same, and the client must close the connection.
func TestStreamEndsWithTheLastChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan error, 1)
		n := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(conn, head+chunk(heartbeat)+chunk(heartbeat)+lastChunk)
			_, err := r.ReadByte()
			closed <- err
		})
		stream := subscribe(t, n, mesoshttp.Config{})
		for range 2 {
			event, err := stream.Next()
			require.NoError(t, err)
			require.Equal(t, &scheduler.Event{Type: scheduler.Event_HEARTBEAT}, event)
		}
		for range 2 {
			event, err := stream.Next()
			require.ErrorIs(t, err, io.EOF)
			require.Nil(t, event)
		}
		require.Equal(t, io.EOF, <-closed)
	})
}

func TestStreamIsCut(t *testing.T) {
	for _, test := range []struct {
		why, body string
		events    int
		want      error
	}{
		{"the master died: no last chunk", chunk(heartbeat), 1, io.ErrUnexpectedEOF},
		{"before any event", "", 0, io.ErrUnexpectedEOF},
		{"in the size of a chunk", chunk(heartbeat) + "4", 1, io.ErrUnexpectedEOF},
		{"inside a chunk, inside an event", chunk(heartbeat) + "4\r\n2\n\x08", 1, io.ErrUnexpectedEOF},
		{"inside the last chunk, of which net/http has an error of its own", chunk(heartbeat) + "0\r\n", 1, nil},
		{"ended properly, but inside an event", chunk(heartbeat) + chunk("20\nabc") + lastChunk, 1, io.ErrUnexpectedEOF},
		{"ended properly, but inside a length", chunk(heartbeat+"2") + lastChunk, 1, io.ErrUnexpectedEOF},
		{"one event in three chunks", chunk("2") + chunk("\n\x08") + chunk("\x08") + lastChunk, 1, io.EOF},
		{"three events in one chunk", chunk(heartbeat+heartbeat+heartbeat) + lastChunk, 3, io.EOF},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serveRaw(t, func(conn net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(conn, head+test.body) })
				stream := subscribe(t, n, mesoshttp.Config{})
				for range test.events {
					_, err := stream.Next()
					require.NoError(t, err)
				}
				for range 2 {
					_, err := stream.Next()
					if test.want != nil {
						require.ErrorIs(t, err, test.want)
					} else {
						require.NotErrorIs(t, err, io.EOF)
						require.Error(t, err)
					}
				}
			})
		})
	}
}

func TestStreamIsNotRecordIO(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan int, 1)
		for _, text := range []string{chunk(heartbeat + "<html>"), chunk(heartbeat + "11\n")} {
			stream := subscribe(t, endless(t, gone, head, text), mesoshttp.Config{MaxFrame: 10})
			_, err := stream.Next()
			require.NoError(t, err)
			_, err = stream.Next()
			var size *recordio.SizeError
			var length *recordio.LengthError
			if strings.Contains(text, "html") {
				require.ErrorAs(t, err, &length)
				require.Equal(t, "<", length.Line)
			} else {
				require.ErrorAs(t, err, &size)
				require.Equal(t, &recordio.SizeError{Size: 11, Limit: 10}, size)
			}
			<-gone // the connection was closed although nobody has called Close
		}
	})
}

func TestStreamGoesOnAfterABadEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			frames := openStream(w)
			for _, frame := range []string{"\x08\x08", "\xff", "\x08\x08"} {
				require.NoError(t, frames.WriteFrame([]byte(frame)))
			}
		})
		stream := subscribe(t, n, mesoshttp.Config{})
		_, err := stream.Next()
		require.NoError(t, err)
		event, err := stream.Next()
		require.Nil(t, event)
		var decode *mesoshttp.DecodeError
		require.ErrorAs(t, err, &decode)
		require.Equal(t, 1, decode.Size)
		require.EqualError(t, err, "mesoshttp: Protobuf event of 1 bytes from http://master.example:5050: it is not a protobuf message")
		_, err = stream.Next()
		require.NoError(t, err)
		_, err = stream.Next()
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestAnswersThatAreNoStream(t *testing.T) {
	for _, test := range []struct {
		why      string
		header   http.Header
		config   mesoshttp.Config
		want     error
		wantText string
	}{
		{"no stream ID", http.Header{"Content-Type": {"application/x-protobuf"}}, mesoshttp.Config{}, mesoshttp.ErrNoStreamID,
			"mesoshttp: no Mesos-Stream-Id in the answer to SUBSCRIBE"},
		{"an empty stream ID", http.Header{"Content-Type": {"application/x-protobuf"}, "Mesos-Stream-Id": {""}}, mesoshttp.Config{}, mesoshttp.ErrNoStreamID,
			"mesoshttp: no Mesos-Stream-Id in the answer to SUBSCRIBE"},
		{"the other codec", http.Header{"Content-Type": {"application/json"}, "Mesos-Stream-Id": {streamID}}, mesoshttp.Config{}, mesoshttp.ErrContentType,
			`mesoshttp: unexpected Content-Type of the event stream: "application/json" instead of "application/x-protobuf"`},
		{"the other codec again", http.Header{"Content-Type": {"application/x-protobuf"}, "Mesos-Stream-Id": {streamID}}, mesoshttp.Config{Codec: mesoshttp.JSON}, mesoshttp.ErrContentType,
			`mesoshttp: unexpected Content-Type of the event stream: "application/x-protobuf" instead of "application/json"`},
		{"a page of something else", http.Header{"Content-Type": {"text/html"}}, mesoshttp.Config{}, mesoshttp.ErrContentType,
			`mesoshttp: unexpected Content-Type of the event stream: "text/html" instead of "application/x-protobuf"`},
		{"a parameter", http.Header{"Content-Type": {"application/x-protobuf; charset=utf-8"}, "Mesos-Stream-Id": {streamID}}, mesoshttp.Config{}, mesoshttp.ErrContentType,
			`mesoshttp: unexpected Content-Type of the event stream: "application/x-protobuf; charset=utf-8" instead of "application/x-protobuf"`},
		{"a longer type", http.Header{"Content-Type": {"application/json-seq"}, "Mesos-Stream-Id": {streamID}}, mesoshttp.Config{Codec: mesoshttp.JSON}, mesoshttp.ErrContentType,
			`mesoshttp: unexpected Content-Type of the event stream: "application/json-seq" instead of "application/json"`},
		{"a shorter type", http.Header{"Content-Type": {"application/x-proto"}, "Mesos-Stream-Id": {streamID}}, mesoshttp.Config{}, mesoshttp.ErrContentType,
			`mesoshttp: unexpected Content-Type of the event stream: "application/x-proto" instead of "application/x-protobuf"`},
		{"no type", http.Header{"Content-Type": nil, "Mesos-Stream-Id": {streamID}}, mesoshttp.Config{}, mesoshttp.ErrContentType,
			`mesoshttp: unexpected Content-Type of the event stream: "" instead of "application/x-protobuf"`},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gone := make(chan struct{}, 1)
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					for name, values := range test.header {
						w.Header()[name] = values
					}
					w.(http.Flusher).Flush()
					<-r.Context().Done() // an open stream: only the client can end it
					gone <- struct{}{}
				})
				stream, err := newClient(t, n, test.config).Subscribe(t.Context(), master, subscribeCall(), nil)
				require.Nil(t, stream)
				require.ErrorIs(t, err, test.want)
				require.ErrorContains(t, err, test.wantText)
				<-gone
			})
		})
	}
}

// waitingStream is a stream whose master sends nothing more. The channel is closed when the master sees its end.
func waitingStream(t *testing.T, ctx context.Context) (*mesoshttp.Stream, <-chan time.Time) {
	gone := make(chan time.Time, 1)
	n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		openStream(w)
		<-r.Context().Done()
		gone <- time.Now()
	})
	stream, err := newClient(t, n, mesoshttp.Config{}).Subscribe(ctx, master, subscribeCall(), nil)
	require.NoError(t, err)
	return stream, gone
}

func TestCloseUnblocksNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream, gone := waitingStream(t, t.Context())
		start := time.Now()
		time.AfterFunc(time.Hour, stream.Close)
		event, err := stream.Next()
		require.Nil(t, event)
		require.ErrorIs(t, err, net.ErrClosed)
		require.Equal(t, time.Hour, time.Since(start))
		require.Equal(t, time.Hour, (<-gone).Sub(start))

		stream.Close()
		_, err = stream.Next()
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

// Close alone frees everything; Next need not be called.
func TestCloseWithoutNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream, gone := waitingStream(t, t.Context())
		start := time.Now()
		stream.Close()
		require.Equal(t, start, <-gone)
	})
}

func TestContextEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		stream, gone := waitingStream(t, ctx)
		_, err := stream.Next()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Hour, time.Since(start))
		require.Equal(t, time.Hour, (<-gone).Sub(start))
	})
}

// The error must not depend on which goroutine is first.
func TestCloseDuringTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan int, 1)
		stream := subscribe(t, endless(t, gone, head, chunk(heartbeat)), mesoshttp.Config{})
		go stream.Close()
		var err error
		for err == nil {
			_, err = stream.Next()
		}
		require.ErrorIs(t, err, net.ErrClosed)
		<-gone
	})
}

// A recorded stream, as the master sent it: one chunk per event.
func TestRecordedStream(t *testing.T) {
	recording, err := os.ReadFile("testdata/protobuf/task_life.recordio")
	require.NoError(t, err)
	events, err := os.ReadFile("testdata/protobuf/task_life.json")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			out := openStream(w)
			for in := recordio.NewReader(strings.NewReader(string(recording)), 0); ; {
				frame, err := in.ReadFrame()
				if err != nil {
					return
				}
				require.NoError(t, out.WriteFrame(frame))
				w.(http.Flusher).Flush()
			}
		})
		stream := subscribe(t, n, mesoshttp.Config{})
		for line := range strings.Lines(string(events)) {
			event, err := stream.Next()
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(line, `{"type":"`+event.Type.String()+`"`), line)
		}
		_, err := stream.Next()
		require.ErrorIs(t, err, io.EOF)
	})
}
