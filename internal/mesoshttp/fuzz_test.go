package mesoshttp

import (
	"bytes"
	"os"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// FuzzDecodeProtobuf holds for any bytes: decoding neither panics nor hangs, returns either an event or an error,
// and does not change the frame; an event that was decoded can be encoded and decoded again to the same event; offers that are
// not left to mesos-go would be let pass by what that needs.
func FuzzDecodeProtobuf(f *testing.F) {
	for _, file := range recordings(f) {
		stream, err := os.ReadFile(file + ".recordio")
		require.NoError(f, err)
		for _, frame := range frames(f, stream) {
			f.Add(frame)
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		event, _, err := newDecoder(Protobuf).decode(frame)
		require.Equal(t, before, frame)
		require.NotEqual(t, event == nil, err == nil)
		requireInspected(t, frame)
		if err != nil {
			return
		}
		first, err := event.Marshal()
		if err != nil {
			return // a required field is missing, which mesos-go finds out only when writing
		}
		again, _, err := newDecoder(Protobuf).decode(first)
		require.NoError(t, err)
		second, err := again.Marshal() // bytes, since NaN is not equal to itself
		require.NoError(t, err)
		require.Equal(t, first, second)
	})
}

// requireInspected requires that offers which are surveyed instead of inspected are well formed, not nested too deep, and take no
// more memory than an inspection would say.
func requireInspected(t testing.TB, frame []byte) (surveyed bool) {
	d := newDecoder(Protobuf)
	left := newBudget(frame)
	s := d.offers.Survey(frame, int(left))
	if s == nil {
		return false
	}
	if err := left.inspect(frame, d.events, 0); err != nil {
		require.ErrorIs(t, err, errGrowth)
	}
	require.LessOrEqual(t, s.Memory, left.spent(frame))
	return true
}

// FuzzDecodeJSON holds for any bytes: decoding neither panics nor hangs, returns either an event or an error, and
// does not change the frame; the event has no enum value that mesos-go does not know.
func FuzzDecodeJSON(f *testing.F) {
	for _, file := range recordings(f) {
		for _, text := range recordedJSON(f, file) {
			f.Add(text)
		}
	}
	f.Add([]byte(`{"type":"NEW","update":{"status":{"state":"TASK_NEW","uuid":"AA=="}},"offers":[{}],"failure":null}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		event, _, err := newDecoder(JSON).decode(frame)
		require.Equal(t, before, frame)
		require.NotEqual(t, event == nil, err == nil)
		if err == nil {
			require.Contains(t, scheduler.Event_Type_name, int32(event.Type))
		}
	})
}
