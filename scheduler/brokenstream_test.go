package scheduler_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// withBrokenStream runs a scheduler for a minute of virtual time, or as long as asked, with a master that accepts each
// SUBSCRIBE, sends SUBSCRIBED and then what send writes. It returns the connection events, and when SUBSCRIBEs came.
func withBrokenStream(t *testing.T, run time.Duration, send func(ctx context.Context, w io.Writer)) (events []scheduler.ConnectionEvent, subscribes []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		network := &virtualnet.Network{}
		listener, err := network.Listen(address)
		require.NoError(t, err)
		began := time.Now()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var call calls.Call
			body, _ := io.ReadAll(r.Body)
			if call.Unmarshal(body) != nil || call.Type != calls.Call_SUBSCRIBE {
				w.WriteHeader(http.StatusAccepted)
				return
			}
			subscribes = append(subscribes, time.Since(began))
			w.Header().Set("Content-Type", "application/x-protobuf")
			w.Header().Set("Mesos-Stream-Id", "1")
			subscribed, err := (&calls.Event{Type: calls.Event_SUBSCRIBED, Subscribed: &calls.Event_Subscribed{
				FrameworkID: &mesos.FrameworkID{Value: "fw"},
			}}).Marshal()
			require.NoError(t, err)
			flushed := flushed{w, http.NewResponseController(w)}
			require.NoError(t, recordio.NewWriter(flushed).WriteFrame(subscribed))
			send(r.Context(), flushed)
			<-r.Context().Done()
		})}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()

		s, err := scheduler.New(scheduler.Config{
			Master: address, Framework: scheduler.Framework{Name: "test"},
			DialContext: network.DialContext, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), run)
		defer cancel()
		all := s.Watch(context.Background())
		require.ErrorIs(t, s.Run(ctx), context.DeadlineExceeded)
		for e := range all {
			if e, ok := e.(scheduler.ConnectionEvent); ok {
				events = append(events, e)
			}
		}
	})
	return events, subscribes
}

// flushed is an answer of which each part is sent at once.
type flushed struct {
	w       io.Writer
	control *http.ResponseController
}

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.control.Flush()
	}
	return n, err
}

// A stream of what are no events, without end, is a failed attempt like any other: there is an event that says why, and a
// pause before the next one.
func TestStreamWithoutEvents(t *testing.T) {
	for why, frame := range map[string]string{"garbage": "3\n???", "empty": "0\n", "an unknown type": "2\n\x08\x63"} {
		events, subscribes := withBrokenStream(t, time.Minute, func(ctx context.Context, w io.Writer) {
			for ctx.Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(frame, 30)); err != nil {
					return
				}
			}
		})
		require.True(t, events[0].Connected, why)
		require.False(t, events[1].Connected, why)
		require.ErrorContains(t, events[1].Err, "scheduler: the stream ended: mesoshttp: event stream of http://master.example:5050: 100 frames in a row were no events", why)
		require.False(t, events[1].NextAttempt.IsZero(), why)
		require.Less(t, len(subscribes), 30, why)
	}
}

// What sends no events is silent, however many bytes come.
func TestStreamOfBytesWithoutEvents(t *testing.T) {
	for why, send := range map[string]func(i int) string{
		"a frame that never ends":       func(i int) string { return strings.Repeat("9000\nx", max(1-i, 0)) + "x" },
		"a frame now and then":          func(int) string { return "3\n???" },
		"an empty frame now and then":   func(int) string { return "0\n" },
		"an event that is not known":    func(int) string { return "2\n\x08\x63" },
		"SUBSCRIBED, again and again":   func(int) string { return "10\n\x08\x01\x12\x06\x0a\x04\x0a\x02fw" },
		"control: an event is no noise": func(int) string { return "2\n\x08\x08" },
	} {
		events, subscribes := withBrokenStream(t, 2*time.Minute, func(ctx context.Context, w io.Writer) {
			for i := 0; ; i++ {
				select {
				case <-time.After(10 * time.Second):
					_, _ = io.WriteString(w, send(i))
				case <-ctx.Done():
					return
				}
			}
		})
		if strings.HasPrefix(why, "control") {
			require.Len(t, events, 1, why)
			continue
		}
		require.ErrorContains(t, events[1].Err, "the master said nothing for 1m15s", why)
		require.Len(t, subscribes, 2, why)
		require.Less(t, subscribes[1], 80*time.Second, why)
	}
}
