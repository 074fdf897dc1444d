package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// BenchmarkDisk is what one sync of this machine's disk costs, and one entry of the log: the figures to which those of
// BenchmarkStore are to be compared.
func BenchmarkDisk(b *testing.B) {
	b.Run("sync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "file"))
		require.NoError(b, err)
		defer f.Close()
		page := make([]byte, 4096)
		for b.Loop() {
			_, err := f.WriteAt(page, 0)
			require.NoError(b, err)
			require.NoError(b, f.Sync())
		}
	})
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("log entry of %d records", size), func(b *testing.B) {
			s := openLog(b, filepath.Join(b.TempDir(), "log"))
			data := bytes.Repeat([]byte("x"), 730*size)
			for index := uint64(1); b.Loop(); index++ {
				require.NoError(b, s.StoreLog(&raft.Log{Index: index, Term: 1, Data: data}))
			}
		})
	}
}

// BenchmarkStore writes records of 700 bytes, so many at once, to three members with directories on loopback.
func BenchmarkStore(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d records", size), func(b *testing.B) { benchmarkStore(b, size) })
	}
}

func benchmarkStore(b *testing.B, size int) {
	dir := b.TempDir()
	cluster, store := startWriting(b, 3, func(i int, c *Config) { c.Dir = filepath.Join(dir, fmt.Sprint(i)) })
	defer cluster.stop()
	w := writer{TB: b, store: store, value: bytes.Repeat([]byte("x"), 700), records: 10_000}
	for b.Loop() {
		w.write(size)
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "records/s")
}

// startWriting starts members and returns the store of the first term. On a busy machine members with the preset Local
// miss each other.
func startWriting(b *testing.B, n int, config func(i int, c *Config)) (*real, scheduler.Store) {
	terms := make(chan scheduler.Term)
	cluster := startReal(b, n, func(i int, c *Config) {
		c.Preset, c.GossipBind, c.RaftBind = PresetLAN, "127.0.0.1:0", "127.0.0.1:0"
		config(i, c)
	}, func(ctx context.Context, t scheduler.Term) error {
		select {
		case terms <- t:
		case <-ctx.Done():
		}
		return waits(ctx, t)
	})
	return cluster, (<-terms).Store
}

// writer writes records, over and over the same ones.
type writer struct {
	testing.TB
	store   scheduler.Store
	value   []byte
	records int
	n       int
}

func (w *writer) write(size int) {
	changes := map[string][]byte{}
	for range size {
		changes[fmt.Sprint("record ", w.n%w.records)] = w.value
		w.n++
	}
	require.NoError(w, w.store.Apply(w.Context(), changes))
}

// How many records the benchmarks of large states write, of which size.
const (
	manyRecords = 100_000
	recordBytes = 850
)

func fill(b *testing.B, store scheduler.Store) *writer {
	w := &writer{TB: b, store: store, value: bytes.Repeat([]byte("x"), recordBytes), records: manyRecords}
	for w.n < manyRecords {
		w.write(500)
	}
	return w
}

// BenchmarkCatchUp is how long a new member takes to get all records of another one, after it was taken in.
func BenchmarkCatchUp(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			dir := b.TempDir()
			config := func(i int, c *Config) {
				if c.Expect = 1; durable {
					c.Dir = filepath.Join(dir, fmt.Sprint(i))
				}
			}
			cluster, store := startWriting(b, 1, config)
			defer cluster.stop()
			fill(b, store)
			var sum time.Duration
			for b.Loop() {
				m := cluster.start(func(c *Config) {
					c.Preset, c.GossipBind, c.RaftBind = PresetLAN, "127.0.0.1:0", "127.0.0.1:0"
					config(len(cluster.members), c)
				}, waits)
				until(b, m, func(s ha.Status) bool { return s.Leader != "" || len(s.Members) > 1 })
				var began time.Time
				got := map[string][]byte{}
				for changes := range m.Follow(b.Context()) {
					if began.IsZero() {
						until(b, m, func(s ha.Status) bool { return s.Leader != "" })
						began = time.Now()
					}
					if merge(got, changes); len(got) == manyRecords {
						break
					}
				}
				sum += time.Since(began)
			}
			b.ReportMetric(sum.Seconds()/float64(b.N), "s/catch-up")
		})
	}
}

// BenchmarkMemory is how much memory one of three members has for each byte of the records: once they are written, and
// when all of them have been written again.
func BenchmarkMemory(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			for b.Loop() {
				dir, before := b.TempDir(), heap()
				cluster, store := startWriting(b, 3, func(i int, c *Config) {
					if durable {
						c.Dir = filepath.Join(dir, fmt.Sprint(i))
					}
				})
				w := fill(b, store)
				per := func() float64 { return float64(heap()-before) / 3 / (manyRecords * recordBytes) }
				once, most := per(), 0.0
				for range 10 {
					for range manyRecords / 10 / 100 {
						w.write(100)
					}
					most = max(most, per())
				}
				b.ReportMetric(once, "once/record-byte")
				b.ReportMetric(most, "most/record-byte")
				cluster.stop()
			}
		})
	}
}

// heap returns how many bytes live.
func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// BenchmarkWhileSnapshots writes so much to three members with directories that snapshots are taken, and compares the longest
// writing with the usual one.
func BenchmarkWhileSnapshots(b *testing.B) {
	dir := b.TempDir()
	cluster, store := startWriting(b, 3, func(i int, c *Config) { c.Dir = filepath.Join(dir, fmt.Sprint(i)) })
	defer cluster.stop()
	w := fill(b, store)
	for b.Loop() {
		var times []time.Duration
		for range 2 * manyRecords / 100 {
			began := time.Now()
			w.write(100)
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		b.ReportMetric(times[len(times)/2].Seconds()*1000, "p50-ms")
		b.ReportMetric(times[len(times)*99/100].Seconds()*1000, "p99-ms")
		b.ReportMetric(times[len(times)-1].Seconds()*1000, "max-ms")
	}
}

// BenchmarkSnapshot is how long the state cannot change for a snapshot of it.
func BenchmarkSnapshot(b *testing.B) {
	s := newState()
	beginTerm(s, 1, "a")
	for i := range manyRecords {
		write(s, 1, map[string][]byte{fmt.Sprint("record ", i): nil, fmt.Sprint("task ", i): {}})
	}
	for b.Loop() {
		_, err := s.Snapshot()
		require.NoError(b, err)
	}
}
