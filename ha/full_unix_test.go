//go:build unix

package ha

import (
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// limitFiles lets this process write no file beyond a size, as a full disk would; 0 lifts the limit.
func limitFiles(t *testing.T, size int64) {
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	if limit.Cur = limit.Max; size > 0 {
		limit.Cur = uint64(size)
	}
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
}

// Apply fails when the disk is full, changes nothing, and works again when it no longer is. The limit is per process, so
// a child process has it.
func TestFullDisk(t *testing.T) {
	path := os.Getenv(childPath)
	if path == "" {
		out, err := child(t, t.Name(), filepath.Join(t.TempDir(), "store")).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	f := openFile(t, path)
	want := map[string][]byte{}
	apply := func(changes map[string][]byte) {
		require.NoError(t, f.Apply(t.Context(), changes))
		maps.Copy(want, changes)
		require.Equal(t, want, load(t, f))
	}
	for i := range 20 {
		apply(map[string][]byte{fmt.Sprintf("task-%d", i): make([]byte, 3000)})
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	large := map[string][]byte{"task-1": nil, "large": make([]byte, 1<<20), "a": []byte("new")}
	// The first limit keeps the file from growing, the others keep its own pages from being written; below the last
	// limit not even a head fits.
	for _, limit := range []int64{info.Size(), info.Size() / 2, 3 * pageSize, pageSize, 10} {
		limitFiles(t, limit)
		for range 3 {
			require.ErrorContains(t, f.Apply(t.Context(), large), path)
			require.Equal(t, want, load(t, f))
		}
		if limit == info.Size() {
			apply(map[string][]byte{"task-2": []byte("small")}) // there is room for this
		}
		limitFiles(t, 0)
		apply(map[string][]byte{"task-3": fmt.Appendf(nil, "after %d", limit)})
	}
	require.NoError(t, f.Close())
	f = openFile(t, path)
	require.Equal(t, want, load(t, f))
	require.NoError(t, f.Apply(t.Context(), large))
	require.NoError(t, f.Close())
	f = openFile(t, path)
	require.Len(t, load(t, f), len(want)+1)

	// A file cannot be created on a full disk, and nothing is left of the attempt.
	limitFiles(t, 100)
	dir := t.TempDir()
	_, err = OpenFile(filepath.Join(dir, "another"))
	require.ErrorIs(t, err, syscall.EFBIG)
	limitFiles(t, 0)
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, names)
}
