package invoker

import (
	lists "container/list"
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/logslice"
)

const (
	// maxUnread is how many bytes of lines that nobody has read are kept, of all activations together.
	maxUnread = 64 << 20
	// maxReading is how many times as many are kept if they are of logs that somebody reads, slowly.
	maxReading = 4
	// blockSize is what a block takes beside its text.
	blockSize = 64
)

// lineStore bounds the memory of lines that nobody reads: those of the oldest log are dropped first. Of a log that
// somebody reads nothing is dropped until maxReading times as many bytes are kept.
type lineStore struct {
	mu     sync.Mutex // also of all its buffers
	limit  int
	size   int
	unread lists.List // of *lineBuffer that have something, the oldest first
}

// lineBuffer has the lines of a log that were not read yet.
type lineBuffer struct {
	store   *lineStore
	element *lists.Element // in store.unread; nil if it has nothing
	blocks  []lineBlock
	size    int
	dropped int  // bytes
	readers int  // that wait or are about to go on
	ended   bool // nothing more comes
	err     error
	changed chan struct{} // closed when something comes; nil if nobody waits
}

// lineBlock is lines of a stream that were read at once. Lines are split when somebody wants them: most are short.
type lineBlock struct {
	time   time.Time
	stream logslice.Stream
	text   string
}

func newLineStore(limit int) *lineStore { return &lineStore{limit: limit} }

func (s *lineStore) newLogs() *Logs { return &Logs{lineBuffer{store: s}} }

// add adds lines. Those who wait for them have to be told.
func (b *lineBuffer) add(now time.Time, stream logslice.Stream, text string) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	if b.ended {
		return // nobody wants it
	}
	b.blocks = append(b.blocks, lineBlock{now, stream, text})
	b.grow(len(text) + blockSize)
	b.store.bound()
}

// end tells that nothing more comes, and why, if the log is not complete. Only the first end counts.
func (b *lineBuffer) end(err error) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	if !b.ended {
		b.ended, b.err = true, err
		b.tell()
	}
}

// discard ends a log that nobody gets.
func (b *lineBuffer) discard() {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	b.ended = true
	b.drop()
}

// drop drops what nobody has read. The mutex is held.
func (b *lineBuffer) drop() {
	b.dropped += b.size - len(b.blocks)*blockSize
	b.blocks = nil
	b.grow(-b.size)
}

// grow counts bytes.
func (b *lineBuffer) grow(n int) {
	b.size += n
	b.store.size += n
	switch {
	case b.size == 0 && b.element != nil:
		b.store.unread.Remove(b.element)
		b.element = nil
	case b.size > 0 && b.element == nil:
		b.element = b.store.unread.PushBack(b)
	}
}

// bound drops the oldest lines that are too many.
func (s *lineStore) bound() {
	for e := s.unread.Front(); e != nil && s.size > s.limit; {
		b := e.Value.(*lineBuffer)
		if e = e.Next(); b.readers == 0 || s.size > maxReading*s.limit {
			b.drop()
		}
	}
}

// tell wakes those who wait for any of the logs.
func (s *lineStore) tell(buffers []*lineBuffer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range buffers {
		b.tell()
	}
}

// tell wakes those who wait.
func (b *lineBuffer) tell() {
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// all yields the lines, see [Logs.Lines].
func (b *lineBuffer) all(ctx context.Context) iter.Seq2[LogLine, error] {
	return func(yield func(LogLine, error) bool) {
		b.addReader(1)
		defer b.addReader(-1)
		for {
			block, ok, err := b.next(ctx)
			if err != nil {
				yield(LogLine{}, err)
			}
			if !ok {
				return
			}
			rest, more := block.lines(yield)
			if rest != "" {
				block.text = rest
				b.putBack(block)
			}
			if !more {
				return
			}
		}
	}
}

func (b *lineBuffer) addReader(n int) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	b.readers += n
	b.store.bound()
}

// next waits for lines and takes them, and returns false at the end.
func (b *lineBuffer) next(ctx context.Context) (block lineBlock, ok bool, err error) {
	for {
		b.store.mu.Lock()
		switch {
		case b.dropped > 0:
			text := fmt.Sprintf("%d bytes of the log were dropped, since nobody had read them.\n", b.dropped)
			b.dropped = 0
			b.store.mu.Unlock()
			return lineBlock{time.Now(), logslice.Stderr, text}, true, nil
		case len(b.blocks) > 0:
			block, b.blocks[0] = b.blocks[0], lineBlock{} // so that its text can be freed
			b.blocks = b.blocks[1:]
			b.grow(-len(block.text) - blockSize)
			b.store.mu.Unlock()
			return block, true, nil
		case b.ended:
			b.store.mu.Unlock()
			return block, false, b.err
		}
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		changed := b.changed
		b.store.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return block, false, context.Cause(ctx)
		}
	}
}

// putBack returns lines to the beginning.
func (b *lineBuffer) putBack(block lineBlock) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	b.blocks = append([]lineBlock{block}, b.blocks...)
	b.grow(len(block.text) + blockSize)
	b.tell()
}

// lines yields the lines of a block. When nobody wants more it returns false, and those that are left.
func (k lineBlock) lines(yield func(LogLine, error) bool) (rest string, more bool) {
	stream := Stdout
	if k.stream == logslice.Stderr {
		stream = Stderr
	}
	for rest = k.text; rest != ""; {
		line, after, _ := strings.Cut(rest, "\n")
		if rest = after; !yield(LogLine{Time: k.time, Stream: stream, Log: line}, nil) {
			return rest, false
		}
	}
	return "", true
}
