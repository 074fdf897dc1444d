package mesoshttp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// parents returns the ID of a container that has as many parents, each in the one before.
func parents(n int) []byte {
	id := []byte{} // from its end to its beginning
	for range n + 1 {
		id = append(id, 'c', 1, 1<<3|2) // its value
		if len(id) > 3 {
			size := binary.AppendUvarint(nil, uint64(len(id)-3))
			slices.Reverse(size)
			id = append(append(id[:len(id)-3], size...), 2<<3|2, 'c', 1, 1<<3|2)
		}
	}
	slices.Reverse(id)
	return id
}

// updateOf returns an UPDATE of a container with that ID, which is the fourth message in the event.
func updateOf(containerID []byte) []byte {
	status := slices.Concat(fieldOf(1, fieldOf(1, []byte("t"))), []byte{2 << 3, 1}, fieldOf(13, fieldOf(4, containerID)))
	return append([]byte{1 << 3, 4}, fieldOf(5, fieldOf(1, status))...)
}

// groupsOf returns unknown groups, each in the one before.
func groupsOf(n int) []byte {
	return append(bytes.Repeat([]byte{15<<3 | 3}, n), bytes.Repeat([]byte{15<<3 | 4}, n)...)
}

// Messages and groups may be nested a hundred deep, counted as protobuf's C++ decoder does: the outermost one is not
// nested.
func TestNesting(t *testing.T) {
	heartbeat := []byte{1 << 3, 8}
	object := func(n int) string { return strings.Repeat(`{"x":`, n) + "1" + strings.Repeat("}", n) }
	list := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for what, frame := range map[string]func(depth int) []byte{
		"Protobuf messages": func(n int) []byte { return updateOf(parents(n - 4)) },
		"Protobuf groups":   func(n int) []byte { return append(heartbeat, groupsOf(n)...) },
		"Protobuf groups in a message": func(n int) []byte {
			return append(heartbeat, fieldOf(7, fieldOf(1, append(fieldOf(1, []byte("a")), groupsOf(n-2)...)))...)
		},
		"Protobuf groups in many messages": func(n int) []byte {
			id := append(parents(0), groupsOf(n-54)...)
			for range 50 {
				id = append(parents(0), fieldOf(2, id)...)
			}
			return updateOf(id)
		},
		"JSON messages": func(n int) []byte {
			return []byte(`{"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","container_status":{"container_id":` +
				strings.Repeat(`{"value":"c","parent":`, n-4) + `{"value":"c"}` + strings.Repeat("}", n-4) + "}}}}")
		},
		"JSON objects":          func(n int) []byte { return []byte(`{"type":"HEARTBEAT","x":` + object(n) + `}`) },
		"JSON lists":            func(n int) []byte { return []byte(`{"type":"HEARTBEAT","x":` + list(n) + `}`) },
		"JSON objects in lists": func(n int) []byte { return []byte(`{"type":"HEARTBEAT","x":[` + object(n-1) + `]}`) },
	} {
		codec := Protobuf
		if strings.HasPrefix(what, "JSON") {
			codec = JSON
		}
		decode := newDecoder(codec).decode
		for _, depth := range []int{90, 99, 100} {
			event, _, err := decode(frame(depth))
			require.NoError(t, err, "%s, %d deep", what, depth)
			require.NoError(t, complete(event))
		}
		for _, depth := range []int{101, 102, 1000, 1_000_000} {
			_, _, err := decode(frame(depth))
			require.ErrorIs(t, err, errNested, "%s, %d deep", what, depth)
		}
	}
}

// The container IDs of an update have 32 MB of parents: the stack would overflow, which cannot be recovered from. So it
// would with 40 million groups.
func TestContainerIDThatNestsParentsWithoutEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long with the race detector; it runs without -short")
	}
	open := func(n int) []byte { // only the beginnings, which need be no messages for that
		var b []byte
		for size := n; size > 8; size -= 5 {
			b = append(b, 2<<3|2)
			b = append(b, byte(size-5)|0x80, byte((size-5)>>7)|0x80, byte((size-5)>>14)|0x80, byte((size-5)>>21)&0x7f)
		}
		return append(b, make([]byte, 8)...)
	}
	for what, frame := range map[string][]byte{
		"parents of 32 MB":        updateOf(open(32 << 20)),
		"whole parents, 16 MB":    updateOf(parents(2 << 20)),
		"groups":                  append([]byte{1 << 3, 8}, bytes.Repeat([]byte{15<<3 | 3}, 40<<20)...),
		"groups in a parent":      updateOf(append(parents(50), bytes.Repeat([]byte{15<<3 | 3}, 1<<20)...)),
		"groups in an offer's ID": fieldOf(3, fieldOf(1, fieldOf(1, bytes.Repeat([]byte{15<<3 | 3}, 1<<20)))),
		"groups in a small one":   append([]byte{1 << 3, 8}, bytes.Repeat([]byte{15<<3 | 3}, 200)...),
	} {
		_, _, err := newDecoder(Protobuf).decode(frame)
		require.ErrorIs(t, err, errNested, what)
	}
	for what, text := range map[string]string{
		"objects":               strings.Repeat(`{"parent":`, 4<<20),
		"lists":                 strings.Repeat("[", 32<<20),
		"behind a string":       `{"x":"\"{[\\",` + strings.Repeat(`"y":{`, 4<<20),
		"in a name that is new": `{"type":"HEARTBEAT","x":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + "}",
	} {
		_, _, err := newDecoder(JSON).decode([]byte(text))
		require.ErrorIs(t, err, errNested, what)
		_, err = findLabel(io.NopCloser(strings.NewReader(text)), "k", "v")
		require.ErrorIs(t, err, errNested, what)
	}
}

// Brackets in strings are not nested, nor are those that were closed.
func TestNestingOfWhatIsNotNested(t *testing.T) {
	for _, text := range []string{
		`{"type":"ERROR","error":{"message":"` + strings.Repeat("[{", 1000) + `"}}`,
		`{"type":"ERROR","error":{"message":"\"` + strings.Repeat(`\\[{\"`, 1000) + `"}}`,
		`{"type":"ERROR","error":{"message":"m"},"x":[` + strings.Repeat(`{"y":[]},`, 1000) + `{}]}`,
	} {
		event, _, err := newDecoder(JSON).event([]byte(text))
		require.NoError(t, err)
		require.Equal(t, scheduler.Event_ERROR, event.Type)
	}
	message := &scheduler.Event{Type: scheduler.Event_MESSAGE, Message: &scheduler.Event_Message{
		AgentID: mesos.AgentID{Value: "a"}, ExecutorID: mesos.ExecutorID{Value: "e"}, Data: groupsOf(1 << 20),
	}}
	event, _, err := newDecoder(Protobuf).event(encodeEvent(t, Protobuf, message))
	require.NoError(t, err)
	require.Equal(t, message, event)
	frame := append([]byte{1 << 3, 8}, bytes.Repeat(groupsOf(50), 1000)...)
	_, _, err = newDecoder(Protobuf).event(frame)
	require.NoError(t, err)
}

// What is no message is found before mesos-go's decoder sees it.
func TestMalformedMessages(t *testing.T) {
	for what, frame := range map[string][]byte{
		"a tag cut off":             {0x80},
		"a tag that is too long":    bytes.Repeat([]byte{0xff}, 11),
		"a number cut off":          {1 << 3, 0xff},
		"a fixed64 cut off":         {100<<1 | 1, 0},
		"a fixed32 cut off":         {15<<3 | 5, 0, 0, 0},
		"a size cut off":            {3<<3 | 2, 0xff},
		"a field cut off":           {3<<3 | 2, 5, 0},
		"a size that is too long":   {3<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"an unknown wire type":      {1<<3 | 7},
		"a group that does not end": groupsOf(3)[:5],
		"an end without a group":    {15<<3 | 4},
		"an end in another message": slices.Concat([]byte{15<<3 | 3}, fieldOf(5, []byte{15<<3 | 4})),
		"in an offer":               fieldOf(3, fieldOf(1, []byte{5<<3 | 2})),
	} {
		_, _, err := newDecoder(Protobuf).decode(frame)
		require.Error(t, err, what)
		left := newBudget(frame)
		if what != "an end in another message" { // that one is in a group, which is not looked into
			require.ErrorIs(t, left.inspect(frame, newDecoder(Protobuf).events, 0), errMalformed, fmt.Sprint(what, err))
		}
	}
}
