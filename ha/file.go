package ha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// A store file is a bbolt database with two buckets. One has the records, the other has the format of the file and the
// digest of the records. The format changes whenever an older program would misread the file.
const (
	recordsBucket = "records"
	aboutBucket   = "about"
	formatKey     = "format"
	digestKey     = "digest"
	format        = "mesos-actor-go/ha 1"
)

// File is a store in one file of the local disk. [OpenFile] opens it; Close closes and unlocks it.
type File struct {
	path string
	file *os.File // locked; db reads, writes and closes it
	db   *bbolt.DB
	// turn has an element while a call uses the file. Unlike a mutex, a channel can be waited for until a context
	// ends, and bbolt's own lock may stay locked for ever when bbolt panics.
	turn chan struct{}
	// err is why no call can use the file any more. It is used only by the call whose turn it is.
	err error
}

// OpenFile opens the store file at path, or creates an empty one, readable and writable by its owner only; the
// directory must exist. It locks the file without waiting, reads all of it and verifies it. Errors: [ErrLocked],
// [ErrFormat] and [ErrCorrupt], all with the path, and those of the file system, such as [fs.ErrNotExist] for a
// missing directory. A crash while a file is being created leaves nothing at path, but may leave a small file beside it,
// its name path.new and a number. The next OpenFile removes it, unless a process is still at work on it.
func OpenFile(path string) (*File, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeFile(path); err != nil {
			return nil, fmt.Errorf("ha: make store file %s: %w", path, err)
		}
		file, err = os.OpenFile(path, os.O_RDWR, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("ha: open store file: %w", err)
	}
	f := &File{path: path, file: file, turn: make(chan struct{}, 1)}
	if err := f.open(); err != nil {
		_ = release(file) // nothing was written; bbolt may have closed it already
		return nil, err
	}
	f.removeLeftovers()
	return f, nil
}

// open locks and verifies the file before bbolt maps it into memory: in a damaged file bbolt could read pages that do
// not exist, which ends the process.
func (f *File) open() error {
	err := lock(f.file)
	if err == nil {
		err = inspect(f.file)
	}
	if err == nil {
		// Also for an old file: the process that created it may have been killed before it did this.
		err = syncDir(filepath.Dir(f.path))
	}
	if err == nil {
		err = f.call(context.Background(), func() (err error) {
			f.db, err = openBolt(f.file)
			return err
		})
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout): // bbolt's lock, on systems where ours does nothing
		return fmt.Errorf("%w: %s", ErrLocked, f.path)
	case errors.Is(err, ErrLocked), errors.Is(err, ErrFormat), errors.Is(err, ErrCorrupt):
		return err
	case err != nil:
		return fmt.Errorf("ha: open store file %s: %w", f.path, err)
	}
	return nil
}

// release unlocks and closes a file without bbolt. Closing alone would not unlock a file that is mapped.
func release(file *os.File) error {
	return errors.Join(unlock(file), file.Close())
}

// openBolt opens a database in an open file. bbolt's own attempt to lock that file succeeds at once.
func openBolt(file *os.File) (*bbolt.DB, error) {
	return bbolt.Open(file.Name(), 0o600, &bbolt.Options{
		Timeout:      time.Millisecond, // one attempt
		PageSize:     4 << 10,          // of a new file, whatever the machine
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
		OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return file, nil },
	})
}

// Load returns all records. The map and its values belong to the caller, and none is nil. Errors: the cause of a ctx
// that has ended, [ErrClosed], [ErrCorrupt].
func (f *File) Load(ctx context.Context) (map[string][]byte, error) {
	var records map[string][]byte
	err := f.call(ctx, func() error {
		return f.db.View(func(tx *bbolt.Tx) error {
			want, err := decodeDigest(tx.Bucket([]byte(aboutBucket)).Get([]byte(digestKey)))
			if err != nil {
				return fmt.Errorf("%w: %s: %w", ErrCorrupt, f.path, err)
			}
			var got digest
			records = make(map[string][]byte)
			err = tx.Bucket([]byte(recordsBucket)).ForEach(func(key, value []byte) error {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				got.add(key, value)
				records[string(key)] = bytes.Clone(value)
				return nil
			})
			if err == nil && got != want {
				err = fmt.Errorf("%w: %s: %s, should be %s", ErrCorrupt, f.path, got, want)
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// Apply writes the changes, all or none, and syncs them to the disk; a nil value deletes, an empty one does not. The
// map and its values are only read, and not after Apply has returned. Keys have 1 to 32768 bytes. Nothing is changed
// when it returns a [*RecordError], [ErrClosed] or the cause of a ctx that ended before the writing began. After
// another error, such as that of a full or broken disk, Load returns the records with or without the changes; if with
// them, they are certainly durable only after the next successful Apply.
func (f *File) Apply(ctx context.Context, changes map[string][]byte) error {
	return f.call(ctx, func() error {
		if err := storable(changes); err != nil || len(changes) == 0 {
			return err
		}
		err := f.db.Update(func(tx *bbolt.Tx) error { return write(tx, changes) })
		if err != nil {
			return fmt.Errorf("ha: apply to %s: %w", f.path, err)
		}
		return nil
	})
}

// write makes the changes in the order of keys, which is the fastest with bbolt.
func write(tx *bbolt.Tx, changes map[string][]byte) error {
	records, about := tx.Bucket([]byte(recordsBucket)), tx.Bucket([]byte(aboutBucket))
	sum, err := decodeDigest(about.Get([]byte(digestKey)))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		key, value := []byte(name), changes[name]
		if old := records.Get(key); old != nil {
			sum.remove(key, old)
		}
		if value == nil {
			err = records.Delete(key)
		} else {
			sum.add(key, value)
			err = records.Put(key, value)
		}
		if err != nil {
			return err
		}
	}
	return about.Put([]byte(digestKey), sum.encode())
}

// Close waits for the call that is using the file, closes it and unlocks it. Closing again does nothing.
func (f *File) Close() error {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	was := f.err
	f.err = fmt.Errorf("%w: %s", ErrClosed, f.path)
	switch {
	case was == nil:
		return f.db.Close()
	case errors.Is(was, ErrClosed):
		return nil
	default:
		// bbolt panicked, perhaps with its locks held: its Close could wait for ever. Its mapping stays until the
		// process ends.
		return release(f.file)
	}
}

// call runs do when no other call uses the file. If another program damages the file while it is open, bbolt panics or
// faults: call returns that as an error, and every later call fails.
func (f *File) call(ctx context.Context, do func() error) (err error) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if f.err != nil {
		return f.err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			f.err = fmt.Errorf("%w: %s: %v", ErrCorrupt, f.path, p)
			err = f.err
		}
	}()
	return do()
}
