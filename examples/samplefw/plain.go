package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// longestLine is the length in bytes from which on a line is cut.
const longestLine = 4 << 10

// plain formats a line for a terminal. Masters, agents and other members send texts as they like, also with line feeds and
// escape sequences: what is not printable is escaped, and what is too long is cut.
func plain(format string, args ...any) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(fmt.Sprintf(format, args...), "\uFFFD") {
		if b.Len() >= longestLine {
			b.WriteString("…")
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			escaped := strconv.QuoteRune(r)
			b.WriteString(escaped[1 : len(escaped)-1])
		}
	}
	return b.String()
}
