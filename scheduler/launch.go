package scheduler

import (
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// launch is the state of the newest launch of a task. The state of the task itself comes from Mesos; this
// is what the scheduler knows about its own ACCEPT. The diagram is also that of the method on:
//
//	none      → held       placed: a matcher found a place
//	held      → sent       sent: its intent is stored, the ACCEPT leaves
//	sent      → answered   answered: the master took the ACCEPT, or nobody knows
//	answered  → asked      asked: the master is asked about the task, by RECONCILE or KILL
//	held      → answered   answered: a new run does not know whether it was sent
//	any state → confirmed  confirmed: an executor or agent told of the task, or the master of a running one
//	any state → void       voided: it came to nothing for this member of a pod, the others are waited for
//	any state → none       withdrawn: it came to nothing, and the task is pending again
//	void      → asked      told: there is an update about this member after all
//	none      → asked      told: the launch was taken for lost, and the master knows the task
//
// In the row of confirmed, any state is meant. In the rows of voided and withdrawn, none and confirmed are excluded: a
// task that runs is never launched again. Two things are kept beside it: how many launches of a task had no effect
// (Task.Lost), and that the end of the task is wanted (Task.Killing), since a KILL may be wanted at any time.
type launch uint8

const (
	launchNone      launch = iota // there is no launch: the task is pending, or ended before it was placed
	launchHeld                    // the ACCEPT waits for the store
	launchSent                    // the ACCEPT is under way
	launchAnswered                // the master accepted the ACCEPT, or may have accepted it
	launchAsked                   // the master was asked about the task after that
	launchConfirmed               // an update of an executor, an agent or the master shows that the launch had an effect
	launchVoid                    // the launch had no effect for this member of a pod; updates for the others are awaited
	launchStates    = iota
)

func (l launch) String() string {
	names := [launchStates]string{"none", "held", "sent", "answered", "asked", "confirmed", "void"}
	if int(l) >= len(names) {
		return fmt.Sprintf("launch(%d)", int(l))
	}
	return names[l]
}

// launchEvent is an event that may change the state of a launch.
type launchEvent uint8

const (
	eventPlaced    launchEvent = iota // the matcher placed the task
	eventSent                         // the ACCEPT was sent
	eventAnswered                     // the ACCEPT was answered, or will not be answered any more
	eventAsked                        // the master is asked about the task, by RECONCILE or KILL
	eventTold                         // an update arrived that does not show whether the launch had an effect
	eventConfirmed                    // an update arrived that shows that it had
	eventVoided                       // an update or a refusal shows that it had none, for a member of a pod
	eventWithdrawn                    // the task is pending again
	launchEvents   = iota
)

// on returns the state after an event, and reports whether the diagram has such a step. If it has none, the
// state stays the same.
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

// unanswered reports whether there is an ACCEPT that was not answered yet: the master may not know the task.
func (l launch) unanswered() bool { return l == launchHeld || l == launchSent }

// restoredLaunch returns the state of the launch of a task that was read from the store. If it is not confirmed,
// its ACCEPT may have been sent or not.
func restoredLaunch(s *record.Task) launch {
	switch {
	case s.Info.State == task.StatePending:
		return launchNone
	case s.Confirmed:
		return launchConfirmed
	}
	return launchAnswered
}
