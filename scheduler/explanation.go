package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Explanation is why a pending task is not launched. For any other task only Task is set. What it points to is shared
// and must not be changed.
type Explanation struct {
	// Task is the task. If it is pending, Task.Updated is when it became pending.
	Task task.Info `json:"task"`
	// Findings are those of the last cycles for tasks of this class, the newest first: up to 16, or fewer if
	// there are more than a thousand classes of tasks on record. A cycle looks at the offers that arrived since the
	// one before, which may be few; see [Explanation.Widest]. Empty: no cycle has looked at such a task yet.
	Findings []Finding `json:"findings,omitempty"`
	// Cycles is how many cycles have looked at this task since it became pending: its first one, and each one with
	// new offers since.
	Cycles int `json:"cycles"`

	// NeverOffered is why the framework is never offered what the task needs: its roles or [Framework.GPUs] have
	// changed since the task was submitted. Nil: it may be offered.
	NeverOffered error `json:"neverOffered,omitzero"`

	// Subscribed reports whether there is a subscription with a master. SubscribeErr is why there is none; it is
	// also nil while the first attempt is being made.
	Subscribed   bool  `json:"subscribed"`
	SubscribeErr error `json:"subscribeErr,omitzero"`
	// LastOffers is when the last offers arrived, for any task. Zero: there were none yet.
	LastOffers time.Time `json:"lastOffers,omitzero"`
	// NotBefore is the earliest time of the next launch, after one that was lost. Zero: at once.
	NotBefore time.Time `json:"notBefore,omitzero"`
	// StoreErr is why the store fails, so that nothing is launched. Nil: it works.
	StoreErr error `json:"storeErr,omitzero"`
	// MatcherErr is why the last cycle failed, if the matcher panicked or returned something invalid. Nil: it did not.
	MatcherErr error `json:"matcherErr,omitzero"`
	// Maintenance is the number of agents whose offers are declined because an inverse offer was accepted.
	Maintenance int `json:"maintenance,omitzero"`
	// Filtered reports whether the master may be holding back offers that no pending task can use, see
	// [OfferPolicy.NoOfferConstraints]. The findings are then mostly from before that.
	Filtered bool `json:"filtered,omitzero"`
	// TearingDown reports whether the framework is being torn down.
	TearingDown bool `json:"tearingDown,omitzero"`
}

// Finding says why one cycle did not place a task.
type Finding struct {
	At time.Time `json:"at"`
	// Offers is the number of offers that were looked at.
	Offers int `json:"offers"`
	// Reasons are the reasons with the number of agents for each, the most frequent first. It is never empty, unless
	// the matcher returned none.
	Reasons []task.Reason `json:"reasons,omitempty"`

	cycle uint64 // number of the cycle
}

// String returns one line, such as "of 43 offers: mem: not enough on 40 agents; closest agent7, 112 MiB short; rack
// LIKE r[12]: does not hold on 3 agents".
func (f Finding) String() string {
	return printable.Line("of " + counted(f.Offers, "offer") + ": " + describeReasons(f.Reasons))
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

// Widest returns the finding of the cycle that looked at the most offers, or the newest of several such. (The sum of
// several findings would count agents twice.) It returns false if there is none.
func (e Explanation) Widest() (Finding, bool) {
	var widest Finding
	for _, f := range e.Findings {
		if f.Offers > widest.Offers {
			widest = f
		}
	}
	return widest, len(e.Findings) > 0
}

// String returns one line, such as "task web-1 pending since 2026-01-01T00:00:00Z: of 43 offers at
// 2026-01-01T00:00:10Z: mem: not enough on 40 agents; closest agent7, 112 MiB short; rack LIKE r[12]: does not hold on 3
// agents". Other obstacles come first.
func (e Explanation) String() string {
	s := e.Task.String()
	if e.Task.State != task.StatePending {
		return s
	}
	s += " since " + instant(e.Task.Updated)
	said := e.obstacles()
	f, found := e.Widest()
	switch {
	case found:
		said = append(said, strings.Replace(f.String(), ":", " at "+instant(f.At)+":", 1))
	case e.LastOffers.IsZero():
		said = append(said, "no offers yet")
	default:
		said = append(said, "not matched with offers yet, the last ones arrived at "+instant(e.LastOffers))
	}
	s += ": " + strings.Join(said, "; ")
	if e.Filtered {
		s += "; the master does not send offers that fit no pending task"
	}
	return printable.Line(s)
}

// obstacles returns what keeps the task from being launched, other than the offers.
func (e Explanation) obstacles() []string {
	var all []string
	switch {
	case e.Subscribed:
	case e.SubscribeErr == nil:
		all = append(all, "not subscribed yet")
	default:
		all = append(all, "not subscribed: "+errorText(e.SubscribeErr))
	}
	if e.NeverOffered != nil {
		all = append(all, "never offered what it needs: "+describeField(e.NeverOffered))
	}
	if e.TearingDown {
		all = append(all, "the framework is being torn down")
	}
	if e.StoreErr != nil {
		all = append(all, "the store fails: "+errorText(e.StoreErr))
	}
	if e.MatcherErr != nil {
		all = append(all, "the last cycle failed: "+errorText(e.MatcherErr))
	}
	if !e.NotBefore.IsZero() {
		all = append(all, "not launched again before "+instant(e.NotBefore))
	}
	if e.Maintenance > 0 {
		all = append(all, "offers of "+counted(e.Maintenance, "agent")+" declined for maintenance")
	}
	return all
}

// describeField returns what a field of a spec asks for and what is wrong with it, such as "role web is not one of the
// framework's roles [*]".
func describeField(err error) string {
	var of *task.FieldError
	if !errors.As(err, &of) {
		return errorText(err)
	}
	return fmt.Sprintf("%s %v %s", strings.ToLower(of.Field), of.Value, of.Reason)
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Explain returns why a task is not launched. For a task that is not pending the explanation is its state.
// For an ID that is neither on record nor remembered it returns [ErrUnknownTask].
func (s *Scheduler) Explain(ctx context.Context, id string) (Explanation, error) {
	var e Explanation
	known := false
	_, err := s.ask(ctx, &request{read: func(m *machine) {
		if found := m.tasks.byID[id]; found != nil {
			e, known = m.explain(time.Now(), found), true
		} else {
			info, remembered := m.tasks.remembered.info(id)
			e.Task, known = info.Public(), remembered
		}
	}})
	if err == nil && !known {
		err = unknown(id)
	}
	return e, err
}
