package scheduler

import (
	"fmt"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// input is something that happened outside of the machine.
type input interface{ isInput() }

// ref stands for a waiting caller. The machine knows callers by number only, so that it can be
// printed, compared and replayed. 0 is nobody.
type ref int

type (
	// start begins a run: connect now.
	start struct{}
	// end tells that the run is over.
	end struct{}
	// wake says that the instant asked for by deadline has come, and nothing else is waiting. Matching waits for it,
	// so that tasks that are submitted together are launched together.
	wake struct{}

	// streamOpened: this master accepted a subscription's connection and gave it this stream ID.
	streamOpened struct {
		stream int
		id     string
		master string
	}
	// streamEvent: an event arrived.
	streamEvent struct {
		stream int
		event  *scheduler.Event
	}
	// streamGarbled: an event arrived and could not be understood.
	streamGarbled struct {
		stream int
		err    error
	}
	// streamClosed: the subscription could not be opened, ended or broke.
	streamClosed struct {
		stream int
		err    error
	}
	// callDone: a call was answered, or never will be.
	callDone struct {
		stream  int
		call    *scheduler.Call
		ref     ref // who asked for it
		outcome outcome
		err     error
	}
	// stored: the next records of the writing under way are stored or, with an error, its rest may not be.
	stored struct {
		records int
		err     error
	}

	// submit records a task. With wait its caller is answered once the task runs and is healthy,
	// otherwise once it is recorded.
	submit struct {
		ref  ref
		spec task.Spec
		wait bool
	}
	// submitPod records the members of a pod. With wait its caller is answered once all of them run and
	// are healthy, otherwise once they are recorded.
	submitPod struct {
		ref   ref
		specs []task.Spec
		wait  bool
	}
	// kill ends a task; the caller is answered when it is terminal.
	kill struct {
		ref ref
		id  string
	}
	// cancel: the caller stopped waiting for the task, or for something that concerns all.
	cancel struct {
		ref ref
		id  string
	}
	// reconcile compares all tasks with the master; the caller is answered when each was told of.
	reconcile struct{ ref ref }
	// rawCall makes a call of the user's; the caller is answered when the master took it.
	rawCall struct {
		ref  ref
		call *scheduler.Call
	}
	// teardown ends the framework and its tasks.
	teardown struct{ ref ref }
)

func (start) isInput()         {}
func (end) isInput()           {}
func (wake) isInput()          {}
func (streamOpened) isInput()  {}
func (streamEvent) isInput()   {}
func (streamGarbled) isInput() {}
func (streamClosed) isInput()  {}
func (callDone) isInput()      {}
func (stored) isInput()        {}
func (submit) isInput()        {}
func (submitPod) isInput()     {}
func (kill) isInput()          {}
func (cancel) isInput()        {}
func (reconcile) isInput()     {}
func (rawCall) isInput()       {}
func (teardown) isInput()      {}

// outcome says what is known of a call after it ended.
type outcome int

const (
	accepted outcome = iota // the master took it
	refused                 // the master answered that it did not
	unsent                  // it never left
	unclear                 // it left, and no answer came
	stale                   // the master does not take calls on this stream (any more)
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
