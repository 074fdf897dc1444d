//go:build unix

package mesoshttp

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// BenchmarkOffersBeside compares the CPU time of the process for OFFERS events, from a stream to checked messages, with what they
// take if mesos-go decodes them, with the checks that must be made before, and without. They take turns, so that all have the
// same machine.
//
//	go test ./internal/mesoshttp -run xxx -bench OffersBeside
func BenchmarkOffersBeside(b *testing.B) {
	for _, count := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("offers=%d", count), func(b *testing.B) {
			data := framed(b, encodeEvent(b, Protobuf, offersEvent(count)))
			var next []func() (*scheduler.Event, error)
			for _, codec := range offersCodecs() {
				next = append(next, codec.open(&cycle{data: bytes.Repeat(data, max(1, 64<<10/len(data)))}))
			}
			used, repeats := make([]time.Duration, len(next)), 4000/count // CPU time is counted in microseconds
			for b.Loop() {
				for i := range next {
					began := cpuTime()
					for range repeats {
						_, err := next[i]()
						require.NoError(b, err)
					}
					used[i] += cpuTime() - began
				}
			}
			for i, codec := range offersCodecs() {
				b.ReportMetric(float64(used[i].Nanoseconds())/float64(b.N*repeats*count), "cpu-ns/offer-"+codec.name)
				b.ReportMetric(float64(used[i])/float64(used[0]), "times-"+codec.name)
			}
			b.ReportMetric(0, "ns/op") // is all of them
		})
	}
}

// cpuTime returns how much the process has used, with the garbage collector.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
