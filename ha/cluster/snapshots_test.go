package cluster

import (
	"bytes"
	"io"
	"math/rand/v2"
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
