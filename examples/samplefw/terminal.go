package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// defaultWidth is that of what is not a terminal, in columns.
const defaultWidth = 120

// terminal returns the file that is a terminal behind a writer, or nil.
func terminal(w io.Writer) *os.File {
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		return file
	}
	return nil
}

// width returns how many columns a writer shows.
func width(w io.Writer) int {
	if file := terminal(w); file != nil {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return defaultWidth
}

// coloured reports whether colours are for a writer: a terminal, unless NO_COLOR is set, see no-color.org.
func coloured(w io.Writer) bool { return terminal(w) != nil && os.Getenv("NO_COLOR") == "" }
