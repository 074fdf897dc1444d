package logslice

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"unicode/utf8"
)

// maxLine is how many bytes of a line are kept until its end comes; longer ones are split, as Docker does at the same length.
const maxLine = 16 << 10

// take takes bytes of a stream up to the end of a line, or all, and returns how many.
func (c *Cutter) take(s Stream, p []byte) int {
	st := &c.streams[s]
	if st.rough <= 0 && len(st.line) == 0 {
		n, rough := plain(p)
		if n > 0 {
			if c.wanted(s) {
				c.text = append(c.text, p[:n]...)
			}
			return n
		}
		st.rough = rough
	}
	n := bytes.IndexByte(p, '\n')
	st.rough -= n + 1
	switch {
	case n < 0:
		c.fill(s, p)
		return len(p)
	case len(st.line) == 0 && n <= maxLine: // the usual case, without copying
		c.endLine(s, p[:n])
	default:
		c.fill(s, p[:n])
		c.breakLine(s)
	}
	return n + 1
}

// maxPlain is how many bytes are looked at together. If they are not plain, their lines are looked at one by one.
const maxPlain = 1 << 10

// plain returns how many bytes at the beginning are lines that can be kept as they are: without a sentinel, and without anything to be
// replaced or left out. If there is something, rough is how many bytes are not to be looked at again.
func plain(p []byte) (n, rough int) {
	p = p[:min(len(p), maxPlain)]
	if i := bytes.Index(p, []byte(Sentinel)); i >= 0 {
		p = p[:i]
	}
	p = p[:bytes.LastIndexByte(p, '\n')+1]
	if bytes.IndexByte(p, '\r') >= 0 || !utf8.Valid(p) {
		return 0, len(p)
	}
	return len(p), 0
}

// fill takes a part of a line. Of one that is too long it emits the beginning, and keeps what may be a sentinel at its end.
func (c *Cutter) fill(s Stream, p []byte) {
	st := &c.streams[s]
	for len(st.line)+len(p) > maxLine {
		n := maxLine - len(st.line)
		st.line = append(st.line, p[:n]...)
		p = p[n:]
		cut := boundary(st.line, maxLine-len(Sentinel)-len("\r"))
		c.emit(s, st.line[:cut])
		st.line = st.line[:copy(st.line, st.line[cut:])]
	}
	st.line = append(st.line, p...)
}

// breakLine ends the line of a stream where it is.
func (c *Cutter) breakLine(s Stream) {
	if st := &c.streams[s]; len(st.line) > 0 {
		line := st.line
		st.line = nil
		c.endLine(s, line)
	}
}

// endLine takes a whole line. An action may have printed something without a newline before the sentinel.
func (c *Cutter) endLine(s Stream, line []byte) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	before, found := bytes.CutSuffix(line, []byte(Sentinel))
	if len(before) > 0 || !found {
		c.emit(s, before)
	}
	if found {
		c.mark(s)
	}
}

// mark tells that a sentinel has come.
func (c *Cutter) mark(s Stream) {
	c.flush(s)
	st := &c.streams[s]
	if l := c.find(st.slice); l != nil {
		l.marked[s] = true
	}
	if c.mode == Counted {
		st.slice++
		c.advance()
	}
}

// emit adds a line to what is to be flushed, if there is a slice that can have more.
func (c *Cutter) emit(s Stream, line []byte) {
	if !c.wanted(s) {
		return
	}
	if !utf8.Valid(line) {
		line = bytes.ToValidUTF8(line, []byte("\uFFFD"))
	}
	c.text = append(append(c.text, line...), '\n')
}

// wanted reports whether there is a slice that can have more of a stream.
func (c *Cutter) wanted(s Stream) bool {
	return slices.ContainsFunc(c.owners(s), func(l slice) bool { return !l.full })
}

// flush makes pieces of the lines of a stream.
func (c *Cutter) flush(s Stream) {
	if len(c.text) == 0 {
		return
	}
	text := string(c.text)
	c.text = c.text[:0]
	owners := c.owners(s)
	for i := range owners {
		if l := &owners[i]; !l.full {
			c.keep(l, s, text)
		}
	}
}

// owners returns the open slices that have the next byte of a stream.
func (c *Cutter) owners(s Stream) []slice {
	if c.mode == Shared {
		return c.open
	}
	number := c.streams[s].slice
	i := sort.Search(len(c.open), func(i int) bool { return c.open[i].number >= number })
	if i == len(c.open) || c.open[i].number != number {
		return nil
	}
	return c.open[i : i+1]
}

// keep adds lines to a slice up to its limit.
func (c *Cutter) keep(l *slice, s Stream, text string) {
	if room := int(min(l.limit-l.kept, int64(len(text)))); room < len(text) {
		l.full = true
		if text = text[:boundary(text, room)]; text != "" && text[len(text)-1] != '\n' {
			text += "\n"
		}
	}
	if text != "" {
		l.kept += int64(len(text))
		c.pieces = append(c.pieces, Piece{Slice: l.number, Stream: s, Text: text})
	}
	if l.full {
		c.notice(l, fmt.Sprintf("The log was truncated: it has more than %d bytes.", l.limit))
	}
}

// notice adds a line of ours to a slice, beyond its limit.
func (c *Cutter) notice(l *slice, line string) {
	c.pieces = append(c.pieces, Piece{Slice: l.number, Stream: Stderr, Text: line + "\n"})
}

// boundary returns n, or a bit less so that the first n bytes do not end within a character.
func boundary[T string | []byte](text T, n int) int {
	for i := n; i > max(0, n-utf8.UTFMax); {
		i--
		if r, size := utf8.DecodeRuneInString(string(text[i:min(len(text), i+utf8.UTFMax)])); r != utf8.RuneError || size > 1 {
			if i+size > n {
				return i
			}
			return n
		}
	}
	return n
}
