package printable

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"a b ~":               "a b ~",
		"größer, 三":           "größer, 三",
		`C:\n "quoted"`:       `C:\n "quoted"`,
		"a\nb\r\nc":           `a\nb\r\nc`,
		"\x1b[2J\x1b]0;t\x07": `\x1b[2J\x1b]0;t\a`,
		"tab\t":               `tab\t`,
		"\x00\x7f\u0085":      `\x00\x7f\u0085`,
		"\u009b31m":           `\u009b31m`,
		"\x9b31m":             `\x9b31m`,
		"a\u202eb\u2066":      `a\u202eb\u2066`,
		"\u200b\u200d\ufeff":  `\u200b\u200d\ufeff`,
		"\u2028\u2029\u00a0":  `\u2028\u2029\u00a0`,
		"\xff\xfe":            `\xff\xfe`,
		"\xed\xa0\x80":        `\xed\xa0\x80`, // a surrogate
		"\U000e0001\ue000":    `\U000e0001\ue000`,
		"\ufffd":              "\ufffd",
		"it's '":              "it's '",
	} {
		require.Equal(t, want, Line(text))
	}
}

func TestLineIsCut(t *testing.T) {
	whole := strings.Repeat("x", Max)
	require.Equal(t, whole, Line(whole))
	require.Equal(t, whole+"… (30000000 more bytes)", Line(whole+strings.Repeat("y", 30_000_000)))
	require.Equal(t, strings.Repeat(`\n`, Max/2)+"… (100 more bytes)", Line(strings.Repeat("\n", Max/2+100)))
	require.Equal(t, whole[1:]+"… (82 more bytes)", Line(whole[1:]+"ü"+whole[:80]), "no character is cut in two")
}

func FuzzLine(f *testing.F) {
	f.Add("a\n\x1b[31m\xff\u202e", uint16(1))
	f.Add("… (1 more bytes)", uint16(Max))
	f.Fuzz(func(t *testing.T, s string, times uint16) {
		s = strings.Repeat(s, int(times%1000))
		line := Line(s)
		require.True(t, utf8.ValidString(line))
		require.LessOrEqual(t, len(line), Max+markRoom)
		require.True(t, line == Line(line), "again")
		for _, r := range line {
			require.True(t, unicode.IsPrint(r), "%q", r)
		}
	})
}

type panics struct{}

type panicsInside struct{}

func (*panicsInside) Error() string { return "inside" }
func (*panicsInside) Unwrap() error { panic("nil") }

func (*panics) Error() string { panic("nil") }

func TestErrorOfOneLine(t *testing.T) {
	require.NoError(t, Error(nil))
	plain := errors.New("plain")
	require.Same(t, plain, Error(plain))
	two := errors.Join(plain, errors.New("\x1b"))
	require.EqualError(t, Error(two), `plain\n\x1b`)
	require.ErrorIs(t, Error(two), plain)

	var nothing *panics
	require.EqualError(t, Error(nothing), "*printable.panics, whose method Error panics: nil")
	require.ErrorIs(t, Error(nothing), error(nothing))
	var inside *panicsInside
	require.NotErrorIs(t, Error(fmt.Errorf("wrapped: %w", inside)), plain) // does not panic
	require.EqualError(t, Error(inside), "inside")
	require.NotPanics(t, func() { _ = Error(fmt.Errorf("wrapped: %w", nothing)) })
}
