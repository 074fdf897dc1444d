// Package logkey names the attributes of log lines that several packages write, so that an operator can search for them. It
// has nothing but names.
package logkey

// The names. Values are text, but for Term, which is a number.
const (
	TaskID      = "task_id"
	AgentID     = "agent_id"
	OfferID     = "offer_id" // of the first one, if there are several
	FrameworkID = "framework_id"
	Term        = "term"
)
