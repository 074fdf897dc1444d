package cluster

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
)

// keptLog is what the file of TestLogStoreDamagedAnywhere has.
const keptEntries, keptTerm, keptVote, keptID = 90, 7, "10.0.0.1:7000", "m1-000000000001"

func writeKeptLog(t *testing.T, path string) (entries []*raft.Log) {
	s, err := openLogStore(path)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(1, 1))
	for index := range uint64(keptEntries) {
		e := entry(r, index+1, 1)
		e.Data = bytes.Repeat([]byte{byte(index)}, 60)
		entries = append(entries, e)
		require.NoError(t, s.StoreLog(e))
	}
	require.NoError(t, s.employ(keptID))
	require.NoError(t, errors.Join(s.SetUint64([]byte("CurrentTerm"), keptTerm), s.Set([]byte("LastVoteCand"), []byte(keptVote))))
	require.NoError(t, s.Close())
	return entries
}

// requireKept opens an image of the file: it has all that was written, or is refused.
func requireKept(t *testing.T, path string, entries []*raft.Log, image []byte, what string, at int) (refused bool) {
	require.NoError(t, os.WriteFile(path, image, 0o600))
	s, err := openLogStore(path)
	if err != nil {
		require.True(t, errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFormat), "%s at %d: %v", what, at, err)
		require.ErrorContains(t, err, path)
		return true
	}
	model := raft.NewInmemStore()
	require.NoError(t, model.StoreLogs(entries))
	sameLog(t, model, s, keptEntries+1)
	id, retired, err := s.member()
	require.NoError(t, err)
	require.Equal(t, keptID, id, "%s at %d", what, at)
	require.False(t, retired)
	term, err := s.GetUint64([]byte("CurrentTerm"))
	require.NoError(t, err, "%s at %d", what, at)
	require.EqualValues(t, keptTerm, term, "%s at %d", what, at)
	vote, err := s.Get([]byte("LastVoteCand"))
	require.NoError(t, err, "%s at %d", what, at)
	require.Equal(t, keptVote, string(vote), "%s at %d", what, at)
	require.NoError(t, s.Close())
	return false
}

// Any bit of the log is flipped, any of its sectors reads as zeros, or it is cut: it has all that was written, or is
// refused. bbolt used to look for free pages in it on a goroutine whose panic ended the process; and a vote or a term had no
// checksum.
func TestLogStoreDamagedAnywhere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	entries := writeKeptLog(t, path)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	flipped, refused, step := 0, 0, 37
	if testing.Short() {
		step = 313
	}
	for bit := 0; bit < 8*len(whole); bit += step {
		at := bit / 8
		if len(bytes.Trim(whole[max(0, at-8):min(len(whole), at+8)], "\x00")) == 0 {
			continue // nothing is there
		}
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1 << (bit % 8)
		flipped++
		if requireKept(t, path, entries, damaged, "bit", bit) {
			refused++
		}
	}
	require.Greater(t, refused, flipped/3)
	for sector := 0; sector < len(whole); sector += 512 {
		damaged := bytes.Clone(whole)
		clear(damaged[sector : sector+512])
		requireKept(t, path, entries, damaged, "zeros", sector)
		if sector > 0 {
			requireKept(t, path, entries, whole[:sector], "the end", sector)
		}
	}
	require.False(t, requireKept(t, path, entries, whole, "nothing", 0))
}

// A vote was changed on the disk: without a digest nothing would tell.
func TestLogStoreWithAnotherVote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	entries := writeKeptLog(t, path)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	damaged := bytes.ReplaceAll(whole, []byte(keptVote), []byte("10.0.0.2:7000"))
	require.True(t, requireKept(t, path, entries, damaged, "vote", 0))
}

// Versions without digests have written to the file, and so has this one, in turn.
func TestLogStoreOfAVersionWithoutDigests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	entries := writeKeptLog(t, path)
	older := func(do func(tx *bbolt.Tx) error) {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoFreelistSync: true})
		require.NoError(t, err)
		require.NoError(t, db.Update(do))
		require.NoError(t, db.Close())
	}
	for _, forget := range []bool{true, false} { // a file that it made, and one that it went on with
		older(func(tx *bbolt.Tx) error {
			if forget {
				return tx.Bucket([]byte(aboutBucket)).Delete([]byte(digestKey))
			}
			return tx.Bucket([]byte(stableBucket)).Put([]byte("LastVoteTerm"), indexKey(8))
		})
		image, err := os.ReadFile(path)
		require.NoError(t, err)
		require.False(t, requireKept(t, path, entries, image, "nothing", 0))
	}
	s := openLog(t, path)
	term, err := s.GetUint64([]byte("LastVoteTerm"))
	require.NoError(t, err)
	require.EqualValues(t, 8, term)
	require.NoError(t, s.retire())
	require.NoError(t, s.Close())
	id, retired, err := openLog(t, path).member()
	require.NoError(t, err)
	require.True(t, retired)
	require.Empty(t, id)
}
