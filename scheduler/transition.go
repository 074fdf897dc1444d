package scheduler

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// shortLine returns a text as a line that is no longer than those in a history.
func shortLine(text string) string { return record.ShortText(printable.Line(text)) }

// statusText returns reason and message of a status.
func statusText(s *mesos.TaskStatus) string {
	reason := ""
	if s.Reason != nil {
		reason = s.Reason.String()
	}
	return join(reason, s.GetMessage())
}

// join joins two texts, either of which may be empty.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}
