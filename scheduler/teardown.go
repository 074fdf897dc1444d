package scheduler

import "slices"

// ending is whether the framework is to be torn down, and who waits for that.
type teardownState struct {
	wanted  bool
	callers []ref
}

// want has a caller wait for the end, and reports whether it is the first one that wants it.
func (e *teardownState) request(caller ref) (first bool) {
	first = !e.wanted
	e.wanted, e.callers = true, append(e.callers, caller)
	return first
}

// forget drops a caller. The end stays wanted.
func (e *teardownState) forget(caller ref) {
	e.callers = slices.DeleteFunc(e.callers, func(c ref) bool { return c == caller })
}

// end notes that the framework has ended, and returns who waited.
func (e *teardownState) end() []ref {
	callers := e.callers
	*e = teardownState{}
	return callers
}
