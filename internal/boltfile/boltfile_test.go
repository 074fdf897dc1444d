package boltfile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
)

func TestMark(t *testing.T) {
	for _, transaction := range []uint64{1, 2, 1 << 40, 1<<64 - 1} {
		mark := encodeMark(transaction)
		require.Len(t, mark, markSize)
		require.Equal(t, transaction, decodeMark(mark))
		for bit := range 8 * markSize {
			mark[bit/8] ^= 1 << (bit % 8)
			require.Zero(t, decodeMark(mark), "bit %d", bit)
			mark[bit/8] ^= 1 << (bit % 8)
		}
	}
	require.Zero(t, decodeMark(make([]byte, markSize)))
}

func TestHeadOfNoDatabase(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("text"), make([]byte, 1<<16), bytes.Repeat([]byte{0xA5}, 1<<14)} {
		h, err := ReadHead(bytes.NewReader(data))
		require.NoError(t, err)
		require.False(t, h.Found)
		require.False(t, h.Magic)
	}
}

// What is known of a database, with and without marks, when one of its meta pages is bad.
func TestNotNewest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: 4096})
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("b")); return err })) // transaction 2
	require.NoError(t, db.Close())
	image, err := os.ReadFile(path)
	require.NoError(t, err)
	const newer, older = 0, 4096 // transactions 2 and 1
	of := func(marks []int, badPages ...int) Head {
		path := filepath.Join(t.TempDir(), "db")
		require.NoError(t, os.WriteFile(path, image, 0o600))
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		defer file.Close()
		for _, transaction := range marks {
			require.NoError(t, Mark(file, 4096, transaction))
		}
		for _, page := range badPages {
			_, err := file.WriteAt([]byte{0xFF}, int64(page+40))
			require.NoError(t, err)
		}
		h, err := ReadHead(file)
		require.NoError(t, err)
		return h
	}
	require.Equal(t, uint64(2), of(nil).Transaction)
	require.Empty(t, of(nil).NotNewest(), "not marked yet")
	require.Empty(t, of([]int{2}).NotNewest())
	require.Empty(t, of([]int{1}).NotNewest(), "the crash came before the mark")
	require.Empty(t, of([]int{2}, older).NotNewest(), "a crash may have come while transaction 3 was written there")
	require.Empty(t, of([]int{1}, newer).NotNewest(), "a crash may have come while transaction 2 was written there")
	require.Equal(t, "its newest state is damaged, that of transaction 2; only an older one is whole, that of transaction 1", of([]int{2}, newer).NotNewest())
	require.Equal(t, "a page at its head is damaged; the state that is whole, that of transaction 1, may be an older one", of(nil, newer).NotNewest())
	require.NotEmpty(t, of(nil, older).NotNewest(), "nobody can tell")
	require.False(t, of([]int{2}, newer, older).Found)
	require.True(t, of([]int{2}, newer, older).Magic)
}

func TestElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	here, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, Elsewhere(here, path))
	require.NoError(t, os.Rename(path, path+"2"))
	require.EqualError(t, Elsewhere(here, path), "nothing is at "+path)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.EqualError(t, Elsewhere(here, path), "another file is at "+path)
	require.ErrorContains(t, Elsewhere(here, filepath.Join(path, "below")), "it cannot be reached: ")
}
