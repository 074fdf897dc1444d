package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
)

func openLog(t testing.TB, path string) *logStore {
	s, err := openLogStore(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// sameLog fails unless both stores have the same entries.
func sameLog(t testing.TB, want *raft.InmemStore, got *logStore, most uint64) {
	for _, index := range []func(raft.LogStore) (uint64, error){raft.LogStore.FirstIndex, raft.LogStore.LastIndex} {
		wanted, _ := index(want)
		is, err := index(got)
		require.NoError(t, err)
		require.Equal(t, wanted, is)
	}
	for index := range most {
		var a, b raft.Log
		errA, errB := want.GetLog(index, &a), got.GetLog(index, &b)
		require.ErrorIs(t, errB, errA)
		if errA == nil {
			require.True(t, a.AppendedAt.Equal(b.AppendedAt))
			a.AppendedAt, b.AppendedAt = time.Time{}, time.Time{}
			require.Equal(t, a, b)
		}
	}
}

func entry(r *rand.Rand, index, term uint64) *raft.Log {
	e := &raft.Log{Index: index, Term: term, Type: raft.LogType(r.IntN(6))}
	if r.IntN(3) > 0 {
		e.Data = fmt.Appendf(nil, "data %d", r.Uint64())
	}
	if r.IntN(4) == 0 {
		e.Extensions = fmt.Appendf(nil, "extensions %d", r.Uint64())
	}
	if r.IntN(2) == 0 {
		e.AppendedAt = time.Unix(r.Int64N(1<<33), r.Int64N(1e9))
	}
	return e
}

// TestLogStoreLikeRafts makes what Raft makes of a log, appending, overwriting and deleting at both ends, and compares
// with Raft's own store in memory.
func TestLogStoreLikeRafts(t *testing.T) {
	t.Parallel()
	seeds := 20
	if testing.Short() {
		seeds = 3
	}
	for seed := range uint64(seeds) {
		path := filepath.Join(t.TempDir(), "log")
		store, err := openLogStore(path)
		require.NoError(t, err)
		store.db.NoSync = true // the test kills no machine
		model, r := raft.NewInmemStore(), rand.New(rand.NewPCG(seed, 1))
		for step := range 40 {
			first, _ := model.FirstIndex()
			last, _ := model.LastIndex()
			switch r.IntN(8) {
			case 0: // a snapshot was taken
				if last > 0 {
					to := first + r.Uint64N(last-first+1)
					require.NoError(t, model.DeleteRange(first, to))
					require.NoError(t, store.DeleteRange(first, to))
				}
			case 1: // another leader's log differs
				if last > 0 {
					from := first + r.Uint64N(last-first+1)
					require.NoError(t, model.DeleteRange(from, last))
					require.NoError(t, store.DeleteRange(from, last))
				}
			case 2:
				require.NoError(t, store.Close())
				store, err = openLogStore(path)
				require.NoError(t, err)
				store.db.NoSync = true
			default:
				var entries []*raft.Log
				for i := range 1 + r.Uint64N(20) {
					entries = append(entries, entry(r, last+1+i, uint64(step)))
				}
				require.NoError(t, model.StoreLogs(entries))
				require.NoError(t, store.StoreLogs(entries))
			}
			sameLog(t, model, store, last+30)
		}
		require.NoError(t, store.Close())
	}
}

func TestLogStoreGaps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := openLog(t, path)
	require.NoError(t, s.StoreLogs([]*raft.Log{{Index: 1, Term: 1}, {Index: 2, Term: 1}, {Index: 100, Term: 2, Data: []byte("x")}}))
	var got raft.Log
	require.ErrorIs(t, s.GetLog(50, &got), raft.ErrLogNotFound)
	require.NoError(t, s.DeleteRange(2, 60))
	require.ErrorIs(t, s.GetLog(2, &got), raft.ErrLogNotFound)
	require.NoError(t, s.GetLog(100, &got))
	require.Equal(t, raft.Log{Index: 100, Term: 2, Data: []byte("x")}, got)
	require.NoError(t, s.DeleteRange(1, 100))
	last, err := s.LastIndex()
	require.NoError(t, err)
	require.Zero(t, last)
}

// Only entries at the beginning are deleted bit by bit: a part of those at the end would be a log with a gap in front.
func TestLogStoreDeletesAtOnce(t *testing.T) {
	s := openLog(t, filepath.Join(t.TempDir(), "log"))
	writings := func() (n int) {
		require.NoError(t, s.db.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }))
		return n
	}
	for _, c := range []struct {
		first, last uint64
		writings    int
	}{{1, 2500, 3}, {2501, 5000, 1}, {2501, 6000, 1}, {1, 6000, 1}, {1001, 5000, 1}} {
		var entries []*raft.Log
		for index := range uint64(5000) {
			entries = append(entries, &raft.Log{Index: index + 1, Term: 1})
		}
		require.NoError(t, s.StoreLogs(entries))
		before := writings()
		require.NoError(t, s.DeleteRange(c.first, c.last))
		require.Equal(t, c.writings, writings()-before, "%+v", c)
		missing, err := s.missing(1, 5000)
		require.NoError(t, err)
		require.Equal(t, c.first, missing)
		require.NoError(t, s.DeleteRange(1, 5000))
	}
}

func TestLogStoreStable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s, err := openLogStore(path)
	require.NoError(t, err)
	_, err = s.Get([]byte("vote"))
	require.EqualError(t, err, "not found", "Raft compares the text")
	_, err = s.GetUint64([]byte("term"))
	require.EqualError(t, err, "not found", "Raft compares the text")
	require.NoError(t, s.Set([]byte("vote"), []byte("a")))
	require.NoError(t, s.SetUint64([]byte("term"), 7))
	_, err = openLogStore(path)
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, s.Close())
	s = openLog(t, path)
	value, err := s.Get([]byte("vote"))
	require.NoError(t, err)
	require.Equal(t, []byte("a"), value)
	term, err := s.GetUint64([]byte("term"))
	require.NoError(t, err)
	require.Equal(t, uint64(7), term)
	_, err = s.GetUint64([]byte("vote"))
	require.ErrorIs(t, err, ErrCorrupt)
	require.NoError(t, raft.BootstrapCluster(raftConfig("a", presets()[PresetLocal], nil), raft.NewInmemStore(), raft.NewInmemStore(), raft.NewInmemSnapshotStore(), nil,
		raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "a"}}}), "the stores are as Raft expects them")
}

// TestLogStoreDamaged flips bits of a file: it is refused, or has what was written.
func TestLogStoreDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	s, err := openLogStore(path)
	require.NoError(t, err)
	r, model := rand.New(rand.NewPCG(1, 1)), raft.NewInmemStore()
	for index := range uint64(200) {
		e := entry(r, index+1, 1)
		e.Data = bytes.Repeat([]byte("0123456789"), 10)
		require.NoError(t, errors.Join(s.StoreLog(e), model.StoreLog(e)))
	}
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	refused, at := 0, bytes.Index(whole, []byte("0123456789"))
	for i := range 60 {
		damaged := bytes.Clone(whole)
		damaged[at+i] ^= 1 << r.IntN(8)
		name := filepath.Join(dir, fmt.Sprint(i))
		require.NoError(t, os.WriteFile(name, damaged, 0o600))
		again, err := openLogStore(name)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorContains(t, err, name)
			refused++
			continue
		}
		sameLog(t, model, again, 300)
		require.NoError(t, again.Close())
		require.NoError(t, os.Remove(name))
	}
	require.Greater(t, refused, 30)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "text"), bytes.Repeat([]byte("text"), 9000), 0o600))
	_, err = openLogStore(filepath.Join(dir, "text"))
	require.ErrorIs(t, err, ErrFormat)
}

// A bit at the head of the file was flipped, any one: the log has all that was written, or is refused. bbolt used to go back
// to the state before the last one, in which this member had not acknowledged its last entry, or given away its vote.
func TestLogStoreForgetsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	s, err := openLogStore(path)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(1, 1))
	for index := range uint64(3) {
		require.NoError(t, s.StoreLog(entry(r, index+1, 1)))
	}
	require.NoError(t, s.SetUint64([]byte("term"), 7))
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	refused, step := 0, 5
	if testing.Short() {
		step = 37
	}
	for _, page := range []int{0, os.Getpagesize()} {
		for bit := 0; bit < 8*540; bit += step { // up to the end of the marks
			if bit == 8*80/step*step { // nothing is between them and the pages' own contents
				bit = 8 * 512
			}
			damaged := bytes.Clone(whole)
			damaged[page+bit/8] ^= 1 << (bit % 8)
			require.NoError(t, os.WriteFile(path, damaged, 0o600))
			again, err := openLogStore(path)
			if err != nil {
				require.True(t, errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFormat), "%v", err)
				refused++
				continue
			}
			last, err := again.LastIndex()
			require.NoError(t, err)
			require.Equal(t, uint64(3), last, "bit %d of the page at %d", bit, page)
			term, err := again.GetUint64([]byte("term"))
			require.NoError(t, err)
			require.Equal(t, uint64(7), term)
			require.NoError(t, again.Close())
		}
	}
	require.NotZero(t, refused)
}

// The directory of a member is removed or renamed while it runs: nothing is written any more, as with a full disk, until it
// is back.
func TestLogStoreIsMoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m1")
	require.NoError(t, os.Mkdir(dir, 0o700))
	s := openLog(t, filepath.Join(dir, "log"))
	r := rand.New(rand.NewPCG(1, 1))
	require.NoError(t, s.StoreLog(entry(r, 1, 1)))
	require.NoError(t, os.Rename(dir, dir+".bak"))
	require.ErrorContains(t, s.StoreLog(entry(r, 2, 1)), s.path+" is not at its path any more: nothing is at ")
	require.ErrorContains(t, s.SetUint64([]byte("term"), 7), "not at its path")
	require.NoError(t, os.Rename(dir+".bak", dir))
	require.NoError(t, s.StoreLog(entry(r, 2, 1)))
	require.NoError(t, os.RemoveAll(dir))
	require.ErrorContains(t, s.StoreLog(entry(r, 3, 1)), "not at its path")
}

func FuzzEntry(f *testing.F) {
	f.Add(uint64(1), uint64(1), byte(0), []byte("data"), []byte("extensions"), 3)
	f.Fuzz(func(t *testing.T, index, term uint64, kind byte, data, extensions []byte, at int) {
		in := &raft.Log{Index: index, Term: term, Type: raft.LogType(kind), Data: data, Extensions: extensions}
		b := encodeEntry(in)
		var out raft.Log
		require.NoError(t, decodeEntry(indexKey(index), b, &out))
		require.Equal(t, b, encodeEntry(&out))
		require.Equal(t, in.Term, out.Term)
		require.True(t, bytes.Equal(in.Data, out.Data) && bytes.Equal(in.Extensions, out.Extensions))
		b[uint(at)%uint(len(b))] ^= 1
		require.Error(t, decodeEntry(indexKey(index), b, &out))
		require.Error(t, decodeEntry(indexKey(index^1), encodeEntry(in), &out), "an entry in the place of another")
		_ = decodeEntry(indexKey(index), data, &out)
	})
}
