package invoker

import "time"

// Event is something that happened to a container. Epoch identifies the run, as that of [Renewed] does. Seq counts the events of a run
// from 1 on, without gaps.
type Event struct {
	Epoch, Seq uint64
	Time       time.Time
	Kind       EventKind
	Container  Info   // as it is after the event; zero for EventLagged
	Reason     string // for humans
}

// EventKind says what an [Event] is.
type EventKind string

// The kinds of events.
const (
	EventCreated   EventKind = "created"   // a start was decided
	EventReady     EventKind = "ready"     // the runtime answers
	EventBound     EventKind = "bound"     // it belongs to an action from now on
	EventGranted   EventKind = "granted"   // another process, with a session, holds it
	EventRevoked   EventKind = "revoked"   // the session does not hold it any more
	EventMarked    EventKind = "marked"    // it will be removed, unless somebody needs it
	EventRevived   EventKind = "revived"   // it will not be removed
	EventSuspended EventKind = "suspended" // it is frozen
	EventResumed   EventKind = "resumed"   // it is not frozen any more
	EventRemoving  EventKind = "removing"  // it is being removed
	EventGone      EventKind = "gone"      // it does not run any more
	EventLagged    EventKind = "lagged"    // the watcher was too slow: list again
)

// State is the state of a container.
type State string

// The states of a container.
const (
	StateCreating  State = "creating"  // the engine starts it
	StateProbing   State = "probing"   // it runs; the runtime has not answered yet
	StateStem      State = "stem"      // ready, bound to no action
	StateBinding   State = "binding"   // its record is being stored
	StateBusy      State = "busy"      // initialised for, or used by, an activation; after a restart: it may be
	StateIdle      State = "idle"      // warm
	StateSuspended State = "suspended" // warm and frozen
	StateResuming  State = "resuming"  // about to be used again
	StateMarked    State = "marked"    // about to be removed, unless somebody needs it
	StateRemoving  State = "removing"  // being removed
	StateGone      State = "gone"      // not there any more
)

// Info is what the pool knows of a container. Of one that is being created, Instance has only the ID.
type Info struct {
	Instance
	State       State
	Shape       Shape
	Key         Key  // zero until it is bound
	Initialised bool // /init has succeeded
	Active      int  // activations that it runs now
	Unreachable bool // its agent cannot be reached at the moment
	Created     time.Time
	Used        time.Time // when it was last released
}
