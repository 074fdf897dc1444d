package logslice

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// Sentinel is the line that a runtime prints to both streams at the end of an activation.
const Sentinel = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"

const (
	// Quiet is how long a stream without a sentinel is waited for: as long as OpenWhisk waits.
	Quiet = 2 * time.Second
	// MaxWait is how long after its activation a slice can be open, whatever is printed. The text endless has it.
	MaxWait = 30 * time.Second
	// Settle is how long a slice of a shared container is open after its activation, as loggers of platforms lag behind.
	Settle = 100 * time.Millisecond
)

// Stream is one of the two streams of a container.
type Stream int

// The streams.
const (
	Stdout Stream = iota
	Stderr
)

// Piece is something that becomes known about a slice.
type Piece struct {
	Slice  int
	Stream Stream
	Text   string // whole lines, each with "\n" at its end; "" if End
	End    bool   // the slice is closed: nothing more comes
}

// Mode says how the slices of a container are told apart.
type Mode int

// The modes.
const (
	Counted Mode = iota // by counting sentinels
	Serial              // by the sizes of the streams before each activation
	Shared              // not at all: each open slice has everything, since activations overlap
)

// Cutter cuts the output of one container. Each method returns what has become known by it, which is valid until the next call.
type Cutter struct {
	mode    Mode
	streams [2]stream
	next    int     // the number of the next slice
	open    []slice // in the order of their activations
	over    int     // how many of open have ended, at its beginning; not kept if the container is shared
	text    []byte  // lines of a stream that are not yet in pieces
	pieces  []Piece // that the call returns
}

// stream is what is known of a stream.
type stream struct {
	offset int64     // of the next byte
	slice  int       // the number of the slice that the next byte belongs to, unless the container is shared
	line   []byte    // of a line that is not complete
	rough  int       // how many bytes are known not to be plain
	last   time.Time // when the last byte came
}

// slice is one that is open.
type slice struct {
	number int
	limit  int64     // bytes; all that it can have
	kept   int64     // bytes that it has
	full   bool      // there was more
	ended  time.Time // zero: its activation is not over
	from   [2]int64  // where it begins, if the container is serial
	marked [2]bool   // the sentinel was seen
}

// New returns a Cutter for a container whose streams have these sizes. What is before that belongs to nobody.
func New(mode Mode, sizes [2]int64) *Cutter {
	c := &Cutter{mode: mode}
	for s := range c.streams {
		c.streams[s].offset = sizes[s]
		if mode == Serial {
			c.streams[s].slice = -1 // it is in none
		}
	}
	return c
}

// Mode returns how slices are told apart. A Cutter that counts becomes serial when a sentinel is missing.
func (c *Cutter) Mode() Mode { return c.mode }

// Offset returns where a stream is to be read next.
func (c *Cutter) Offset(s Stream) int64 { return c.streams[s].offset }

// LineStart returns where the line begins that is not complete yet, or what is left of it if it is long: nothing from there on is in a
// slice, unless the slice was closed.
func (c *Cutter) LineStart(s Stream) int64 {
	return c.streams[s].offset - int64(len(c.streams[s].line))
}

// Open returns how many slices are open.
func (c *Cutter) Open() int { return len(c.open) }

// Needs reports whether something in a stream is waited for: a slice whose activation is over is not complete there.
func (c *Cutter) Needs(s Stream) bool {
	if c.mode == Shared {
		return slices.ContainsFunc(c.open, func(l slice) bool { return !l.ended.IsZero() })
	}
	return c.over > 0 && c.streams[s].slice <= c.open[c.over-1].number
}

// Begin adds a slice, which can have limit bytes, for an activation that is about to be sent. If the container is serial, sizes are
// those of its streams now; else they are ignored.
func (c *Cutter) Begin(limit int64, sizes [2]int64) (number int, pieces []Piece) {
	c.reset()
	number = c.next
	c.next++
	l := slice{number: number, limit: limit}
	for s := range c.streams {
		l.from[s] = max(sizes[s], c.streams[s].offset)
	}
	c.open = append(c.open, l)
	if c.mode == Shared {
		c.notice(&c.open[len(c.open)-1], "The container runs several activations at once: this is the output of all of them.")
	}
	c.advance()
	return number, c.pieces
}

// reset forgets the pieces of the call before: idle containers must not keep what they have printed last.
func (c *Cutter) reset() {
	clear(c.pieces)
	c.pieces = c.pieces[:0]
}

// Ended tells that the activation of a slice is over.
func (c *Cutter) Ended(number int, now time.Time) []Piece {
	c.reset()
	if l := c.find(number); l != nil {
		l.ended = now
	}
	for c.over < len(c.open) && !c.open[c.over].ended.IsZero() {
		c.over++
	}
	c.advance()
	return c.pieces
}

// Withdraw removes a slice whose activation was not sent, so that no sentinel will come: what was printed since is for the next one.
func (c *Cutter) Withdraw(number int, now time.Time) []Piece {
	if l := c.find(number); number != c.next-1 || c.mode == Shared || l == nil || !l.ended.IsZero() {
		return c.Ended(number, now)
	}
	c.next--
	c.open = c.open[:len(c.open)-1]
	for s := range c.streams {
		c.streams[s].slice = min(c.streams[s].slice, c.next)
	}
	c.reset()
	c.pieces = append(c.pieces, Piece{Slice: number, End: true})
	return c.pieces
}

// Bytes takes bytes of a stream, from an offset on. Those that came before are ignored. It takes none that are after the end of
// the last slice: [Cutter.Offset] says how many it took.
func (c *Cutter) Bytes(s Stream, offset int64, p []byte, now time.Time) []Piece {
	c.reset()
	st := &c.streams[s]
	if skip := st.offset - offset; skip >= int64(len(p)) {
		return nil
	} else if skip > 0 {
		p = p[skip:]
	} else if skip < 0 {
		c.skip(s, offset)
	}
	st.last = now
	for end := c.end(s); len(p) > 0 && st.slice < c.next && st.offset < end; end = c.end(s) {
		n := c.take(s, p[:min(int64(len(p)), end-st.offset)])
		p, st.offset = p[n:], st.offset+int64(n)
		if st.offset == end {
			c.flush(s)
			c.advance()
		}
	}
	c.flush(s)
	if len(st.line) == 0 {
		st.line = nil // 10,000 idle containers need no buffers,
	}
	if cap(c.text) > 2<<10 {
		c.text = nil // or small ones
	}
	return c.pieces
}

// Lost tells that the bytes of a stream before an offset cannot be read any more.
func (c *Cutter) Lost(s Stream, offset int64) []Piece {
	c.reset()
	if offset > c.streams[s].offset {
		c.skip(s, offset)
	}
	return c.pieces
}

// Silent tells that there is nothing more in the streams that are needed, and with over that nothing will come.
func (c *Cutter) Silent(now time.Time, over bool) []Piece {
	c.reset()
	c.closeEnded("", func(l *slice) bool {
		if c.mode == Shared {
			return over || now.Sub(l.ended) >= Settle
		}
		since := l.ended
		for s := range c.streams {
			if last := c.streams[s].last; c.streams[s].slice <= l.number && last.After(since) {
				since = last
			}
		}
		return over || now.Sub(since) >= Quiet
	})
	return c.pieces
}

// Overdue closes the slices whose activations ended too long ago.
func (c *Cutter) Overdue(now time.Time) []Piece {
	c.reset()
	c.closeEnded(endless, func(l *slice) bool { return now.Sub(l.ended) >= MaxWait })
	return c.pieces
}

// Fail closes the slices whose activations are over, since their output cannot be read; notice is a line that says why. If it can be
// read later, it is left out.
func (c *Cutter) Fail(notice string) []Piece {
	c.reset()
	for i := 0; i < len(c.open); {
		if l := &c.open[i]; l.ended.IsZero() {
			i++
		} else {
			c.notice(l, notice)
			c.close(i)
		}
	}
	c.advance()
	return c.pieces
}

// Notices of slices without sentinels.
const (
	unmarked = "The end of the activation is not marked in the output: the log may be incomplete."
	endless  = "The output did not end within 30s after the activation: the rest is left out."
)

// closeEnded closes slices whose activations are over and that are due, the oldest first, with a notice; if it is "", only with
// one of a sentinel that is missing. If one is, sentinels do not count any more.
func (c *Cutter) closeEnded(notice string, due func(*slice) bool) {
	for i := 0; i < len(c.open); {
		l := &c.open[i]
		if l.ended.IsZero() || !due(l) {
			if c.mode != Shared {
				return
			}
			i++
			continue
		}
		number := l.number
		for s := range c.streams {
			if l != nil && (c.mode == Shared || c.streams[s].slice == number) {
				c.breakLine(Stream(s)) // it may be a sentinel, and have closed the slice
				c.flush(Stream(s))
				l = c.find(number)
			}
		}
		if l != nil {
			c.closeLacking(i, notice)
		}
	}
}

// closeLacking closes a slice that may lack a sentinel.
func (c *Cutter) closeLacking(i int, notice string) {
	l := &c.open[i]
	lacks := c.mode != Shared && !l.complete()
	if notice == "" && lacks {
		notice = unmarked
	}
	if notice != "" {
		c.notice(l, notice)
	}
	c.close(i)
	if lacks {
		c.becomeSerial()
	}
	c.advance()
}

func (l *slice) complete() bool { return l.marked[Stdout] && l.marked[Stderr] }

// becomeSerial stops counting. What comes from now on is for the newest activation.
func (c *Cutter) becomeSerial() {
	if c.mode != Counted {
		return
	}
	c.mode = Serial
	for s := range c.streams {
		st := &c.streams[s]
		st.slice = min(st.slice, c.next-1)
		for i := range c.open {
			c.open[i].from[s] = st.offset
		}
	}
}

// skip goes on at a later offset. A sentinel may have been in between.
func (c *Cutter) skip(s Stream, offset int64) {
	st := &c.streams[s]
	owners := c.owners(s)
	for i := range owners {
		c.notice(&owners[i], fmt.Sprintf("%d bytes of %s or more are lost here.", offset-st.offset, [...]string{"stdout", "stderr"}[s]))
	}
	st.offset, st.line = offset, nil
	c.becomeSerial()
	c.advance()
}

// advance finds out to which slices the next bytes belong, and closes those that are complete.
func (c *Cutter) advance() {
	switch c.mode {
	case Counted:
		for len(c.open) > 0 && !c.open[0].ended.IsZero() && c.open[0].complete() {
			c.close(0)
		}
	case Serial:
		c.enter(Stdout)
		c.enter(Stderr)
		for len(c.open) > 1 && !c.open[0].ended.IsZero() && c.passed(c.open[0].number) {
			if !c.open[0].complete() {
				c.notice(&c.open[0], unmarked)
			}
			c.close(0)
		}
	}
}

// passed reports whether both streams are at later slices.
func (c *Cutter) passed(number int) bool {
	return c.streams[Stdout].slice > number && c.streams[Stderr].slice > number
}

// enter goes on to the slice that the next byte of a stream belongs to, in a serial container. What was printed after the end of one
// slice and before the beginning of the next is skipped.
func (c *Cutter) enter(s Stream) {
	st := &c.streams[s]
	for l := c.after(st.slice); l != nil; l = c.after(st.slice) {
		if st.offset < l.from[s] && c.find(st.slice) != nil {
			return
		}
		c.breakLine(s)
		c.flush(s)
		st.offset, st.slice = max(st.offset, l.from[s]), l.number
	}
}

// end returns the offset at which the slice of a stream's next byte ends, if that is known.
func (c *Cutter) end(s Stream) int64 {
	if c.mode == Serial {
		if l := c.after(c.streams[s].slice); l != nil {
			return l.from[s]
		}
	}
	return math.MaxInt64
}

// find returns the slice with a number if it is open.
func (c *Cutter) find(number int) *slice {
	if l := c.after(number - 1); l != nil && l.number == number {
		return l
	}
	return nil
}

// after returns the first open slice behind one with a number.
func (c *Cutter) after(number int) *slice {
	if i := sort.Search(len(c.open), func(i int) bool { return c.open[i].number > number }); i < len(c.open) {
		return &c.open[i]
	}
	return nil
}

func (c *Cutter) close(i int) {
	c.pieces = append(c.pieces, Piece{Slice: c.open[i].number, End: true})
	if i < c.over {
		c.over--
	}
	if i == 0 && len(c.open) > 64 {
		c.open = c.open[1:] // there may be thousands
		return
	}
	c.open = slices.Delete(c.open, i, i+1)
}
