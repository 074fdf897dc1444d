package recordio

import (
	"io"
	"strconv"
)

// Writer writes frames to a stream. Use NewWriter; a Writer belongs to one goroutine at a time.
type Writer struct {
	dst io.Writer
	buf []byte
}

// NewWriter returns a Writer of frames to w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{dst: w}
}

// WriteFrame writes p as one frame, of length zero too, with exactly one call of the underlying Write: on a
// chunked HTTP response each frame becomes one chunk, as with a Mesos master. The error is that of Write;
// after one the stream may have a part of a frame and cannot be used any more.
func (w *Writer) WriteFrame(p []byte) error {
	w.buf = strconv.AppendInt(w.buf[:0], int64(len(p)), 10)
	w.buf = append(w.buf, '\n')
	w.buf = append(w.buf, p...)
	n, err := w.dst.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	return err
}
