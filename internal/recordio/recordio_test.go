package recordio_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// cuts are the ways in which the same bytes arrive in the tests.
var cuts = map[string]func(io.Reader) io.Reader{
	"whole":         func(r io.Reader) io.Reader { return r },
	"one byte":      iotest.OneByteReader,
	"half":          iotest.HalfReader,
	"data with EOF": iotest.DataErrReader,
	"one byte, data with EOF": func(r io.Reader) io.Reader {
		return iotest.DataErrReader(iotest.OneByteReader(r))
	},
}

// readAll returns copies of all frames and the error that ended them.
func readAll(r *recordio.Reader) ([]string, error) {
	var frames []string
	for {
		frame, err := r.ReadFrame()
		if err != nil {
			return frames, err
		}
		frames = append(frames, string(frame))
	}
}

func encode(t testing.TB, frames ...string) []byte {
	var b bytes.Buffer
	w := recordio.NewWriter(&b)
	for _, frame := range frames {
		require.NoError(t, w.WriteFrame([]byte(frame)))
	}
	return b.Bytes()
}

func TestReader(t *testing.T) {
	const limit = 10
	malformed := func(line string) error { return &recordio.LengthError{Line: line} }
	for _, test := range []struct {
		why    string
		input  string
		frames []string
		err    error
	}{
		{"an empty stream ends cleanly", "", nil, io.EOF},
		{"one frame", "5\nhello", []string{"hello"}, io.EOF},
		{"nothing stands between frames", "1\na2\nbc", []string{"a", "bc"}, io.EOF},
		{"a frame may hold newlines and digits", "4\n1\n2\n1\nx", []string{"1\n2\n", "x"}, io.EOF},
		{"an empty frame is a frame", "0\n1\na0\n", []string{"", "a", ""}, io.EOF},
		{"a frame of exactly the limit", "10\n0123456789", []string{"0123456789"}, io.EOF},
		{"cut after the digits", "1\na5", []string{"a"}, io.ErrUnexpectedEOF},
		{"cut after the newline", "5\n", nil, io.ErrUnexpectedEOF},
		{"cut inside a frame", "5\nhell", nil, io.ErrUnexpectedEOF},
		{"one byte above the limit", "1\na11\n", []string{"a"}, &recordio.SizeError{Size: 11, Limit: limit}},
		{"above int64, still a number", "9999999999999999999\n", nil, &recordio.SizeError{Size: 9999999999999999999, Limit: limit}},
		{"above uint64", "99999999999999999999\n", nil, malformed("99999999999999999999")},
		{"endless digits are not collected", strings.Repeat("1", 1000), nil, malformed(strings.Repeat("1", 20))},
		{"an empty line", "\n5\nhello", nil, malformed("\n")},
		{"a newline after a frame", "1\na\n1\nb", []string{"a"}, malformed("\n")},
		{"a leading zero", "05\nhello", nil, malformed("05")},
		{"zeros", "00\n", nil, malformed("00")},
		{"a plus sign", "+5\nhello", nil, malformed("+")},
		{"a minus sign", "-5\nhello", nil, malformed("-")},
		{"a blank before", " 5\nhello", nil, malformed(" ")},
		{"a blank after", "5 \nhello", nil, malformed("5 ")},
		{"carriage return", "5\r\nhello", nil, malformed("5\r")},
		{"hexadecimal", "0x5\nhello", nil, malformed("0x")},
		{"separators", "1_0\n0123456789", nil, malformed("1_")},
		{"not RecordIO at all", "<html>", nil, malformed("<")},
		{"binary", "\x00\xff", nil, malformed("\x00")},
	} {
		for name, cut := range cuts {
			t.Run(test.why+"/"+name, func(t *testing.T) {
				r := recordio.NewReader(cut(strings.NewReader(test.input)), limit)
				frames, err := readAll(r)
				require.Equal(t, test.frames, frames)
				require.Equal(t, test.err, err)
				_, again := r.ReadFrame()
				require.Equal(t, test.err, again, "the end of a stream is final")
			})
		}
	}
}

func TestDefaultLimit(t *testing.T) {
	for _, limit := range []int{0, -1} {
		_, err := recordio.NewReader(strings.NewReader(fmt.Sprintf("%d\n", recordio.DefaultLimit+1)), limit).ReadFrame()
		require.Equal(t, &recordio.SizeError{Size: recordio.DefaultLimit + 1, Limit: recordio.DefaultLimit}, err)
		_, err = recordio.NewReader(strings.NewReader(fmt.Sprintf("%d\n", recordio.DefaultLimit)), limit).ReadFrame()
		require.Equal(t, io.ErrUnexpectedEOF, err)
	}
}

func TestErrorsNameTheirValues(t *testing.T) {
	require.EqualError(t, &recordio.LengthError{Line: "5\r"}, `recordio: malformed frame length "5\r"`)
	require.EqualError(t, &recordio.SizeError{Size: 11, Limit: 10}, "recordio: frame of 11 bytes exceeds the limit of 10 bytes")
}

// mesos-go's reader stops at 4 MiB, less than the offers of a large cluster.
func TestReaderTakesLargeFrames(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 5<<20>>4)
	input := encode(t, "a", large, "b", large+"c", "")
	for name, cut := range map[string]func(io.Reader) io.Reader{"whole": cuts["whole"], "half": cuts["half"]} {
		t.Run(name, func(t *testing.T) {
			frames, err := readAll(recordio.NewReader(cut(bytes.NewReader(input)), 0))
			require.Equal(t, io.EOF, err)
			require.True(t, len(frames) == 5 && frames[0] == "a" && frames[1] == large && frames[2] == "b" &&
				frames[3] == large+"c" && frames[4] == "")
		})
	}
}

// A read deadline that expires in the middle of a frame must neither lose nor repeat a byte.
func TestReaderGoesOnAfterAnError(t *testing.T) {
	for _, input := range []string{"5\nhello1\na", "12\nhello, world0\n"} {
		want, _ := readAll(recordio.NewReader(strings.NewReader(input), 0))
		r := recordio.NewReader(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(input))), 0)
		_, err := r.ReadFrame()
		require.Equal(t, iotest.ErrTimeout, err)
		frames, err := readAll(r)
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, frames)
	}
}

func TestReaderHandsOutDataBeforeTheError(t *testing.T) {
	broken := errors.New("broken")
	both := iotest.DataErrReader(io.MultiReader(strings.NewReader("1\na1\nb2\nc"), iotest.ErrReader(broken)))
	frames, err := readAll(recordio.NewReader(both, 0))
	require.Equal(t, []string{"a", "b"}, frames)
	require.Equal(t, broken, err)
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestReaderDoesNotSpinOnAnIdleReader(t *testing.T) {
	_, err := recordio.NewReader(idle{}, 0).ReadFrame()
	require.Equal(t, io.ErrNoProgress, err)
}

// Appending to a frame must not overwrite the next one.
func TestFramesAreSeparate(t *testing.T) {
	r := recordio.NewReader(strings.NewReader("1\na1\nb"), 0)
	a, err := r.ReadFrame()
	require.NoError(t, err)
	_ = append(a, "xxxx"...)
	b, err := r.ReadFrame()
	require.NoError(t, err)
	require.Equal(t, "b", string(b))
}

// Whatever length a frame claims, memory grows with the bytes that have arrived.
func TestMemoryFollowsWhatCame(t *testing.T) {
	const step = 64 << 10
	for _, received := range []int{0, 1 << 10, 6 << 20} {
		input := append([]byte("67108864\n"), make([]byte, received)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := recordio.NewReader(bytes.NewReader(input), 0).ReadFrame()
		runtime.ReadMemStats(&after)
		require.Equal(t, io.ErrUnexpectedEOF, err)
		// Counted here is all that was ever allocated, outgrown buffers included: 16 KiB doubled up to twice of what came.
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4*received+step))
	}
}

type writes [][]byte

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, bytes.Clone(p))
	return len(p), nil
}

func TestWriterCallsWriteOncePerFrame(t *testing.T) {
	var got writes
	w := recordio.NewWriter(&got)
	for _, frame := range []string{"hello", "", strings.Repeat("x", 12)} {
		require.NoError(t, w.WriteFrame([]byte(frame)))
	}
	require.Equal(t, writes{[]byte("5\nhello"), []byte("0\n"), []byte("12\nxxxxxxxxxxxx")}, got)
}

type short struct{}

func (short) Write(p []byte) (int, error) { return len(p) - 1, nil }

func TestWriterReportsErrors(t *testing.T) {
	require.Equal(t, io.ErrShortWrite, recordio.NewWriter(short{}).WriteFrame([]byte("a")))
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	require.Equal(t, io.ErrClosedPipe, recordio.NewWriter(w).WriteFrame([]byte("a")))
}

func TestNoAllocationPerFrame(t *testing.T) {
	frame := bytes.Repeat([]byte("x"), 80_000)
	w := recordio.NewWriter(io.Discard)
	require.Zero(t, testing.AllocsPerRun(100, func() { require.NoError(t, w.WriteFrame(frame)) }))

	input := &endless{data: encode(t, string(frame), "small", "")}
	r := recordio.NewReader(input, 0)
	read := func() {
		for range 3 {
			_, err := r.ReadFrame()
			require.NoError(t, err)
		}
	}
	read() // the buffer grows to the size of the largest frame
	require.Zero(t, testing.AllocsPerRun(100, read))
}

// The buffer of a large frame is let go with the next small one, whatever of that has been read already.
func TestBufferOfALargeFrame(t *testing.T) {
	large := encode(t, strings.Repeat("x", 32<<20))
	for _, small := range []string{"", "a", strings.Repeat("y", 100_000), strings.Repeat("z", 500_000)} {
		rest := encode(t, small, small)
		r := recordio.NewReader(io.MultiReader(bytes.NewReader(large), &endless{data: rest}), 0)
		frame, err := r.ReadFrame()
		require.NoError(t, err)
		require.Len(t, frame, 32<<20)
		frame = nil
		before := heapInUse()
		require.Greater(t, before, uint64(64<<20), "large itself, and the buffer")
		for range 20 {
			got, err := r.ReadFrame()
			require.NoError(t, err)
			require.Equal(t, small, string(got))
		}
		require.Less(t, heapInUse(), before-30<<20)
		read := func() {
			for range 20 {
				_, _ = r.ReadFrame()
			}
		}
		require.Zero(t, testing.AllocsPerRun(10, read), "the next buffer stays")
		runtime.KeepAlive(frame)
	}
	runtime.KeepAlive(large)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// endless repeats data for ever.
type endless struct {
	data []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.data[e.at:])
	e.at = (e.at + n) % len(e.data)
	return n, nil
}

// The largest of all limits does not make a length overflow.
func TestLargestLimit(t *testing.T) {
	_, err := recordio.NewReader(strings.NewReader("9223372036854775807\nabc"), math.MaxInt).ReadFrame()
	var size *recordio.SizeError
	require.ErrorAs(t, err, &size)
}

// Ready says of whatever has been received whether ReadFrame would wait.
func TestReady(t *testing.T) {
	for _, c := range []struct {
		received string
		want     bool
	}{
		{"", false},
		{"1", false},
		{"12345678901234567890", false}, // an error, of which ReadFrame says more
		{"5\n", false},
		{"5\nabcd", false},
		{"5\nabcde", true},
		{"5\nabcde3", true},
		{"0\n", true},
		{"x\nabcde", false},
		{"-1\nabcde", true}, // the error does not wait
		{"99999999999999999999\n", false},
	} {
		src, before := &countingReader{src: strings.NewReader("1\n " + c.received)}, 0
		r := recordio.NewReader(src, 0)
		require.False(t, r.Ready(), "nothing was read")
		_, err := r.ReadFrame()
		require.NoError(t, err)
		require.Equal(t, c.want, r.Ready(), c.received)
		before = src.calls
		_, err = r.ReadFrame()
		if c.want {
			require.Equal(t, before, src.calls, c.received)
		} else {
			require.True(t, err != nil || src.calls > before, c.received)
		}
	}
}

// countingReader counts how often it is read.
type countingReader struct {
	src   io.Reader
	calls int
}

func (r *countingReader) Read(p []byte) (int, error) {
	r.calls++
	return r.src.Read(p)
}
