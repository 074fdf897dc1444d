package recordio_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/recordio"
	"github.com/stretchr/testify/require"

	ours "github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// frameReader is the whole API of both readers under comparison.
type frameReader interface {
	ReadFrame() ([]byte, error)
}

// BenchmarkReadFrame reads a long stream of frames: 300 B is a task update, 80 KB an event with some 200
// offers. Compare with: benchstat -col /reader.
func BenchmarkReadFrame(b *testing.B) {
	readers := []struct {
		name string
		open func(io.Reader) frameReader
	}{
		{"ours", func(r io.Reader) frameReader { return ours.NewReader(r, 0) }},
		{"mesos-go", func(r io.Reader) frameReader { return recordio.NewReader(r) }},
	}
	for _, size := range []int{300, 80_000} {
		frame := bytes.Repeat([]byte("x"), size)
		data := encode(b, string(frame))
		for _, reader := range readers {
			b.Run(fmt.Sprintf("size=%d/reader=%s", size, reader.name), func(b *testing.B) {
				r := reader.open(&endless{data: bytes.Repeat(data, max(1, 64<<10/len(data)))})
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					got, err := r.ReadFrame()
					if err != nil || len(got) != size {
						b.Fatal(err, len(got))
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
			})
		}
	}
}

// BenchmarkWriteFrame has no counterpart: it shows that writing costs one copy and no allocation.
func BenchmarkWriteFrame(b *testing.B) {
	for _, size := range []int{300, 80_000} {
		frame := bytes.Repeat([]byte("x"), size)
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			w := ours.NewWriter(io.Discard)
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, w.WriteFrame(frame))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}
