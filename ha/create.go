package ha

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
)

// A store file is made under another name: that of the store, newSuffix, and the number that os.CreateTemp appends.
const newSuffix = ".new"

// makeFile creates an empty store under another name, syncs it and links it to path, so that a file at path is always
// complete. Linking, unlike renaming, cannot replace the file of a process that creates one at the same time. The file
// is locked until it is linked, so that no other process takes it for a leftover.
func makeFile(path string) error {
	file, err := createLocked(path)
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
		return errors.Join(about.Put([]byte(formatKey), []byte(format)), about.Put([]byte(digestKey), boltfile.Digest{}.Encode()))
	})
	if err == nil {
		err = os.Link(file.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil // another process was faster
	}
	return errors.Join(err, db.Close())
}

// createLocked creates the file that is to become the store, and locks it. Between the two another process may have
// removed it as a leftover; then it is created again.
func createLocked(path string) (*os.File, error) {
	for {
		file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+newSuffix+"*")
		if err != nil {
			return nil, err
		}
		err = lock(file)
		if err == nil && named(file) {
			return file, nil
		}
		_ = file.Close()
		if err != nil && !errors.Is(err, ErrLocked) {
			_ = os.Remove(file.Name())
			return nil, err
		}
	}
}

// named reports whether the file is still what its name stands for, itself and not by way of a symbolic link.
func named(file *os.File) bool {
	there, err1 := os.Lstat(file.Name())
	here, err2 := file.Stat()
	return err1 == nil && err2 == nil && os.SameFile(there, here)
}

// removeLeftovers removes the files that processes left behind which were killed while they made this store. It is
// called by who has locked the store. What it cannot remove stays for the next time.
func (f *File) removeLeftovers() {
	if !boltfile.LocksKeepOthersOut {
		return
	}
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		return
	}
	for _, entry := range entries {
		number, ok := strings.CutPrefix(entry.Name(), filepath.Base(f.path)+newSuffix)
		if ok && isNumber(number) && entry.Type().IsRegular() {
			f.removeLeftover(filepath.Join(filepath.Dir(f.path), entry.Name()))
		}
	}
}

// isNumber reports whether os.CreateTemp may have made the text: it is a 32-bit number without leading zeros.
func isNumber(text string) bool {
	n, err := strconv.ParseUint(text, 10, 32)
	return err == nil && strconv.FormatUint(n, 10) == text
}

// removeLeftover removes a file that is nobody's: no process has locked it, and it is not somebody's copy of a store,
// which has records. One that is another name of the store itself was left when its maker was killed at the very end.
func (f *File) removeLeftover(path string) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer file.Close()
	if !named(file) {
		return
	}
	own, err1 := f.file.Stat()
	info, err2 := file.Stat()
	if err1 != nil || err2 != nil {
		return
	}
	if !os.SameFile(own, info) {
		if lock(file) != nil {
			return
		}
		if records, err := inspectRecords(file); err == nil && records != (boltfile.Digest{}) || !named(file) {
			return
		}
	}
	_ = os.Remove(path)
}

// lock locks a file without waiting.
func lock(file *os.File) error {
	err := boltfile.Lock(file)
	if errors.Is(err, boltfile.ErrLocked) {
		return fmt.Errorf("%w: %s", ErrLocked, file.Name())
	}
	return err
}
