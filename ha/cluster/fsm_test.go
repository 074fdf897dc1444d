package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
)

func beginTerm(s *state, term uint64, leader string) any {
	return s.Apply(&raft.Log{Data: encodeBegin(epoch{term, leader, time.Unix(0, int64(term)), "it was elected"})})
}

func write(s *state, term uint64, changes map[string][]byte) any {
	return s.Apply(&raft.Log{Data: encodeWrite(term, changes)})
}

func TestStateFence(t *testing.T) {
	s := newState()
	require.IsType(t, &errOlder{}, write(s, 1, map[string][]byte{"a": []byte("1")}), "no term has begun")
	require.Nil(t, beginTerm(s, 2, "a"))
	require.Nil(t, write(s, 2, map[string][]byte{"a": []byte("1"), "b": {}}))
	require.Nil(t, beginTerm(s, 5, "b"))
	require.EqualError(t, write(s, 2, map[string][]byte{"a": nil, "c": []byte("2")}).(error), "term 5 of member b has begun")
	require.EqualError(t, beginTerm(s, 5, "c").(error), "term 5 of member b has begun")
	require.EqualError(t, beginTerm(s, 4, "c").(error), "term 5 of member b has begun")
	require.EqualError(t, write(s, 6, map[string][]byte{"a": nil}).(error), "term 5 of member b has begun", "a term that never began")
	require.Equal(t, map[string][]byte{"a": []byte("1"), "b": {}}, s.copy())
	require.Nil(t, write(s, 5, map[string][]byte{"a": nil}))
	require.Equal(t, map[string][]byte{"b": {}}, s.copy())
	require.Equal(t, epoch{5, "b", time.Unix(0, 5), "it was elected"}, s.epoch())
}

// A member that cannot read an entry must not go on without it.
func TestStateOfLaterVersion(t *testing.T) {
	s := newState()
	require.Nil(t, beginTerm(s, 1, "a"))
	later := encodeWrite(1, map[string][]byte{"a": []byte("1")})
	later[0]++
	require.ErrorIs(t, s.Apply(&raft.Log{Index: 7, Data: later}).(error), ErrFormat)
	require.EqualError(t, <-s.failed, "ha/cluster: not a file of this version: entry 7 of the log: the entry has version 2, this program knows 1")
	require.ErrorIs(t, write(s, 1, nil).(error), ErrFormat)
	_, err := s.Snapshot()
	require.ErrorIs(t, err, ErrFormat)
}

func TestStateValuesAreCopied(t *testing.T) {
	s := newState()
	require.Nil(t, beginTerm(s, 1, "a"))
	data := encodeWrite(1, map[string][]byte{"a": []byte("value")})
	require.Nil(t, s.Apply(&raft.Log{Data: data}))
	clear(data)
	s.copy()["a"][0] = 'x'
	require.Equal(t, "value", string(s.copy()["a"]))
}

// randomState returns a state after random writings.
func randomState(r *rand.Rand, writings int) *state {
	s := newState()
	s.StoreConfiguration(1, raft.Configuration{Servers: []raft.Server{{ID: "leader"}}})
	s.StoreConfiguration(2, raft.Configuration{})
	beginTerm(s, 1+r.Uint64N(9), "leader")
	for range writings {
		changes := map[string][]byte{}
		for range r.IntN(5) {
			key := fmt.Sprint("key ", r.IntN(50))
			if changes[key] = nil; r.IntN(3) > 0 {
				changes[key] = bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(100))
			}
		}
		write(s, s.newest.term, changes)
	}
	return s
}

type sink struct {
	bytes.Buffer
	closed, cancelled bool
	fail              error
}

func (s *sink) Write(b []byte) (int, error) {
	if s.fail != nil {
		return 0, s.fail
	}
	return s.Buffer.Write(b)
}
func (s *sink) Close() error  { s.closed = true; return nil }
func (s *sink) Cancel() error { s.cancelled = true; return nil }
func (s *sink) ID() string    { return "sink" }

func TestSnapshot(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		s := randomState(rand.New(rand.NewPCG(seed, 1)), int(seed)*3)
		snap, err := s.Snapshot()
		require.NoError(t, err)
		newest, want := s.epoch(), s.copy()
		require.Nil(t, beginTerm(s, newest.term+1, "other"))
		require.Nil(t, write(s, newest.term+1, map[string][]byte{"later": []byte("x"), "key 1": nil, "key 2": []byte("x")}))

		var to sink
		require.NoError(t, snap.Persist(&to))
		require.True(t, to.closed && !to.cancelled)
		for _, reader := range []io.Reader{bytes.NewReader(to.Bytes()), iotest.OneByteReader(bytes.NewReader(to.Bytes())), iotest.DataErrReader(bytes.NewReader(to.Bytes()))} {
			again := newState()
			require.NoError(t, again.Restore(io.NopCloser(reader)))
			require.Equal(t, want, again.copy())
			require.True(t, again.epoch().began.Equal(newest.began))
			require.Equal(t, newest.leader, again.epoch().leader)
			require.Equal(t, newest.why, again.epoch().why)
			require.Equal(t, newest.term, again.epoch().term)
			require.Equal(t, s.cluster(), again.cluster())
		}

		// A part of it, or one with a wrong bit, changes nothing.
		other := randomState(rand.New(rand.NewPCG(seed, 2)), 5)
		before := other.copy()
		for at := 0; at < to.Len(); at += 1 + at/100 {
			require.ErrorIs(t, other.Restore(io.NopCloser(bytes.NewReader(to.Bytes()[:at]))), ErrCorrupt)
			damaged := bytes.Clone(to.Bytes())
			damaged[at] ^= 1 << (at % 8)
			require.ErrorIs(t, other.Restore(io.NopCloser(bytes.NewReader(damaged))), ErrCorrupt)
			require.True(t, maps.EqualFunc(before, other.records, bytes.Equal))
		}
		require.ErrorIs(t, other.Restore(io.NopCloser(bytes.NewReader(append(to.Bytes(), 0)))), ErrCorrupt)
	}
}

func TestSnapshotToFullDisk(t *testing.T) {
	full := errors.New("disk is full")
	snap, err := randomState(rand.New(rand.NewPCG(1, 1)), 10).Snapshot()
	require.NoError(t, err)
	to := sink{fail: full}
	require.ErrorIs(t, snap.Persist(&to), full)
	require.True(t, to.cancelled && !to.closed)
}

func FuzzCommand(f *testing.F) {
	f.Add(encodeBegin(epoch{3, "member", time.Unix(1, 2), "why"}))
	f.Add(encodeWrite(3, map[string][]byte{"a": nil, "b": {}, "c": []byte("value")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeCommand(b)
		if err != nil {
			return
		}
		again := encodeBegin(c.epoch)
		if c.kind == kindWrite {
			again = encodeWrite(c.epoch.term, c.changes)
		}
		d, err := decodeCommand(again)
		require.NoError(t, err)
		require.Equal(t, c, d)
	})
}

func FuzzSnapshot(f *testing.F) {
	for seed := range uint64(3) {
		snap, err := randomState(rand.New(rand.NewPCG(seed, 1)), 3).Snapshot()
		require.NoError(f, err)
		var to sink
		require.NoError(f, snap.Persist(&to))
		f.Add(to.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readSnapshot(bytes.NewReader(b))
		if err != nil {
			return
		}
		var to sink
		require.NoError(t, s.Persist(&to))
		again, err := readSnapshot(&to)
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}
