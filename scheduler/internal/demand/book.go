// Package demand keeps track of which of a framework's roles need offers, and of what the master was told about
// them. It makes the master's offers follow the pending tasks: there are none for a role that no pending task can
// use, and as soon as a task needs some the master is asked for them, even if the same offers were refused before.
//
// A [Book] takes what happens and returns what to do: which SUPPRESS and REVIVE calls are due, and for how long
// offers are to be refused. Its owner makes the calls, and asks again at [Book.Deadline]. A Book has no lock,
// clock or goroutine, and sends nothing.
package demand

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/tokenbucket"
)

// Config is how offers are asked for and refused.
type Config struct {
	ReviveInterval time.Duration // the average time between two REVIVE calls is at least this
	Refuse         time.Duration // the least time for which offers are refused, at most RefuseLimit
	KeepsOffers    bool          // the policy is to keep offers while no task is pending
	WaitPreferred  bool          // pending tasks wait for what is left over by an ACCEPT
	Random         func() float64
}

// Conditions are what the owner knows and a Book does not.
type Conditions struct {
	Stalled       bool // nothing may be launched now: no offers are wanted
	RoomForOffers bool // more offers can be kept, whether or not tasks are pending: they are wanted
	MayCall       bool // a SUPPRESS or REVIVE can be sent now
}

// Book keeps a roleDemand for each role. Tasks that name no role can use the offers of all roles; they are counted under
// the role "", which the framework does not have.
type Book struct {
	config Config
	byRole map[string]*roleDemand
	roles  []*roleDemand // of the framework's roles, in their order

	callNotBefore    time.Time // no SUPPRESS or REVIVE before that
	standbyNotBefore time.Time // no REVIVE before that if no task is pending
	revives          tokenbucket.Bucket
}

// roleDemand is what the book keeps of a role.
type roleDemand struct {
	role       string
	pending    int // tasks
	arrivals   int // how often a task became pending, for the first time or again
	advertised advertised

	// refused: the master keeps back offers that were refused; a REVIVE would lift that.
	refused bool
	// reviveDue: a REVIVE is due even if the role is revived. Either a task arrived that may fit what was
	// refused before, or offers are needed before the master's next allocation.
	reviveDue bool
	// suppressAt is when to suppress; zero while offers are wanted.
	suppressAt time.Time
	// repeatAt is when to revive again if no offer comes before; pause is how long to wait after that.
	repeatAt time.Time
	pause    time.Duration
}

// advertised is what the master was last told about a role. One that is not subscribed yet counts as suppressed.
type advertised int

const (
	suppressed advertised = iota
	unsure                // a SUPPRESS or REVIVE failed, and may have arrived or not
	revived
)

// New returns a book without roles.
func New(c Config) *Book {
	return &Book{config: c, byRole: map[string]*roleDemand{}, revives: tokenbucket.Bucket{Burst: reviveBurst, Interval: c.ReviveInterval}}
}

// SetRoles sets the framework's roles. What the master was told about a role that is removed is kept, in case the
// role is added again.
func (b *Book) SetRoles(roles []string) {
	b.roles = make([]*roleDemand, len(roles))
	for i, role := range roles {
		b.roles[i] = b.demand(role)
	}
}

// Has reports whether a role is, or was, one of the framework's. Offers for others are none of its business: nothing is kept
// of them.
func (b *Book) Has(role string) bool { return b.byRole[role] != nil }

// offered returns the demand for a role that an offer names. One that the framework does not have is not kept.
func (b *Book) offered(role string) *roleDemand {
	if d := b.byRole[role]; d != nil {
		return d
	}
	return &roleDemand{role: role}
}

// demand returns the demand for a role, and begins to keep one if there is none.
func (b *Book) demand(role string) *roleDemand {
	d := b.byRole[role]
	if d == nil {
		d = &roleDemand{role: role}
		b.byRole[role] = d
	}
	return d
}

// of returns the demands for the roles whose offers a task of this role can use; "": all.
func (b *Book) of(role string) []*roleDemand {
	if role == "" {
		return b.roles
	}
	i := slices.IndexFunc(b.roles, func(d *roleDemand) bool { return d.role == role })
	if i < 0 {
		return nil
	}
	return b.roles[i : i+1]
}

// AddPending adds n to the number of pending tasks of a role.
func (b *Book) AddPending(role string, n int) { b.demand(role).pending += n }

// Pending returns the number of pending tasks of a role.
func (b *Book) Pending(role string) int { return b.demand(role).pending }

// TaskArrived notes that a task of this role is to be placed. It may fit offers that were refused before it came, so
// that a REVIVE is due.
func (b *Book) TaskArrived(role string) {
	for _, d := range b.of(role) {
		d.arrivals++
		d.reviveDue = d.reviveDue || d.refused
	}
}

// Arrivals returns how often a task arrived that can use the offers for a role.
func (b *Book) Arrivals(role string) int { return b.offered(role).arrivals }

// AskAgain makes a REVIVE due, even if nothing was refused.
func (b *Book) AskAgain(role string) {
	for _, d := range b.of(role) {
		d.reviveDue = true
	}
}

// Offered notes an offer for a role: the master knows that the role is revived, and the REVIVE need not be repeated
// soon. It is repeated later, since a SUPPRESS or DECLINE that was taken for lost may still arrive. Until twice the
// time of a refusal has passed, missing offers may just be refused ones.
func (b *Book) Offered(now time.Time, role string) {
	b.offered(role).repeatAt = now.Add(max(repeatMax, 2*b.config.Refuse))
}

// hasPending reports whether there is a pending task for a role.
func (b *Book) hasPending(d *roleDemand) bool { return b.Pending("")+d.pending > 0 }

// wantsOffers reports whether offers for a role are wanted now.
func (b *Book) wantsOffers(d *roleDemand, c Conditions) bool {
	return !c.Stalled && (b.hasPending(d) || c.RoomForOffers)
}
