package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"

	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
)

// digestKey has the number of the transaction that wrote it, and the digest of all other records of the file. A version without
// digests writes none: that of an earlier transaction is out of date.
const digestKey = "digest"

// logTx is a transaction that writes, and keeps the digest.
type logTx struct {
	*bbolt.Tx
	sum boltfile.Digest
}

func (tx *logTx) put(bucket string, key, value []byte) error {
	b := tx.Bucket([]byte(bucket))
	if old := b.Get(key); old != nil {
		tx.sum.Remove(key, old)
	}
	tx.sum.Add(key, value)
	return b.Put(key, value)
}

func (tx *logTx) delete(bucket string, key []byte) error {
	b := tx.Bucket([]byte(bucket))
	if old := b.Get(key); old != nil {
		tx.sum.Remove(key, old)
	}
	return b.Delete(key)
}

// clear deletes all records of a bucket.
func (tx *logTx) clear(bucket string) error {
	err := tx.Bucket([]byte(bucket)).ForEach(func(key, value []byte) error {
		tx.sum.Remove(key, value)
		return nil
	})
	if err == nil {
		err = tx.DeleteBucket([]byte(bucket))
	}
	if err == nil {
		_, err = tx.CreateBucket([]byte(bucket))
	}
	return err
}

// change makes the changes of a transaction, and that of the digest.
func (s *logStore) change(bolt *bbolt.Tx, do func(*logTx) error) error {
	tx := &logTx{bolt, s.found}
	if about := bolt.Bucket([]byte(aboutBucket)); about != nil {
		if sum, current, err := decodeLogDigest(about.Get([]byte(digestKey)), uint64(bolt.ID()-1)); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrCorrupt, s.path, err)
		} else if current {
			tx.sum = sum
		}
	}
	if err := do(tx); err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(bolt.ID()))
	return bolt.Bucket([]byte(aboutBucket)).Put([]byte(digestKey), append(b, tx.sum.Encode()...))
}

// decodeLogDigest reads a digest, and returns whether it is that of the last transaction.
func decodeLogDigest(b []byte, last uint64) (sum boltfile.Digest, current bool, err error) {
	if b == nil {
		return sum, false, nil
	}
	if len(b) < 8 {
		return sum, false, boltfile.Damage(fmt.Sprintf("digest of %d bytes", len(b)))
	}
	at := binary.BigEndian.Uint64(b)
	if at > last {
		return sum, false, boltfile.Damage(fmt.Sprintf("digest of transaction %d, the last is %d", at, last))
	}
	sum, err = boltfile.DecodeDigest(b[8:])
	return sum, at == last, err
}

// inspect returns an error unless it is empty, or an intact log: bbolt can safely use it, each entry matches its
// checksum, and all of it the digest. A damaged file must not be used: a member that has forgotten what it has promised could
// undo what a majority has stored.
func (s *logStore) inspect() error {
	info, err := s.file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	in, err := boltfile.Inspect(s.file, info.Size())
	if err == nil {
		err = s.inspectRecords(in)
	}
	if err == nil {
		err = in.Free()
	}
	var damage boltfile.Damage
	var foreign boltfile.Foreign
	switch {
	case errors.As(err, &damage):
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, s.path, err)
	case errors.As(err, &foreign):
		return fmt.Errorf("%w: %s: %w", ErrFormat, s.path, err)
	}
	return err
}

func (s *logStore) inspectRecords(in *boltfile.Inspection) error {
	buckets, err := in.Buckets()
	if err != nil || len(buckets) == 0 { // a process was killed while it made the file
		return err
	}
	if buckets[aboutBucket] == nil {
		return boltfile.Foreign("a bbolt database of something else")
	}
	var noted, kind []byte
	err1 := in.Bucket(buckets[aboutBucket], func(key, value []byte) {
		switch string(key) {
		case digestKey:
			noted = append([]byte{}, value...)
			return
		case formatKey:
			kind = append([]byte{}, value...)
		}
		s.found.Add(key, value)
	})
	if string(kind) != logFormat {
		return errors.Join(err1, boltfile.Foreign(fmt.Sprintf("format %.40q, this program knows %q", kind, logFormat)))
	}
	err2 := in.Bucket(buckets[stableBucket], s.found.Add)
	var bad error
	err3 := in.Bucket(buckets[logBucket], func(key, value []byte) {
		s.found.Add(key, value)
		var entry raft.Log
		if err := decodeEntry(key, value, &entry); err != nil && bad == nil { // Raft would panic
			bad = boltfile.Damage(err.Error())
		}
	})
	sum, current, err4 := decodeLogDigest(noted, in.Transaction)
	if err := errors.Join(err1, err2, err3, bad, err4); err != nil {
		return err
	}
	if current && sum != s.found {
		return boltfile.Damage(fmt.Sprintf("%s, should be %s", s.found, sum))
	}
	return nil
}
