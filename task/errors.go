package task

import "fmt"

// FieldError is one violation found by [Spec.Validate], which joins all that it finds: the first
// is reached with errors.As, all of them through Unwrap() []error.
type FieldError struct {
	// Field is the path from Spec, such as "Mem", "Ports[1].Protocol" or "Command.Env".
	Field string
	// Value is what was found there: a string, a number or a time.Duration; of a map, the key.
	Value any
	// Reason completes the sentence "Field …", such as "must not be negative".
	Reason string
}

// Error gives one line, such as "task: Mem: -1: must not be negative". Text is quoted and, beyond
// 64 bytes, cut, since a refused value may be of any size.
func (e *FieldError) Error() string {
	const longest = 64
	text, isText := e.Value.(string)
	switch {
	case !isText:
		return fmt.Sprintf("task: %s: %v: %s", e.Field, e.Value, e.Reason)
	case len(text) > longest:
		return fmt.Sprintf("task: %s: %q…: %s", e.Field, text[:longest], e.Reason)
	default:
		return fmt.Sprintf("task: %s: %q: %s", e.Field, text, e.Reason)
	}
}
