package task

import (
	"encoding/json"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// FieldError is one violation found by [Spec.Validate], which joins all violations: errors.As finds the first
// one, and Unwrap() []error returns all of them.
type FieldError struct {
	// Field is the path from Spec, such as "Mem", "Ports[1].Protocol" or "Command.Env".
	Field string `json:"field"`
	// Value is the offending value: a string, a number or a time.Duration. For a map it is the key.
	Value any `json:"value"`
	// Reason is what is wrong, such as "must not be negative".
	Reason string `json:"reason"`
}

// MarshalJSON encodes Value as its text, since JSON has no number for NaN or an infinity.
func (e *FieldError) MarshalJSON() ([]byte, error) {
	type plain FieldError
	as := plain(*e)
	as.Value = fmt.Sprint(e.Value)
	return json.Marshal(as)
}

// Error returns one line, such as "task: Mem: -1: must not be negative". Text is quoted and cut after
// 64 bytes, since a refused value may be of any size.
func (e *FieldError) Error() string {
	const longest = 64
	text, isText := e.Value.(string)
	switch {
	case !isText:
		return printable.Linef("task: %s: %v: %s", e.Field, e.Value, e.Reason)
	case len(text) > longest:
		return printable.Linef("task: %s: %q…: %s", e.Field, text[:longest], e.Reason)
	default:
		return printable.Linef("task: %s: %q: %s", e.Field, text, e.Reason)
	}
}
