package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// table is what lists are printed as. Its cells are made printable.
type table struct {
	header []string
	rows   [][]string
	states int // the column with states of tasks, which are coloured on terminals; negative: none
}

const (
	columnGap = 2
	minColumn = 8 // narrower than this no column becomes
)

// print writes the table. On a terminal that is too narrow the widest columns are cut.
func (t *table) print(to io.Writer) error {
	rows := [][]string{t.header}
	for _, r := range t.rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = plain("%s", c)
		}
		rows = append(rows, cells)
	}
	widths := t.fit(rows, to)
	var b strings.Builder
	for n, r := range rows {
		line := ""
		for i, cell := range r {
			cell = cut(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+columnGap)
			if n > 0 && i == t.states && coloured(to) {
				cell = colour(cell)
			}
			line += cell + pad
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// fit returns the widths of the columns in characters.
func (t *table) fit(rows [][]string, to io.Writer) []int {
	widths := make([]int, len(t.header))
	total := -columnGap
	for i := range widths {
		for _, r := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
		total += widths[i] + columnGap
	}
	if terminal(to) == nil {
		return widths
	}
	for excess := total - width(to); excess > 0; excess-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= minColumn {
			break
		}
		widths[widest]--
	}
	return widths
}

// cut returns the text, or its beginning and an ellipsis if it has more characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// The colours of terminals.
const (
	red, green, yellow, plainColour = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
)

// colour returns the name of a state in the colour for it.
func colour(name string) string {
	state, err := task.ParseState(name)
	switch {
	case err != nil || state == task.StateFinished || state == task.StateKilled:
		return name
	case state == task.StateRunning:
		return green + name + plainColour
	case failed(state) || state == task.StateUnreachable || state == task.StateUnknown:
		return red + name + plainColour
	}
	return yellow + name + plainColour
}

// colourState returns a line in which the first mention of a state has its colour.
func colourState(line, state string) string {
	return strings.Replace(line, " "+state, " "+colour(state), 1)
}

// counted returns a number and what it counts, in the plural if need be.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
