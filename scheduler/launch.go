package scheduler

import (
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// launch is how far the newest launch of a task has got. The state of the task itself comes from Mesos; this
// is what the scheduler knows about its own ACCEPT. The package documentation has a diagram.
type launch uint8

const (
	launchNone      launch = iota // there is none: the task is pending, or ended before it was placed
	launchHeld                    // the ACCEPT waits for the store
	launchSent                    // the ACCEPT is under way
	launchAnswered                // the master took the ACCEPT, or may have taken it
	launchAsked                   // the master was asked about the task since then
	launchConfirmed               // an executor, an agent or the master told that it took effect
	launchVoid                    // it came to nothing for this member of a pod; the others are waited for
	launchStates    = iota
)

func (l launch) String() string {
	names := [launchStates]string{"none", "held", "sent", "answered", "asked", "confirmed", "void"}
	if int(l) >= len(names) {
		return fmt.Sprintf("launch(%d)", int(l))
	}
	return names[l]
}

// launchEvent is what moves a launch.
type launchEvent uint8

const (
	eventPlaced    launchEvent = iota // a matcher found a place
	eventSent                         // the ACCEPT left
	eventAnswered                     // the ACCEPT was answered, or no answer will come
	eventAsked                        // the master is asked about the task, by RECONCILE or KILL
	eventTold                         // an update that does not say whether the launch took effect
	eventConfirmed                    // an update that says so
	eventVoided                       // an update, or a refusal, that says that it did not, about a member of a pod
	eventWithdrawn                    // the task is pending again
	launchEvents   = iota
)

// on returns where an event leads, and reports whether the diagram has such a step. Where it has none, the
// launch stays as it is.
func (l launch) on(e launchEvent) (launch, bool) {
	const none = launchStates // no step
	//                 none, held, sent, answered, asked, confirmed, void
	steps := [launchEvents][launchStates]launch{
		eventPlaced:    {launchHeld, none, none, none, none, none, none},
		eventSent:      {none, launchSent, none, none, none, none, none},
		eventAnswered:  {none, launchAnswered, launchAnswered, none, none, none, none},
		eventAsked:     {none, none, launchSent, launchAsked, launchAsked, launchConfirmed, launchVoid},
		eventTold:      {launchAsked, launchHeld, launchSent, launchAnswered, launchAsked, launchConfirmed, launchAsked},
		eventConfirmed: {launchConfirmed, launchConfirmed, launchConfirmed, launchConfirmed, launchConfirmed, launchConfirmed, launchConfirmed},
		eventVoided:    {none, launchVoid, launchVoid, launchVoid, launchVoid, none, launchVoid},
		eventWithdrawn: {none, launchNone, launchNone, launchNone, launchNone, none, launchNone},
	}
	if l >= launchStates || e >= launchEvents || steps[e][l] == none {
		return l, false
	}
	return steps[e][l], true
}

// unanswered reports whether there is an ACCEPT that was not answered: the master may not know the task yet.
func (l launch) unanswered() bool { return l == launchHeld || l == launchSent }

// restoredLaunch returns how far a launch has got of which the store knows. Whether its ACCEPT was sent, it
// does not.
func restoredLaunch(s *record.Task) launch {
	switch {
	case s.Info.State == task.Pending:
		return launchNone
	case s.Confirmed:
		return launchConfirmed
	}
	return launchAnswered
}
