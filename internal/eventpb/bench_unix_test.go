//go:build unix

package eventpb

import (
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
// machine. CPU time is that of the process, so that it has what the garbage collector costs.
//
//	go test ./internal/eventpb -run xxx -bench Decode
func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name  string
		event *scheduler.Event
	}{
		{"one", plainOffers(1, sameTexts)},
		{"plain", plainOffers(1000, sameTexts)},
		{"own-texts", plainOffers(1000, ownTexts)},
		{"large", largeOffers(100)},
	} {
		b.Run(c.name, func(b *testing.B) {
			frame, n := encode(b, c.event), float64(len(c.event.Offers.Offers))
			used := [2]time.Duration{}
			allocs := [2]float64{}
			d := New()
			decoders := [2]func([]byte) (*scheduler.Event, error){
				func(frame []byte) (*scheduler.Event, error) { return d.Survey(frame).Decode() }, theirs,
			}
			for i, decode := range decoders {
				allocs[i] = testing.AllocsPerRun(5, func() { _, _ = decode(frame) })
			}
			repeats := max(1, 2000/int(n))
			for b.Loop() {
				for i, decode := range decoders {
					began := cpuTime()
					for range repeats {
						_, err := decode(frame)
						require.NoError(b, err)
					}
					used[i] += cpuTime() - began
				}
			}
			for i, name := range []string{"ours", "generated"} {
				b.ReportMetric(float64(used[i].Nanoseconds())/float64(b.N*repeats)/n, "cpu-ns/offer-"+name)
				b.ReportMetric(allocs[i]/n, "allocs/offer-"+name)
			}
			b.ReportMetric(float64(used[1])/float64(used[0]), "times")
			b.ReportMetric(0, "ns/op")
		})
	}
}
