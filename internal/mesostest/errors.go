package mesostest

import "errors"

// errEnded is what the HTTP side gets when it asks a master whose Run is over, or that leads no longer.
var errEnded = errors.New("mesostest: the master has ended")

// errTooLong is what the HTTP side gets when a body exceeds maxBody.
var errTooLong = errors.New("mesostest: the body is too long")

// ErrRunning is returned by Run of a Master that was run before: a Master
// lives once. To restart its process, see LoseMaster.
var ErrRunning = errors.New("mesostest: the master was run before")
