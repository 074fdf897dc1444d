package scheduler

import (
	"errors"
	"strings"
)

// Mesos has no codes for the reasons of an ERROR event and of a bad request. All texts that this
// package takes for more than "no" are here.

// meaning is what the text of an ERROR event says.
type meaning int

const (
	other            meaning = iota // may pass
	failedOver                      // another subscription has taken the place of this one
	frameworkRemoved                // torn down, or away for too long
	notAllowed                      // what is asked for is not allowed, or makes no sense, and never will
)

const (
	textFailedOver = "Framework failed over"
	textRemoved    = "Framework has been removed"
	// The body of a bad request on a stream of which the master has a newer one.
	textReplaced = "didn't match the stream ID currently associated"
)

// notAllowedTexts are parts of the texts with which a master refuses a FrameworkInfo: its
// authorization, then its validation in the order in which it is done.
func notAllowedTexts() []string {
	return []string{
		"uthorized", "uthorization", "is not allowed to run", "rincipal",
		"'FrameworkInfo.", "contains invalid characters", "is disallowed", "ID must not be",
		"Invalid resource quantity", "failover_timeout", "are not present in the master's --roles",
		"uppressed role", "ffer constraints",
	}
}

func meaningOf(message string) meaning {
	switch {
	case message == textFailedOver:
		return failedOver
	case message == textRemoved:
		return frameworkRemoved
	}
	for _, t := range notAllowedTexts() {
		if strings.Contains(message, t) {
			return notAllowed
		}
	}
	return other
}

// saysReplaced tells whether a call was refused because another scheduler has subscribed. It may be
// known before the ERROR event on the stream is.
func saysReplaced(err error) bool {
	var refused *CallError
	return errors.As(err, &refused) && strings.Contains(refused.Message, textReplaced)
}

// saysStale tells whether a bad request is about the stream and not about the call.
func saysStale(body string) bool {
	return strings.Contains(body, "stream ID") || strings.Contains(body, "Framework cannot be found")
}

// textDockerRun ends the message of a task whose container could not be started, since "docker run"
// exits so when the daemon itself refuses; most often a host port is taken.
const textDockerRun = "exited with status 125"
