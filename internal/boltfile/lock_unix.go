//go:build unix && !solaris && !aix

package boltfile

import (
	"errors"
	"os"
	"syscall"
)

// LocksKeepOthersOut says that a file which Lock has locked cannot be locked by another process.
const LocksKeepOthersOut = true

// Lock takes the lock that bbolt would take, so that the file can be inspected before bbolt maps it, and does not wait for it:
// ErrLocked if another process has it. The kernel releases it when the process ends, however that happens.
func Lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// Unlock releases the lock.
func Unlock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
