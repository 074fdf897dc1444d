package printable_test

import (
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

func TestCut(t *testing.T) {
	const kept = printable.Max - 40
	for name, row := range map[string]struct{ text, want string }{
		"nothing":             {"", ""},
		"short":               {"Command exited with status 1", "Command exited with status 1"},
		"as long as is kept":  {strings.Repeat("x", printable.Max), strings.Repeat("x", printable.Max)},
		"one byte more":       {strings.Repeat("x", printable.Max+1), strings.Repeat("x", kept) + "… (41 more bytes)"},
		"30 MB":               {strings.Repeat("x", 30_000_000), strings.Repeat("x", kept) + "… (29995944 more bytes)"},
		"two bytes a rune":    {"x" + strings.Repeat("ü", 5000), "x" + strings.Repeat("ü", (kept-1)/2) + "… (5946 more bytes)"},
		"four bytes a rune":   {"xy" + strings.Repeat("😀", 5000), "xy" + strings.Repeat("😀", (kept-2)/4) + "… (15948 more bytes)"},
		"not UTF-8":           {strings.Repeat("a\xff", 5000), strings.Repeat("a?", kept/2) + "… (5944 more bytes)"},
		"continuation bytes":  {strings.Repeat("\x80", 5000), "?… (947 more bytes)"},
		"short and not UTF-8": {"\xff", "\xff"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, row.want, printable.Cut(row.text)) })
	}
}

func TestCutIsBoundedAndStable(t *testing.T) {
	require.NoError(t, quick.Check(func(part []byte, repeated uint16) bool {
		text := strings.Repeat(string(part), int(repeated))
		cut := printable.Cut(text)
		return len(cut) <= printable.Max && printable.Cut(cut) == cut && (cut == text || utf8.ValidString(cut))
	}, nil))
}
