package controlapi

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func framesIn(r io.Reader) (all []frame, err error) {
	for from := newFrameReader(r); ; {
		f, err := from.next()
		if err != nil {
			return all, err
		}
		all = append(all, f)
	}
}

func TestFrames(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	all, err := framesIn(strings.NewReader(":\n\nid: 7\n\nevent: task\nid: 8\ndata: {}\n\nevent:lag\r\nid: no\r\ndata: a\r\ndata: b\r\n\r\ndata: " + long + "\n\nevent: half\ndata: x\n"))
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, []frame{
		{}, {id: 7}, {name: "task", id: 8, data: []byte("{}")}, {name: "lag", data: []byte("a\nb")}, {data: []byte(long)},
	}, all, "without the last one, which is not whole")
}

// What a server sends takes about as much memory as it has bytes, also when it is decoded.
func TestFramesOfManyParts(t *testing.T) {
	all, err := framesIn(strings.NewReader("event: cycle\ndata: {\"rejections\":[{}" + strings.Repeat(",{}", 10_000) + "]}\n\n"))
	require.ErrorIs(t, err, errFrame)
	require.Empty(t, all)
	data := "{\"tasks\":[" + strings.Repeat(`{"id":"web-1","state":"running"},`, 10_000) + "{}]}"
	all, err = framesIn(strings.NewReader("data: " + data + "\n\n"))
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, all, 1, "a control")
}

// However a stream is cut into reads, the same events are in it, and no more bytes than it has.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("event: task\nid: 1\ndata: {}\n\n: comment\n\n"))
	f.Add([]byte("data\n\ndata:\n\nid: 99999999999999999999\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, _ := framesIn(bytes.NewReader(text))
		parts, _ := framesIn(iotest.OneByteReader(bytes.NewReader(text)))
		require.Equal(t, whole, parts)
		size := 0
		for _, one := range whole {
			size += len(one.name) + len(one.data)
		}
		require.LessOrEqual(t, size, len(text))
	})
}
