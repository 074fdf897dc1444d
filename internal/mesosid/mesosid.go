// Package mesosid has the rules of Mesos for the IDs of frameworks, tasks and executors.
package mesosid

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxLen is how long an ID can be, in bytes: it becomes a directory on the agent.
const MaxLen = 255

// Fault returns which rule an ID breaks, such as "must not be empty"; "" if none. The rules are those of validateID in
// Mesos' src/common/validation.cpp, and that it is UTF-8: Mesos does not check that, but other text does not survive a call in
// JSON.
func Fault(id string) string {
	switch {
	case id == "":
		return "must not be empty"
	case len(id) > MaxLen:
		return fmt.Sprintf("must not be longer than %d bytes, has %d", MaxLen, len(id))
	case id == "." || id == "..":
		return "must not be a special directory"
	case strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f || r == '/' || r == '\\' }):
		return "must not contain slashes, backslashes or control characters"
	case !utf8.ValidString(id):
		return "must be valid UTF-8"
	}
	return ""
}
