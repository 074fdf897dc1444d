package boltfile

import (
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"math"
)

// Digest is a checksum of records that does not depend on their order. bbolt has no checksums for its data pages; the
// digest detects a changed byte, and also a whole page from another time.
type Digest struct {
	count uint64
	sum   uint64 // of the records' checksums, modulo 2⁶⁴
}

// Add adds a record.
func (d *Digest) Add(key, value []byte) {
	d.count++
	d.sum += checksum(key, value)
}

// Remove removes a record, which must have been added.
func (d *Digest) Remove(key, value []byte) {
	d.count--
	d.sum -= checksum(key, value)
}

// checksum begins with the key's length, to distinguish the record a=bc from ab=c.
func checksum(key, value []byte) uint64 {
	table := crc64.MakeTable(crc64.ECMA)
	return crc64.Update(crc64.Update(uint64(len(key)), table, key), table, value)
}

// String returns the number of records and their checksum.
func (d Digest) String() string { return fmt.Sprintf("%d records of checksum %016x", d.count, d.sum) }

// Records returns the number of records.
func (d Digest) Records() int { return int(min(d.count, math.MaxInt32)) }

// Encode returns the 16 bytes that DecodeDigest reads.
func (d Digest) Encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, d.count), d.sum)
}

// DecodeDigest reads a digest.
func DecodeDigest(b []byte) (Digest, error) {
	if len(b) != 16 {
		return Digest{}, Damage(fmt.Sprintf("digest of %d bytes", len(b)))
	}
	return Digest{count: binary.BigEndian.Uint64(b), sum: binary.BigEndian.Uint64(b[8:])}, nil
}
