package scheduler

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// history is what happened to a scheduler, and the violations. It is formatted only if there is a violation.
type history struct {
	began time.Time

	mu         sync.Mutex
	lines      []line
	violations []violation
}

type line struct {
	at     time.Duration
	mark   string // "<" an input, ">" an action, "~" the call as the master saw it, "!" a violation
	what   any
	global bool // concerns every task
}

// violation is a violation of one of the invariants.
type violation struct {
	kind string // which invariant
	id   string // of the task, if it is about one
	text string
}

func newHistory() *history { return &history{} }

func (h *history) add(l line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.at = time.Since(h.began)
	h.lines = append(h.lines, l)
}

// note records what was done to the cluster.
func (h *history) note(format string, args ...any) {
	h.add(line{mark: "*", what: fmt.Sprintf(format, args...), global: true})
}

// about records what was done to a task, which the arguments name.
func (h *history) about(format string, args ...any) {
	h.add(line{mark: "*", what: fmt.Sprintf(format, args...)})
}

func (h *history) violate(kind, id, format string, args ...any) {
	v := violation{kind, id, fmt.Sprintf(format, args...)}
	h.add(line{mark: "!", what: v.text, global: true})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.violations = append(h.violations, v)
}

// took and did record the inputs and actions of the machine, without repetitions.
func (h *history) took(in input) {
	if done, ok := in.(callDone); ok && done.outcome == accepted {
		return
	}
	switch in := in.(type) {
	case wake, start, end, streamOpened, stored, streamClosed:
	case streamEvent:
		h.add(line{mark: "<", what: briefly(in)})
	default:
		h.add(line{mark: "<", what: in})
	}
}

// briefly returns an event or, if that is large, the beginning of what is said of it: the history keeps all of them.
func briefly(in streamEvent) any {
	if in.event.Size() < 64<<10 {
		return in
	}
	return fmt.Sprintf("%.500s", describeEvent(in.event))
}

func (h *history) did(actions []action) {
	for _, a := range actions {
		global := false
		switch a := a.(type) {
		case send:
			continue // it is there when the master sees it
		case notify:
			switch a.event.(type) {
			case ConnectionEvent, StoreEvent:
				global = true
			case OfferEvent:
				continue
			}
		}
		h.add(line{mark: ">", what: a, global: global})
	}
}

// The limits of a report: lines between the first and the last ones are left out, and long lines are cut.
const (
	reportedFirst = 50
	reportedLast  = 100
	reportedWidth = 170
)

// report returns the first violations, and the history of the task that the first one is about.
func (h *history) report() string {
	var b strings.Builder
	for _, v := range h.violations[:min(8, len(h.violations))] {
		fmt.Fprintf(&b, "%s: %s\n", v.kind, v.text)
	}
	lines := h.before(h.violations[0])
	if n := len(lines) - reportedFirst - reportedLast; n > 0 {
		lines = slices.Replace(lines, reportedFirst, reportedFirst+n, fmt.Sprintf("... %d lines ...", n))
	}
	return b.String() + strings.Join(lines, "\n")
}

// before returns the history of a task up to the violation.
func (h *history) before(v violation) []string {
	own := regexp.MustCompile(`\b` + regexp.QuoteMeta(v.id) + `\b`)
	random := regexp.MustCompile(`([0-9a-f]{4})[0-9a-f]{4}-[0-9a-f-]{27}-`)
	others := regexp.MustCompile(`RECONCILE( \S+ on \S+)+`)
	zero := regexp.MustCompile(`\w+:0 `)
	var lines []string
	for _, l := range h.lines {
		text := l.text()
		if !l.global && v.id != "" && !own.MatchString(text) {
			continue
		}
		text = zero.ReplaceAllString(random.ReplaceAllString(text, "$1-"), "")
		text = others.ReplaceAllString(text, "RECONCILE ... "+v.id+" ...")
		text = fmt.Sprintf("%12v %s %s", l.at.Round(time.Microsecond), l.mark, text)
		lines = append(lines, text[:min(len(text), reportedWidth)])
		if l.what == v.text {
			break
		}
	}
	return lines
}

func (l line) text() string {
	switch what := l.what.(type) {
	case streamEvent:
		return describeEvent(what.event)
	case callDone:
		return fmt.Sprintf("%s: %s %v", describeCall(what.call), what.outcome, what.err)
	case submit:
		return fmt.Sprintf("%d submits %s", what.ref, what.spec.ID)
	case kill:
		return fmt.Sprintf("%d kills %s", what.ref, what.id)
	case cancel:
		return fmt.Sprintf("%d gives up on %s", what.ref, what.id)
	case *scheduler.Call:
		return describeCall(what)
	case string:
		return what
	case fmt.Stringer:
		return what.String()
	}
	return fmt.Sprintf("%T%+v", l.what, l.what)
}

func describeEvent(e *scheduler.Event) string {
	s := e.GetType().String()
	switch e.GetType() {
	case scheduler.Event_UPDATE:
		u := e.Update.Status
		s += fmt.Sprintf(" %s %s on %s", u.TaskID.Value, u.GetState(), u.GetAgentID().GetValue())
		if u.Reason != nil {
			s += " " + mesos.TaskStatus_Reason_name[int32(*u.Reason)]
		}
		if len(u.UUID) > 0 {
			s += fmt.Sprintf(" uuid %x", u.UUID)
		}
		s += " " + u.GetMessage()
	case scheduler.Event_OFFERS:
		for _, o := range e.Offers.Offers {
			s += " " + o.ID.Value
		}
	case scheduler.Event_RESCIND:
		s += " " + e.Rescind.OfferID.Value
	case scheduler.Event_ERROR:
		s += " " + e.Error.Message
	}
	return s
}
