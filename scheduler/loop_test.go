package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// The outcomes of calls that were refused or not answered.
func TestCallOutcome(t *testing.T) {
	status := func(n int) error { return fmt.Errorf("wrapped: %w", &mesoshttp.StatusError{Status: n}) }
	bad := func(body string) error { return &mesoshttp.StatusError{Status: 400, Body: body} }
	for _, row := range []struct {
		err  error
		want outcome
		why  string
	}{
		{nil, accepted, "202"},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, unsent, "there never was a connection"},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, unclear, "it may have arrived before the reset"},
		{context.DeadlineExceeded, unclear, "it may arrive yet"},
		{fmt.Errorf("%w (%w)", context.DeadlineExceeded, mesoshttp.ErrNotSent), unsent, "it was not its turn before the end"},
		{status(307), stale, "another master leads"},
		{bad("Framework cannot be found"), stale, "this master does not know us"},
		{bad("The stream ID 'a' included in this request didn't match the stream ID currently associated with framework ID f"), stale, "there is a newer subscription"},
		{bad("Failed to parse body into Call protobuf"), refused, "one bad call says nothing about the stream"},
		{status(403), stale, "this master knows the framework, not the subscription"},
		{status(404), stale, "not even a master"},
		{status(401), refused, "before anything was looked at"},
		{status(429), refused, "before anything was done"},
		{status(503), refused, "a master that recovers does nothing"},
		{status(500), unclear, "it may have failed half way"},
		{status(504), unclear, "the word of a gateway, not of the master"},
	} {
		got, _ := callOutcome(&scheduler.Call{}, row.err)
		require.Equal(t, row.want.String(), got.String(), "%v: %s", row.err, row.why)
	}
}

// Calls that wait when their stream ends are not made on the next stream, and are reported once.
func TestDropReportsWhatWaits(t *testing.T) {
	closed := 0
	l := &loop{stream: 1, closeStream: func(error) { closed++ }, log: slog.New(slog.DiscardHandler)}
	l.calls.waiting = []outgoing{{stream: 1, call: &scheduler.Call{Type: scheduler.Call_REVIVE}}}
	l.acks.waiting = []outgoing{{stream: 1, call: &scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE}}}
	l.drop(0, nil)
	require.Zero(t, closed, "an older stream")
	l.drop(1, nil)
	l.drop(1, nil)
	require.Equal(t, 1, closed)
	require.Len(t, l.again, 2)
	for _, in := range l.again {
		require.Equal(t, unsent, in.(callDone).outcome)
	}
	require.Empty(t, l.calls.waiting)
	require.Empty(t, l.acks.waiting)
}

// A batch is for one stream: at a change of the subscription the next one begins.
func TestLaneBatches(t *testing.T) {
	l := lane{to: make(chan []outgoing), batch: 3}
	to, batch := l.head()
	require.Nil(t, to)
	require.Empty(t, batch)
	for i, stream := range []int{1, 1, 1, 1, 2} {
		l.waiting = append(l.waiting, outgoing{stream: stream, ref: ref(i)})
	}
	var batches [][]ref
	for len(l.waiting) > 0 {
		to, batch = l.head()
		require.NotNil(t, to)
		var refs []ref
		for _, out := range batch {
			refs = append(refs, out.ref)
		}
		batches = append(batches, refs)
		l.pop(batch)
	}
	require.Equal(t, [][]ref{{0, 1, 2}, {3}, {4}}, batches)
}
