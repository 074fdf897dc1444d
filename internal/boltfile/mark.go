package boltfile

import (
	"encoding/binary"
	"hash/fnv"
	"io"
)

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

// Mark marks a file with the number of its last transaction, which is complete and synced.
func Mark(file io.WriterAt, pageSize, transaction int) error {
	mark := encodeMark(uint64(transaction))
	for _, page := range []int{0, pageSize} {
		if _, err := file.WriteAt(mark, int64(page+markOffset)); err != nil {
			return err
		}
	}
	return nil
}

// marked returns the highest transaction that a file is marked with, 0 if there is no mark.
func marked(file io.ReaderAt, pageSize uint64) (highest uint64, err error) {
	for _, page := range []uint64{0, pageSize} {
		var b [markSize]byte
		if _, err := file.ReadAt(b[:], int64(page+markOffset)); err != nil && err != io.EOF {
			return 0, err
		}
		highest = max(highest, decodeMark(b[:]))
	}
	return highest, nil
}
