package zookeeper

import (
	"fmt"
	"maps"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha/storetest"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

// places gives each store a path of its own.
func place(t *testing.T) string {
	return "/" + strings.ReplaceAll(path.Base(path.Dir(t.Name()))+"-"+path.Base(t.Name()), "#", "-")
}

func TestStore(t *testing.T) {
	t.Parallel()
	s := zktest.Ensemble(t, 1, tick)[0]
	t.Run("suite", func(t *testing.T) {
		t.Parallel()
		members := map[storetest.Store]*member{}
		lead := func(t *testing.T) storetest.Store {
			m := join(t, new(history), Config{Address: address(place(t), s.Address)})
			st := m.leads().Store
			members[st] = m
			return st
		}
		storetest.Run(t, lead, func(t *testing.T, st storetest.Store) storetest.Store {
			members[st].ends()
			return lead(t)
		})
	})
	t.Run("fence", func(t *testing.T) {
		t.Parallel()
		storetest.RunFenced(t, func(t *testing.T) (storetest.Store, func() storetest.Store) {
			c := s.Connect(t)
			config := Config{Address: address(place(t), s.Address)}
			first := join(t, new(history), config).leads()
			return first.Store, func() storetest.Store {
				// The servers give up the first one, which knows nothing of it.
				children, _, err := c.Children(place(t) + "/election")
				require.NoError(t, err)
				require.Len(t, children, 1)
				c.Remove(place(t) + "/election/" + children[0])
				return join(t, new(history), config).leads().Store
			}
		})
	})
	t.Run("many records", func(t *testing.T) {
		t.Parallel()
		manyRecords(t, s)
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		refused(t, s)
	})
	t.Run("foreign nodes", func(t *testing.T) {
		t.Parallel()
		foreignNodes(t, s)
	})
}

func manyRecords(t *testing.T, s *zktest.Server) {
	const n = 5000
	m := join(t, new(history), Config{Address: address("/many-records", s.Address)})
	st := m.leads().Store.(*store)
	records, _ := st.BatchLimit()
	all := map[string][]byte{}
	begun, batch := time.Now(), map[string][]byte{}
	for i := range n {
		batch[fmt.Sprintf("task/job.%d-%x", i%100, i)] = []byte(strings.Repeat("x", 700))
		if len(batch) == records || i == n-1 {
			require.NoError(t, st.Apply(t.Context(), batch))
			maps.Copy(all, batch)
			clear(batch)
		}
	}
	t.Logf("%d records written in %v", n, time.Since(begun))
	m.ends()
	st = join(t, new(history), Config{Address: address("/many-records", s.Address)}).leads().Store.(*store)
	begun = time.Now()
	got, err := st.Load(t.Context())
	require.NoError(t, err)
	t.Logf("%d records loaded in %v", n, time.Since(begun))
	require.Equal(t, all, got)
}

func refused(t *testing.T, s *zktest.Server) {
	st := join(t, new(history), Config{Address: address("/refused", s.Address)}).leads().Store.(*store)
	records, most := st.BatchLimit()
	require.Equal(t, 200, records)
	require.Greater(t, most, 900_000)
	var refused *RecordError
	require.ErrorAs(t, st.Apply(t.Context(), map[string][]byte{"big": make([]byte, most)}), &refused)
	require.EqualError(t, refused, fmt.Sprintf(`ha/zookeeper: record "big" of %d bytes: a znode takes at most %d`, most+3, most))
	require.ErrorAs(t, st.Apply(t.Context(), map[string][]byte{epochKey: {}}), &refused)
	require.ErrorAs(t, st.Apply(t.Context(), map[string][]byte{"": {}}), &refused)
	got, err := st.Load(t.Context())
	require.NoError(t, err)
	require.Empty(t, got)
}

// Whatever somebody else has created or deleted in the log is named, and never silently less. Without the log the term
// ends, and the next one begins another.
func foreignNodes(t *testing.T, s *zktest.Server) {
	const at = "/foreign-nodes"
	m := join(t, new(history), Config{Address: address(at, s.Address)})
	term := m.leads()
	st := term.Store.(*store)
	for _, key := range []string{"a", "b", "c"} { // entries 2, 3 and 4
		require.NoError(t, st.Apply(t.Context(), map[string][]byte{key: []byte("1")}))
	}
	c := s.Connect(t)
	refuses := func(text string) {
		_, err := st.Load(t.Context())
		require.ErrorIs(t, err, ErrFormat)
		require.ErrorContains(t, err, text)
	}
	c.Put(at+"/state/notes", "")
	refuses("ha/zookeeper: not records of this version: in " + at + `/state node "notes" is not part of the log`)
	c.Remove(at + "/state/notes")
	c.Put(at+"/state/5-5", "\x00\x00\x00\x01")
	refuses(`node "5-5" ends within a record`)
	require.ErrorIs(t, st.Apply(t.Context(), map[string][]byte{"a": nil}), ErrFormat)
	c.Remove(at + "/state/5-5")
	c.Put(at+"/state/5-5", string(encode(map[string][]byte{"a": []byte("theirs")})))
	require.NoError(t, st.Apply(t.Context(), map[string][]byte{"b": nil}))
	got, err := st.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"a": []byte("theirs"), "c": []byte("1")}, got)
	c.Remove(at + "/state/3-3")
	refuses(`node "4-4" follows node "2-2"`)

	for _, node := range []string{"/1-1", "/2-2", "/4-4", "/5-5", "/6-6", ""} {
		c.Remove(at + "/state" + node)
	}
	var fenced *FencedError
	require.ErrorAs(t, st.Apply(t.Context(), map[string][]byte{"a": nil}), &fenced)
	require.ErrorIs(t, term.over(t), errNoLog)
	got, err = m.leads().Store.Load(t.Context())
	require.NoError(t, err)
	require.Empty(t, got)
}
