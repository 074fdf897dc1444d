package actionclient

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// kind is what a body is.
type kind int

const (
	invalid   kind = iota // neither a JSON object nor an array
	plain                 // an array, or an object without the field "error"
	withError             // an object with it
)

func kindOf(body []byte) kind {
	switch {
	case !isObjectOrArray(body):
		return invalid
	case hasErrorField(body):
		return withError
	}
	return plain
}

func isObjectOrArray(body []byte) bool {
	start := bytes.TrimLeft(body, " \t\r\n")
	return len(start) > 0 && (start[0] == '{' || start[0] == '[') && json.Valid(start)
}

// hasErrorField reports whether a valid JSON object has the field "error"; an array has none. Decoding it to learn that would
// copy it.
func hasErrorField(value []byte) bool {
	depth, key, object := 0, false, false // key: the next string is one, of the outermost object
	for i := 0; i < len(value); i++ {
		switch c := value[i]; c {
		case '{', '[':
			depth++
			if depth == 1 {
				object = c == '{'
			}
			key = depth == 1 && object
		case '}', ']':
			depth--
		case ',':
			key = depth == 1 && object
		case '"':
			end := endOfString(value, i)
			if key && isError(value[i:end]) {
				return true
			}
			key, i = false, end-1
		}
	}
	return false
}

// endOfString returns the index behind the string that begins at i.
func endOfString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// isError reports whether a JSON string means error, which may be written with escapes.
func isError(quoted []byte) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted) == `"error"`
	}
	var key string
	return json.Unmarshal(quoted, &key) == nil && key == "error"
}

// errorBody is a JSON object with an error.
func errorBody(text string) json.RawMessage {
	return append(appendQuoted([]byte(`{"error":`), text), '}')
}

// excerpt is an error with the beginning of what the runtime said: as much of it as MaxBody permits, once it is quoted.
func excerpt(text string, said []byte) json.RawMessage {
	return errorBody(text + string(quotable(said, MaxBody-len(errorBody(text)))))
}

// quotable returns the beginning of a text that takes no more than so many bytes in JSON. It ends between characters.
func quotable(text []byte, room int) []byte {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == '"', r == '\\':
			room -= 2
		case r < ' ', r == '<', r == '>', r == '&', r == '\u2028', r == '\u2029', r == utf8.RuneError:
			room -= len(`\u0000`)
		default:
			room -= size
		}
		if room < 0 {
			return text[:i]
		}
		i += size
	}
	return text
}

// appendQuoted appends a JSON string.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(s) // of a string: never fails
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
