package zookeeper

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/stretchr/testify/require"
)

func TestEscape(t *testing.T) {
	for key, name := range map[string]string{
		"framework": "framework", "task/web.1": "task%2Fweb.1", ".": "%2E", "..": "%2E.", "a b%": "a%20b%25",
		"ü": "%C3%BC", "\x00\xff": "%00%FF", "~a": "%7Ea",
	} {
		require.Equal(t, name, escape(key))
		back, ok := unescape(name)
		require.True(t, ok)
		require.Equal(t, key, back)
	}
	for _, name := range []string{"", "%", "%2", "%2f", "%41", ".", "a b", "%zz", "ü"} {
		_, ok := unescape(name)
		require.False(t, ok, name)
	}
}

// FuzzNode holds for any record: its node has a name that ZooKeeper takes and that is not too long, and the record is
// found again in name and data. Another name with the same data is refused, or another record.
func FuzzNode(f *testing.F) {
	f.Add("task/a", []byte("x"), "task%2Fb")
	f.Add(strings.Repeat("\xff", 200), []byte{}, "~00")
	f.Add("..", []byte(nil), ".")
	f.Fuzz(func(t *testing.T, key string, value []byte, other string) {
		if key == "" {
			return
		}
		name, withKey := nodeName(key)
		require.NotEmpty(t, name)
		require.LessOrEqual(t, len(name), maxName)
		require.Empty(t, strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:,+=@%~"))
		require.NotContains(t, []string{".", ".."}, name)
		data := encodeData(key, value, withKey)
		gotKey, gotValue, err := decodeNode(name, data)
		require.NoError(t, err)
		require.Equal(t, key, gotKey)
		require.NotNil(t, gotValue)
		require.Equal(t, string(value), string(gotValue))
		if gotKey, _, err := decodeNode(other, data); err == nil && other != name {
			require.NotEqual(t, key, gotKey)
		}
	})
}

// Nodes spread evenly, so that no list of a bucket's children is too long.
func TestBuckets(t *testing.T) {
	const n = 100_000
	var counts [buckets]int
	for i := range n {
		var at int
		_, err := fmt.Sscanf(bucketOf(fmt.Sprintf("task/job-%d", i)), "%02x", &at)
		require.NoError(t, err)
		counts[at]++
	}
	require.Less(t, slices.Max(counts[:]), 2*n/buckets)
	require.Greater(t, slices.Min(counts[:]), n/buckets/2)
}

// Whatever is within the limits fits in a packet of the default length, in the worst case as well.
func TestLimits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, auth := range []string{"", "user:password", strings.Repeat("u", 1000) + ":p"} {
		acl, _ := aclOf(auth)
		for _, base := range []string{"/a/state", "/" + strings.Repeat("long/", 400) + "state"} {
			records, most := limits(base, acl)
			require.Positive(t, records)
			require.Greater(t, most, serverPacket/2-packetMargin-1)
			for range 5 {
				var changes []change
				left, n := most, 1+random.IntN(records)
				for i := range n {
					// Bytes that are escaped, and keys as long as names can be.
					key := fmt.Sprintf("%x%s", i, strings.Repeat("\xff", random.IntN(50)))
					value := make([]byte, random.IntN(1+max(0, left/(n-i)-len(key))))
					if i == n-1 {
						value = make([]byte, max(0, left-len(key)))
					}
					left -= len(key) + len(value)
					if left < 0 {
						break
					}
					changes = append(changes, newChange(base, key, value))
				}
				require.LessOrEqual(t, packetSize(changes, acl), serverPacket-packetMargin/2)
			}
		}
	}
}

// packetSize is the length of a request that creates all, as the protocol has it.
func packetSize(changes []change, acl []zk.ACL) int {
	size := 8 + 9 + 4 + 1000 // xid, opcode, the end, and the fence with a generous path
	for _, c := range changes {
		size += 9 + 4 + len(c.node) + 4 + len(c.data) + 4 + 4
		for _, a := range acl {
			size += 4 + 4 + len(a.Scheme) + 4 + len(a.ID)
		}
	}
	return size
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
