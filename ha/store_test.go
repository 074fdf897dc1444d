package ha

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha/storetest"
)

// openFile opens a store and closes it when the test has ended.
func openFile(t testing.TB, path string) *File {
	f, err := OpenFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

func load(t testing.TB, s storetest.Store) map[string][]byte {
	records, err := s.Load(context.Background())
	require.NoError(t, err)
	return records
}

func TestMemoryConforms(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Store { return &Memory{} }, nil)
}

func TestFileConforms(t *testing.T) {
	open := func(t *testing.T) storetest.Store { return openFile(t, filepath.Join(t.TempDir(), "store")) }
	reopen := func(t *testing.T, s storetest.Store) storetest.Store {
		require.NoError(t, s.(*File).Close())
		return openFile(t, s.(*File).path)
	}
	storetest.Run(t, open, reopen)
}

func TestRecordsThatCannotBeStored(t *testing.T) {
	tests := []struct {
		why, key, text string
	}{
		{"bbolt has no empty keys", "", `ha: record "": the key is empty`},
		{"nor longer ones; the text shows the beginning", strings.Repeat("k", 32<<10+1),
			`ha: record "` + strings.Repeat("k", 64) + `"… (32769 bytes): the key is longer than 32768 bytes`},
	}
	stores := map[string]storetest.Store{"memory": &Memory{}, "file": openFile(t, filepath.Join(t.TempDir(), "store"))}
	for name, s := range stores {
		for _, test := range tests {
			t.Run(name+": "+test.why, func(t *testing.T) {
				for _, value := range [][]byte{[]byte("v"), nil} {
					err := s.Apply(t.Context(), map[string][]byte{"a": []byte("1"), test.key: value})
					var bad *RecordError
					require.ErrorAs(t, err, &bad)
					require.Equal(t, test.key, bad.Key)
					require.EqualError(t, err, test.text)
					require.Empty(t, load(t, s))
				}
			})
		}
	}
}

func TestNewFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store")
	f := openFile(t, path)
	require.NoError(t, f.Apply(t.Context(), map[string][]byte{"a": []byte("1")}))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing is left of making it")
	require.False(t, f.db.NoSync)
	require.False(t, f.db.NoGrowSync)
}

// Of two that create the same file at the same time one wins, and its file is not replaced.
func TestMakeFileLeavesAFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	f := openFile(t, path)
	require.NoError(t, f.Apply(t.Context(), map[string][]byte{"a": []byte("1")}))
	require.NoError(t, makeFile(path))
	require.NoError(t, f.Close())
	require.Equal(t, map[string][]byte{"a": []byte("1")}, load(t, openFile(t, path)))
}

func TestLockedInTheSameProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	f := openFile(t, path)
	_, err := OpenFile(path)
	require.ErrorIs(t, err, ErrLocked)
	require.EqualError(t, err, "ha: store file is in use: "+path)
	require.NoError(t, f.Apply(t.Context(), map[string][]byte{"a": []byte("1")}), "the first is not disturbed")
	require.NoError(t, f.Close())
	require.Len(t, load(t, openFile(t, path)), 1)
}

func TestClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	f := openFile(t, path)
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	_, err := f.Load(t.Context())
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorContains(t, err, path)
	require.ErrorIs(t, f.Apply(t.Context(), map[string][]byte{"a": []byte("1")}), ErrClosed)
	require.ErrorIs(t, f.Apply(t.Context(), nil), ErrClosed)
	require.Empty(t, load(t, openFile(t, path)))
}

// A call that waits for another returns when its context ends.
func TestWaitingEndsWithTheContext(t *testing.T) {
	f := openFile(t, filepath.Join(t.TempDir(), "store"))
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	f.turn <- struct{}{} // another call is using the file
	result := make(chan error)
	go func() { result <- f.Apply(ctx, map[string][]byte{"a": []byte("1")}) }()
	cancel(cause)
	require.ErrorIs(t, <-result, cause)
	<-f.turn
	require.Empty(t, load(t, f))
}

func TestWhatTheFileSystemRefuses(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "dangling")))
	tests := []struct {
		why, path string
		want      error
	}{
		{"the directory is missing", filepath.Join(dir, "missing", "store"), os.ErrNotExist},
		{"a directory is no file", dir, nil},
		{"no name", "", os.ErrNotExist},
		{"a link to nowhere", filepath.Join(dir, "dangling"), os.ErrNotExist},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			_, err := OpenFile(test.path)
			require.ErrorContains(t, err, test.path)
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			}
		})
	}
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing was made")
}
