package boltfile

import "errors"

// ErrLocked is returned by Lock.
var ErrLocked = errors.New("the file is in use")
