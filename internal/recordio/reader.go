package recordio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

const (
	// DefaultLimit is the largest frame, in bytes, that a Reader accepts unless told otherwise: 64 MiB.
	// An offer of a plain agent takes some 350 bytes in an event, so that is room for more than 150,000
	// offers in one event.
	DefaultLimit = 64 << 20

	// firstStep is the size of the first buffer: most events of a quiet cluster fit into it.
	firstStep = 16 << 10
	// maxKept is the largest buffer that is kept for further frames.
	maxKept = 1 << 20
	// maxDigits is the longest length line. 19 digits always fit in a uint64, and no frame is that long.
	maxDigits = 19
)

// LengthError is returned when the stream has no valid length where one is expected. The framing is lost: the stream
// cannot be read any further.
type LengthError struct {
	// Line is what was found, up to and including the first wrong byte; at most 20 bytes.
	Line string
}

// Error implements error.
func (e *LengthError) Error() string {
	return fmt.Sprintf("recordio: malformed frame length %q", e.Line)
}

// SizeError is returned for a frame that is longer than the reader's limit. The frame is not read, so the stream
// cannot be read any further.
type SizeError struct {
	Size  uint64 // announced length of the frame in bytes
	Limit int    // the reader's limit in bytes
}

// Error implements error.
func (e *SizeError) Error() string {
	return fmt.Sprintf("recordio: frame of %d bytes exceeds the limit of %d bytes", e.Size, e.Limit)
}

// Reader reads frames from a stream. Use NewReader; a Reader belongs to one goroutine at a time.
type Reader struct {
	src        io.Reader
	limit      int
	buf        []byte
	start, end int   // buf[start:end] was received and not yet returned
	err        error // came together with the last bytes; returned once these are used up
}

// NewReader returns a Reader of the frames of r. A frame longer than limit bytes is refused with a
// *SizeError; a limit of zero or less means DefaultLimit. The Reader reads ahead: r should not be read by
// others afterwards.
func NewReader(r io.Reader, limit int) *Reader {
	if limit <= 0 {
		limit = DefaultLimit
	}
	// Half of what an int holds leaves room to add the length of the length line.
	return &Reader{src: r, limit: min(limit, math.MaxInt/2)}
}

// ReadFrame returns the content of the next frame. The slice is valid until the next call, and it is empty,
// not nil, for a frame of length zero.
//
// The error is io.EOF if the stream ended between two frames, io.ErrUnexpectedEOF if it ended inside a length
// line or a frame, a *LengthError or *SizeError for a stream that cannot be understood (and then the same at
// every further call), or the error of the underlying reader as it is. After the last kind nothing is lost: a
// further call continues where this one stopped.
func (r *Reader) ReadFrame() ([]byte, error) {
	head, size, err := r.readLength()
	if err != nil {
		return nil, err
	}
	total := head + size
	for r.end-r.start < total {
		if err := r.fill(total); err != nil {
			return nil, unexpected(err)
		}
	}
	first, last := r.start+head, r.start+total
	r.start = last
	return r.buf[first:last:last], nil // full slice: an append must not run into the next frame
}

// Ready reports whether the next frame has been received as a whole, so that ReadFrame will not wait for it.
func (r *Reader) Ready() bool {
	received := r.buf[r.start:r.end]
	head := bytes.IndexByte(received[:min(len(received), maxDigits+1)], '\n')
	if head < 0 {
		return false
	}
	size, err := strconv.Atoi(string(received[:head]))
	return err == nil && size <= len(received)-head-1
}

// readLength waits for a length line and returns its size in bytes, including the newline, and its value. It consumes
// nothing, so it can be repeated after an error.
func (r *Reader) readLength() (head, size int, err error) {
	var value uint64
	for i := 0; ; i++ {
		for r.start+i == r.end {
			if err := r.fill(i + 1); err != nil {
				if i > 0 {
					err = unexpected(err)
				}
				return 0, 0, err
			}
		}
		c := r.buf[r.start+i]
		switch {
		case c == '\n' && i > 0:
			if value > uint64(r.limit) {
				return 0, 0, &SizeError{Size: value, Limit: r.limit}
			}
			return i + 1, int(value), nil
		case c < '0' || c > '9', i == maxDigits, i > 0 && value == 0: // the last: a zero before other digits
			return 0, 0, &LengthError{Line: string(r.buf[r.start : r.start+i+1])}
		}
		value = value*10 + uint64(c-'0')
	}
}

// fill reads at least one byte more, after making room for a frame of total bytes (its length line included) that
// begins at start. It first moves the frame to the beginning of the buffer (which is free when nothing is left), and
// doubles the buffer only when every byte of it belongs to the unfinished frame. A buffer that has become too large for what
// follows is replaced.
func (r *Reader) fill(total int) error {
	if rest := r.end - r.start; len(r.buf) > maxKept && max(total, rest) <= maxKept/2 {
		r.resize(max(2*rest, firstStep))
	} else if r.start > 0 && (r.start == r.end || r.start+total > len(r.buf)) {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	if r.end == len(r.buf) {
		size := max(2*len(r.buf), firstStep)
		if total > maxKept { // the exact size, when it comes near
			size = min(size, total)
		}
		r.resize(size)
	}
	for range 100 { // like bufio: a reader that returns neither bytes nor an error must not make this loop for ever
		if r.err != nil {
			err := r.err
			r.err = nil
			return err
		}
		var n int
		n, r.err = r.src.Read(r.buf[r.end:])
		if n > 0 {
			r.end += n
			return nil
		}
	}
	return io.ErrNoProgress
}

// resize replaces the buffer by one of that size, with what it has that was not returned.
func (r *Reader) resize(size int) {
	buf := make([]byte, size)
	r.end = copy(buf, r.buf[r.start:r.end])
	r.buf, r.start = buf, 0
}

// unexpected turns io.EOF into io.ErrUnexpectedEOF.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
