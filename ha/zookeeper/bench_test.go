package zookeeper

import (
	"fmt"
	"testing"
	"time"

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
					r := newReplica(st.replica.base)
					_, err := r.catchUp(b.Context(), st.t.s.conn, false)
					require.NoError(b, err)
					require.Len(b, r.load(), most)
				}
				b.ReportMetric(float64(len(st.replica.entries)), "entries")
			})
		})
	}
}
