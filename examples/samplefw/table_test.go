package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Cells have the width of their column, and a cell that is longer than it may be ends with an ellipsis.
func TestTable(t *testing.T) {
	var out strings.Builder
	require.NoError(t, (&table{header: []string{"ID", "STATE", "MESSAGE"}, states: 1, rows: [][]string{
		{"ä", "running", ""}, {"longer", "failed", "a\x1bb"},
	}}).print(&out))
	require.Equal(t, "ID      STATE    MESSAGE\nä       running\nlonger  failed   a\\x1bb\n", out.String(), "without colours, as this is no terminal")
	require.Equal(t, "länger", cut("länger", 6))
	require.Equal(t, "län…", cut("länger", 4))
}

// States have a colour by what they mean, and keep their name.
func TestColour(t *testing.T) {
	require.Equal(t, green+"running"+plainColour, colour("running"))
	require.Equal(t, yellow+"pending"+plainColour, colour("pending"))
	require.Equal(t, red+"failed"+plainColour, colour("failed"))
	require.Equal(t, red+"unreachable"+plainColour, colour("unreachable"))
	require.Equal(t, "finished", colour("finished"))
	require.Equal(t, "STATE", colour("STATE"))
	require.Equal(t, "task running "+yellow+"staging"+plainColour+" on a", colourState("task running staging on a", "staging"))
}

// each calls for all numbers, some at a time, and returns the error of the lowest.
func TestEach(t *testing.T) {
	done := make([]bool, 100)
	require.NoError(t, each(len(done), func(i int) error { done[i] = true; return nil }))
	require.NotContains(t, done, false)
	low, high := errors.New("low"), errors.New("high")
	require.Equal(t, low, each(100, func(i int) error { return map[int]error{7: low, 90: high}[i] }))
	require.NoError(t, each(0, nil))
}
