// Package demand keeps the book on which of a framework's roles want offers, and what the master knows of
// that. It makes the master's offers follow the pending tasks: none for a role that no pending task can
// use, and at once when one can, even if the same offers were refused before.
//
// A [Book] is told what happens and asked what to do. It says which SUPPRESS and REVIVE are due, and for
// how long offers are to be refused; to send that is up to its owner, and so is to ask again at the
// [Book.Deadline]. It has no lock, clock or goroutine, and sends nothing.
package demand

import (
	"slices"
	"time"
)

// Config says how offers are asked for and refused.
type Config struct {
	ReviveInterval time.Duration // between two REVIVEs, in the long run
	Refuse         time.Duration // the least time for which offers are refused, at most RefuseLimit
	Standby        bool          // offers are kept while no task is pending
	WaitPreferred  bool          // pending tasks wait for what an ACCEPT leaves over
	Random         func() float64
}

// Conditions are what the owner knows and a Book does not.
type Conditions struct {
	Stalled bool // nothing may be launched now: no offers are wanted
	Standby bool // more offers are wanted at hand, whether or not tasks are pending
	MayCall bool // a SUPPRESS or REVIVE can be sent now
}

// Book has an entry for each role. Tasks that name no role can use the offers of any; they are
// counted under the role "", which is none of the framework's.
type Book struct {
	config  Config
	entries map[string]*entry
	roles   []*entry // of the framework's roles, in their order

	callAt     time.Time // before it neither SUPPRESS nor REVIVE
	standbyAt  time.Time // before it no REVIVE for no other reason than to have offers at hand
	bucketFull time.Time // when the bucket of REVIVEs is full again
}

// entry is what the book has on a role.
type entry struct {
	role       string
	pending    int // tasks
	arrivals   int // of pending tasks, new ones and those that are pending again
	advertised advertised

	// refused: the master has refusals of ours, which a REVIVE would lift.
	refused bool
	// reviveDue: a REVIVE is due even if the role is revived. A task came after the refusals that may fit
	// what was refused, or offers are wanted sooner than the master would make them.
	reviveDue bool
	// suppressAt is when to suppress; zero while offers are wanted.
	suppressAt time.Time
	// repeatAt is when to revive again if nothing is offered until then, and pause how long to wait after that.
	repeatAt time.Time
	pause    time.Duration
}

// advertised is what the master was told of a role. One that is not subscribed yet counts as suppressed.
type advertised int

const (
	suppressed advertised = iota
	unsure                // a SUPPRESS or REVIVE may or may not have arrived
	revived
)

// New returns a book without roles.
func New(c Config) *Book { return &Book{config: c, entries: map[string]*entry{}} }

// SetRoles sets the framework's roles. What was advertised of one that has gone is kept, for the master to
// be told again should it come back.
func (b *Book) SetRoles(roles []string) {
	b.roles = make([]*entry, len(roles))
	for i, role := range roles {
		b.roles[i] = b.entry(role)
	}
}

func (b *Book) entry(role string) *entry {
	e := b.entries[role]
	if e == nil {
		e = &entry{role: role}
		b.entries[role] = e
	}
	return e
}

// of returns the entries of the framework's roles whose offers a task in a role can use; "": all.
func (b *Book) of(role string) []*entry {
	if role == "" {
		return b.roles
	}
	i := slices.IndexFunc(b.roles, func(e *entry) bool { return e.role == role })
	if i < 0 {
		return nil
	}
	return b.roles[i : i+1]
}

// Count counts n more pending tasks in a role, or fewer if n is negative.
func (b *Book) Count(role string, n int) { b.entry(role).pending += n }

// Pending returns how many pending tasks are counted in a role.
func (b *Book) Pending(role string) int { return b.entry(role).pending }

// TaskCame notes that a task is to be placed which has not been tried on what was refused: that is
// offered again.
func (b *Book) TaskCame(role string) {
	for _, e := range b.of(role) {
		e.arrivals++
		e.reviveDue = e.reviveDue || e.refused
	}
}

// Arrivals returns how often a task came that can use a role's offers.
func (b *Book) Arrivals(role string) int { return b.entry(role).arrivals }

// AskAgain asks the master for offers at once, also where nothing was refused.
func (b *Book) AskAgain(role string) {
	for _, e := range b.of(role) {
		e.reviveDue = true
	}
}

// Offered notes an offer for a role: the master knows that it is revived. It may change its mind, when a
// SUPPRESS or DECLINE that was taken for lost arrives after all; but nothing that was refused is missed before this.
func (b *Book) Offered(now time.Time, role string) {
	b.entry(role).repeatAt = now.Add(max(repeatMax, 2*b.config.Refuse))
}

// needs reports whether there is a pending task for a role.
func (b *Book) needs(e *entry) bool { return b.Pending("")+e.pending > 0 }

// wants reports whether offers for a role are wanted, and nothing is against it.
func (b *Book) wants(e *entry, c Conditions) bool { return !c.Stalled && (b.needs(e) || c.Standby) }
