package rotation

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

const (
	// rotations is how often one read follows a stream into another file.
	rotations = 3
	// seam is how many of the bytes before those that are wanted are read again, to see that they are the same.
	seam = 64
)

// File reads from a file of a stream, whose name is that of the present one and the suffix, which is "" or ".1". It returns what
// io.ReaderAt does, without io.EOF, and the size of the file. Its errors are fs.ErrNotExist if there is no such file, and an
// [*invoker.OutputGoneError] if there is nothing any more at the offset, unless buf is empty.
type File func(ctx context.Context, suffix string, offset int64, buf []byte) (n int, size int64, err error)

// Streams are those that were read last. Its methods may be called from any goroutine.
type Streams struct {
	most   int
	mu     sync.Mutex
	all    map[string]*list.Element // of *stream
	recent list.List                // the one that was read last is the last
}

// New returns Streams that remembers so many. Of one that it has forgotten the offsets begin anew, with the present file.
func New(most int) *Streams { return &Streams{most: most, all: map[string]*list.Element{}} }

// stream is what is known of a stream.
type stream struct {
	key     string
	turn    chan struct{} // of capacity 1: full while it is read
	base    int64         // where the present file begins in the stream
	size    int64         // of the present file, when it was last read
	before  int64         // size of the file with ".1" behind its name; 0: there is none; -1: nobody has looked
	follows bool          // the present file follows that one
	tail    []byte        // what was read last
	end     int64         // where it ends in the stream
}

// Read reads from a stream from an offset on. It returns n = 0 if there is nothing yet, and the size of the stream. With an empty buf
// it returns only that.
func (s *Streams) Read(ctx context.Context, key string, file File, offset int64, buf []byte) (n int, size int64, err error) {
	r := reading{stream: s.of(key), file: file}
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, 0, context.Cause(ctx)
	}
	defer func() { <-r.turn }()
	return r.read(ctx, offset, buf)
}

func (s *Streams) of(key string) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.all[key]; e != nil {
		s.recent.MoveToBack(e)
		return e.Value.(*stream)
	}
	if s.recent.Len() >= s.most {
		delete(s.all, s.recent.Remove(s.recent.Front()).(*stream).key)
	}
	made := &stream{key: key, turn: make(chan struct{}, 1), before: -1}
	s.all[key] = s.recent.PushBack(made)
	return made
}

// reading is a read of a stream whose turn it has.
type reading struct {
	*stream
	file File
}

func (r reading) read(ctx context.Context, offset int64, buf []byte) (n int, size int64, err error) {
	for range rotations {
		n, rest := 0, buf
		if offset < r.base && len(buf) > 0 {
			if n, err = r.readBefore(ctx, offset, buf); err != nil {
				return 0, 0, err
			}
			rest = nil
		}
		m, size, same, err := r.readPresent(ctx, offset, rest)
		switch {
		case err != nil:
			return 0, r.base + size, err
		case same:
			r.size = size
			return n + m, r.base + size, nil
		}
		if err := r.rotate(ctx); err != nil {
			return 0, 0, err
		}
	}
	return 0, 0, fmt.Errorf("%w: the output is rotated again and again", invoker.ErrUnavailable)
}

// readPresent reads from the present file, and reports whether it is the one that it was.
func (r reading) readPresent(ctx context.Context, offset int64, buf []byte) (n int, size int64, same bool, err error) {
	little := r.end < r.base+seam
	if len(buf) == 0 {
		offset = max(r.base, r.end) // where it can be seen best that it is the same file
	}
	n, size, same, err = r.part(ctx, "", r.base, offset, buf)
	switch {
	case err != nil || !same || size < r.size:
		return n, size, false, err
	case r.before < 0 && size == 0:
		r.before = 0 // as it is new
	case r.before < 0:
		r.before, _, err = r.fileBefore(ctx)
	case n > 0 && little: // little of it is known: it is the same if the one before is
		before, unchanged, err := r.fileBefore(ctx)
		if err != nil || !unchanged || before != r.before {
			return 0, size, false, err
		}
	}
	r.remember(offset, buf[:n])
	return n, size, true, err
}

// readBefore reads what comes before the present file.
func (r reading) readBefore(ctx context.Context, offset int64, buf []byte) (n int, err error) {
	begin := r.base - r.before
	switch {
	case !r.follows:
		return 0, &invoker.OutputGoneError{From: r.base}
	case offset < begin:
		return 0, &invoker.OutputGoneError{From: begin}
	}
	n, size, same, err := r.part(ctx, ".1", begin, offset, buf)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && (size != r.before || !same): // there was another rotation
		r.follows = false
		return 0, &invoker.OutputGoneError{From: r.base}
	case err != nil:
		return 0, err
	}
	r.remember(offset, buf[:n])
	return n, nil
}

// fileBefore returns the size of the file before, 0 if there is none, and reports whether it is the one that it was.
func (r reading) fileBefore(ctx context.Context) (size int64, same bool, err error) {
	begin := r.base
	if r.follows {
		begin -= r.before
	}
	_, size, same, err = r.part(ctx, ".1", begin, max(begin, min(r.base, r.end)), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, true, nil
	}
	return size, same, err
}

// rotate goes on to the next file, after the one before if that is the one of which something was read. Else something is missing, and
// nobody knows how much.
func (r reading) rotate(ctx context.Context) error {
	_, size, same, err := r.part(ctx, ".1", r.base, max(r.base, r.end), nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		size = 0
	case err != nil:
		return err
	}
	if r.follows = err == nil && same && r.end > r.base && size >= max(r.size, r.end-r.base); r.follows {
		r.base += size
	} else {
		r.base += r.size + 1
		r.forget()
	}
	r.before, r.size = size, 0
	return nil
}

// part reads from a file that begins at some offset of the stream, and reports whether it is, as far as can be seen, the file that was
// read there.
func (r reading) part(ctx context.Context, suffix string, begin, offset int64, buf []byte) (n int, size int64, same bool, err error) {
	from, into := offset, buf
	if known := max(begin, r.end-int64(len(r.tail))); known < offset && offset <= r.end {
		from, into = known, make([]byte, len(buf)+int(offset-known))
	}
	n, size, err = r.file(ctx, suffix, from-begin, into)
	var gone *invoker.OutputGoneError
	if errors.As(err, &gone) && from < offset {
		from, into = offset, buf
		n, size, err = r.file(ctx, suffix, from-begin, into)
	}
	switch {
	case errors.As(err, &gone):
		return 0, size, true, &invoker.OutputGoneError{From: begin + gone.From}
	case err != nil:
		return 0, 0, false, err
	case !r.agrees(begin, from, into[:n]):
		return 0, size, false, nil
	}
	skip := int(offset - from)
	if skip > 0 {
		n = copy(buf, into[min(skip, n):n])
	}
	return n, size, true, nil
}

// agrees reports whether what was read of a file, which begins at some offset, is the same as before.
func (s *stream) agrees(begin, from int64, p []byte) bool {
	start := s.end - int64(len(s.tail))
	low, high := max(begin, start, from), min(s.end, from+int64(len(p)))
	return low >= high || string(p[low-from:high-from]) == string(s.tail[low-start:high-start])
}

// remember keeps the end of what was read.
func (s *stream) remember(from int64, p []byte) {
	end := from + int64(len(p))
	if len(p) == 0 || end <= s.end {
		return
	}
	if from != s.end {
		s.tail = s.tail[:0]
	}
	s.tail = append(s.tail, p[max(0, len(p)-seam):]...)
	s.tail, s.end = s.tail[max(0, len(s.tail)-seam):], end
}

// forget forgets what was read.
func (s *stream) forget() { s.tail, s.end = nil, 0 }
