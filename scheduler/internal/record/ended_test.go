package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// sampleEnded is what is left of a task of a pod.
func sampleEnded() Ended {
	return Ended{ID: "a/b <c>ü", Pod: "pod-1", State: task.StateFinished, At: time.Unix(0, 1764374400123456789).UTC(), Spec: 1<<64 - 1}
}

// What is left of a task is read as it was written. The text of the record is fixed.
func TestEnded(t *testing.T) {
	e := sampleEnded()
	value, err := EncodeEnded(e)
	require.NoError(t, err)
	require.Equal(t, `{"version":1,"state":"finished","at":1764374400123456789,"spec":18446744073709551615,"pod":"pod-1"}`, string(value))
	ended, err := DecodeEnded(map[string][]byte{EndedKey(e.ID): value})
	require.NoError(t, err)
	require.Equal(t, []Ended{e}, ended)

	framework, tasks, err := decodeAll(map[string][]byte{EndedKey(e.ID): value})
	require.NoError(t, err)
	require.Zero(t, framework)
	require.Empty(t, tasks)
}

func TestNewEnded(t *testing.T) {
	info := samples()[0].Info
	info.State, info.Updated = task.StateFailed, time.Date(2026, 11, 29, 1, 2, 3, 456_999_999, time.FixedZone("east", 3600))
	kept := NewInfo(info)
	e := NewEnded(&kept)
	require.Equal(t, Ended{ID: info.Spec.ID, Pod: info.Spec.Pod, State: task.StateFailed, At: time.Date(2026, 11, 29, 0, 2, 3, 456_999_999, time.UTC), Spec: Sum(&info.Spec)}, e)
}

// A task that is on record in full is not one of those of which little is left, whatever else the store has of it.
func TestTaskBeatsEnded(t *testing.T) {
	records := encodeAll(t, Framework{}, samples())
	for i := range 10 {
		id := fmt.Sprint(i)
		if i == 0 {
			id = samples()[0].Info.Spec.ID
		}
		e := sampleEnded()
		e.ID = id
		var err error
		records[EndedKey(id)], err = EncodeEnded(e)
		require.NoError(t, err)
	}
	ended, err := DecodeEnded(records)
	require.NoError(t, err)
	require.Len(t, ended, 9)
	_, tasks, err := decodeAll(records)
	require.NoError(t, err)
	require.Len(t, tasks, len(samples()))
}

func TestEndedThatCannotBeDecoded(t *testing.T) {
	for key, value := range map[string]string{
		"ended/":  `{"version":1,"state":"finished","at":1}`,
		"ended/a": `{"version":1,"state":"running","at":1}`,
		"ended/b": `{"version":1,"state":"ended","at":1}`,
		"ended/c": `{"version":2,"state":{}}`,
		"ended/d": `{"state":"finished"}`,
		"ended/e": ``,
		"ended/f": `{"version":1,"state":"finished","spec":-1}`,
	} {
		_, err := DecodeEnded(map[string][]byte{key: []byte(value)})
		var bad *Error
		require.ErrorAs(t, err, &bad, value)
		require.Equal(t, key, bad.Key)
	}
}

// For any bytes DecodeEnded returns an error that names the record, or what can be written and read again.
func FuzzDecodeEnded(f *testing.F) {
	value, err := EncodeEnded(sampleEnded())
	require.NoError(f, err)
	f.Add("a", value)
	f.Add("", []byte(`{"version":1,"state":"lost","at":-9223372036854775808}`))
	f.Fuzz(func(t *testing.T, id string, value []byte) {
		ended, err := DecodeEnded(map[string][]byte{EndedKey(id): value})
		if err != nil {
			var bad *Error
			require.ErrorAs(t, err, &bad)
			require.Equal(t, EndedKey(id), bad.Key)
			return
		}
		again, err := EncodeEnded(ended[0])
		require.NoError(t, err)
		read, err := DecodeEnded(map[string][]byte{EndedKey(id): again})
		require.NoError(t, err)
		require.Equal(t, ended, read)
	})
}

// BenchmarkDecodeEnded reads what is left of 100,000 tasks. B/task is what the store has of one.
func BenchmarkDecodeEnded(b *testing.B) {
	const n = 100_000
	records := make(map[string][]byte, n)
	for i := range n {
		info := service(i, true).Info
		info.State = task.StateFinished
		kept := NewInfo(info)
		e := NewEnded(&kept)
		var err error
		records[EndedKey(e.ID)], err = EncodeEnded(e)
		require.NoError(b, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		ended, err := DecodeEnded(records)
		require.NoError(b, err)
		require.Len(b, ended, n)
	}
	b.ReportMetric(size(records)/n, "B/task")
}
