// Package printable makes text that comes from outside fit to be printed: one line without control characters, of a limited
// length. Masters, agents and tasks send texts as they like, such as with line feeds, which would be further lines of a log,
// or with the escape sequences of terminals. It says nothing about what a text means, and keeps no state. There are no
// goroutines.
package printable

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Max is the length in bytes from which on a text is cut.
const Max = 4 << 10

// markRoom is the room for what says how much was cut off. A text that exceeds Max by less is not cut.
const markRoom = 40

// Line returns a text as one line. Whatever is neither printable nor a space, as strconv.IsPrint has it, and what is not
// UTF-8 is replaced by its escape sequence in Go, such as \n, \x1b or \u202e. Of a text that is longer than Max bytes by
// then, the rest is replaced by the number of its bytes. A text that Line has returned is not changed again.
func Line(s string) string {
	if len(s) <= Max && plain(s) {
		return s
	}
	var b strings.Builder
	fits, from := 0, 0 // up to where a text that is cut has its beginning, in b and in s
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !strconv.IsPrint(r):
			escaped := strconv.QuoteRune(r)
			b.WriteString(escaped[1 : len(escaped)-1])
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
		if b.Len() <= Max {
			fits, from = b.Len(), i
		}
		if b.Len() > Max+markRoom {
			return fmt.Sprintf("%s… (%d more bytes)", b.String()[:fits], len(s)-from)
		}
	}
	return b.String()
}

// Linef formats as fmt.Sprintf does, and returns the text as one line.
func Linef(format string, args ...any) string { return Line(fmt.Sprintf(format, args...)) }

// plain reports whether a text has nothing but printable characters of ASCII, as most have.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Error returns an error whose text is a line, and which wraps err. An error whose text is one already, as that of most, is
// returned as it is, and nil for nil. If the method Error panics, such as over a nil pointer that is not a nil error, the text
// says so. If errors.Is would panic over err, it is not wrapped.
func Error(err error) error {
	if err == nil {
		return nil
	}
	text, panicked := textOf(err)
	line := Line(text)
	switch {
	case !walks(err):
		return errors.New(line)
	case panicked || line != text:
		return &lineError{text: line, err: err}
	}
	return err
}

// textOf calls the method Error, which may be user code.
func textOf(err error) (text string, panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			text, panicked = fmt.Sprintf("%T, whose method Error panics: %v", err, p), true
		}
	}()
	return err.Error(), false
}

// walks reports whether no method Unwrap, Is or As of an error, or of those that it wraps, panics.
func walks(err error) (walks bool) {
	defer func() { walks = recover() == nil }()
	var other *lineError
	return !errors.Is(err, errNone) && errors.As(err, &other)
}

// errNone is wrapped by no error.
var errNone = errors.New("none")

// lineError is an error with another text.
type lineError struct {
	text string
	err  error
}

// Error returns the text.
func (e *lineError) Error() string { return e.text }

// Unwrap returns the error with the text as it was.
func (e *lineError) Unwrap() error { return e.err }
