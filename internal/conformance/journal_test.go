package conformance

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// entry is one thing that happened. Exactly one of call, answered, event and told is set.
type entry struct {
	at time.Duration // since the journal began

	call     *calls.Call // made by the scheduler
	streamID string      // that the call carried
	verdict  verdict     // what the wire did with it

	answered *calls.Call // the master has answered it

	event *calls.Event // handed to the scheduler
	given string       // ID of the stream that it came on

	told scheduler.Event // seen by a watcher
}

func (e entry) String() string {
	s := fmt.Sprintf("%12v ", e.at)
	switch {
	case e.call != nil:
		s += "> " + e.call.Type.String() + " " + describeCall(e.call)
		if e.verdict != pass {
			s += fmt.Sprintf(" (%v)", e.verdict)
		}
	case e.answered != nil:
		s += "< answer to " + e.answered.Type.String()
	case e.event != nil:
		s += "< " + e.event.Type.String() + " " + describeEvent(e.event)
	default:
		s += "  " + e.told.String()
	}
	return s
}

func describeCall(c *calls.Call) string {
	switch c.Type {
	case calls.Call_ACCEPT:
		return fmt.Sprint(ids(c.Accept.OfferIDs), " launch ", launchedBy(c))
	case calls.Call_DECLINE:
		return fmt.Sprint(ids(c.Decline.OfferIDs))
	case calls.Call_KILL:
		return c.Kill.TaskID.Value
	case calls.Call_ACKNOWLEDGE:
		return fmt.Sprintf("%s %x", c.Acknowledge.TaskID.Value, c.Acknowledge.UUID)
	}
	return c.GetFrameworkID().GetValue()
}

func describeEvent(e *calls.Event) string {
	switch e.Type {
	case calls.Event_OFFERS:
		return fmt.Sprint(len(e.Offers.Offers))
	case calls.Event_UPDATE:
		s := e.Update.Status
		text := s.TaskID.Value + " " + s.GetState().String()
		if s.Reason != nil {
			text += " " + s.Reason.String()
		}
		return fmt.Sprintf("%s %s %x", text, s.GetMessage(), s.UUID)
	case calls.Event_ERROR:
		return e.Error.Message
	}
	return ""
}

// journal holds what happened, in order. It is written by the goroutines of the wire and of watchers.
type journal struct {
	began time.Time

	mu      sync.Mutex
	entries []entry
	news    chan struct{} // closed and replaced with each entry
}

func newJournal() *journal { return &journal{began: time.Now(), news: make(chan struct{})} }

func (j *journal) add(e entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.at = time.Since(j.began)
	j.entries = append(j.entries, e)
	close(j.news)
	j.news = make(chan struct{})
}

// read returns what has happened so far, and a channel that is closed when there is more.
func (j *journal) read() ([]entry, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clip(j.entries), j.news
}

// String returns the last entries, to find out why a behaviour failed.
func (j *journal) String() string {
	const most = 60
	entries, _ := j.read()
	entries = slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return e.answered != nil || e.event.GetType() == calls.Event_HEARTBEAT })
	var b strings.Builder
	if skipped := len(entries) - most; skipped > 0 {
		fmt.Fprintf(&b, "(%d earlier entries)\n", skipped)
		entries = entries[skipped:]
	}
	for _, e := range entries {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}
