package scheduler

import (
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// shortText is the longest text in a history and in TaskEvent.Message, in bytes.
const shortText = 256

// shortLine returns a text as a line of up to shortText bytes.
func shortLine(text string) string {
	const mark = "…"
	text = printable.Line(text)
	if len(text) <= shortText {
		return text
	}
	return strings.ToValidUTF8(text[:shortText-len(mark)], "") + mark
}

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
