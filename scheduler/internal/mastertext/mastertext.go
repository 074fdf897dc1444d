// Package mastertext knows what the texts of a Mesos master and its agents mean. Mesos has no codes for the
// reasons of an ERROR event, of a bad request and of some task failures, so that the text has to do. Every text
// that the scheduler takes for more than "no" is here, and nowhere else.
//
// It promises nothing about texts of other versions of Mesos: what it does not know it reports as [Other].
package mastertext

import "strings"

// Meaning is what the text of an ERROR event says.
type Meaning int

// The meanings of ERROR events.
const (
	Other            Meaning = iota // may pass
	FailedOver                      // another subscription has taken the place of this one
	FrameworkRemoved                // torn down, or away for too long
	NotAllowed                      // what is asked for is not allowed, or makes no sense, and never will
)

// MeaningOf returns the meaning of an ERROR event's message. The first two are whole messages: their words may
// be part of another one.
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
// authorization, then those of its validation in the order in which it is done. First letters that may be
// capital are left out.
func notAllowed() []string {
	return []string{
		"uthorized", "uthorization", "is not allowed to run", "rincipal",
		"'FrameworkInfo.", "contains invalid characters", "is disallowed", "ID must not be",
		"Invalid resource quantity", "failover_timeout", "are not present in the master's --roles",
		"uppressed role", "ffer constraints",
	}
}

// IsReplaced reports whether a call was refused with this body since another scheduler has subscribed. The
// answer may come before the ERROR event on the stream does.
func IsReplaced(body string) bool {
	return strings.Contains(body, "didn't match the stream ID currently associated")
}

// IsStale reports whether a bad request with this body is about the stream and not about the call.
func IsStale(body string) bool {
	return strings.Contains(body, "stream ID") || strings.Contains(body, "Framework cannot be found")
}

// IsDockerRunFailure reports whether the message of a task's status says that its container could not be
// started: "docker run" exits so when the daemon itself refuses, most often since a host port is taken.
func IsDockerRunFailure(message string) bool {
	return strings.HasSuffix(message, "exited with status 125")
}
