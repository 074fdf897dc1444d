package scheduler

import (
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Event is what [Scheduler.Watch] yields: a [TaskEvent], a [ConnectionEvent], an [OfferEvent] or
// a [LagEvent]. Later versions may add types; a switch over them ignores what it does not know.
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
	// Rejections say for each of them why. Shared, not to be changed. Nil when a newer cycle was
	// waiting to be taken by the same watcher.
	Rejections []task.Rejection
	// Err is set when the matcher broke its contract; nothing was launched for the placements
	// concerned.
	Err error
}

// LagEvent tells that the watcher was too slow and missed events. [Scheduler.Tasks] gives
// the present state.
type LagEvent struct {
	Missed int
}

func (TaskEvent) isEvent()       {}
func (ConnectionEvent) isEvent() {}
func (OfferEvent) isEvent()      {}
func (LagEvent) isEvent()        {}

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
