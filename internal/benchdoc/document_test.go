package benchdoc

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root     = "../.."
	document = "docs/benchmarks.md"
	end      = "<!-- end -->\n"
)

var measure = flag.String("measure", "", "measure the tables whose names match this expression, and write them")

// table is a table of docs/benchmarks.md, between a comment with its name and the next "end".
type table struct {
	name     string
	folder   string // of the package
	bench    string // the expression that selects the benchmarks
	flags    string // more flags of go test
	baseline string // heads the column of the baselines
	rows     []row
	every    [2]string // in place of rows: a row for every benchmark, with these units of the figure and of its baseline
}

// row compares a figure with one that the same run measured.
type row struct {
	what               string
	measured, baseline sample // without a baseline this is the zero value
	bar                string // that is to be reached, if there is one
	limit              string // that no program can do without, if there is one
}

// TestBenchmarksDocument checks that docs/benchmarks.md has every table with every row. With -measure it measures and writes them.
func TestBenchmarksDocument(t *testing.T) {
	name := filepath.Join(root, document)
	for _, tab := range tables {
		t.Run(tab.name, func(t *testing.T) {
			content, err := os.ReadFile(name)
			require.NoError(t, err)
			if *measure != "" && regexp.MustCompile(*measure).MatchString(tab.name) {
				changed, err := replace(string(content), tab.name, tab.measured(t))
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(name, []byte(changed), 0o644))
				return
			}
			require.NoError(t, tab.check(string(content)))
		})
	}
}

// A document that lacks a table, a row or the command is found.
func TestBenchmarksDocumentControl(t *testing.T) {
	tab := table{name: "speed", folder: "task", bench: "Speed", baseline: "theirs", rows: []row{
		{what: "all", measured: sample{"Speed/ours", "ns/op"}, baseline: sample{"Speed/theirs", "ns/op"}, bar: "0.5"},
	}}
	written, err := tab.write(result{{"Speed/ours", "ns/op"}: {20}, {"Speed/theirs", "ns/op"}: {50}})
	require.NoError(t, err)
	require.Contains(t, written, "| all | 20 ns | 50 ns | 0.4 | 0.5 |  |\n")
	text, err := replace("before\n<!-- speed -->\nold\n<!-- end -->\nafter\n", "speed", written)
	require.NoError(t, err)
	require.Equal(t, "before\n<!-- speed -->\n"+written+"<!-- end -->\nafter\n", text)
	require.NoError(t, tab.check(text))

	every := table{name: "all", folder: "task", bench: "All", every: [2]string{"ns/op", "B/op"}}
	written, err = every.write(result{{"All/b_c", "ns/op"}: {20}, {"All/a", "ns/op"}: {30}, {"All/b_c", "B/op"}: {1}, {"All/a", "B/op"}: {2}})
	require.NoError(t, err)
	require.Contains(t, written, "| a | 30 ns | 2 B |  |  |  |\n| b c | 20 ns | 1 B |  |  |  |\n", "what is not in one unit has no ratio")

	_, err = replace("text", "speed", written)
	require.ErrorContains(t, err, "has no table speed")
	_, err = tab.write(result{{"Speed/ours", "ns/op"}: {20}})
	require.ErrorContains(t, err, "no benchmark reported ns/op of Speed/theirs")
	require.ErrorContains(t, tab.check("text"), "has no table speed")
	require.ErrorContains(t, tab.check(strings.Replace(text, "| all |", "| some |", 1)), `has no row "all"`)
	require.ErrorContains(t, tab.check(strings.Replace(text, "-bench 'Speed'", "", 1)), "is not measured by")
}

// Every benchmark of a table exists.
func TestBenchmarksExist(t *testing.T) {
	for _, tab := range tables {
		files, err := filepath.Glob(filepath.Join(root, tab.folder, "*_test.go"))
		require.NoError(t, err)
		var source strings.Builder
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			source.Write(content)
		}
		for _, row := range tab.rows {
			for _, s := range []sample{row.measured, row.baseline} {
				if function, _, _ := strings.Cut(s.benchmark, "/"); function != "" {
					require.Contains(t, source.String(), "\nfunc Benchmark"+function+"(", "%s: %s", tab.name, row.what)
				}
			}
		}
	}
}

// command returns the command that measures the table.
func (tab table) command() string {
	command := fmt.Sprintf("go test ./%s -run '^$' -bench '%s'", tab.folder, tab.bench)
	if tab.flags != "" {
		command += " " + tab.flags
	}
	return command
}

// measured runs the command and returns the table.
func (tab table) measured(t *testing.T) string {
	t.Log(tab.command())
	command := exec.CommandContext(t.Context(), "sh", "-c", tab.command())
	command.Dir, command.Stderr = root, os.Stderr
	output, err := command.Output()
	require.NoError(t, err, "%s", output)
	written, err := tab.write(parse(string(output)))
	require.NoError(t, err, "%s", output)
	return written
}

// write returns the table with the figures of a run.
func (tab table) write(r result) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n```\n%s\n```\n\n%s", tab.command(), tab.head())
	for _, row := range tab.rowsOf(r) {
		value, err := r.median(row.measured)
		if err != nil {
			return "", err
		}
		baseline, ratio := "", ""
		if row.baseline != (sample{}) {
			other, err := r.median(row.baseline)
			if err != nil {
				return "", err
			}
			baseline = figure(other, row.baseline.unit)
			if timeUnit(row.measured.unit) == timeUnit(row.baseline.unit) {
				ratio = digits(value / other)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", row.what, figure(value, row.measured.unit), baseline, ratio, row.bar, row.limit)
	}
	fmt.Fprintf(&b, "\n%s, %s/%s, %d processors\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	return b.String(), nil
}

// rowsOf returns the rows of a table, given what was measured.
func (tab table) rowsOf(r result) []row {
	rows := slices.Clone(tab.rows)
	for s := range r {
		if s.unit == tab.every[0] {
			_, name, _ := strings.Cut(s.benchmark, "/")
			rows = append(rows, row{what: strings.ReplaceAll(name, "_", " "), measured: s, baseline: sample{s.benchmark, tab.every[1]}})
		}
	}
	if len(tab.rows) == 0 {
		slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.what, b.what) })
	}
	return rows
}

func (tab table) head() string {
	return "| what | measured | " + tab.baseline + " | ratio | bar | limit |\n| --- | --- | --- | --- | --- | --- |\n"
}

// replace replaces what the document has of a table.
func replace(text, name, written string) (string, error) {
	before, after, found := strings.Cut(text, begin(name))
	_, after, ends := strings.Cut(after, end)
	if !found || !ends {
		return "", fmt.Errorf("%s has no table %s: it is between %q and %q", document, name, begin(name), end)
	}
	return before + begin(name) + written + end + after, nil
}

func begin(name string) string { return "<!-- " + name + " -->\n" }

// check reports what the document lacks of the table.
func (tab table) check(text string) error {
	_, after, found := strings.Cut(text, begin(tab.name))
	written, _, ends := strings.Cut(after, end)
	switch {
	case !found || !ends:
		return fmt.Errorf("%s has no table %s", document, tab.name)
	case !strings.Contains(written, tab.command()):
		return fmt.Errorf("%s: the table %s is not measured by %q; run go test ./internal/benchdoc -measure %s", document, tab.name, tab.command(), tab.name)
	}
	for _, row := range tab.rows {
		if !strings.Contains(written, "\n| "+row.what+" |") {
			return fmt.Errorf("%s: the table %s has no row %q", document, tab.name, row.what)
		}
	}
	return nil
}
