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
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
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
	path string   // as it was given
	at   string   // the same, absolute: the process may change its directory
	file *os.File // locked; db reads, writes and closes it
	// turn has an element while a call uses the file. Unlike a mutex, a channel can be waited for until a context
	// ends, and bbolt's own lock may stay locked for ever when bbolt panics.
	turn chan struct{}
	// What follows is used only by the call whose turn it is.
	db       *bbolt.DB
	state    fileState
	err      error    // why no call can use the file any more
	panicked bool     // bbolt, or it has faulted
	late     []record // what an Apply wrote after its context had ended, if nothing was written since

	closing  sync.Once
	closed   chan struct{} // closed when Close is called
	released chan struct{} // closed when the file is closed and unlocked, or cannot be
	closeErr error         // may be read after released is closed
	// disk is called by each call when its turn has come; nil except in tests, where it may hang, as a disk may.
	disk func()
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
	f := &File{path: path, file: file, turn: make(chan struct{}, 1), closed: make(chan struct{}), released: make(chan struct{})}
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
	var err error
	if f.at, err = filepath.Abs(f.path); err == nil {
		err = lock(f.file)
	}
	if err == nil {
		err = inspect(f.file)
	}
	if err == nil {
		// Also for an old file: the process that created it may have been killed before it did this.
		err = syncDir(filepath.Dir(f.path))
	}
	if err == nil {
		err = f.call(context.Background(), func() (err error) {
			if f.db, err = openBolt(f.file); err != nil {
				return err
			}
			return f.begin()
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
	return errors.Join(boltfile.Unlock(file), file.Close())
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
// that has ended, [ErrClosed], [ErrMoved], [ErrCorrupt].
func (f *File) Load(ctx context.Context) (map[string][]byte, error) {
	loaded := make(chan map[string][]byte, 1)
	err := f.call(ctx, func() error {
		if err := f.inPlace(); err != nil {
			return err
		}
		return f.db.View(func(tx *bbolt.Tx) error {
			records, err := f.read(ctx, tx)
			loaded <- records
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return <-loaded, nil
}

// blockSize is how many bytes of values share a block of memory: the collector then has a hundred times fewer to look at.
const blockSize = 64 << 10

func (f *File) read(ctx context.Context, tx *bbolt.Tx) (map[string][]byte, error) {
	if err := f.expect(tx); err != nil {
		return nil, err
	}
	want, err := boltfile.DecodeDigest(tx.Bucket([]byte(aboutBucket)).Get([]byte(digestKey)))
	if err != nil {
		return nil, f.damaged(err.Error())
	}
	var got boltfile.Digest
	records, block := make(map[string][]byte, want.Records()), []byte{}
	err = tx.Bucket([]byte(recordsBucket)).ForEach(func(key, value []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		got.Add(key, value)
		if cap(block)-len(block) < len(value) {
			block = make([]byte, 0, max(blockSize, len(value)))
		}
		block = append(block, value...)
		records[string(key)] = block[len(block)-len(value) : len(block) : len(block)]
		return nil
	})
	if err == nil && got != want {
		err = f.damaged(fmt.Sprintf("%s, should be %s", got, want))
	}
	return records, err
}

// Apply writes the changes, all or none, and syncs them to the disk; a nil value deletes, an empty one does not. The
// map and its values are only read, and not after Apply has returned. Keys have 1 to 32768 bytes. Nothing is changed
// when it returns a [*RecordError], [ErrClosed] or the cause of a ctx that ended before it began. After another error,
// such as that of a full or broken disk, [ErrMoved], or the cause of a ctx that ended since, Load returns the records with or
// without the changes; if with them, they are certainly durable only after the next successful Apply.
//
// A disk may hang for ever. Apply then returns when ctx ends, and leaves behind the goroutine that hangs in it. Until that
// comes back the file stays locked, and other calls wait for it until their contexts end.
func (f *File) Apply(ctx context.Context, changes map[string][]byte) error {
	bad, sorted := storable(changes), sortedCopy(changes) // a copy: Apply may return before they are written
	return f.call(ctx, func() error {
		if bad != nil || len(sorted) == 0 {
			return bad
		}
		if err := f.inPlace(); err != nil {
			return err
		}
		if slices.EqualFunc(f.late, sorted, record.equal) { // or no Apply would succeed while the disk takes too long for each
			return nil
		}
		f.late = nil
		if err := f.write(sorted); err != nil {
			return fmt.Errorf("ha: apply to %s: %w", f.path, err)
		}
		if ctx.Err() != nil {
			f.late = sorted
		}
		return f.inPlace() // or what was written is lost when the file is closed
	})
}

// record is a record that has changed. A nil value deletes it.
type record struct {
	key   string
	value []byte
}

func (r record) equal(s record) bool {
	return r.key == s.key && bytes.Equal(r.value, s.value) && (r.value == nil) == (s.value == nil)
}

// sortedCopy returns copies of the changes in the order of keys, which is the fastest with bbolt.
func sortedCopy(changes map[string][]byte) []record {
	size := 0
	for _, value := range changes {
		size += len(value)
	}
	buffer, sorted := make([]byte, 0, size), make([]record, 0, len(changes))
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		r := record{key: key}
		if value := changes[key]; value != nil {
			buffer = append(buffer, value...)
			r.value = buffer[len(buffer)-len(value) : len(buffer) : len(buffer)]
		}
		sorted = append(sorted, r)
	}
	return sorted
}

// write makes the changes in one transaction, and marks the file with its number.
func (f *File) write(changes []record) error {
	id := 0
	err := f.db.Update(func(tx *bbolt.Tx) error {
		if err := f.expect(tx); err != nil {
			return err
		}
		id = tx.ID()
		return change(tx, changes)
	})
	if err != nil {
		f.state.last = 0 // whether it was made is not known
		return err
	}
	f.state.last = id
	return f.mark()
}

// change makes the changes.
func change(tx *bbolt.Tx, changes []record) error {
	records, about := tx.Bucket([]byte(recordsBucket)), tx.Bucket([]byte(aboutBucket))
	sum, err := boltfile.DecodeDigest(about.Get([]byte(digestKey)))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	for _, r := range changes {
		key := []byte(r.key)
		if old := records.Get(key); old != nil {
			sum.Remove(key, old)
		}
		if r.value == nil {
			err = records.Delete(key)
		} else {
			sum.Add(key, r.value)
			err = records.Put(key, r.value)
		}
		if err != nil {
			return err
		}
	}
	return about.Put([]byte(digestKey), sum.Encode())
}
