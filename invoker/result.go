package invoker

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Result is how an activation ended.
type Result struct {
	ActivationID string
	Status       Status
	// Body is the JSON that the action returned, or {"error":…} that says why there is none.
	Body json.RawMessage
	// Truncated says that the answer was longer than 1 MiB, and TimedOut that the action took longer than its timeout.
	Truncated, TimedOut bool
	// Start says where the container came from.
	Start StartKind
	// Wait is the time from the call until a container was there, Init that of /init, 0 if it was not sent, and Duration that of /run.
	Wait, Init, Duration time.Duration
	// Container is the ID of the container.
	Container string
	// Logs has what the action printed. Nil if logs are not collected.
	Logs *Logs
}

// Status says how an activation ended, in OpenWhisk's terms.
type Status int

// The statuses, with OpenWhisk's numbers.
const (
	// Success: the action returned a result.
	Success Status = iota
	// ApplicationError: the action returned an error.
	ApplicationError
	// DeveloperError: the action could not be initialised, failed, or took too long.
	DeveloperError
	// InternalError: the platform failed.
	InternalError
)

// String returns OpenWhisk's name of the outcome, such as "application error".
func (s Status) String() string {
	names := [...]string{"success", "application error", "developer error", "whisk internal error"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// StartKind says where the container of an activation came from.
type StartKind int

// The kinds of starts.
const (
	Warm      StartKind = iota // it was initialised before
	Prewarmed                  // a stem cell that was ready
	Cold                       // it was started while callers waited
	Recreated                  // Cold, in place of a container of the same action that was removed to make room
)

// String returns the name of the kind in lower case, such as "warm".
func (k StartKind) String() string {
	names := [...]string{"warm", "prewarmed", "cold", "recreated"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// LogLine is a line of output.
type LogLine struct {
	Time   time.Time `json:"time"` // when it was read
	Stream Stream    `json:"stream"`
	Log    string    `json:"log"`
}

// Logs is the output of one activation, which arrives after its result. Lines that nobody has read are kept in memory, up to 64 MiB for
// all activations together, and up to 256 MiB if they are of logs that somebody is reading; beyond that those of the oldest activation are
// dropped, and a line says so.
type Logs struct {
	buffer lineBuffer
}

// Lines yields the lines as they arrive, and returns when there are no more. Each line is yielded once: a further call goes on where the
// last one ended. Where output is missing, a line on stderr says so. At the end an error is yielded if ctx has ended, or, with
// [ErrNotRunning], if the run has ended before the log was complete.
func (l *Logs) Lines(ctx context.Context) iter.Seq2[LogLine, error] { return l.buffer.all(ctx) }
