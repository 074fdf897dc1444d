package archtest

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// importGraph returns what each folder imports, folders of this module as folders and everything else as it is.
func importGraph(t *testing.T) map[string][]string {
	_, folders := sources(t, "../..", false)
	imported := map[string][]string{}
	for folder, files := range folders {
		for _, file := range files {
			for _, spec := range file.Imports {
				name := strings.Trim(spec.Path.Value, `"`)
				imported[folder] = append(imported[folder], strings.TrimPrefix(name, module+"/"))
			}
		}
	}
	return imported
}

// reaches returns the imports by which one package comes to one whose name begins with a prefix, nil if it does not.
func reaches(imported map[string][]string, from, prefix string) []string {
	seen := map[string]bool{}
	var search func(at string) []string
	search = func(at string) []string {
		if strings.HasPrefix(at, prefix) {
			return []string{at}
		}
		if seen[at] {
			return nil
		}
		seen[at] = true
		for _, next := range imported[at] {
			if way := search(next); way != nil {
				return append([]string{at}, way...)
			}
		}
		return nil
	}
	return search(from)
}

// TestOpenTelemetryIsNotLinked checks that who does not trace links nothing of OpenTelemetry, and who does only its API.
func TestOpenTelemetryIsNotLinked(t *testing.T) {
	imported := importGraph(t)
	for _, folder := range slices.Sorted(maps.Keys(imported)) {
		require.Nil(t, reaches(imported, folder, "go.opentelemetry.io/otel/sdk"), folder)
		if folder != "tracing" && !strings.HasPrefix(folder, "examples/") {
			require.Nil(t, reaches(imported, folder, "go.opentelemetry.io/"), folder)
		}
	}
	require.Len(t, reaches(imported, "tracing", "go.opentelemetry.io/otel/trace"), 2, "the search finds what is there")
}

// TestElectionIsNotLinked checks that who needs no election links nothing of it: only the packages that have an elector,
// and programs, may come to memberlist and Raft.
func TestElectionIsNotLinked(t *testing.T) {
	imported := importGraph(t)
	for _, folder := range slices.Sorted(maps.Keys(imported)) {
		if folder == "ha/cluster" || strings.HasPrefix(folder, "ha/cluster/") || strings.HasPrefix(folder, "examples/") {
			continue
		}
		require.Nil(t, reaches(imported, folder, "github.com/hashicorp/"), folder)
	}
	require.Equal(t, []string{"ha/cluster", "github.com/hashicorp/"}, func() []string {
		way := reaches(imported, "ha/cluster", "github.com/hashicorp/")
		return []string{way[0], path.Dir(way[1]) + "/"}
	}(), "the search finds what is there")
	require.Equal(t, []string{"a", "b", "c/d"}, reaches(map[string][]string{"a": {"x", "b"}, "x": {"a"}, "b": {"c/d"}}, "a", "c/"))
}
