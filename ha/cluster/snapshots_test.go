package cluster

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
)

// What is in memory is the same as what would be in a file, whether it was taken or received, and nothing is there before it
// is complete.
func TestMemorySnapshots(t *testing.T) {
	taken := randomState(rand.New(rand.NewPCG(1, 1)), 30)
	snap, err := taken.Snapshot()
	require.NoError(t, err)
	var file sink
	require.NoError(t, snap.Persist(&file))
	create := func(s *memorySnapshots) raft.SnapshotSink {
		to, err := s.Create(1, 7, 3, raft.Configuration{}, 1, nil)
		require.NoError(t, err)
		return to
	}
	own, received := &memorySnapshots{}, &memorySnapshots{}
	to := create(own)
	require.NoError(t, snap.Persist(to))
	require.NoError(t, to.Close())

	to = create(received)
	_, err = to.Write(file.Bytes()[:50])
	require.NoError(t, err)
	require.NoError(t, to.Cancel())
	require.NoError(t, to.Cancel())
	to = create(received)
	_, err = to.Write(file.Bytes()[:50])
	require.NoError(t, err)
	require.Error(t, to.Close(), "it is not whole")
	require.ErrorIs(t, create(received).Close(), errIncomplete)
	to = create(received)
	_, err = to.Write(append(bytes.Clone(file.Bytes()), 0))
	require.NoError(t, err)
	require.Error(t, to.Close(), "it is longer")
	list, err := received.List()
	require.NoError(t, err)
	require.Empty(t, list)
	to = create(received)
	for rest := file.Bytes(); len(rest) > 0; rest = rest[min(100, len(rest)):] {
		_, err = to.Write(rest[:min(100, len(rest))])
		require.NoError(t, err)
	}
	require.NoError(t, to.Close())

	for _, s := range []*memorySnapshots{own, received} {
		list, err := s.List()
		require.NoError(t, err)
		require.Len(t, list, 1)
		_, _, err = s.Open("other")
		require.ErrorIs(t, err, errNoSnapshot)
		meta, from, err := s.Open(list[0].ID)
		require.NoError(t, err)
		b, err := io.ReadAll(from)
		require.NoError(t, err)
		require.Equal(t, meta.Size, int64(len(b)))
		require.NoError(t, from.Close())
		for _, again := range []io.ReadCloser{io.NopCloser(bytes.NewReader(b)), wrapped{from}} {
			restored := newState()
			require.NoError(t, restored.Restore(again))
			require.Equal(t, taken.copy(), restored.copy())
			require.Equal(t, taken.size, restored.size)
			require.Nil(t, beginTerm(restored, 99, "a"))
			require.Nil(t, write(restored, 99, map[string][]byte{"new": {}}))
		}
		require.NotContains(t, s.newest.contents.records, "new", "what is restored is not the snapshot itself")
	}
}

// wrapped is a reader as Raft wraps it.
type wrapped struct{ io.ReadCloser }

func (w wrapped) WrappedReadCloser() io.ReadCloser { return w.ReadCloser }

// A snapshot that is damaged is refused with its name, unless an older one and the log have all of it.
func TestDamagedSnapshots(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		older, first, last uint64 // index of an older snapshot, 0: none; and of the first and last entry of the log, 0: it is empty
		without            uint64 // an entry that the log has not
		file               string // that is damaged
		refused            string
	}{
		{0, 7, 11, 0, "", ""},
		{0, 0, 0, 0, "", ""},
		{0, 4, 11, 5, "", ""},
		{0, 8, 11, 8, "", "entry 8"}, // control: of a log that begins too late
		{0, 8, 11, 10, "", "entry 10"},
		{0, 1, 11, 0, "state.bin", ""},
		{0, 0, 0, 0, "state.bin", "entry 1 is neither in"},
		{0, 0, 0, 0, "meta.json", "entry 1 is neither in"},
		{0, 7, 11, 0, "state.bin", "entry 1 is neither in"},
		{0, 7, 11, 0, "meta.json", "entry 1 is neither in"},
		{3, 4, 11, 0, "state.bin", ""},
		{3, 4, 11, 0, "meta.json", ""},
		{3, 4, 7, 0, "state.bin", ""},
		{3, 5, 11, 0, "state.bin", "entry 4 is neither in"},
		// Of a member that was far behind and got the newest from the leader.
		{3, 1, 2, 0, "state.bin", "entry 4 is neither in"},
		{3, 1, 5, 0, "state.bin", "entry 6 is neither in"},
		{3, 1, 5, 0, "meta.json", "entry 6 is neither in"},
		{3, 1, 11, 6, "state.bin", "entry 6 is neither in"},
	} {
		c, err := Config{Name: "framework", Dir: t.TempDir(), Preset: PresetLocal}.normalize()
		require.NoError(t, err)
		s, err := openStores(&c, c.Logger)
		require.NoError(t, err)
		var newest string
		for _, index := range []uint64{test.older, 7} {
			if index == 0 {
				continue
			}
			to, err := s.snapshots.Create(1, index, 1, raft.Configuration{}, 1, nil)
			require.NoError(t, err)
			_, err = to.Write([]byte("a state"))
			require.NoError(t, err)
			require.NoError(t, to.Close())
			newest = to.ID()
		}
		for index := max(1, test.first); index <= test.last; index++ {
			if index != test.without {
				require.NoError(t, s.log.StoreLog(&raft.Log{Index: index, Term: 1}))
			}
		}
		require.NoError(t, s.file.Close())
		if test.file != "" {
			name := filepath.Join(c.Dir, snapshotsFolder, newest, test.file)
			b, err := os.ReadFile(name)
			require.NoError(t, err)
			b[1] ^= 0xff
			require.NoError(t, os.WriteFile(name, b, 0o600))
		}
		s, err = openStores(&c, c.Logger)
		if test.refused == "" {
			require.NoError(t, err, "%+v", test)
			require.NoError(t, s.file.Close())
			continue
		}
		require.ErrorIs(t, err, ErrCorrupt, "%+v", test)
		require.ErrorContains(t, err, test.refused)
		if test.file == "state.bin" {
			require.ErrorContains(t, err, newest)
		}
	}
}
