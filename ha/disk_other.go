//go:build !unix || solaris || aix

package ha

import "os"

// locksKeepOthersOut says that a file which lock has locked cannot be locked by another process.
const locksKeepOthersOut = false

// lock does nothing: bbolt locks the file, after it was verified.
func lock(*os.File) error { return nil }

func unlock(*os.File) error { return nil }

// syncDir does nothing: directories cannot be synced here.
func syncDir(string) error { return nil }
