package record

import (
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// version is the version of what is written of tasks, firstVersion the oldest one that is read.
const (
	version      = 2
	firstVersion = 1
)

// FrameworkKey is the key of the framework's record.
const FrameworkKey = "framework"

const (
	specPrefix = "spec/"
	taskPrefix = "task/"
)

// SpecKey returns the key of the record of a task's spec.
func SpecKey(id string) string { return specPrefix + id }

// TaskKey returns the key of the record of a task's state.
func TaskKey(id string) string { return taskPrefix + id }

// Task is what is stored of a task.
type Task struct {
	Info   Info
	Agent  *task.Agent // that it is on; nil: on none
	Serial int         // its number in order of submission
	Lost   int32       // launches that had no effect
	// Confirmed reports whether an executor or agent sent an update about the task: its launch had an effect.
	Confirmed bool
	Killing   bool  // it is to be killed
	UUIDs     UUIDs // of the last updates
	// UnknownSince is when the master first said that it does not know the task; zero: it did not.
	UnknownSince time.Time
	History      History // what has become of it so far; empty: unknown, since an earlier version wrote the record
	// SpecStored reports whether the store has a record of the spec. Decode sets it; it is not itself
	// stored. If it is false, the spec must be written together with the next state of the task.
	SpecStored bool
}

// Error is returned for a record that cannot be decoded or encoded.
type Error struct {
	Key string
	Err error
}

// Error returns the record's key and what is wrong with it.
func (e *Error) Error() string {
	return fmt.Sprintf("scheduler: record %q in the store: %v", e.Key, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
