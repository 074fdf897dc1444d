//go:build unix && !solaris && !aix

package ha

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// locksKeepOthersOut says that a file which lock has locked cannot be locked by another process.
const locksKeepOthersOut = true

// lock takes the lock that bbolt would take, so that the file can be verified before bbolt maps it.
// The kernel releases it when the process ends, however that happens.
func lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%w: %s", ErrLocked, file.Name())
	}
	return err
}

func unlock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }

// syncDir makes the name of a new file durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
