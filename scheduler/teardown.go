package scheduler

import "slices"

// teardownState is whether the framework is to be torn down, and who waits for that.
type teardownState struct {
	wanted  bool
	failed  bool // TEARDOWN was refused, or a stream has ended after it
	callers []ref
}

// request adds a caller that waits for the teardown, and reports whether it is the first one.
func (e *teardownState) request(caller ref) (first bool) {
	first = !e.wanted
	e.wanted, e.callers = true, append(e.callers, caller)
	return first
}

// fail notes that TEARDOWN was not accepted. The next subscription asks again.
func (e *teardownState) fail() { e.failed = true }

// endsStream reports whether the end of a stream is what is to be expected of a teardown: the first time.
func (e *teardownState) endsStream() bool {
	expected := e.wanted && !e.failed
	e.failed = e.wanted
	return expected
}

// forget drops a caller. The framework is torn down nevertheless.
func (e *teardownState) forget(caller ref) {
	e.callers = slices.DeleteFunc(e.callers, func(c ref) bool { return c == caller })
}

// end notes that the framework has ended, and returns the callers that waited for it.
func (e *teardownState) end() []ref {
	callers := e.callers
	*e = teardownState{}
	return callers
}
