package recordio_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// FuzzReader holds for any bytes:
//   - the Reader does not panic and does end;
//   - it ends with io.EOF, io.ErrUnexpectedEOF, *LengthError or *SizeError, nothing else;
//   - it makes no difference how the bytes are split into reads;
//   - no frame is longer than the limit;
//   - the frames, written again, are exactly the beginning of the bytes, and all of them after io.EOF.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"", "5\nhello", "0\n0\n", "1\na2\nbc3", "10\n12345", "05\nhello", "-1\n", "\n", "5\r\nhello", "99999999999999999999\n",
		"67108864\nx", "18446744073709551615\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		const limit = 100
		want, wantErr := readAll(recordio.NewReader(bytes.NewReader(input), limit))
		for name, cut := range cuts {
			frames, err := readAll(recordio.NewReader(cut(bytes.NewReader(input)), limit))
			require.Equal(t, want, frames, name)
			require.Equal(t, wantErr, err, name)
		}

		again := encode(t, want...)
		require.True(t, bytes.HasPrefix(input, again))
		for _, frame := range want {
			require.LessOrEqual(t, len(frame), limit)
		}
		var length *recordio.LengthError
		var size *recordio.SizeError
		switch {
		case errors.Is(wantErr, io.EOF):
			require.Equal(t, len(input), len(again))
		case errors.Is(wantErr, io.ErrUnexpectedEOF):
			require.Less(t, len(again), len(input))
		case errors.As(wantErr, &length):
			require.LessOrEqual(t, len(length.Line), 20)
		case errors.As(wantErr, &size):
			require.Greater(t, size.Size, uint64(limit))
		default:
			require.NoError(t, wantErr)
		}
	})
}

// FuzzRoundTrip holds for any frames: what was written is read, in order, however the bytes are split into reads; and
// of a stream that is cut at any byte the frames before the cut are read, and then io.EOF between two frames and
// io.ErrUnexpectedEOF elsewhere.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello, world"), uint8(1), uint16(5), uint16(9))
	f.Add([]byte(""), uint8(1), uint16(0), uint16(1))
	f.Add(bytes.Repeat([]byte("x"), 200), uint8(100), uint16(17_000), uint16(3)) // more than the first buffer
	f.Fuzz(func(t *testing.T, data []byte, times uint8, size, at uint16) {
		data = bytes.Repeat(data, int(times)) // a short input is minimized faster
		var frames []string
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(size)+1+len(data)/64) // at most 64 frames, to stay quick
			frames = append(frames, string(rest[:n]))
			rest = rest[n:]
		}
		stream := encode(t, frames...)
		for name, cut := range cuts {
			got, err := readAll(recordio.NewReader(cut(bytes.NewReader(stream)), 0))
			require.Equal(t, io.EOF, err, name)
			require.Equal(t, frames, got, name)
		}

		stream = stream[:min(int(at), len(stream))]
		got, err := readAll(recordio.NewReader(bytes.NewReader(stream), 0))
		require.LessOrEqual(t, len(got), len(frames))
		for i := range got {
			require.Equal(t, frames[i], got[i])
		}
		if len(encode(t, got...)) == len(stream) {
			require.Equal(t, io.EOF, err)
		} else {
			require.Equal(t, io.ErrUnexpectedEOF, err)
		}
	})
}
