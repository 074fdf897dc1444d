// Package mastertext interprets the error texts of Mesos masters and agents. Mesos has no codes for the reasons of
// an ERROR event, of a bad request and of some task failures, so that only the text tells them apart. Every text on
// which a decision of the scheduler depends is here, and nowhere else.
//
// Other versions of Mesos may have other texts: a text that it does not know is [Other].
package mastertext

import "strings"

// Meaning is the reason of an ERROR event.
type Meaning int

// The meanings of ERROR events.
const (
	Other            Meaning = iota // unknown; another attempt may succeed
	FailedOver                      // another scheduler has subscribed as the same framework
	FrameworkRemoved                // the framework was torn down, or its failover timeout ran out
	NotAllowed                      // the request is not allowed or invalid, and would be refused again
)

// MeaningOf returns the meaning of an ERROR event's message. The first two messages are compared whole, since other
// messages may contain their words.
func MeaningOf(message string) Meaning {
	switch message {
	case "Framework failed over":
		return FailedOver
	case "Framework has been removed":
		return FrameworkRemoved
	}
	for _, part := range notAllowed() {
		if strings.Contains(message, part) {
			return NotAllowed
		}
	}
	return Other
}

// notAllowed returns parts of the messages with which a master refuses a FrameworkInfo: those of its
// authorization, then those of its validation in the order in which the master does it. A first letter that is
// sometimes upper case is left out.
func notAllowed() []string {
	return []string{
		"uthorized", "uthorization", "is not allowed to run", "rincipal",
		"'FrameworkInfo.", "contains invalid characters", "is disallowed", "ID must not be",
		"Invalid resource quantity", "failover_timeout", "are not present in the master's --roles",
		"uppressed role", "ffer constraints",
	}
}

// IsReplaced reports whether a call was refused with this body because another scheduler has subscribed. This
// answer may arrive before the ERROR event on the stream.
func IsReplaced(body string) bool {
	return strings.Contains(body, "didn't match the stream ID currently associated")
}

// IsStale reports whether a bad request with this body is about the stream and not about the call.
func IsStale(body string) bool {
	return strings.Contains(body, "stream ID") || strings.Contains(body, "Framework cannot be found")
}

// IsDockerRunFailure reports whether the message of a task's status says that its container could not be
// started: "docker run" exits with 125 when the daemon itself fails, most often because a host port is taken.
func IsDockerRunFailure(message string) bool {
	return strings.HasSuffix(message, "exited with status 125")
}
