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
	Other            Meaning = iota // unknown, or it may pass: another attempt may succeed
	FailedOver                      // another scheduler has subscribed as the same framework
	FrameworkRemoved                // the framework was torn down, or its failover timeout ran out
	NotAllowed                      // the framework is refused, and would be refused again
)

// MeaningOf returns the meaning of an ERROR event's message. A message means something only if it is, as a whole, one of
// those that masters are known to write: others may contain the same words and pass, such as "Authorization failure:",
// which says that the authorizer could not be asked.
func MeaningOf(message string) Meaning {
	switch message {
	case "Framework failed over":
		return FailedOver
	case "Framework has been removed", "Completed framework attempted to re-register": // the latter of older masters
		return FrameworkRemoved
	}
	for _, f := range refusals() {
		if f.matches(message) {
			return NotAllowed
		}
	}
	return Other
}

// IsFinalAnswer reports whether an HTTP answer to SUBSCRIBE means that the framework is refused, and would be refused
// again: its credentials or its principal (401 and 403, whose texts are those of authenticators), or a call that the master
// finds invalid. Any server and proxy may take a request for a bad one, so that without this text another attempt follows. So
// it does after a page in HTML, which is not a master's.
func IsFinalAnswer(status int, body string) bool {
	switch status {
	case 400:
		return strings.HasPrefix(body, "Failed to validate scheduler::Call: ")
	case 401, 403:
		return !isPage(body)
	}
	return false
}

// OfAnswer returns what is to be read in the body of an HTTP answer: all of a text, and the title of a page in HTML.
func OfAnswer(body string) string {
	if !isPage(body) {
		return strings.TrimSpace(body)
	}
	_, rest, _ := strings.Cut(body, "<title>")
	title, _, _ := strings.Cut(rest, "</title>")
	return strings.TrimSpace(title)
}

// isPage reports whether the body of an answer is HTML.
func isPage(body string) bool { return strings.HasPrefix(strings.TrimSpace(body), "<") }

// form is a message whose beginning and end are known.
type form struct{ prefix, suffix string }

func (f form) matches(message string) bool {
	return len(message) >= len(f.prefix)+len(f.suffix) && strings.HasPrefix(message, f.prefix) && strings.HasSuffix(message, f.suffix)
}

// refusals returns the messages with which a master refuses a FrameworkInfo, in the order in which it checks. Those of
// older versions are beside them.
func refusals() []form {
	return []form{
		{"'FrameworkInfo.role' ", ""},
		{"'FrameworkInfo.roles' ", ""},
		{"ID must not be ", ""},
		{"'", "' is disallowed"},
		{"'", "' contains invalid characters"},
		{"Resource quantities must contain at least one quantity", ""},
		{"Invalid resource quantity for '", ""},
		{"The framework failover_timeout (", ") is invalid"},
		{"Roles ", " are not present in the master's --roles"},
		{"Roles ", " are not present in master's --roles"},
		{"Role '", "' is not present in the master's --roles"},
		{"User 'root' is not allowed to run frameworks without --root_submissions set", ""},
		{"Suppressed roles ", " are not contained in the set of roles"},
		{"Suppressed role '", "' is not contained in the list of roles"},
		{"Offer constraints specify `role_constraints` for a role '", ""},
		{"Offer constraints are not valid: ", ""},
		{"Not authorized to register framework ", ""},
		{"Not authorized to perform action REGISTER_FRAMEWORK ", ""},
		{"Not authorized to use role", ""},
		{"Changing framework's principal is not allowed", ""},
		{"Updating 'FrameworkInfo.", ""},
		{"Framework principal '", "'"},
		{"Authenticated principal '", " set in `FrameworkInfo`"},
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
