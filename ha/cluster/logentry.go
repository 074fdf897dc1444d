package cluster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"
)

func indexKey(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// entryHeader is the length of an entry without its variable parts: term, type, when it was appended, the length of
// the extensions, and the checksum in front.
const entryHeader = 4 + 8 + 1 + 8 + 4

// encodeEntry returns an entry as it is stored. The checksum is over the index as well, which is the key.
func encodeEntry(entry *raft.Log) []byte {
	b := make([]byte, 4, entryHeader+len(entry.Extensions)+len(entry.Data))
	b = binary.BigEndian.AppendUint64(b, entry.Term)
	b = append(b, byte(entry.Type))
	var appended int64
	if !entry.AppendedAt.IsZero() {
		appended = entry.AppendedAt.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(appended))
	b = binary.BigEndian.AppendUint32(b, uint32(len(entry.Extensions)))
	b = append(append(b, entry.Extensions...), entry.Data...)
	binary.BigEndian.PutUint32(b, entrySum(indexKey(entry.Index), b[4:]))
	return b
}

func entrySum(key, rest []byte) uint32 {
	table := castagnoli()
	return crc32.Update(crc32.Checksum(key, table), table, rest)
}

// decodeEntry reads an entry, whose bytes it copies: those of bbolt are valid only during a transaction.
func decodeEntry(key, value []byte, entry *raft.Log) error {
	if len(key) != 8 {
		return fmt.Errorf("the key of an entry has %d bytes", len(key))
	}
	index := binary.BigEndian.Uint64(key)
	if len(value) < entryHeader {
		return fmt.Errorf("entry %d has only %d bytes", index, len(value))
	}
	if binary.BigEndian.Uint32(value) != entrySum(key, value[4:]) {
		return fmt.Errorf("the checksum of entry %d is wrong", index)
	}
	extensions := binary.BigEndian.Uint32(value[21:])
	rest := value[entryHeader:]
	if uint64(extensions) > uint64(len(rest)) {
		return fmt.Errorf("entry %d is too short for its extensions", index)
	}
	*entry = raft.Log{Index: index, Term: binary.BigEndian.Uint64(value[4:]), Type: raft.LogType(value[12])}
	if appended := int64(binary.BigEndian.Uint64(value[13:])); appended != 0 {
		entry.AppendedAt = time.Unix(0, appended)
	}
	if extensions > 0 {
		entry.Extensions = bytes.Clone(rest[:extensions])
	}
	if data := rest[extensions:]; len(data) > 0 {
		entry.Data = bytes.Clone(data)
	}
	return nil
}
