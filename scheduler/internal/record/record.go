package record

import (
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// version is that of the form that is written, firstVersion the oldest one that is read.
const (
	version      = 2
	firstVersion = 1
)

// FrameworkKey is the key of what is known of the framework.
const FrameworkKey = "framework"

const (
	specPrefix = "spec/"
	taskPrefix = "task/"
)

// SpecKey returns the key of a task's spec.
func SpecKey(id string) string { return specPrefix + id }

// TaskKey returns the key of a task's state.
func TaskKey(id string) string { return taskPrefix + id }

// Task is what a store keeps of a task.
type Task struct {
	Info   task.Info
	Agent  *task.Agent // where it is; nil: nowhere
	Serial int         // place in the order of submission
	Lost   int32       // launches that came to nothing
	// Confirmed means that an executor or agent told of it: it got further than its launch.
	Confirmed bool
	Killing   bool  // its end is wanted
	UUIDs     UUIDs // of the last updates
	// UnknownSince is when the master first said that it does not know the task; zero: it did not.
	UnknownSince time.Time
	// SpecStored means that the store has the spec as a record of its own. Decode sets it; it is not
	// stored. Without it the spec must be written together with the next state of the task.
	SpecStored bool
}

// Error is about one record: it cannot be understood, or what it is to hold cannot be written.
type Error struct {
	Key string
	Err error
}

// Error names the record.
func (e *Error) Error() string {
	return fmt.Sprintf("scheduler: record %q in the store: %v", e.Key, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
