package scheduler

import (
	"fmt"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// input is something that happened outside the machine.
type input interface{ isInput() }

// ref is the number of a waiting caller. The machine knows callers by number only, so that it can be
// printed, compared and replayed. 0 is no caller.
type ref int

type (
	// start: a run begins.
	start struct{}
	// end: the run is over.
	end struct{}
	// wake: the deadline has come; the loop takes waiting requests first where it can, so that tasks submitted
	// together are launched together.
	wake struct{}

	// busy: the owner took no input for so long, since the last step took that time.
	busy struct{ took time.Duration }

	// leaderElected: ZooKeeper names another leading master.
	leaderElected struct{}
	// streamOpened: this master accepted the SUBSCRIBE request and assigned this stream ID.
	streamOpened struct {
		stream int
		id     string
		master string
	}
	// streamEvent: an event arrived.
	streamEvent struct {
		stream int
		event  *scheduler.Event
		size   int // about how many bytes the event takes in memory
	}
	// streamGarbled: an event arrived after SUBSCRIBED that could not be decoded, or is of no use.
	streamGarbled struct {
		stream int
		err    error
	}
	// streamClosed: the subscription could not be opened, or has ended.
	streamClosed struct {
		stream int
		err    error
	}
	// callDone: a call was answered, or will not be answered any more.
	callDone struct {
		stream  int
		call    *scheduler.Call
		ref     ref // the caller that asked for it
		outcome outcome
		took    time.Duration // since the call was decided on; for metrics
		err     error
	}
	// stored: that many further records of the write under way are stored. With an error: the rest of it may have been
	// stored or not, and the write has ended.
	stored struct {
		records int
		err     error
	}

	// submit puts a task on record. With wait the caller is answered when the task is running and healthy,
	// otherwise when it is stored.
	submit struct {
		ref  ref
		spec task.Spec
		wait bool
	}
	// submitPod puts the members of a pod on record. With wait the caller is answered when all of them are running and
	// healthy, otherwise when they are stored.
	submitPod struct {
		ref   ref
		specs []task.Spec
		wait  bool
	}
	// kill ends a task; the caller is answered when it has ended.
	kill struct {
		ref ref
		id  string
	}
	// ensure puts a task on record, unless it is there; the caller is answered when that is stored.
	ensure struct {
		ref  ref
		spec task.Spec
	}
	// wait: the caller is answered when the task has come so far.
	wait struct {
		ref   ref
		id    string
		until Until
	}
	// forget takes a task off the record; the caller is answered when that is stored.
	forget struct {
		ref ref
		id  string
	}
	// cancel: the caller no longer waits for the task or, without an ID, for a reconciliation, a teardown or a call.
	cancel struct {
		ref ref
		id  string
	}
	// reconcile asks the master about all tasks; the caller is answered when an update has arrived for each.
	reconcile struct{ ref ref }
	// rawCall makes a call of the user's; the caller is answered when the master has answered.
	rawCall struct {
		ref  ref
		call *scheduler.Call
	}
	// teardown ends the framework and its tasks; the caller is answered when that is done.
	teardown struct{ ref ref }
)

func (start) isInput()         {}
func (end) isInput()           {}
func (wake) isInput()          {}
func (busy) isInput()          {}
func (leaderElected) isInput() {}
func (streamOpened) isInput()  {}
func (streamEvent) isInput()   {}
func (streamGarbled) isInput() {}
func (streamClosed) isInput()  {}
func (callDone) isInput()      {}
func (stored) isInput()        {}
func (submit) isInput()        {}
func (submitPod) isInput()     {}
func (kill) isInput()          {}
func (ensure) isInput()        {}
func (wait) isInput()          {}
func (forget) isInput()        {}
func (cancel) isInput()        {}
func (reconcile) isInput()     {}
func (rawCall) isInput()       {}
func (teardown) isInput()      {}

// outcome is what is known about a call that is done.
type outcome int

const (
	accepted outcome = iota // the master accepted it
	refused                 // the master refused it
	unsent                  // it was not sent
	unclear                 // it was sent, and there was no answer
	stale                   // the master does not accept calls on this stream, or no longer does
)

func (o outcome) String() string {
	switch o {
	case accepted:
		return "accepted"
	case refused:
		return "refused"
	case unsent:
		return "unsent"
	case unclear:
		return "unclear"
	case stale:
		return "stale"
	}
	return fmt.Sprintf("outcome(%d)", int(o))
}
