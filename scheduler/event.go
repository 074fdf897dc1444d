package scheduler

import (
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Event is what [Scheduler.Watch] yields: a [TaskEvent], a [ConnectionEvent], an [OfferEvent], an
// [InverseOfferEvent], a [FailureEvent], an [UnknownTaskEvent], a [StoreEvent] or a [LagEvent]. Later versions may add types; a switch over them ignores what it does not know.
type Event interface {
	fmt.Stringer
	isEvent()
}

// TaskEvent tells that something about a task changed: its state, its health or its last status.
type TaskEvent struct {
	// Task as it is after the change. Shared, not to be changed.
	Task task.Info
	// Previous is the state before the change. It equals Task.State when the state is the same.
	Previous task.State
	// Err is why the task ended, when that was on the scheduler's side, such as a [*CapacityError].
	Err error
}

// ConnectionEvent tells that the subscription with the master began or ended.
type ConnectionEvent struct {
	// Connected is whether a subscription exists now.
	Connected bool
	// FrameworkID as assigned by the master. Empty before the first subscription.
	FrameworkID string
	// Err is why the subscription could not be had, or ended. Nil when Connected.
	Err error
	// NextAttempt is when the next subscription will be tried. Zero when Connected, and when Run
	// ends because of Err.
	NextAttempt time.Time
}

// OfferEvent tells the outcome of one matching cycle.
type OfferEvent struct {
	// Offers that were looked at, and how many tasks were placed on them.
	Offers, Placed int
	// Pending is how many tasks are pending after it.
	Pending int
	// Rejections say why, one for all that are alike, if the matcher gives them so. Shared, not to be changed. Nil when a newer cycle was
	// waiting to be taken by the same watcher.
	Rejections []task.Rejection
	// Err is set when the matcher broke its contract; nothing was launched for the placements
	// concerned.
	Err error
}

// InverseOffer is the wish of an operator to have an agent free, for maintenance.
type InverseOffer struct {
	// AgentID of the agent. Empty: the wish is for all of the framework's resources.
	AgentID string
	// Start of the maintenance, and how long it will take; 0: nobody knows.
	Start    time.Time
	Duration time.Duration
	// Tasks of ours that run there, in order of submission.
	Tasks []string
}

// InverseOfferEvent tells of an inverse offer and how it was answered, see
// [OfferPolicy.AcceptInverse]. An accepted one is a promise to be gone when the maintenance starts;
// to keep it is up to the user.
type InverseOfferEvent struct {
	Offer    InverseOffer
	Accepted bool
	// Err is set when the policy panicked.
	Err error
}

// FailureEvent tells that an agent was lost, or an executor ended. What became of tasks there
// is told by a [TaskEvent] for each.
type FailureEvent struct {
	AgentID string
	// ExecutorID is empty when the whole agent is lost.
	ExecutorID string
	// Status is the executor's wait status, nil if unknown.
	Status *int32
}

// UnknownTaskEvent tells that Mesos runs a task of this framework that is not on record, see
// [Config.UnknownTasks]. It is told again with each update and each reconciliation.
type UnknownTaskEvent struct {
	Status mesos.TaskStatus
}

// StoreEvent tells that the store fails, and that it works again. While it fails nothing is launched
// and no update is acknowledged.
type StoreEvent struct {
	// Err of the last attempt, nil when the store works again.
	Err error
	// NextAttempt to write what could not be written.
	NextAttempt time.Time
}

// LagEvent tells that the watcher was too slow and missed events. [Scheduler.Tasks] gives
// the present state.
type LagEvent struct {
	Missed int
}

func (TaskEvent) isEvent()         {}
func (ConnectionEvent) isEvent()   {}
func (OfferEvent) isEvent()        {}
func (InverseOfferEvent) isEvent() {}
func (FailureEvent) isEvent()      {}
func (UnknownTaskEvent) isEvent()  {}
func (StoreEvent) isEvent()        {}
func (LagEvent) isEvent()          {}

// String gives one line for logs.
func (e TaskEvent) String() string {
	s := fmt.Sprintf("task %s %s", e.Task.Spec.ID, e.Task.State)
	if e.Task.Healthy != nil {
		s += map[bool]string{true: " healthy", false: " unhealthy"}[*e.Task.Healthy]
	}
	if e.Task.Hostname != "" {
		s += " on " + e.Task.Hostname
	}
	if m := e.Task.Status.GetMessage(); m != "" {
		s += ": " + m
	}
	if e.Err != nil {
		s += ": " + firstLine(e.Err)
	}
	return s
}

// String gives one line for logs.
func (e ConnectionEvent) String() string {
	if e.Connected {
		return "subscribed as " + e.FrameworkID
	}
	return fmt.Sprintf("disconnected: %v", e.Err)
}

// String gives one line for logs.
func (e OfferEvent) String() string {
	s := fmt.Sprintf("cycle: %d offers, %d placed, %d pending", e.Offers, e.Placed, e.Pending)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// String gives one line for logs.
func (e LagEvent) String() string { return fmt.Sprintf("lagged: missed %d events", e.Missed) }

// String gives one line for logs.
func (e InverseOfferEvent) String() string {
	s := fmt.Sprintf("inverse offer for %s from %s", e.Offer.AgentID, e.Offer.Start.Format(time.RFC3339))
	if e.Accepted {
		return s + " accepted"
	}
	return fmt.Sprintf("%s declined, %d tasks there", s, len(e.Offer.Tasks))
}

// String gives one line for logs.
func (e FailureEvent) String() string {
	if e.ExecutorID == "" {
		return "agent " + e.AgentID + " lost"
	}
	s := fmt.Sprintf("executor %s on %s ended", e.ExecutorID, e.AgentID)
	if e.Status != nil {
		s += fmt.Sprintf(" with status %d", *e.Status)
	}
	return s
}

// String gives one line for logs.
func (e UnknownTaskEvent) String() string {
	return fmt.Sprintf("unknown task %s %s on %s", e.Status.TaskID.Value, task.FromMesos(e.Status.GetState()), e.Status.GetAgentID().GetValue())
}

// String gives one line for logs.
func (e StoreEvent) String() string {
	if e.Err == nil {
		return "the store works again"
	}
	return fmt.Sprintf("the store fails: %v", e.Err)
}
