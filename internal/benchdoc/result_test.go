package benchdoc

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sample names a figure that a run of benchmarks reports: a benchmark, without "Benchmark" and the number of processors, and a unit.
type sample struct{ benchmark, unit string }

// result is what a run of benchmarks has reported, in the order of its lines.
type result map[sample][]float64

// benchmarkLine is a line of the output of go test -bench: name, number of iterations, and figures with their units.
var benchmarkLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\t(.*)$`)

// parse reads the output of go test -bench.
func parse(output string) result {
	r := result{}
	for line := range strings.Lines(output) {
		found := benchmarkLine.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			continue
		}
		fields := strings.Fields(found[2])
		for i := 0; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				s := sample{found[1], fields[i+1]}
				r[s] = append(r[s], value)
			}
		}
	}
	return r
}

// median returns the median of the figures that were reported for a sample, and fails if there are none.
func (r result) median(s sample) (float64, error) {
	values := slices.Sorted(slices.Values(r[s]))
	if len(values) == 0 {
		return 0, fmt.Errorf("no benchmark reported %s of %s", s.unit, s.benchmark)
	}
	return values[len(values)/2], nil
}

// figure writes a value with its unit, with three significant digits.
func figure(value float64, unit string) string {
	scaled := func(scale float64, unit string) string { return digits(value*scale) + " " + unit }
	switch unit {
	case "ns/op", "ns/input", "ns/first":
		switch d := time.Duration(value); {
		case d < time.Microsecond:
			return scaled(1, "ns")
		case d < time.Millisecond:
			return scaled(1e-3, "µs")
		case d < time.Second:
			return scaled(1e-6, "ms")
		}
		return scaled(1e-9, "s")
	case "B/op":
		return scaled(1, "B")
	case "allocs/op":
		return scaled(1, "allocations")
	}
	return scaled(1, strings.TrimSuffix(named.ReplaceAllString(unit, "$1"), "/op"))
}

// named is a unit with a name for what is measured in front of it or behind it: "p99-ms", "ours-µs/task", "cpu-ms/op".
var named = regexp.MustCompile(`^(?:[A-Za-z0-9-]+-)?((?:ns|µs|ms|s|B|KiB|allocs|tasks|records|writes)(?:/[a-z]+)?)(?:-[a-z-]+)?$`)

// timeUnit returns in what a unit counts time: "ns" of "ns/op"; "" if it does not.
func timeUnit(unit string) string {
	counted, _, _ := strings.Cut(named.ReplaceAllString(unit, "$1"), "/")
	if slices.Contains([]string{"ns", "µs", "ms", "s"}, counted) {
		return counted
	}
	return ""
}

// digits writes a number with three significant digits, and with commas between thousands.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if decimals > 0 {
		text := strconv.FormatFloat(v, 'f', decimals, 64)
		return strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	unit := math.Pow(10, float64(-decimals))
	text := strconv.FormatFloat(math.Round(v/unit)*unit, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// The figures of a run, with its repetitions, are read as go test prints them.
func TestParse(t *testing.T) {
	r := parse(`goos: linux
BenchmarkOffers/offers=100/codec=ours-2   	    1000	     52103 ns/op	         7.500 allocs/offer	   12 B/op
BenchmarkOffers/offers=100/codec=ours-2   	    1000	     50103 ns/op	         7.500 allocs/offer	   12 B/op
BenchmarkOffers/offers=100/codec=ours-2   	    1000	     99103 ns/op	         7.500 allocs/offer	   12 B/op
BenchmarkDisk/sync   	    1	     1 ns/op
PASS
`)
	median, err := r.median(sample{"Offers/offers=100/codec=ours", "ns/op"})
	require.NoError(t, err)
	require.Equal(t, 52103.0, median)
	median, err = r.median(sample{"Disk/sync", "ns/op"})
	require.NoError(t, err)
	require.Equal(t, 1.0, median)
	_, err = r.median(sample{"Disk/sync", "B/op"})
	require.EqualError(t, err, "no benchmark reported B/op of Disk/sync")
	require.Len(t, r, 4)
}

func TestFigure(t *testing.T) {
	for _, c := range []struct {
		value      float64
		unit, want string
	}{
		{0, "allocs/op", "0 allocations"},
		{7.5, "allocs/offer", "7.5 allocs/offer"},
		{0.01234, "ms", "0.0123 ms"},
		{950, "ns/op", "950 ns"},
		{9500, "ns/input", "9.5 µs"},
		{52_103, "ns/op", "52.1 µs"},
		{999_500, "ns/op", "1,000 µs"},
		{1_234_567_890, "ns/op", "1.23 s"},
		{1_234_567, "records/s", "1,230,000 records/s"},
		{1.5, "p99-ms", "1.5 ms"},
		{160, "contentful-worst-ms", "160 ms"},
		{70, "tasks/s-on", "70 tasks/s"},
		{70, "fake-with-ours-µs/task", "70 µs/task"},
		{70, "allocs/offer-ours", "70 allocs/offer"},
		{70, "cpu-ms/op", "70 ms"},
		{70, "cpu-ns/offer-mesos-go-checked", "70 ns/offer"},
	} {
		require.Equal(t, c.want, figure(c.value, c.unit))
	}
}
