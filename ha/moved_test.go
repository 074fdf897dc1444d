package ha

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The file of a store is removed, renamed or replaced while it is open, by itself or with its directory: the next Apply says
// so, and so does each call until the file is back.
func TestFileIsNoLongerAtItsPath(t *testing.T) {
	tests := []struct {
		why  string
		move func(t *testing.T, dir, path string) (back func())
		text string
	}{
		{"removed", func(t *testing.T, dir, path string) func() {
			kept := filepath.Join(dir, "kept") // another name of the same file
			require.NoError(t, os.Link(path, kept))
			require.NoError(t, os.Remove(path))
			return func() { require.NoError(t, os.Link(kept, path)) }
		}, "nothing is at "},
		{"renamed", func(t *testing.T, dir, path string) func() {
			require.NoError(t, os.Rename(path, path+".bak"))
			return func() { require.NoError(t, os.Rename(path+".bak", path)) }
		}, "nothing is at "},
		{"its directory renamed", func(t *testing.T, dir, _ string) func() {
			require.NoError(t, os.Rename(dir, dir+".bak"))
			return func() { require.NoError(t, os.Rename(dir+".bak", dir)) }
		}, "nothing is at "},
		{"its directory removed", func(t *testing.T, dir, path string) func() {
			aside := dir + ".aside"
			require.NoError(t, os.Link(path, aside))
			require.NoError(t, os.RemoveAll(dir))
			return func() {
				require.NoError(t, os.Mkdir(dir, 0o700))
				require.NoError(t, os.Rename(aside, path))
			}
		}, "nothing is at "},
		{"replaced by a copy of itself", func(t *testing.T, dir, path string) func() {
			image, err := os.ReadFile(path)
			require.NoError(t, err)
			writeImage(t, path+".copy", image)
			require.NoError(t, os.Rename(path, path+".bak"))
			require.NoError(t, os.Rename(path+".copy", path))
			return func() { require.NoError(t, os.Rename(path+".bak", path)) }
		}, "another file is at "},
		{"replaced by a directory", func(t *testing.T, dir, path string) func() {
			require.NoError(t, os.Rename(path, path+".bak"))
			require.NoError(t, os.Mkdir(path, 0o700))
			return func() {
				require.NoError(t, os.Remove(path))
				require.NoError(t, os.Rename(path+".bak", path))
			}
		}, "another file is at "},
		{"a file where its directory was", func(t *testing.T, dir, _ string) func() {
			require.NoError(t, os.Rename(dir, dir+".bak"))
			require.NoError(t, os.WriteFile(dir, nil, 0o600))
			return func() {
				require.NoError(t, os.Remove(dir))
				require.NoError(t, os.Rename(dir+".bak", dir))
			}
		}, "not a directory"},
		{"a loop of links", func(t *testing.T, dir, path string) func() {
			require.NoError(t, os.Rename(path, path+".bak"))
			require.NoError(t, os.Symlink(path, path))
			return func() {
				require.NoError(t, os.Remove(path))
				require.NoError(t, os.Rename(path+".bak", path))
			}
		}, "links"},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dir")
			require.NoError(t, os.Mkdir(dir, 0o700))
			path := filepath.Join(dir, "store")
			f := openFile(t, path)
			want := map[string][]byte{"a": []byte("1")}
			require.NoError(t, f.Apply(t.Context(), want))
			back := test.move(t, dir, path)
			for range 2 {
				err := f.Apply(t.Context(), map[string][]byte{"a": []byte("2")})
				require.ErrorIs(t, err, ErrMoved)
				require.ErrorContains(t, err, test.text)
				require.ErrorContains(t, err, path)
				_, err = f.Load(t.Context())
				require.ErrorIs(t, err, ErrMoved)
			}
			back()
			require.Equal(t, want, load(t, f), "nothing was written meanwhile")
			want["b"] = []byte("3")
			require.NoError(t, f.Apply(t.Context(), map[string][]byte{"b": []byte("3")}))
			require.Equal(t, want, load(t, f))
			require.NoError(t, f.Close())
			require.Equal(t, want, load(t, openFile(t, path)))
		})
	}
}

// A symbolic link in the path is switched to another directory. Another name of the file and a link to it are as good as its
// own name.
func TestLinksToAFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"old", "new"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	present := filepath.Join(dir, "present")
	require.NoError(t, os.Symlink("old", present))
	f := openFile(t, filepath.Join(present, "store"))
	apply := func() error { return f.Apply(t.Context(), map[string][]byte{"a": []byte("1")}) }
	require.NoError(t, apply())
	require.NoError(t, os.Link(filepath.Join(dir, "old", "store"), filepath.Join(dir, "new", "store")))
	for range 2 {
		require.NoError(t, os.Remove(present))
		require.NoError(t, os.Symlink("new", present))
		require.NoError(t, apply(), "the same file by another name")
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "new", "store")))
	require.ErrorIs(t, apply(), ErrMoved)
	require.NoError(t, os.Remove(present))
	require.NoError(t, os.Symlink("old", present))
	require.NoError(t, apply())
}

// The file is taken away while an Apply writes: it says so, though it has written.
func TestFileIsMovedDuringApply(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	f := openFile(t, path)
	err := f.call(t.Context(), func() error {
		require.NoError(t, f.inPlace())
		require.NoError(t, f.write(sortedCopy(map[string][]byte{"a": []byte("1")})))
		require.NoError(t, os.Rename(path, path+".bak"))
		return f.inPlace()
	})
	require.ErrorIs(t, err, ErrMoved)
}

// The process changes its directory: a relative path stands for the same file as before.
func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	f := openFile(t, "store")
	t.Chdir(t.TempDir())
	require.NoError(t, f.Apply(t.Context(), map[string][]byte{"a": []byte("1")}))
}

// A program writes to the file at the same place, as cp does: what is there then is not a file that bbolt knows.
func TestFileIsOverwritten(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string, older []byte){
		"with an older copy": func(t *testing.T, path string, older []byte) { require.NoError(t, os.WriteFile(path, older, 0o600)) },
		"cut to half": func(t *testing.T, path string, older []byte) {
			require.NoError(t, os.Truncate(path, int64(len(older)/2)))
		},
		"emptied": func(t *testing.T, path string, _ []byte) { require.NoError(t, os.Truncate(path, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store")
			f := openFile(t, path)
			require.NoError(t, f.Apply(t.Context(), map[string][]byte{"a": make([]byte, 50_000)}))
			older, err := os.ReadFile(path)
			require.NoError(t, err)
			for range 3 {
				require.NoError(t, f.Apply(t.Context(), map[string][]byte{"b": []byte("1")}))
			}
			change(t, path, older)
			require.ErrorIs(t, f.Apply(t.Context(), map[string][]byte{"c": []byte("1")}), ErrCorrupt)
			_, err = f.Load(t.Context())
			require.ErrorIs(t, err, ErrCorrupt)
		})
	}
}
