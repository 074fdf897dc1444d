package ha

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
)

func skipWithoutLocks(t *testing.T) {
	if !boltfile.LocksKeepOthersOut {
		t.Skip("without locks nobody knows what is nobody's")
	}
}

// A process that is killed while it makes a store leaves a file beside it. The next process removes it, but not what
// looks alike.
func TestLeftoversOfAKilledProcess(t *testing.T) {
	skipWithoutLocks(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	storeOf := func(name string, records map[string][]byte) []byte {
		f, err := OpenFile(filepath.Join(t.TempDir(), "x"))
		require.NoError(t, err)
		require.NoError(t, f.Apply(t.Context(), records))
		require.NoError(t, f.Close())
		b, err := os.ReadFile(f.path)
		require.NoError(t, err)
		write(name, string(b))
		return b
	}
	require.NoError(t, openFile(t, path).Close())

	empty := storeOf("store.db.new4294967295", nil) // killed before it was linked
	write("store.db.new7", "")                      // killed before anything was written
	write("store.db.new1000", string(empty[:9000])) // killed in the midst of it
	write("store.db.new0", "torn")
	require.NoError(t, os.Link(path, filepath.Join(dir, "store.db.new23"))) // killed right after it was linked

	kept := []string{"store.db"}
	for _, name := range []string{
		"store.db.new", "store.db.newer", "store.db.new1.bak", "store.db.new-1", "store.db.new+1", "store.db.new01", "store.db.new4294967296",
		"store.db.new 1", "store.db.new1 ", "store.db.old1", "store.db1", "other.db.new1", "my-store.db.new1", "STORE.DB.new1", "store.db.New1",
	} {
		write(name, "")
		kept = append(kept, name)
	}
	storeOf("store.db.new20261129", map[string][]byte{"somebody's": []byte("copy")})
	require.NoError(t, os.Mkdir(filepath.Join(dir, "store.db.new8"), 0o700))
	require.NoError(t, os.Symlink("other.db.new1", filepath.Join(dir, "store.db.new9")))
	require.NoError(t, os.Symlink(path, filepath.Join(dir, "store.db.new10")))
	kept = append(kept, "store.db.new20261129", "store.db.new8", "store.db.new9", "store.db.new10")
	slices.Sort(kept)

	f := openFile(t, path)
	require.NoError(t, f.Apply(t.Context(), map[string][]byte{"a": []byte("1")}))
	require.Equal(t, kept, names(t, dir))
	require.Equal(t, map[string][]byte{"a": []byte("1")}, load(t, f))
}

func names(t *testing.T, dir string) (list []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// What a living process is making stays, until it is killed.
func TestLeftoverOfALivingProcess(t *testing.T) {
	skipWithoutLocks(t)
	if path := os.Getenv(childPath); path != "" {
		file, err := createLocked(path)
		require.NoError(t, err)
		fmt.Println(filepath.Base(file.Name()))
		select {}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	cmd := child(t, t.Name(), path)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan())
	made := lines.Text()

	require.NoError(t, openFile(t, path).Close())
	require.Equal(t, []string{"store.db", made}, names(t, dir))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.NoError(t, openFile(t, path).Close())
	require.Equal(t, []string{"store.db"}, names(t, dir))
}

// Those who make a store at the same time do not take each other's files for leftovers: one has the store, the others
// find it locked or have it after that.
func TestManyMakeOneStore(t *testing.T) {
	for range 50 {
		dir := t.TempDir()
		path := filepath.Join(dir, "store.db")
		var group sync.WaitGroup
		errs := make(chan error, 8)
		for range cap(errs) {
			group.Go(func() {
				f, err := OpenFile(path)
				if err == nil {
					err = f.Apply(context.Background(), map[string][]byte{"a": []byte("1")})
					if closed := f.Close(); err == nil {
						err = closed
					}
				}
				errs <- err
			})
		}
		group.Wait()
		close(errs)
		opened := 0
		for err := range errs {
			if err == nil {
				opened++
				continue
			}
			require.ErrorIs(t, err, ErrLocked)
		}
		require.Positive(t, opened)
		require.Equal(t, []string{"store.db"}, names(t, dir))
	}
}
