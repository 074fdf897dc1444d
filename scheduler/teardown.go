package scheduler

// teardownState is whether the framework is to be torn down, and who waits for that.
type teardownState struct {
	wanted  bool
	failed  bool // TEARDOWN was refused, or a stream has ended after it
	callers callers
}

// request adds a caller that waits for the teardown, and reports whether it is the first one.
func (e *teardownState) request(r ref) (first bool) {
	first = !e.wanted
	e.wanted = true
	e.callers.add(caller{ref: r})
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
func (e *teardownState) forget(r ref) { e.callers.forget(r) }

// end notes that the framework has ended, and returns the callers that waited for it.
func (e *teardownState) end() []ref {
	waiting := e.callers.takeAll()
	*e = teardownState{}
	return waiting
}
