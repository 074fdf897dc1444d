//go:build unix

package eventpb

import (
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// cpuTime returns how much the process has used, with the garbage collector.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDecode decodes OFFERS events beside mesos-go's generated code, the two in turns, so that both have the same
// machine. CPU time is that of the process, so that it has what the garbage collector costs. BenchmarkOffersBeside of package
// mesoshttp compares what it takes from the stream to the event, with the checks that are made before generated code may decode.
//
//	go test ./internal/eventpb -run xxx -bench Decode
func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name  string
		frame []byte
	}{
		{"offers=recorded", recordedTogether(b)},
		{"offers=one", encode(b, plainOffers(1, sameTexts))},
		{"offers=own-texts", encode(b, plainOffers(1000, ownTexts))},
		{"offers=large", encode(b, largeOffers(100))},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := New()
			decoders := map[string]func([]byte) (*scheduler.Event, error){
				"ours": func(frame []byte) (*scheduler.Event, error) { return d.Survey(frame, math.MaxInt).Decode() }, "generated": theirs,
			}
			n := len(decodeOffers(b, theirs, c.frame))
			repeats := max(1, 2000/n) // CPU time is counted in microseconds
			used := map[string]time.Duration{}
			for b.Loop() {
				for name, decode := range decoders {
					began := cpuTime()
					for range repeats {
						_, err := decode(c.frame)
						require.NoError(b, err)
					}
					used[name] += cpuTime() - began
				}
			}
			for name, decode := range decoders {
				b.ReportMetric(float64(used[name].Nanoseconds())/float64(b.N*repeats*n), "cpu-ns/offer-"+name)
				b.ReportMetric(testing.AllocsPerRun(5, func() { _, _ = decode(c.frame) })/float64(n), "allocs/offer-"+name)
			}
			b.ReportMetric(float64(used["generated"])/float64(used["ours"]), "times")
			b.ReportMetric(0, "ns/op") // is both
		})
	}
}
