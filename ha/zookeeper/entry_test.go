package zookeeper

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/stretchr/testify/require"
)

func TestEntryNames(t *testing.T) {
	for _, e := range []entry{{first: 1, last: 1}, {first: 9, last: 10}, {first: 1, last: 1<<63 - 1}} {
		got, ok := parseEntry(e.name())
		require.True(t, ok)
		require.Equal(t, e, got)
	}
	for _, name := range []string{"", "-", "1", "1-", "-1", "0-1", "2-1", "01-1", "1-1-1", "1 -1", "+1-1", "1-9223372036854775808", "x-1"} {
		_, ok := parseEntry(name)
		require.False(t, ok, name)
	}
}

// A log in which something is missing, or too much, is not taken for another one.
func TestEntriesInOrder(t *testing.T) {
	entries, err := parseEntries([]string{"10-12", "7-7", "8-9"})
	require.NoError(t, err)
	require.Equal(t, []entry{{first: 7, last: 7}, {first: 8, last: 9}, {first: 10, last: 12}}, entries)
	entries, err = parseEntries(nil)
	require.NoError(t, err)
	require.Empty(t, entries)
	entries, err = parseEntries([]string{"3-3", "1-1", "3-5", "4-4", "3-4", "1-2", "6-6"}) // while two give way to others
	require.NoError(t, err)
	require.Equal(t, []entry{{first: 1, last: 2}, {first: 3, last: 5}, {first: 6, last: 6}}, entries)
	for text, names := range map[string][]string{
		`node "4-4" follows node "1-2"`:   {"1-2", "4-4"},
		`node "2-4" follows node "1-2"`:   {"1-2", "2-4"},
		`node "a" is not part of the log`: {"1-1", "a"},
	} {
		_, err := parseEntries(names)
		require.EqualError(t, err, text)
	}
}

// FuzzDecode holds for any data: they are refused, or are those of the changes that they are read as.
func FuzzDecode(f *testing.F) {
	f.Add(encode(content{1, map[string][]byte{"a": []byte("1"), "b": nil, "c": {}}}))
	f.Add([]byte{})
	f.Add([]byte("12345678\x00\x00\x00\x01\xff\xff\xff\xfea"))
	f.Add([]byte("12345678\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("12345678\x00\x00\x00\x01\x00\x00\x00\x00b\x00\x00\x00\x01\x00\x00\x00\x00a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decode(data)
		if err != nil {
			require.Zero(t, c)
			return
		}
		require.Equal(t, string(data), string(encode(c)))
		for _, value := range c.changes {
			require.Equal(t, len(value), cap(value), "appending to it would change another")
		}
	})
}

// Whatever is within the limits fits in a packet of the default length.
func TestLimits(t *testing.T) {
	for _, auth := range []string{"", "user:password", strings.Repeat("u", 1000) + ":p"} {
		acl, _ := aclOf(auth)
		for _, base := range []string{"/a/state", "/" + strings.Repeat("long/", 400) + "state"} {
			records, most := limits(base, acl)
			require.Greater(t, most, 1_000_000)
			changes, left := map[string][]byte{}, most
			for i := range records {
				key := fmt.Sprint("key-", i)
				changes[key] = make([]byte, left/(records-i)-len(key))
				left -= len(key) + len(changes[key])
			}
			require.Zero(t, left)
			request := 8 + 9 + 4 + len(base) + 1000 + 4 + 2*(9+4+len(base)+41) + 4 + 4 + len(encode(content{1, changes})) + 4 + 4 + 9
			for _, a := range acl {
				request += 4 + 4 + len(a.Scheme) + 4 + len(a.ID)
			}
			require.LessOrEqual(t, request, serverPacket-packetMargin/2)
		}
	}
}

func TestInOrder(t *testing.T) {
	const a, b, c = "_c_ff-member-0000000009", "_c_00-member-0000000010", "member-0000000011"
	require.Equal(t, []string{a, b, c}, inOrder([]string{
		c, "member-", "x", "member-000000001", "member-00000000011", "member--000000001", a, "member-000000000x", b,
	}))
	require.Empty(t, inOrder(nil))
}

func TestDecodeMember(t *testing.T) {
	require.Equal(t, memberData{ID: "a", API: "b"}, decodeMember("n", []byte(`{"id":"a","api":"b"}`)))
	for _, data := range []string{"", "{", `{"id":""}`, `{"id":3}`, `{"id":"` + strings.Repeat("x", 300) + `"}`} {
		require.Equal(t, memberData{ID: "n"}, decodeMember("n", []byte(data)), data)
	}
}

func TestMembers(t *testing.T) {
	self := memberData{ID: "b", API: "http://b"}
	list := members([]candidate{{data: memberData{ID: "c"}}, {data: memberData{ID: "a", API: "http://a"}}, {data: memberData{ID: "c"}}}, self)
	require.Equal(t, []ha.Member{
		{ID: "a", API: "http://a", Alive: true, Voter: true}, {ID: "b", API: "http://b"}, {ID: "c", Alive: true, Voter: true},
	}, list)
}
