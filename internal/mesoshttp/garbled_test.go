package mesoshttp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// A stream of frames that are no events is given up after a hundred in a row, whatever is wrong with them.
func TestFramesThatAreNoEvents(t *testing.T) {
	const subscribed = "\x08\x01\x12\x00"
	for why, frame := range map[string]string{
		"empty":                "",
		"one byte":             "\xff",
		"text":                 "hello",
		"an unknown type":      "\x08\x63",
		"a part is missing":    "\x08\x02",
		"another encoding":     `{"type":"HEARTBEAT"}`,
		"SUBSCRIBED of nobody": subscribed,
	} {
		t.Run(why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gone := make(chan int, 1)
				stream := subscribe(t, endless(t, gone, head, chunk(fmt.Sprintf("%d\n%s", len(frame), frame))), mesoshttp.Config{})
				for range 99 {
					_, err := stream.Next()
					var skipped *mesoshttp.DecodeError
					require.ErrorAs(t, err, &skipped)
				}
				for range 3 { // it stays so
					_, err := stream.Next()
					var garbled *mesoshttp.GarbledError
					require.ErrorAs(t, err, &garbled)
					require.Equal(t, 100, garbled.Frames)
					require.ErrorContains(t, err, "mesoshttp: event stream of "+master+": 100 frames in a row were no events; the last one: "+garbled.Err.Error())
					require.NotErrorAs(t, err, new(*mesoshttp.DecodeError))
				}
				<-gone // the connection was closed
			})
		})
	}
}

// An event in between is a sign that the stream works.
func TestFramesThatAreNoEventsBetweenEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := strings.Repeat("0\n", 99)
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			openStream(w)
			for range 10 {
				_, _ = io.WriteString(w, bad+heartbeat)
			}
			_, _ = io.WriteString(w, bad+"0\n"+heartbeat)
		})
		stream := subscribe(t, n, mesoshttp.Config{})
		for range 10 {
			for range 99 {
				_, err := stream.Next()
				require.ErrorAs(t, err, new(*mesoshttp.DecodeError))
			}
			_, err := stream.Next()
			require.NoError(t, err)
		}
		for range 99 {
			_, err := stream.Next()
			require.ErrorAs(t, err, new(*mesoshttp.DecodeError))
		}
		_, err := stream.Next()
		require.ErrorAs(t, err, new(*mesoshttp.GarbledError))
	})
}

// SUBSCRIBED comes once in a stream. One that says nothing else is given up like any other.
func TestSubscribedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		subscribed := chunk("9\n\x08\x01\x12\x05\x0a\x03\x0a\x01x")
		gone := make(chan int, 1)
		stream := subscribe(t, endless(t, gone, head, subscribed), mesoshttp.Config{})
		_, err := stream.Next()
		require.NoError(t, err)
		for range 99 {
			_, err = stream.Next()
			require.ErrorAs(t, err, new(*mesoshttp.DecodeError))
			require.ErrorContains(t, err, "SUBSCRIBED on a stream that is subscribed")
		}
		_, err = stream.Next()
		require.ErrorAs(t, err, new(*mesoshttp.GarbledError))
		<-gone
	})
}

// After Close the reason is Close, not what has arrived before.
func TestFramesThatAreNoEventsAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serveRaw(t, func(conn net.Conn, _ *bufio.Reader) {
			_, _ = io.WriteString(conn, head+chunk(strings.Repeat("0\n", 200)))
		})
		stream := subscribe(t, n, mesoshttp.Config{})
		_, err := stream.Next()
		require.ErrorAs(t, err, new(*mesoshttp.DecodeError))
		stream.Close()
		for errors.As(err, new(*mesoshttp.DecodeError)) {
			_, err = stream.Next()
		}
		require.ErrorIs(t, err, net.ErrClosed)
	})
}
