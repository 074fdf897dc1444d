package ha

import (
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
)

// fileState is what the file is like unless something else than this process changes it.
type fileState struct {
	last int   // number of the last transaction; 0: it failed, and may have been made or not
	size int64 // in bytes, at least
}

// begin notes the state of a file that was opened, and marks it: it may be new, or of a version without marks.
func (f *File) begin() error {
	tx, err := f.db.Begin(false)
	if err != nil {
		return err
	}
	f.state.last = tx.ID()
	_ = f.mark() // a full disk is no reason not to open it
	return tx.Rollback()
}

// mark marks the file with the last transaction.
func (f *File) mark() error {
	return boltfile.Mark(f.file, f.db.Info().PageSize, f.state.last)
}

// inPlace returns an error unless the file is still what is at its path, and has not become shorter.
func (f *File) inPlace() error {
	here, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("ha: store file %s: %w", f.path, err)
	}
	if here.Size() < f.state.size {
		return f.damaged(fmt.Sprintf("cut to %d bytes, had %d", here.Size(), f.state.size))
	}
	f.state.size = here.Size()
	if err := boltfile.Elsewhere(here, f.at); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMoved, f.path, err)
	}
	return nil
}

// expect returns an error unless a transaction follows the last one, or reads what that has left: otherwise another program
// has written to the file, such as cp.
func (f *File) expect(tx *bbolt.Tx) error {
	want := f.state.last
	if tx.Writable() {
		want++
	}
	if f.state.last != 0 && tx.ID() != want {
		return f.damaged(fmt.Sprintf("another program has written to it: it is at transaction %d, should be at %d", tx.ID(), want))
	}
	return nil
}
