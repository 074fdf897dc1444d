package ha

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// closeTimeout is how long Close waits for a call that is using the file.
const closeTimeout = 10 * time.Second

// call runs do when no other call uses the file, on a goroutine of its own: if the disk hangs, nothing but the disk ends
// that. If another program damages the file while it is open, bbolt panics or faults: call returns that as an error, and
// every later call fails.
func (f *File) call(ctx context.Context, do func() error) error {
	select {
	case <-f.closed:
		return f.isClosed()
	default:
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case f.turn <- struct{}{}:
	case <-f.closed:
		return f.isClosed()
	case <-ctx.Done():
		return fmt.Errorf("%w: an earlier call is still using %s", context.Cause(ctx), f.path)
	}
	result := make(chan error, 1)
	go func() {
		defer func() { <-f.turn }()
		result <- f.guarded(do)
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-result:
		return err
	default:
		return fmt.Errorf("%w: the disk of %s has not answered yet", context.Cause(ctx), f.path)
	}
}

func (f *File) isClosed() error { return fmt.Errorf("%w: %s", ErrClosed, f.path) }

// damaged returns an error, and makes every later call return it.
func (f *File) damaged(why string) error {
	f.err = fmt.Errorf("%w: %s: %s", ErrCorrupt, f.path, why)
	return f.err
}

// guarded runs do, and turns its panics into errors.
func (f *File) guarded(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			f.panicked = true
			err = f.damaged(fmt.Sprint(p))
		}
	}()
	if f.disk != nil {
		f.disk()
	}
	if f.err != nil {
		return f.err
	}
	return do()
}

// Close waits for the call that is using the file, closes it and unlocks it. Closing again returns the same. Calls that are
// waiting return [ErrClosed]. If a disk hangs, Close returns an error after ten seconds: the file is closed and unlocked
// when the disk comes back, or when the process ends.
func (f *File) Close() error {
	f.closing.Do(func() {
		close(f.closed)
		go func() {
			f.turn <- struct{}{} // for ever: there are no more calls
			f.closeErr = f.release()
			close(f.released)
		}()
	})
	late := time.NewTimer(closeTimeout)
	defer late.Stop()
	select {
	case <-f.released:
		return f.closeErr
	case <-late.C:
		return fmt.Errorf("ha: close %s: the disk has not answered for %v; until it does the file stays locked", f.path, closeTimeout)
	}
}

// release closes the file in order to be opened again.
func (f *File) release() error {
	if f.panicked {
		// bbolt may hold its locks: its Close could wait for ever. Its mapping stays until the process ends.
		return release(f.file)
	}
	err := f.file.Sync() // the marks
	return errors.Join(err, f.db.Close())
}
