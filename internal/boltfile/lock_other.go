//go:build !unix || solaris || aix

package boltfile

import "os"

// LocksKeepOthersOut says that a file which Lock has locked cannot be locked by another process.
const LocksKeepOthersOut = false

// Lock does nothing: bbolt locks the file, after it was inspected.
func Lock(*os.File) error { return nil }

// Unlock does nothing.
func Unlock(*os.File) error { return nil }
