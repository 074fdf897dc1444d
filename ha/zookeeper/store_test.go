package zookeeper

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/storetest"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

// place gives each store a path of its own.
func place(t *testing.T) string {
	return "/" + strings.ReplaceAll(path.Base(path.Dir(t.Name()))+"-"+path.Base(t.Name()), "#", "-")
}

func storeSuite(t *testing.T, s *zktest.Server, _ string) {
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
}

func storeFence(t *testing.T, s *zktest.Server, _ string) {
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
}

// A member that begins reads all records; in the log there are fewer nodes than records.
func manyRecords(t *testing.T, s *zktest.Server, path string) {
	const n = 2000
	m := join(t, new(history), Config{Address: address(path, s.Address)})
	st := m.leads().Store.(*store)
	all := map[string][]byte{}
	for i := range n {
		key := fmt.Sprintf("task/job.%d-%x", i%100, i)
		all[key] = []byte(strings.Repeat("x", 700))
		require.NoError(t, st.Apply(t.Context(), map[string][]byte{key: all[key]}))
	}
	for key := range all {
		if len(key)%2 == 0 {
			require.NoError(t, st.Apply(t.Context(), map[string][]byte{key: nil}))
			delete(all, key)
		}
	}
	m.ends()
	m = join(t, new(history), Config{Address: address(path, s.Address)})
	st = m.leads().Store.(*store)
	got, err := st.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, all, got)
	require.Less(t, len(st.replica.entries), 2*moreEntries)
}

// A member that follows has the records before it leads, and reads but what is new.
func warmTakeover(t *testing.T, s *zktest.Server, path string) {
	a := join(t, new(history), Config{Address: address(path, s.Address), ID: "a"})
	term := a.leads()
	want := map[string][]byte{}
	write := func(changes map[string][]byte) {
		require.NoError(t, term.Store.Apply(t.Context(), changes))
		maps.Copy(want, changes)
		maps.DeleteFunc(want, func(_ string, value []byte) bool { return value == nil })
	}
	write(map[string][]byte{"a": []byte("1"), "b": []byte("1"), "empty": {}})

	b := join(t, new(history), Config{Address: address(path, s.Address), ID: "b"})
	b.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })
	news, own, got := b.follows(t), a.follows(t), map[string][]byte{}
	follow := func(news <-chan map[string][]byte) {
		for !maps.EqualFunc(want, got, bytes.Equal) {
			changes, ok := <-news
			require.True(t, ok)
			maps.Copy(got, changes)
			maps.DeleteFunc(got, func(_ string, value []byte) bool { return value == nil })
		}
	}
	follow(news)
	for i := range 500 {
		write(map[string][]byte{"a": nil, "b": fmt.Append(nil, i), fmt.Sprint(i): make([]byte, 1000)})
	}
	follow(news)
	clear(got)
	follow(own) // the leader's own

	a.ends()
	for range own { // which is over with its Run
	}
	_, more := <-own
	require.False(t, more)
	records, err := b.leads().Store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, records)
}

func refused(t *testing.T, s *zktest.Server, path string) {
	st := join(t, new(history), Config{Address: address(path, s.Address)}).leads().Store.(*store)
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
func logByHand(t *testing.T, s *zktest.Server, at string) {
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
	c.Put(at+"/state/5-5", "\x00\x00\x00\x00\x00\x00\x00\x01\x00")
	refuses(`node "5-5" is cut off`)
	require.ErrorIs(t, st.Apply(t.Context(), map[string][]byte{"a": nil}), ErrFormat)
	c.Remove(at + "/state/5-5")
	c.Put(at+"/state/5-5", string(encode(content{1, map[string][]byte{"a": []byte("theirs")}})))
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

	c.Put(at+"/state/notes", "") // a member that is to lead says so, and leads when it is gone
	m.answer <- errTest
	m.shows("why", func(s ha.Status) bool { return strings.Contains(s.Reason, `node "notes" is not part of the log`) })
	c.Remove(at + "/state/notes")
	m.leads()
}

// Somebody deletes the log, and a member that joins creates it anew before the leader writes again. That is not taken for
// the log that the leader knows: its term ends, and the next one begins with what there is.
func logReplaced(t *testing.T, s *zktest.Server, at string) {
	m := join(t, new(history), Config{Address: address(at, s.Address), ID: "a"})
	term := m.leads()
	require.NoError(t, term.Store.Apply(t.Context(), map[string][]byte{"a": []byte("1")}))
	c := s.Connect(t)
	for _, node := range []string{"/1-1", "/2-2", ""} {
		c.Remove(at + "/state" + node)
	}
	other := join(t, new(history), Config{Address: address(at, s.Address), ID: "b"})
	other.shows("the leader", func(s ha.Status) bool { return s.Leader == "a" })
	other.ends()
	var fenced *FencedError
	require.ErrorAs(t, term.Store.Apply(t.Context(), map[string][]byte{"b": []byte("1")}), &fenced)
	require.ErrorIs(t, term.over(t), errOtherLog)
	next := m.leads().Store
	require.Contains(t, m.log.String(), fmt.Sprintf(`problem="ha/zookeeper: term %d is over: the records are not`, term.Number))
	require.NoError(t, next.Apply(t.Context(), map[string][]byte{"c": []byte("1")}))
	got, err := next.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"c": []byte("1")}, got)
}
