package zookeeper

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

// The servers of the tests do not wait for their disks, see zktest; those of a real ensemble do.
func BenchmarkStore(b *testing.B) {
	for _, n := range []int{1, 3} {
		b.Run(fmt.Sprintf("servers=%d", n), func(b *testing.B) {
			var all []string
			for _, s := range zktest.Ensemble(b, n, 500*time.Millisecond) {
				all = append(all, s.Address)
			}
			st := join(b, new(history), Config{Address: address("/bench", all...), SessionTimeout: time.Minute}).leads().Store.(*store)
			value := make([]byte, 700)
			for _, records := range []int{1, 100} {
				b.Run(fmt.Sprintf("apply=%d", records), func(b *testing.B) {
					changes := map[string][]byte{}
					for i := range records {
						changes[fmt.Sprintf("task/%d", i)] = value
					}
					for b.Loop() {
						require.NoError(b, st.Apply(b.Context(), changes))
					}
					b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
				})
			}
			const most = 100_000
			for i := 0; i < most; {
				changes := map[string][]byte{}
				for range 200 {
					changes[fmt.Sprintf("task/%d", i)] = value
					i++
				}
				require.NoError(b, st.Apply(b.Context(), changes))
			}
			b.Run(fmt.Sprintf("load=%d", most), func(b *testing.B) {
				for b.Loop() {
					records, err := st.Load(b.Context())
					require.NoError(b, err)
					require.Len(b, records, most)
				}
			})
			// What a member does once that has just begun.
			b.Run(fmt.Sprintf("read=%d", most), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r := newReplica(st.replica.base, quiet())
					_, err := r.catchUp(b.Context(), st.t.s.conn, false)
					require.NoError(b, err)
					require.Len(b, r.load(), most)
				}
				b.ReportMetric(float64(len(st.replica.entries)), "entries")
				before := inUse()
				r := newReplica(st.replica.base, quiet())
				_, err := r.catchUp(b.Context(), st.t.s.conn, false)
				require.NoError(b, err)
				b.ReportMetric(float64(inUse()-before)/float64(r.live), "memory/records")
				runtime.KeepAlive(r)
			})
		})
	}
}

// inUse returns the bytes of memory that are in use.
func inUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// From the planned end of one member to the moment at which another has loaded all records.
func BenchmarkTakeover(b *testing.B) {
	s := zktest.Start(b)
	for _, n := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("records=%d", n), func(b *testing.B) {
			config := Config{Address: address(fmt.Sprintf("/takeover-%d", n), s.Address), SessionTimeout: time.Minute}
			old := join(b, new(history), config)
			st := old.leads().Store
			for i := 0; i < n; {
				changes := map[string][]byte{}
				for range 200 {
					changes[fmt.Sprintf("task/%d", i)] = make([]byte, 700)
					i++
				}
				require.NoError(b, st.Apply(b.Context(), changes))
			}
			for b.Loop() {
				b.StopTimer()
				next := join(b, new(history), config)
				next.shows("the leader", func(s ha.Status) bool { return s.Leader != "" })
				for range next.Follow(b.Context()) {
					break // it has all of them
				}
				b.StartTimer()
				old.stop()
				records, err := next.leads().Store.Load(b.Context())
				require.NoError(b, err)
				require.Len(b, records, n)
				b.StopTimer()
				old.returns()
				old = next
				b.StartTimer()
			}
		})
	}
}
