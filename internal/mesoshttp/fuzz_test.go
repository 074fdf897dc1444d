package mesoshttp

import (
	"bytes"
	"os"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// FuzzDecodeProtobuf holds for any bytes: decoding neither panics nor hangs, returns either an event or an error,
// and does not change the frame; an event that was decoded can be encoded and decoded again to the same event.
func FuzzDecodeProtobuf(f *testing.F) {
	for _, file := range recordings(f) {
		stream, err := os.ReadFile(file + ".recordio")
		require.NoError(f, err)
		for r := recordio.NewReader(bytes.NewReader(stream), 0); ; {
			frame, err := r.ReadFrame()
			if err != nil {
				break
			}
			f.Add(bytes.Clone(frame))
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		event, _, err := newDecoder(Protobuf).decode(frame)
		require.Equal(t, before, frame)
		require.NotEqual(t, event == nil, err == nil)
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
