package ha

import (
	"errors"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

var (
	// ErrClosed is returned by the methods of a [File] after Close.
	ErrClosed = errors.New("ha: store is closed")
	// ErrLocked is returned by [OpenFile] when this or another process has the file open.
	ErrLocked = errors.New("ha: store file is in use")
	// ErrMoved is returned by the methods of a [File] that is not at its path any more: it was removed or renamed, by itself
	// or with its directory, or another file is there, or the path cannot be reached. What is written then would be lost
	// when the process ends. Calls work again when the file is back; otherwise close it and open what is there.
	ErrMoved = errors.New("ha: store file is not at its path any more")
	// ErrFormat is returned by [OpenFile] for a file that is not a store of this version. The file is not changed.
	ErrFormat = errors.New("ha: not a store file")
	// ErrCorrupt is returned by [OpenFile] for a store file that is damaged, and by the methods of a
	// [File] that was damaged while it was open, all of which then fail. See docs/failover.md for what to do.
	ErrCorrupt = errors.New("ha: store file is damaged")
)

// RecordError is returned by Apply, before anything is changed, for a record that cannot be stored.
type RecordError struct {
	Key    string
	Reason string
}

// Error implements error. The text has the key, shortened to 64 bytes, and the reason.
func (e *RecordError) Error() string {
	if len(e.Key) > 64 {
		return printable.Linef("ha: record %q… (%d bytes): %s", e.Key[:64], len(e.Key), e.Reason)
	}
	return printable.Linef("ha: record %q: %s", e.Key, e.Reason)
}

// ForeignSchedulerError is returned by [Run] when a scheduler that takes no part in the election keeps subscribing as
// the same framework: this member was evicted three times within ten minutes although it led. Find and stop it: until
// then each leader is evicted.
type ForeignSchedulerError struct {
	Evictions int           // of this member
	Within    time.Duration // between the first and the last of them
	Err       error         // the last one, scheduler.ErrEvicted
}

// Error says how often this member was evicted.
func (e *ForeignSchedulerError) Error() string {
	return printable.Linef("ha: a scheduler outside the election uses this framework's ID: evicted %d times within %v, although this member led: %v",
		e.Evictions, e.Within, e.Err)
}

// Unwrap returns Err.
func (e *ForeignSchedulerError) Unwrap() error { return e.Err }

// The limits of bbolt. Memory has the same ones, so that what works in a test also works with a File.
const (
	maxKey   = 32 << 10
	maxValue = 1<<31 - 2
)

// storable returns a *RecordError for a change that cannot be stored, or nil.
func storable(changes map[string][]byte) error {
	for key, value := range changes {
		switch {
		case key == "":
			return &RecordError{Key: key, Reason: "the key is empty"}
		case len(key) > maxKey:
			return &RecordError{Key: key, Reason: fmt.Sprintf("the key is longer than %d bytes", maxKey)}
		case len(value) > maxValue:
			return &RecordError{Key: key, Reason: fmt.Sprintf("the value is longer than %d bytes", maxValue)}
		}
	}
	return nil
}
