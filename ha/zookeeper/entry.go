package zookeeper

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-zookeeper/zk"
)

const (
	// format begins the data of the node below which the log is. What follows tells the log from another one that was
	// at the same place before. Another number is for another layout.
	format = "mesos-actor-go log 1 "
	// epochKey is the record of who leads. It is the elector's own: Load leaves it out.
	epochKey = "ha/epoch"
)

// entry is a node of the log. It has the changes of one Apply, or of several in a row. It is never changed: another one,
// of another name, takes its place.
type entry struct {
	first, last uint64 // Applies are numbered from 1
	size        int    // bytes of the records in its data, at most
}

// name returns the name of the node.
func (e entry) name() string { return fmt.Sprintf("%d-%d", e.first, e.last) }

// has reports whether an Apply is among those of the entry.
func (e entry) has(number uint64) bool { return e.first <= number && number <= e.last }

func byFirst(a, b entry) int { return cmp.Compare(a.first, b.first) }

func parseEntry(name string) (e entry, ok bool) {
	first, last, _ := strings.Cut(name, "-")
	e.first, _ = strconv.ParseUint(first, 10, 63)
	e.last, _ = strconv.ParseUint(last, 10, 63)
	return e, e.first > 0 && e.first <= e.last && e.name() == name
}

// parseEntries returns the entries of a log in order. Between the first and the last of them all Applies have to be there.
// An entry within another one is left out: a server may show a transaction that it has not finished, and those that give
// way to another are deleted after that was created.
func parseEntries(names []string) ([]entry, error) {
	all := make([]entry, 0, len(names))
	for _, name := range names {
		e, ok := parseEntry(name)
		if !ok {
			return nil, fmt.Errorf("node %q is not part of the log", name)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(byFirst(a, b), cmp.Compare(b.last, a.last)) })
	entries := all[:0]
	for _, e := range all {
		if len(entries) > 0 {
			before := entries[len(entries)-1]
			if e.last <= before.last {
				continue
			}
			if e.first != before.last+1 {
				return nil, fmt.Errorf("node %q follows node %q", e.name(), before.name())
			}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// content is what the data of an entry say.
type content struct {
	front   uint64 // the first Apply of the first entry of the log, as of this one's creation
	changes map[string][]byte
}

// deleted is the length of a value that is nil.
const deleted = 1<<32 - 1

// encode returns the data of an entry: the front, then in order of the keys the lengths of key and value, and both.
func encode(c content) []byte {
	size, changes := 8, c.changes
	for key, value := range changes {
		size += sizeOf(key, value)
	}
	data := binary.BigEndian.AppendUint64(make([]byte, 0, size), c.front)
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		value, length := changes[key], uint32(deleted)
		if value != nil {
			length = uint32(len(value))
		}
		data = binary.BigEndian.AppendUint32(data, uint32(len(key)))
		data = binary.BigEndian.AppendUint32(data, length)
		data = append(append(data, key...), value...)
	}
	return data
}

// sizeOf returns how much of an entry's data a record takes.
func sizeOf(key string, value []byte) int { return 4 + 4 + len(key) + len(value) }

var errTorn = errors.New("is cut off")

// decode reads the data of an entry, of which the values are parts.
func decode(data []byte) (content, error) {
	if len(data) < 8 {
		return content{}, errTorn
	}
	c, last := content{binary.BigEndian.Uint64(data), map[string][]byte{}}, []byte(nil)
	for data = data[8:]; len(data) > 0; {
		if len(data) < 8 {
			return content{}, errTorn
		}
		keyLen, valueLen := uint64(binary.BigEndian.Uint32(data)), uint64(binary.BigEndian.Uint32(data[4:]))
		data = data[8:]
		gone := valueLen == deleted
		if gone {
			valueLen = 0
		}
		if uint64(len(data)) < keyLen+valueLen {
			return content{}, errTorn
		}
		key, value := data[:keyLen], data[keyLen:keyLen+valueLen:keyLen+valueLen]
		if bytes.Compare(last, key) >= 0 {
			return content{}, fmt.Errorf("has key %.64q after key %.64q", key, last)
		}
		if gone {
			value = nil
		}
		c.changes[string(key)] = value
		last, data = key, data[keyLen+valueLen:]
	}
	return c, nil
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

// limits returns how much one entry of a log below base takes.
func limits(base string, acl []zk.ACL) (records, bytes int) {
	room := serverPacket - packetMargin - 3*len(base) - maxRecords*sizeOf("", nil)
	for _, a := range acl {
		room -= 4 + 4 + len(a.Scheme) + 4 + len(a.ID)
	}
	return maxRecords, room
}
