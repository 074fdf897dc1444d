package main

import (
	"io"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// printable writes the output of tasks to a terminal: what is not printable in it, such as escape sequences, which could
// rewrite what stands there already, is escaped. Line feeds and tabs stay.
type printable struct {
	to   io.Writer
	rest []byte // the beginning of a character whose end has not come yet, or a carriage return
}

// Write implements io.Writer.
func (p *printable) Write(data []byte) (int, error) {
	text := append(p.rest, data...)
	var out []byte
	for len(text) > 0 {
		if text[0] == '\r' && len(text) == 1 || !utf8.FullRune(text) {
			break
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\r' && text[1] == '\n':
		case r == utf8.RuneError && size == 1:
			out = append(out, "\uFFFD"...)
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			out = append(out, text[:size]...)
		default:
			escaped := strconv.QuoteRune(r)
			out = append(out, escaped[1:len(escaped)-1]...)
		}
		text = text[size:]
	}
	p.rest = append([]byte(nil), text...)
	if _, err := p.to.Write(out); err != nil {
		return 0, err
	}
	return len(data), nil
}
