package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
)

// The file of a member's log is a bbolt database with three buckets: the log's entries by index, big endian, so
// that the order of the keys is that of the log; what Raft keeps beside it, such as its vote; and the file's format.
const (
	logBucket    = "log"
	stableBucket = "stable"
	aboutBucket  = "about"
	formatKey    = "format"
	idKey        = "id"
	retiredKey   = "retired"
	logFormat    = "mesos-actor-go/ha/cluster log 1"
)

// errNotFound is what Raft expects of a StableStore without the key: it compares the text.
var errNotFound = errors.New("not found")

// castagnoli returns the table of the checksums of log entries and snapshots, which processors compute themselves.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// logStore is Raft's log, and what it keeps beside it, in one bbolt file: a raft.LogStore and raft.StableStore.
// When a method that writes has returned nil, what it wrote is synced to the disk, in the file at path.
type logStore struct {
	path    string
	at      string   // the same, absolute: the process may change its directory
	file    *os.File // db's own
	db      *bbolt.DB
	once    sync.Once
	found   boltfile.Digest // of all records when the file was opened
	writing sync.Mutex      // so that marks come in the order of the transactions
}

// openLogStore opens the file at path or creates it, locks it and reads every entry. Errors: ErrLocked, ErrFormat and
// ErrCorrupt, all with the path, and those of the file system.
func openLogStore(path string) (*logStore, error) {
	s := &logStore{path: path}
	err := s.guard(func() (err error) {
		if s.at, err = filepath.Abs(path); err != nil {
			return err
		}
		// One attempt to lock it.
		s.db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: time.Millisecond, FreelistType: bbolt.FreelistMapType, NoStatistics: true,
			NoFreelistSync: true, // after a snapshot there are many free pages, and every writing would list them
			OpenFile: func(path string, flag int, mode os.FileMode) (*os.File, error) {
				if s.file, err = os.OpenFile(path, flag, mode); err != nil {
					return nil, err
				}
				if err = boltfile.Lock(s.file); err == nil {
					err = s.inspect()
				}
				if err != nil {
					return nil, errors.Join(err, s.file.Close())
				}
				return s.file, nil
			},
		})
		return err
	})
	switch {
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrFormat):
		return nil, err
	case errors.Is(err, bolterrors.ErrTimeout), errors.Is(err, boltfile.ErrLocked):
		return nil, fmt.Errorf("%w: %s", ErrLocked, path)
	case err != nil:
		return nil, fmt.Errorf("ha/cluster: open the log %s: %w", path, err)
	}
	if err := s.guard(s.prepare); err != nil {
		_ = s.guard(s.db.Close)
		return nil, err
	}
	return s, nil
}

// prepare makes what a new file lacks. Also if nothing is missing it writes: that marks an old file.
func (s *logStore) prepare() error {
	err := s.write(func(tx *logTx) error {
		if tx.Bucket([]byte(aboutBucket)) != nil {
			return nil
		}
		_, err1 := tx.CreateBucket([]byte(aboutBucket))
		_, err2 := tx.CreateBucket([]byte(logBucket))
		_, err3 := tx.CreateBucket([]byte(stableBucket))
		return errors.Join(err1, err2, err3, tx.put(aboutBucket, []byte(formatKey), []byte(logFormat)))
	})
	if err != nil {
		return fmt.Errorf("ha/cluster: prepare the log %s: %w", s.path, err)
	}
	return nil
}

// guard calls do, and turns into errors the panics and faults of bbolt that a damaged file causes.
func (s *logStore) guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %s: %v", ErrCorrupt, s.path, p)
		}
	}()
	return do()
}

// Close closes and unlocks the file. Closing again does nothing.
func (s *logStore) Close() (err error) {
	s.once.Do(func() { err = s.guard(s.db.Close) })
	return err
}

func (s *logStore) view(do func(entries, stable *bbolt.Bucket) error) error {
	return s.guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			return do(tx.Bucket([]byte(logBucket)), tx.Bucket([]byte(stableBucket)))
		})
	})
}

// write makes a transaction, and marks the file with its number. What is written to a file that was removed or renamed would
// be lost when the process ends: that is an error, as a full disk is.
func (s *logStore) write(do func(tx *logTx) error) error {
	return s.guard(func() error {
		s.writing.Lock()
		defer s.writing.Unlock()
		if err := s.inPlace(); err != nil {
			return err
		}
		id := 0
		err := s.db.Update(func(tx *bbolt.Tx) error {
			id = tx.ID()
			return s.change(tx, do)
		})
		if err == nil {
			err = boltfile.Mark(s.file, s.db.Info().PageSize, id)
		}
		if err != nil {
			return err
		}
		return s.inPlace()
	})
}

func (s *logStore) inPlace() error {
	here, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("ha/cluster: the log %s: %w", s.path, err)
	}
	if err := boltfile.Elsewhere(here, s.at); err != nil {
		return fmt.Errorf("ha/cluster: the log %s is not at its path any more: %w", s.path, err)
	}
	return nil
}

// FirstIndex returns the index of the first entry, 0 if there is none.
func (s *logStore) FirstIndex() (index uint64, err error) {
	err = s.view(func(entries, _ *bbolt.Bucket) error {
		if key, _ := entries.Cursor().First(); key != nil {
			index = binary.BigEndian.Uint64(key)
		}
		return nil
	})
	return index, err
}

// LastIndex returns the index of the last entry, 0 if there is none.
func (s *logStore) LastIndex() (index uint64, err error) {
	err = s.view(func(entries, _ *bbolt.Bucket) error {
		if key, _ := entries.Cursor().Last(); key != nil {
			index = binary.BigEndian.Uint64(key)
		}
		return nil
	})
	return index, err
}

// missing returns the first index from one to another, both included, without an entry, 0 if all are there.
func (s *logStore) missing(first, last uint64) (missing uint64, err error) {
	err = s.view(func(entries, _ *bbolt.Bucket) error {
		cursor := entries.Cursor()
		next := first
		for key, _ := cursor.Seek(indexKey(first)); key != nil && binary.BigEndian.Uint64(key) == next; key, _ = cursor.Next() {
			next++
		}
		if next <= last {
			missing = next
		}
		return nil
	})
	return missing, err
}

// GetLog reads an entry; raft.ErrLogNotFound if there is none.
func (s *logStore) GetLog(index uint64, entry *raft.Log) error {
	return s.view(func(entries, _ *bbolt.Bucket) error {
		key := indexKey(index)
		value := entries.Get(key)
		if value == nil {
			return raft.ErrLogNotFound
		}
		if err := decodeEntry(key, value, entry); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrCorrupt, s.path, err)
		}
		return nil
	})
}

// StoreLog writes one entry.
func (s *logStore) StoreLog(entry *raft.Log) error { return s.StoreLogs([]*raft.Log{entry}) }

// StoreLogs writes entries, all or none: one transaction, and so one fsync of pages and one of the page that makes them valid.
func (s *logStore) StoreLogs(entries []*raft.Log) error {
	return s.write(func(tx *logTx) error {
		tx.Bucket([]byte(logBucket)).FillPercent = 1 // entries are appended
		for _, entry := range entries {
			if err := tx.put(logBucket, indexKey(entry.Index), encodeEntry(entry)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteRange deletes the entries from first to last, both included, those that exist. After a snapshot those at the
// beginning go bit by bit, so that new entries need not wait for all of it. Those at the end go all or none: what the log has
// is without a gap.
func (s *logStore) DeleteRange(first, last uint64) error {
	const atOnce = 1000
	begin, err1 := s.FirstIndex()
	end, err2 := s.LastIndex()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	last = min(last, end)
	if first <= begin && begin > 0 && last < end {
		for first = begin; first <= last && last-first >= atOnce; first += atOnce {
			if err := s.deleteRange(first, first+atOnce-1); err != nil {
				return err
			}
		}
	}
	return s.deleteRange(first, last)
}

func (s *logStore) deleteRange(first, last uint64) error {
	return s.write(func(tx *logTx) error {
		var keys [][]byte // not deleted under the cursor, which would skip some
		cursor := tx.Bucket([]byte(logBucket)).Cursor()
		for key, _ := cursor.Seek(indexKey(first)); key != nil && binary.BigEndian.Uint64(key) <= last; key, _ = cursor.Next() {
			keys = append(keys, bytes.Clone(key))
		}
		for _, key := range keys {
			if err := tx.delete(logBucket, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// Set writes a value of Raft's own.
func (s *logStore) Set(key, value []byte) error {
	return s.write(func(tx *logTx) error { return tx.put(stableBucket, key, value) })
}

// Get reads one; errNotFound if there is none.
func (s *logStore) Get(key []byte) (value []byte, err error) {
	err = s.view(func(_, stable *bbolt.Bucket) error {
		if value = bytes.Clone(stable.Get(key)); value == nil {
			return errNotFound
		}
		return nil
	})
	return value, err
}

// SetUint64 writes a number of Raft's own.
func (s *logStore) SetUint64(key []byte, value uint64) error { return s.Set(key, indexKey(value)) }

// GetUint64 reads one; 0 and errNotFound if there is none.
func (s *logStore) GetUint64(key []byte) (uint64, error) {
	value, err := s.Get(key)
	switch {
	case err != nil:
		return 0, err
	case len(value) != 8:
		return 0, fmt.Errorf("%w: %s: the number %q has %d bytes", ErrCorrupt, s.path, key, len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}

// member returns the ID of the member whose file this is, "" if it is that of none yet, or if that one has retired.
func (s *logStore) member() (id string, retired bool, err error) {
	err = s.guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			about := tx.Bucket([]byte(aboutBucket))
			id, retired = string(about.Get([]byte(idKey))), about.Get([]byte(retiredKey)) != nil
			return nil
		})
	})
	return id, retired, err
}

// employ makes the file that of a member.
func (s *logStore) employ(id string) error {
	return s.write(func(tx *logTx) error {
		return errors.Join(tx.delete(aboutBucket, []byte(retiredKey)), tx.put(aboutBucket, []byte(idKey), []byte(id)))
	})
}

// retire forgets the member whose file this was, all at once: its ID, its vote and its log.
func (s *logStore) retire() error {
	return s.write(func(tx *logTx) error {
		return errors.Join(tx.clear(logBucket), tx.clear(stableBucket),
			tx.delete(aboutBucket, []byte(idKey)), tx.put(aboutBucket, []byte(retiredKey), []byte{1}))
	})
}
