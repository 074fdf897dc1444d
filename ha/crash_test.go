package ha

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// commit is one Apply: the file and the records before and after.
type commit struct {
	before, after []byte
	old, new      map[string][]byte
}

// history applies batches that grow, overwrite and shrink a store, and records each.
func history(t testing.TB, path string, n int) []commit {
	random := rand.New(rand.NewPCG(3, 4))
	f := openFile(t, path)
	read := func() []byte {
		image, err := os.ReadFile(path)
		require.NoError(t, err)
		return image
	}
	commits := make([]commit, n)
	now := commit{after: read(), new: map[string][]byte{}}
	for i := range commits {
		changes := map[string][]byte{}
		for range 1 + random.IntN(40) {
			key := fmt.Sprintf("task-%d", random.IntN(120))
			if changes[key] = nil; random.IntN(4) > 0 {
				changes[key] = bytes.Repeat([]byte{byte(i)}, random.IntN(400))
			}
		}
		if i%7 == 3 {
			changes["large"] = bytes.Repeat([]byte{byte(i)}, 30_000)
		}
		require.NoError(t, f.Apply(t.Context(), changes))
		next := commit{before: now.after, after: read(), old: now.new, new: maps.Clone(now.new)}
		for key, value := range changes {
			if next.new[key] = value; value == nil {
				delete(next.new, key)
			}
		}
		require.Equal(t, next.new, load(t, f))
		commits[i], now = next, next
	}
	return commits
}

const pageSize = 4 << 10

// Where the marks are in each of the first two pages, see package boltfile.
const (
	markOffset = 512
	markSize   = 24
)

// pages splits the pages that the commit wrote: data, and the one at the head that makes them valid.
func (c commit) pages(t *testing.T) (data []int, head int) {
	head = -1
	for at := 0; at < len(c.after); at += pageSize {
		switch old, now := c.grown()[at:at+pageSize], c.after[at:at+pageSize]; {
		case at < 2*pageSize && bytes.Equal(old[:markOffset], now[:markOffset]): // only its mark is new
		case at < 2*pageSize:
			require.Equal(t, -1, head, "one Apply writes one page at the head")
			head = at
		case !bytes.Equal(old, now):
			data = append(data, at)
		}
	}
	require.NotEqual(t, -1, head)
	return data, head
}

// grown is the file before the commit with its length after it: growing is synced first.
func (c commit) grown() []byte {
	return append(bytes.Clone(c.before), make([]byte, len(c.after)-len(c.before))...)
}

// synced is the file when bbolt has synced the commit, and it is not marked yet. bbolt writes the whole page at the head.
func (c commit) synced(head int) []byte {
	image := c.grown()
	copy(image[2*pageSize:], c.after[2*pageSize:])
	copy(image[head:head+pageSize], c.after[head:])
	clear(image[head+markOffset : head+pageSize])
	return image
}

// writeImage writes a file as a crash may have left it.
func writeImage(t testing.TB, path string, image []byte) {
	require.NoError(t, os.WriteFile(path, image, 0o600))
}

// bbolt syncs data pages before it writes the page at the head, and that before the marks are written. So a crash leaves
// any part of any data pages below the old head, or all of them and any part of the new head, or all of that and any part of
// the marks.
func TestCrashImages(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(5, 6))
	sawOld, sawNew, commits := 0, 0, 12
	if testing.Short() {
		commits = 4
	}
	for i, c := range history(t, filepath.Join(dir, "store"), commits) {
		data, head := c.pages(t)
		recovers := func(image []byte, what string, allowed ...map[string][]byte) {
			path := filepath.Join(dir, "image")
			writeImage(t, path, image)
			f := openFile(t, path)
			got := load(t, f)
			require.Contains(t, allowed, got, "commit %d: %s", i, what)
			if len(allowed) > 1 && maps.EqualFunc(got, c.old, bytes.Equal) {
				sawOld++
			} else if len(allowed) > 1 {
				sawNew++
			}
			// The store still works, also with the pages that the crash left half written.
			require.NoError(t, f.Apply(t.Context(), map[string][]byte{"more": make([]byte, 9000), "task-1": nil}))
			want := maps.Clone(got)
			delete(want, "task-1")
			want["more"] = make([]byte, 9000)
			require.NoError(t, f.Close())
			f = openFile(t, path)
			require.Equal(t, want, load(t, f))
			require.NoError(t, f.Close())
		}
		recovers(c.before, "nothing written", c.old)
		recovers(c.grown(), "only grown", c.old)
		for range 4 {
			image := c.grown()
			for _, at := range data {
				for sector := at; sector < at+pageSize; sector += 512 {
					if random.IntN(3) > 0 {
						copy(image[sector:sector+512], c.after[sector:])
					}
				}
			}
			recovers(image, "some data", c.old)
		}
		image := c.grown()
		copy(image[2*pageSize:], c.after[2*pageSize:])
		recovers(image, "all data", c.old)
		for range 4 {
			torn := bytes.Clone(image)
			n := random.IntN(96) // a head has its content in the first 80 bytes
			copy(torn[head:head+n], c.after[head:])
			recovers(torn, fmt.Sprintf("%d bytes of the head", n), c.old, c.new)
			clear(torn[head : head+n]) // a disk may also leave zeros
			recovers(torn, fmt.Sprintf("%d bytes of the head are zero", n), c.old, c.new)
		}
		synced := c.synced(head)
		for range 4 {
			torn := bytes.Clone(image)
			for sector := head; sector < head+pageSize; sector += 512 {
				if random.IntN(2) > 0 {
					copy(torn[sector:sector+512], synced[sector:])
				}
			}
			recovers(torn, "some sectors of the head", c.old, c.new)
		}
		recovers(synced, "everything but the marks", c.new)
		for range 4 {
			torn := bytes.Clone(synced)
			for _, page := range []int{0, pageSize} {
				n := random.IntN(markSize + 1)
				copy(torn[page+markOffset:][:n], c.after[page+markOffset:])
			}
			recovers(torn, "some of the marks", c.new)
		}
		recovers(c.after, "everything", c.new)
	}
	require.NotZero(t, sawOld)
	require.NotZero(t, sawNew)
}

// TestCrashImagesControl is about a disk that writes the head before the data, which fsync forbids. The file is then
// refused, or the missing page did not matter; without the digest some of these files would open with a mixture.
func TestCrashImagesControl(t *testing.T) {
	dir := t.TempDir()
	refused := 0
	for i, c := range history(t, filepath.Join(dir, "store"), 8) {
		data, _ := c.pages(t)
		for _, left := range data {
			image := bytes.Clone(c.after)
			copy(image[left:left+pageSize], c.grown()[left:])
			path := filepath.Join(dir, "image")
			writeImage(t, path, image)
			f, err := OpenFile(path)
			if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFormat) { // without its root it looks like another program's
				refused++
				continue
			}
			require.NoError(t, err)
			require.Equal(t, c.new, load(t, f), "commit %d without page %d", i, left/pageSize)
			require.NoError(t, f.Close())
		}
	}
	require.NotZero(t, refused)
}
