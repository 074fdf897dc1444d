package mesoshttp

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// Await says how large the next event is going to be, as often as it is asked, and Next returns that event. Of a frame that is
// no event, and at the end, it is Next that says why.
func TestAwait(t *testing.T) {
	offers := encodeEvent(t, Protobuf, offersEvent(10))
	frames := bytes.Join([][]byte{framed(t, offers), framed(t, []byte{0xff}), framed(t, offers)}, nil)
	stream := Stream{
		frames: recordio.NewReader(bytes.NewReader(frames), 0), decoder: newDecoder(Protobuf),
		cancel: func(error) {}, cause: func() error { return io.EOF },
	}
	_, size, err := stream.decoder.decode(offers)
	require.NoError(t, err)
	for range 2 {
		require.Equal(t, size, stream.Await())
	}
	event, err := stream.Next()
	require.NoError(t, err)
	require.Len(t, event.Offers.Offers, 10)
	require.Equal(t, 10, cap(event.Offers.Offers), "the list did not grow")

	var garbled *DecodeError
	require.Zero(t, stream.Await())
	_, err = stream.Next()
	require.ErrorAs(t, err, &garbled)
	require.Equal(t, 1, garbled.Size)

	event, err = stream.Next()
	require.NoError(t, err)
	require.Equal(t, scheduler.Event_OFFERS, event.Type)
	require.Zero(t, stream.Await())
	_, err = stream.Next()
	require.ErrorIs(t, err, io.EOF)
	require.NotErrorIs(t, err, context.Canceled)
}

// The largest frame may take no more memory than the largest event.
func TestLargestEventInMemory(t *testing.T) {
	left := newBudget(make([]byte, recordio.DefaultLimit))
	require.NoError(t, left.spend(288<<20))
	require.ErrorIs(t, left.spend(1), errGrowth)
}
