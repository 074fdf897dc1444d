package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"time"
)

// metaVersion is the version of what a member says of itself in gossip.
const metaVersion = 1

// meta is what a member says of itself in gossip. Encoded it must have at most 512 bytes: memberlist panics at more. An ID
// has 73, an API address 128, a Raft address 259 (a host name and a port), the rest 34 with all lengths.
type meta struct {
	id     string
	start  time.Time
	raft   string // address
	api    string
	expect int
	// hasState: it is a member of a cluster. Leaving: it is about to leave for good.
	hasState, leaving bool
	// pick stands for the members with which it would begin a cluster, 0: it would not. Of a member with state it stands for
	// those with which its cluster began, 0: it does not know them yet.
	pick uint64
	// applied is the index of the last entry that it has applied, while it does not vote.
	applied uint64
}

func (m *meta) encode() []byte {
	b := append([]byte{metaVersion}, 0)
	if m.hasState {
		b[1] |= 1
	}
	if m.leaving {
		b[1] |= 2
	}
	b = binary.BigEndian.AppendUint64(append(b, byte(m.expect)), m.pick)
	b = binary.BigEndian.AppendUint64(b, uint64(m.start.UnixNano()))
	b = binary.AppendUvarint(b, m.applied)
	for _, text := range []string{m.id, m.raft, m.api} {
		b = appendText(b, text)
	}
	return b
}

func decodeMeta(b []byte) (meta, error) {
	if len(b) < 19 {
		return meta{}, errors.New("it is too short")
	}
	if b[0] != metaVersion {
		return meta{}, fmt.Errorf("it has version %d, this program knows %d", b[0], metaVersion)
	}
	m := meta{hasState: b[1]&1 != 0, leaving: b[1]&2 != 0, expect: int(b[2]), pick: binary.BigEndian.Uint64(b[3:]),
		start: time.Unix(0, int64(binary.BigEndian.Uint64(b[11:])))}
	d := decoder{rest: b[19:]}
	m.applied = d.uvarint()
	for _, text := range []*string{&m.id, &m.raft, &m.api} {
		*text = string(d.bytes(d.uvarint()))
	}
	if d.err != nil || len(d.rest) > 0 {
		return meta{}, errors.New("it has not the length that it says")
	}
	if reason := checkID(m.id, maxID); reason != "" {
		return meta{}, fmt.Errorf("its ID %s", reason)
	}
	return m, nil
}

// maxID is the length of an ID with the suffix that makes it unique.
const maxID = maxName + 1 + 8

// pickOf returns what stands for a set of IDs, in their order. It is not 0.
func pickOf(ids []string) uint64 {
	h := fnv.New64a()
	for _, id := range ids {
		_, _ = h.Write(appendText(nil, id)) // a hash returns no error
	}
	return max(1, h.Sum64())
}
