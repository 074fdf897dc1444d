package conformance

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/conformance.md")

// TestDocument keeps docs/conformance.md up to date.
func TestDocument(t *testing.T) {
	const file = "../../docs/conformance.md"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(list(suite())), 0o644))
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, list(suite()) == string(have), "not up to date; run: go test ./internal/conformance -run Document -update")
}

func list(chapters []chapter) string {
	var all, plain int
	var rows strings.Builder
	for _, c := range chapters {
		fmt.Fprintf(&rows, "\n## %s\n\n| # | the scheduler | demanded by | real |\n| --- | --- | --- | --- |\n", c.title)
		for _, b := range c.behaviours {
			all++
			shown := "no: it " + string(b.needs)
			if b.needs == "" {
				plain++
				shown = "yes"
			}
			var sources []string
			for _, s := range b.sources {
				sources = append(sources, s.link())
			}
			fmt.Fprintf(&rows, "| %d | %s | %s | %s |\n", all, b.name, strings.Join(sources, "; "), shown)
		}
	}
	return fmt.Sprintf(`# Conformance

What a scheduler has to do, and package scheduler does: %d behaviours, each with the Mesos document or the
recording of a real master that demands it. They are shown through the public API and on the wire by

`+"```"+`
make conformance                                        # all of them, against the fake master
MESOS_MASTER=http://host:5050 make conformance          # and against a real one those that a plain cluster can show
`+"```"+`

A plain cluster has a leading master without authentication, and one or more agents with the mesos containerizer that have some
free cpus, memory and ports, and can be reached under the addresses in their offers. It can show %d of the behaviours; for the others the last column says why not. Each behaviour runs as
a framework of its own, which is removed afterwards.

This file is written by `+"`go test ./internal/conformance -run Document -update`"+`.
%s`, all, plain, rows.String())
}

func (s source) link() string {
	if s.recording != "" {
		return fmt.Sprintf("recording [%s](../internal/mesostest/testdata/recordings/%s.jsonl)", s.recording, s.recording)
	}
	link := fmt.Sprintf("[%s](https://mesos.apache.org/documentation/latest/%s/)", s.document, s.document)
	if s.section != "" {
		link += ": " + s.section
	}
	return link
}
