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

// A store file is a bbolt database of two buckets. The records have one for themselves; the other
// says what the file is and sums up the records. format changes whenever an older program
// would misread the file.
const (
	recordsBucket = "records"
	aboutBucket   = "about"
	formatKey     = "format"
	digestKey     = "digest"
	format        = "mesos-actor-go/ha 1"
)

// File is a store in one file of the local disk. [OpenFile] makes one; Close lets the file go.
type File struct {
	path string
	file *os.File // locked; db reads, writes and closes it
	db   *bbolt.DB
	// turn holds a value while a call has the file. A channel, unlike a mutex, can be waited for
	// until a context ends, and bbolt's own lock may stay locked for ever when bbolt panics.
	turn chan struct{}
	// err is why no call can have the file any more. It belongs to the call whose turn it is.
	err error
}

// OpenFile opens the store file at path, or makes an empty one there, readable and writable by its owner
// only; the directory must exist. It reads the whole file and verifies it, having locked it before, and
// does not wait for the lock. Errors: [ErrLocked], [ErrFormat], [ErrCorrupt], all naming the path, and
// those of the file system, such as [fs.ErrNotExist] for a missing directory. A crash while a file is
// being made leaves nothing at path, but perhaps a small file path.new… beside it, which can be deleted.
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
	return f, nil
}

// open locks and verifies before bbolt maps the file into memory: of a bad file it would read pages that
// are not there, which ends the process.
func (f *File) open() error {
	err := lock(f.file)
	if err == nil {
		err = inspect(f.file)
	}
	if err == nil {
		// Also of an old file: who made it may have been killed before.
		err = syncDir(filepath.Dir(f.path))
	}
	if err == nil {
		err = f.call(context.Background(), func() (err error) {
			f.db, err = openBolt(f.file)
			return err
		})
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout): // the lock, where ours does nothing
		return fmt.Errorf("%w: %s", ErrLocked, f.path)
	case errors.Is(err, ErrLocked), errors.Is(err, ErrFormat), errors.Is(err, ErrCorrupt):
		return err
	case err != nil:
		return fmt.Errorf("ha: open store file %s: %w", f.path, err)
	}
	return nil
}

// release lets go of a file without bbolt. Closing it would not unlock it when it is mapped.
func release(file *os.File) error {
	return errors.Join(unlock(file), file.Close())
}

// openBolt lets bbolt work on an open file. Its own attempt to lock the same file succeeds at once.
func openBolt(file *os.File) (*bbolt.DB, error) {
	return bbolt.Open(file.Name(), 0o600, &bbolt.Options{
		Timeout:      time.Millisecond, // one attempt
		PageSize:     4 << 10,          // of a new file, whatever the machine
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
		OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return file, nil },
	})
}

// makeFile makes an empty store, complete and synced, under another name first: at path there is a whole
// one or none, whatever happens. Linking, unlike renaming, cannot replace the file of a process that
// makes one at the same time.
func makeFile(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	db, err := openBolt(file)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err1 := tx.CreateBucket([]byte(recordsBucket))
		about, err2 := tx.CreateBucket([]byte(aboutBucket))
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		return errors.Join(about.Put([]byte(formatKey), []byte(format)), about.Put([]byte(digestKey), digest{}.encode()))
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err = os.Link(file.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil // another was faster
	}
	return err
}

// Load returns all records; the map and its values are the caller's, none is nil. A ctx that has ended gives its
// cause. Other errors: [ErrClosed], [ErrCorrupt].
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
// map and its values are only read, and not after Apply has returned. Keys have 1 to 32768 bytes. Nothing
// is changed after [*RecordError], [ErrClosed] and the cause of a ctx that ended before the writing began. After
// another error, say of a full or broken disk, Load tells whether the changes were made, but only the
// next successful Apply makes sure that they last.
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

// write makes the changes, in the order of keys, which bbolt likes best.
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

// Close waits for the call that has the file and lets the file go. Closing again does nothing.
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
		// bbolt panicked, perhaps with its locks held: its Close could wait for ever. What it mapped
		// stays mapped until the process ends.
		return release(f.file)
	}
}

// call runs do when nobody else has the file. A file that is damaged while it is open, by another program,
// makes bbolt panic or fault; that is an error here, and the last thing done with the file.
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
