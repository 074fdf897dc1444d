package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// What a member says of itself, and its leader and tasks of themselves, is one printable line each.
func TestReportOfHostileMembers(t *testing.T) {
	for _, text := range []string{"a\nb", "\x1b[2J", "\u009b31m", "\x9b", "\u202e", "\u200b", "\x7f\xff", strings.Repeat("x", 1<<20)} {
		r := report{
			Status: ha.Status{Self: text, Leader: text, Reason: text, Members: []ha.Member{{ID: text, API: text}}},
			Tasks:  map[string]int{text: 1},
		}
		for _, r.Untold = range []string{"", text} {
			var out strings.Builder
			require.NoError(t, r.print(&out))
			lines := strings.Split(out.String(), "\n")
			require.Len(t, lines, 5, "%.20q", text)
			for _, line := range lines {
				require.LessOrEqual(t, len(line), 3*longestLine)
				require.Equal(t, -1, strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", line)
			}
		}
	}
}
