package scheduler

import "time"

// LaunchTimes says when a launch reached each phase. A zero time is unknown: the task was placed by an earlier run or process,
// or an update overtook the master's answer.
type LaunchTimes struct {
	Submitted time.Time `json:"submitted,omitzero"` // the task was put on record
	Placed    time.Time `json:"placed,omitzero"`    // the matcher found a place for it
	Stored    time.Time `json:"stored,omitzero"`    // the launch was stored, and its ACCEPT sent; without a store equal to Placed
	Accepted  time.Time `json:"accepted,omitzero"`  // the master accepted the ACCEPT
	Running   time.Time `json:"running,omitzero"`   // the update arrived that the task is running
}

// stored notes that the launch was stored and sent. t is nil for a launch that another run made.
func (t *LaunchTimes) stored(now time.Time) {
	if t != nil {
		t.Stored = now
	}
}

// accepted notes that the master accepted the ACCEPT. t may be nil as well.
func (t *LaunchTimes) accepted(now time.Time) {
	if t != nil {
		t.Accepted = now
	}
}

// running notes that the task runs. t is never nil here.
func (t *LaunchTimes) running(now time.Time) { t.Running = now }
