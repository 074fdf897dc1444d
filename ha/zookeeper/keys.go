package zookeeper

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/go-zookeeper/zk"
)

const (
	// format is the data of the node below which the records are. Another number is for another layout.
	format = "mesos-actor-go records 1"
	// buckets is the number of nodes among which the records are divided. The children of a node are listed by one
	// packet: with 1,000,000 records and the longest names a bucket's list takes 0.5 MiB.
	buckets = 256
	// maxName is the longest name of a record's node. Longer keys are kept with the value, and the name is a hash.
	maxName = 128
	// hashed begins the names that are hashes. No escaped key does.
	hashed = "~"
	// epochKey is the record of who leads. It is the elector's own: Load leaves it out.
	epochKey = "ha/epoch"
)

// bucketOf returns the bucket of a key.
func bucketOf(key string) string {
	h := fnv.New32a()
	h.Write([]byte(key))
	sum := h.Sum32()
	return bucketName(int(sum^sum>>8^sum>>16^sum>>24) % buckets)
}

// bucketName returns the name of bucket i.
func bucketName(i int) string { return fmt.Sprintf("%02x", i) }

// nodeName returns the name of a key's node, and whether the node's data has to have the key.
func nodeName(key string) (name string, withKey bool) {
	if len(key) <= maxName {
		if name = escape(key); len(name) <= maxName {
			return name, false
		}
	}
	sum := sha256.Sum256([]byte(key))
	return hashed + hex.EncodeToString(sum[:]), true
}

// plain reports whether a byte stands for itself in a node's name. A dot at the beginning does not: . and .. are no
// names.
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.:,+=@", c) >= 0
}

// escape returns a name that ZooKeeper accepts, different for each key.
func escape(key string) string {
	var name strings.Builder
	for i := range len(key) {
		if c := key[i]; plain(c) && (c != '.' || i > 0) {
			name.WriteByte(c)
		} else {
			fmt.Fprintf(&name, "%%%02X", c)
		}
	}
	return name.String()
}

// unescape returns the key whose escaped form is name.
func unescape(name string) (key string, ok bool) {
	var b []byte
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			b = append(b, name[i])
			continue
		}
		var c [1]byte
		if i+3 > len(name) {
			return "", false
		}
		if _, err := hex.Decode(c[:], []byte(name[i+1:i+3])); err != nil {
			return "", false
		}
		b = append(b, c[0])
		i += 2
	}
	return string(b), len(b) > 0 && escape(string(b)) == name
}

// encodeData returns the data of a record's node: the value, after the key and its length if the name is a hash. It
// shares nothing with its arguments.
func encodeData(key string, value []byte, withKey bool) []byte {
	if !withKey {
		return append(make([]byte, 0, len(value)), value...)
	}
	data := make([]byte, 0, 4+len(key)+len(value))
	data = binary.BigEndian.AppendUint32(data, uint32(len(key)))
	return append(append(data, key...), value...)
}

// decodeNode returns the record of a node. The value is not nil, and part of data.
func decodeNode(name string, data []byte) (key string, value []byte, err error) {
	if !strings.HasPrefix(name, hashed) {
		key, ok := unescape(name)
		if !ok {
			return "", nil, fmt.Errorf("node %q is not the name of a record", name)
		}
		return key, owned(data), nil
	}
	if len(data) < 4 || uint64(len(data)-4) < uint64(binary.BigEndian.Uint32(data)) {
		return "", nil, fmt.Errorf("node %q does not have the key of its record", name)
	}
	end := 4 + int(binary.BigEndian.Uint32(data))
	key = string(data[4:end])
	if again, _ := nodeName(key); again != name {
		return "", nil, fmt.Errorf("node %q has the key of another one", name)
	}
	return key, owned(data[end:]), nil
}

// owned returns a value that is not nil, and to which appending changes nothing else.
func owned(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data[:len(data):len(data)]
}

const (
	// serverPacket is the longest packet that a server takes, unless its jute.maxbuffer says otherwise.
	serverPacket = 1<<20 - 1
	// packetMargin is for the packet's own fields, the fence, and what servers add when they pass it on.
	packetMargin = 16 << 10
	// maxRecords bounds the records of one Apply. Servers keep their last 500 requests in memory: with records of 1 KiB
	// that is 100 MiB. More records at once are not faster.
	maxRecords = 200
)

// limits returns how much one request takes of records below base. In a request a record has, beside its key and
// value: 9 bytes that begin an operation; its path, whose name is counted beside the key, since it may be longer; the
// lengths of path, data and of a key that comes with the data; the ACL and the flags.
func limits(base string, acl []zk.ACL) (records, bytes int) {
	each := 9 + 4 + len(base) + len("/00/") + maxName + 4 + 4 + 4 + 4
	for _, a := range acl {
		each += 4 + 4 + len(a.Scheme) + 4 + len(a.ID)
	}
	room := serverPacket - packetMargin
	records = max(1, min(maxRecords, room/2/each))
	return records, room - records*each
}
