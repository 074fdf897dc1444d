package mesostest

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Handled is a call that the master has handled, for Observe.
type Handled struct {
	At   time.Time
	Call *scheduler.Call // must not be changed
	// FrameworkID and StreamID are those of the stream that a SUBSCRIBE has opened, or that another call claims.
	FrameworkID, StreamID string
	// Status is the HTTP status of the answer, should it arrive.
	Status int
}

// Observe has f told of each call after it was handled: not of those that Intercept kept from that, nor of a SUBSCRIBE that
// was refused. It runs on the master's loop: it must not block, and must not call methods of the Master. nil ends it.
func (m *Master) Observe(f func(Handled)) { m.must(func() { m.observe = f }) }

func (m *Master) observed(c *scheduler.Call, frameworkID, streamID string, status int) {
	if m.observe != nil {
		m.observe(Handled{At: time.Now(), Call: c, FrameworkID: frameworkID, StreamID: streamID, Status: status})
	}
}
