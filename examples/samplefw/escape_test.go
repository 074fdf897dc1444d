package main

import (
	"strings"
	"testing"
	"testing/iotest"

	"io"

	"github.com/stretchr/testify/require"
)

// What a task writes cannot do anything to the terminal, however it comes in parts.
func TestPrintableOutput(t *testing.T) {
	for text, want := range map[string]string{
		"plain\tline\nähnlich 語 😀\n":  "plain\tline\nähnlich 語 😀\n",
		"\x1b[2Jcleared \x1b]0;title": `\x1b[2Jcleared \x1b]0;title`,
		"dos\r\nline\r\n":             "dos\nline\n",
		"over\rwritten":               `over\rwritten`,
		"bad \xff\xc3( bytes":         "bad \uFFFD\uFFFD( bytes",
		"\u202eright to left\u200b":   `\u202eright to left\u200b`,
		"\u009b31mcsi\x00\x07\x7f":    `\u009b31mcsi\x00\a\x7f`,
	} {
		for name, reader := range map[string]io.Reader{"whole": strings.NewReader(text), "by bytes": iotest.OneByteReader(strings.NewReader(text))} {
			var out strings.Builder
			_, err := io.Copy(&printable{to: &out}, reader)
			require.NoError(t, err)
			require.Equal(t, want, out.String(), name)
		}
	}
}
