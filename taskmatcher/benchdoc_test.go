package taskmatcher_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var measure = flag.Bool("measure", false, "measure everything and write the tables of docs/benchmarks.md; takes several minutes")

const (
	benchmarks = "../docs/benchmarks.md"
	marker     = "<!-- measured -->\n"
)

// TestBenchmarksDocument checks that docs/benchmarks.md has all cases. With -measure it writes the tables.
func TestBenchmarksDocument(t *testing.T) {
	old, err := os.ReadFile(benchmarks)
	require.NoError(t, err)
	text, tables, found := strings.Cut(string(old), marker)
	require.True(t, found)
	if *measure {
		tables = measured()
		require.NoError(t, os.WriteFile(benchmarks, []byte(text+marker+tables), 0o644))
	}
	for _, c := range targets() {
		require.Contains(t, tables, "| "+c.what+" |")
	}
	require.Equal(t, 3*3*3*2, strings.Count(tables, "| none |")+strings.Count(tables, "| some |"), "rows of the table of all combinations")
}

func measured() string {
	var b strings.Builder
	strategies := benchStrategies()
	head := func(columns string) {
		b.WriteString("\n| " + columns)
		for _, s := range strategies {
			b.WriteString(" | " + s.name)
		}
		b.WriteString(" |\n|" + strings.Repeat(" --- |", strings.Count(columns, "|")+1+len(strategies)) + "\n")
	}
	fmt.Fprintf(&b, "\n%s, %s/%s, %d processors. Times are ms per call of Match.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	b.WriteString("\n## Targets\n")
	head("case")
	allocations := "| allocations per placement, at most"
	most := make([]float64, len(strategies))
	for _, c := range targets() {
		b.WriteString("| " + c.what)
		for i, s := range strategies {
			cycle := c.cycle()
			r := testing.Benchmark(func(b *testing.B) { bench(b, s.fast, cycle) })
			fmt.Fprintf(&b, " | %s", milliseconds(r))
			if placed := r.Extra["placed"]; placed >= 1000 {
				most[i] = max(most[i], float64(r.AllocsPerOp())/placed)
			}
		}
		b.WriteString(" |\n")
	}
	b.WriteString(allocations)
	for _, n := range most {
		fmt.Fprintf(&b, " | %.1f", n)
	}
	b.WriteString(" |\n\n## Compared with the reference\n\nThe reference looks at all pairs of tasks and agents. There are 10 classes of tasks.\n")
	head("agents | pending | of")
	for _, size := range referenceSizes() {
		slow, fast, factor := "", "", ""
		for _, s := range strategies {
			cycle := benchCycle(size[0], size[1], 10, false)
			begin := time.Now()
			newReference(s.slow, cycle).match(s.slow) // once: it takes up to a minute
			r := testing.BenchmarkResult{N: 1, T: time.Since(begin)}
			f := testing.Benchmark(func(b *testing.B) { bench(b, s.fast, cycle) })
			slow, fast = slow+" | "+milliseconds(r), fast+" | "+milliseconds(f)
			factor += fmt.Sprintf(" | %.0f×", float64(r.NsPerOp())/float64(f.NsPerOp()))
		}
		place := fmt.Sprintf("| %d | %d | ", size[0], size[1])
		b.WriteString(place + "reference" + slow + " |\n" + place + "matcher" + fast + " |\n" + place + "ratio" + factor + " |\n")
	}
	b.WriteString("\n## Compared with reading the offers\n\nHow many times as long the first two cases take as adding up once what each agent offers, in processor time.\n")
	head("case")
	for _, c := range targets()[:2] {
		b.WriteString("| " + c.what)
		for _, s := range strategies {
			r := testing.Benchmark(func(b *testing.B) { benchReading(b, s.fast, c.cycle()) })
			fmt.Fprintf(&b, " | %.1f", r.Extra["match/read"])
		}
		b.WriteString(" |\n")
	}
	b.WriteString("\n## All combinations\n")
	head("agents | pending | classes | constraints")
	for _, agents := range []int{100, 1_000, 10_000} {
		for _, pending := range []int{100, 10_000, 100_000} {
			for _, classes := range []int{1, 10, 200} {
				for _, constraints := range []string{"none", "some"} {
					fmt.Fprintf(&b, "| %d | %d | %d | %s", agents, pending, classes, constraints)
					cycle := benchCycle(agents, pending, classes, constraints == "some")
					for _, s := range strategies {
						r := testing.Benchmark(func(b *testing.B) { bench(b, s.fast, cycle) })
						b.WriteString(" | " + milliseconds(r))
					}
					b.WriteString(" |\n")
				}
			}
		}
	}
	return b.String()
}

func milliseconds(r testing.BenchmarkResult) string {
	ms := float64(r.NsPerOp()) / 1e6
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 1:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.3f", ms)
}
