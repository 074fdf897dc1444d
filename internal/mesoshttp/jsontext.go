package mesoshttp

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// jsonText reads valid JSON from left to right, in place.
type jsonText struct{ rest []byte }

// readJSON returns JSON to be read: one value that is valid, and not nested too deep.
func readJSON(text []byte) (jsonText, error) {
	if nestedTooDeep(text) {
		return jsonText{}, errNested
	}
	var t jsonText
	err := json.Unmarshal(text, &t)
	return t, err
}

// UnmarshalJSON takes text that encoding/json has found to be valid.
func (t *jsonText) UnmarshalJSON(text []byte) error {
	t.rest = text
	return nil
}

// nestedTooDeep reports whether objects and lists are nested deeper than messages may be. The text need not be valid.
func nestedTooDeep(text []byte) bool {
	depth, quoted := -1, false // the outermost one is not nested
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// next skips white space and separators, and returns the byte that follows, 0 at the end.
func (t *jsonText) next() byte {
	t.rest = bytes.TrimLeft(t.rest, " \t\r\n,:")
	if len(t.rest) == 0 {
		return 0
	}
	return t.rest[0]
}

// value reads a value of any kind and returns its text.
func (t *jsonText) value() []byte {
	size := 0
	switch t.next() {
	case '"':
		size = stringSize(t.rest)
	case '{', '[':
		size = nestedSize(t.rest)
	default:
		size = bytes.IndexAny(t.rest, ",]} \t\r\n")
		if size < 0 {
			size = len(t.rest)
		}
	}
	value := t.rest[:size]
	t.rest = t.rest[size:]
	return value
}

// stringSize returns the size of the string that text begins with, quotes included.
func stringSize(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// nestedSize returns the size of the object or list that text begins with.
func nestedSize(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringSize(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// members reads an object, and calls f with the name of each member, whose value f has to read.
func (t *jsonText) members(f func(name []byte) error) error {
	t.rest = t.rest[1:]
	for c := t.next(); c != '}' && c != 0; c = t.next() {
		if err := f(unquoted(t.value())); err != nil {
			return err
		}
	}
	t.rest = t.rest[min(1, len(t.rest)):]
	return nil
}

// elements reads a list, and calls f for each element, which f has to read.
func (t *jsonText) elements(f func() error) error {
	t.rest = t.rest[1:]
	for c := t.next(); c != ']' && c != 0; c = t.next() {
		if err := f(); err != nil {
			return err
		}
	}
	t.rest = t.rest[min(1, len(t.rest)):]
	return nil
}

// at returns what is at a path of names, which is empty if there is nothing.
func (t jsonText) at(path ...string) (found jsonText) {
	if len(path) == 0 {
		return t
	}
	if t.next() == '{' {
		_ = t.members(func(name []byte) error {
			if value := t.value(); string(name) == path[0] {
				found = jsonText{value}.at(path[1:]...)
			}
			return nil
		})
	}
	return found
}

// each calls f with each element of a list. It has no elements if it is none.
func (t jsonText) each(f func(jsonText)) {
	if t.next() == '[' {
		_ = t.elements(func() error {
			f(jsonText{t.value()})
			return nil
		})
	}
}

// text returns a string, "" if it is none.
func (t jsonText) text() string {
	if t.next() != '"' {
		return ""
	}
	return string(unquoted(t.value()))
}

// is reports whether it is that string.
func (t jsonText) is(s string) bool { return t.text() == s }

// unquoted returns the content of a string; of anything else it returns the text.
func unquoted(text []byte) []byte {
	if len(text) < 2 || text[0] != '"' {
		return text
	}
	if isPlain(text) {
		return text[1 : len(text)-1]
	}
	var s string
	_ = json.Unmarshal(text, &s) // it is valid
	return []byte(s)
}

// isPlain reports whether text has nothing but ASCII, and no escapes.
func isPlain(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool { return r == '\\' || r >= utf8.RuneSelf })
}
