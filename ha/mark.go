package ha

import (
	"encoding/binary"
	"hash/fnv"
	"os"
)

// A mark says that a transaction was complete: it is written after the transaction is synced, beside each of the two meta
// pages' contents. bbolt opens a file with the older meta page if the newer one is bad, and cannot know whether a crash has
// interrupted its writing, or it was damaged later. It was if there is a mark of its transaction. Both pages have the mark, as
// the next transaction writes one of them anew, and a crash may leave any part of that.
//
// Marks cost no sync of their own: the next transaction syncs them with its data, and Close does.
//
// The mark is far enough from the meta page's content to be in another sector, and bbolt makes no use of that place.
const (
	markOffset = 512 // in each of the first two pages
	markSize   = 24
	markMagic  = "mamark 1"
)

// encodeMark returns the magic, the number of the transaction, and a checksum of both.
func encodeMark(transaction uint64) []byte {
	b := append(make([]byte, 0, markSize), markMagic...)
	b = binary.BigEndian.AppendUint64(b, transaction)
	sum := fnv.New64a()
	_, _ = sum.Write(b)
	return sum.Sum(b)
}

// decodeMark returns the number of the transaction, 0 if the mark is bad or there is none.
func decodeMark(b []byte) (transaction uint64) {
	transaction = binary.BigEndian.Uint64(b[len(markMagic):])
	if string(b) != string(encodeMark(transaction)) {
		return 0
	}
	return transaction
}

// writeMarks marks a file with the number of its last transaction.
func writeMarks(file *os.File, pageSize int, transaction uint64) error {
	mark := encodeMark(transaction)
	for _, page := range []int{0, pageSize} {
		if _, err := file.WriteAt(mark, int64(page+markOffset)); err != nil {
			return err
		}
	}
	return nil
}

// readMarks returns the highest transaction that a file is marked with, 0 if there is no mark.
func readMarks(file *os.File, pageSize uint64) (highest uint64, err error) {
	for _, page := range []uint64{0, pageSize} {
		var b [markSize]byte
		if _, err := file.ReadAt(b[:], int64(page+markOffset)); err != nil {
			return 0, err
		}
		highest = max(highest, decodeMark(b[:]))
	}
	return highest, nil
}
