//go:build unix

package scheduler

import (
	"flag"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var workloadMax = flag.Int("workload.max", 100_000, "the largest number of inputs in BenchmarkInputs")

// BenchmarkInputs runs each workload with 1,000 inputs, 10,000 and so on, and reports how long an input takes with the most of
// them, and the slope: the logarithm of how many times as long all of the inputs took as with 1,000, by that of how many times as many
// there were. 1 is what it should be, 2 is quadratic. What is above 1.1 in docs/benchmarks.md is explained there. Times are those of the
// processor, so that other work on the machine does little harm.
//
//	go test ./scheduler -run '^$' -bench Inputs -benchtime 1x -workload.max 1000000
func BenchmarkInputs(b *testing.B) {
	for _, l := range workloads() {
		b.Run(l.name, func(b *testing.B) {
			for range b.N {
				var first, last time.Duration
				least, n := 1000, 1000
				for ; n <= *workloadMax && (l.most == 0 || n <= l.most); n *= 10 {
					last = l.time(b, n)
					if n == least {
						first = last
					}
				}
				n /= 10
				b.ReportMetric(float64(first.Nanoseconds())/float64(least), "ns/first")
				b.ReportMetric(float64(last.Nanoseconds())/float64(n), "ns/input")
				b.ReportMetric(float64(n), "inputs")
				b.ReportMetric(math.Log(float64(last)/float64(first))/math.Log(float64(n)/float64(least)), "slope")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// time returns the processor time that n inputs take: the median of some runs if it is short. That of the garbage collector is not in
// it: it would not run at all during a thousand inputs.
func (l workload) time(tb testing.TB, n int) time.Duration {
	var all []time.Duration
	for range max(1, min(7, 20_000/n)) {
		run := l.prepare(newWorkbench(tb), n)
		runtime.GC()
		percent := debug.SetGCPercent(-1)
		before := processorTime(tb)
		run()
		all = append(all, processorTime(tb)-before)
		debug.SetGCPercent(percent)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// processorTime returns how much of it the process has had.
func processorTime(tb testing.TB) time.Duration {
	var used syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
