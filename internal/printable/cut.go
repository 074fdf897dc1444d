package printable

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Cut returns a text as it is kept in memory, not made fit to be printed: of one of more than Max bytes the end is replaced by
// the number of its bytes, so that the result has Max bytes at most. What was cut is valid UTF-8, and shares no memory with
// text.
func Cut(text string) string {
	if len(text) <= Max {
		return text
	}
	kept := Max - markRoom
	for back := 1; back < utf8.UTFMax && !utf8.RuneStart(text[kept]); back++ {
		kept--
	}
	return strings.ToValidUTF8(text[:kept], "?") + fmt.Sprintf("… (%d more bytes)", len(text)-kept)
}
