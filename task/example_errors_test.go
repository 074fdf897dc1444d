package task_test

import (
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// A form shows what is wrong beside each field.
func ExampleFieldError() {
	spec := task.Spec{ID: "a/b", CPUs: -1, Command: task.Command{Shell: "date"}}
	var all interface{ Unwrap() []error }
	if errors.As(spec.Validate(), &all) {
		for _, err := range all.Unwrap() {
			var field *task.FieldError
			if errors.As(err, &field) {
				fmt.Printf("%s: %v %s\n", field.Field, field.Value, field.Reason)
			}
		}
	}
	// Output:
	// ID: a/b must not contain slashes, backslashes or control characters
	// CPUs: -1 must not be negative
}
