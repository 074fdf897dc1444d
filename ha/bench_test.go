package ha

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// filled returns a store with n records of 1 KiB.
func filled(b *testing.B, n int) *File {
	f := openFile(b, filepath.Join(b.TempDir(), "store"))
	records := map[string][]byte{}
	for i := range n {
		records[fmt.Sprintf("task/%08d", i)] = make([]byte, 1<<10)
	}
	require.NoError(b, f.Apply(b.Context(), records))
	return f
}

// BenchmarkApply writes records of 1 KiB, synced, over those of a store that holds 10,000, so many at once; and for
// comparison a page of a file, synced, which is what one write costs at the least.
func BenchmarkApply(b *testing.B) {
	b.Run("page", func(b *testing.B) {
		file, err := os.Create(filepath.Join(b.TempDir(), "page"))
		require.NoError(b, err)
		defer file.Close()
		for page := make([]byte, 4<<10); b.Loop(); {
			_, err := file.WriteAt(page, 0)
			require.NoError(b, err)
			require.NoError(b, file.Sync())
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
	})
	for _, n := range []int{1, 64, 1000} {
		b.Run(fmt.Sprintf("records=%d", n), func(b *testing.B) {
			f, value, i := filled(b, 10_000), make([]byte, 1<<10), 0
			for b.Loop() {
				changes := make(map[string][]byte, n)
				for range n {
					i += 7919
					changes[fmt.Sprintf("task/%08d", i%10_000)] = value
				}
				if err := f.Apply(b.Context(), changes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkLoad reads 100,000 records of 1 KiB.
func BenchmarkLoad(b *testing.B) {
	f := filled(b, 100_000)
	for b.Loop() {
		if records, err := f.Load(b.Context()); err != nil || len(records) != 100_000 {
			b.Fatal(len(records), err)
		}
	}
}

// BenchmarkOpenFile opens a file of 100,000 records of 1 KiB: it is read and verified as a whole.
func BenchmarkOpenFile(b *testing.B) {
	f := filled(b, 100_000)
	for b.Loop() {
		require.NoError(b, f.Close())
		var err error
		if f, err = OpenFile(f.path); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, f.Close())
}
