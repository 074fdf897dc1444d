package scheduler

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Explanation says why a pending task is not launched. Of any other task it has nothing but Task, which
// says where and how it is. What it points to is shared and must not be changed.
type Explanation struct {
	// Task as it is. While it is pending, Task.Updated is since when.
	Task task.Info
	// Findings are what the last cycles said of tasks like this one, the newest first: up to 16, fewer when
	// there are more than a thousand kinds of tasks on record. A cycle looks at the offers that came since the
	// one before, which may be few; see [Explanation.Widest]. Empty: none looked at it so far.
	Findings []Finding
	// Cycles is how many looked at this very task since it is pending: its first, and each with new offers
	// since.
	Cycles int

	// Subscribed is whether there is a subscription with a master. SubscribeErr is why there is none; it is nil
	// also while the first one is under way.
	Subscribed   bool
	SubscribeErr error
	// LastOffers is when the last offers came, for whatever tasks. Zero: none ever did.
	LastOffers time.Time
	// NotBefore is the earliest time of the next launch, after one that was lost. Zero: at once.
	NotBefore time.Time
	// StoreErr is why the store fails, and so nothing is launched. Nil: it works.
	StoreErr error
	// MatcherErr is what was wrong with the matcher, or with what it said, in the last cycle. Nil: nothing.
	MatcherErr error
	// Promised is how many agents' offers are declined, since an inverse offer of theirs was accepted.
	Maintenance int
	// Filtered reports whether the master may be keeping back offers because of what it was told the pending
	// tasks need, see [OfferPolicy.NoOfferConstraints]. The findings are from before then, mostly.
	Filtered bool
	// TearingDown is whether the framework is being torn down.
	TearingDown bool
}

// Finding is what one cycle said of a task that it found no place for.
type Finding struct {
	At time.Time
	// Offers that were looked at.
	Offers int
	// Reasons say how many agents failed why, most frequent first. Never empty, unless the matcher gave none.
	Reasons []task.Reason

	cycle uint64 // its number
}

// String gives one line, such as "of 43 offers: mem: 40 agents, the best short of 112 on agent7; rack
// LIKE r[12]: 3 agents".
func (f Finding) String() string {
	return "of " + counted(f.Offers, "offer") + ": " + describeReasons(f.Reasons)
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func describeReasons(reasons []task.Reason) string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.String()
	}
	return strings.Join(texts, "; ")
}

// Widest gives the finding of the cycle that looked at the most offers, the newest of several such. To add
// up several would count agents twice. False: there is none.
func (e Explanation) Widest() (Finding, bool) {
	var widest Finding
	for _, f := range e.Findings {
		if f.Offers > widest.Offers {
			widest = f
		}
	}
	return widest, len(e.Findings) > 0
}

// String gives one line, such as "task web-1 pending since 2026-01-01T00:00:00Z: of 43 offers at
// 2026-01-01T00:00:10Z: mem: 40 agents, the best short of 112 on agent7; rack LIKE r[12]: 3 agents". What else
// keeps it from being launched comes first.
func (e Explanation) String() string {
	s := TaskEvent{Task: e.Task}.String()
	if e.Task.State != task.Pending {
		return s
	}
	s += " since " + instant(e.Task.Updated)
	for _, obstacle := range e.obstacles() {
		s += ": " + obstacle
	}
	f, found := e.Widest()
	switch {
	case found:
		s += ": " + strings.Replace(f.String(), ":", " at "+instant(f.At)+":", 1)
	case e.LastOffers.IsZero():
		s += ": no offers came"
	default:
		s += ": no offers were looked at for it, the last came at " + instant(e.LastOffers)
	}
	if e.Filtered {
		s += "; the master keeps back what fits no pending task"
	}
	return s
}

// obstacles are what keeps it from being launched besides what is offered.
func (e Explanation) obstacles() []string {
	var all []string
	switch {
	case e.Subscribed:
	case e.SubscribeErr == nil:
		all = append(all, "not subscribed yet")
	default:
		all = append(all, "not subscribed: "+firstLine(e.SubscribeErr))
	}
	if e.TearingDown {
		all = append(all, "the framework is being torn down")
	}
	if e.StoreErr != nil {
		all = append(all, "the store fails: "+firstLine(e.StoreErr))
	}
	if e.MatcherErr != nil {
		all = append(all, "the last cycle failed: "+firstLine(e.MatcherErr))
	}
	if !e.NotBefore.IsZero() {
		all = append(all, "not launched again before "+instant(e.NotBefore))
	}
	if e.Maintenance > 0 {
		all = append(all, "offers of "+counted(e.Maintenance, "agent")+" declined for maintenance")
	}
	return all
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// firstLine leaves out the stack of a panic.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// Explain says why a task is not launched. A task that is not pending has an explanation that says what
// it is instead. An ID that is not on record is [ErrUnknownTask].
func (s *Scheduler) Explain(ctx context.Context, taskID string) (Explanation, error) {
	var e Explanation
	known := false
	_, err := s.ask(ctx, &request{read: func(m *machine) {
		if r := m.tasks.byID[taskID]; r != nil {
			e, known = m.explain(time.Now(), r), true
		}
	}})
	if err == nil && !known {
		err = fmt.Errorf("%w: %q", ErrUnknownTask, taskID)
	}
	return e, err
}
