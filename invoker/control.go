package invoker

import (
	"context"
	"time"
)

// Control is what a [Dispatcher] asks of the process that leads, which decides who holds which container. [Invoker.Control] is that of
// the same process; over HTTP there is package httpapi. Its methods are called from any goroutine.
//
// Each call may be repeated, with the same request, when its answer was lost: the repetition has the same effect as one call.
// An error is one of these, or wraps one: [ErrNotLeading], if this process does not lead, or it is not known who does; [ErrSession], if the
// session is not open there; from Renew also [ErrTooManySessions]; from Acquire also [ErrWithdrawn], a [*CapacityError], a [*StartError]
// or a [*ConfigError], which are final. After any other error it is not known whether the call had an effect.
type Control interface {
	// Renew renews a session, and opens it if the request says so. It returns when the process was found to lead after the call began.
	// At most 1,000 sessions are open, and one that has 10,000 notices which it has not acted on is not renewed. While all together have
	// 100,000, no session is opened, and one is not renewed that has 100, with the grants that it says it holds.
	Renew(ctx context.Context, r Renewal) (Renewed, error)
	// Acquire waits for a container, until ctx ends. A caller who does not know how it ended withdraws the request, see Report.
	Acquire(ctx context.Context, d Demand) (Grant, error)
	// Report tells what has become of grants, and which requests of Acquire are withdrawn. What the session does not hold, or has never
	// asked for, is ignored.
	Report(ctx context.Context, r Report) error
	// Notices waits for what the session has to be told, until ctx ends, and returns all notices with a higher number than after, in
	// their order. It never returns none without an error. Those up to after are not returned again: the session has acted on them. The
	// first after is 0, or [FirstNotice], which only the leader of that epoch answers.
	Notices(ctx context.Context, session string, after uint64) ([]Notice, error)
	// End ends a session: all that it holds is released, so that nothing may be in use any more.
	End(ctx context.Context, session string) error
}

// SessionTTL is how long a session lasts after it was renewed. Its holder counts from before it sent the renewal, the process that leads from
// after it received it, and a second longer. So the holder stops first.
const SessionTTL = 10 * time.Second

// Renewal renews a session, and with it all that the session holds.
type Renewal struct {
	// Session identifies the session. Whoever knows it can use what the session holds: 16 to 64 letters, digits and "-", made up at
	// random.
	Session string
	// Name says to people what the holder is, such as the name of a machine. At most 256 bytes.
	Name string
	// Open opens the session, if it is not open. Held is then what it holds by a grant of this leader or an earlier one, as far as its
	// session is not over, and without what a Report has given back whose answer was lost: others may have got it. At most 10,000. What
	// cannot be held any more is revoked by notices.
	Open bool
	Held []Held
}

// Held is a container that a session says it holds. Initialised says that /init has succeeded in it.
type Held struct {
	GrantID
	Initialised bool
}

// Renewed is the answer to a [Renewal].
type Renewed struct {
	// Epoch identifies the run of the leader. A grant of another epoch that was not held when the session was opened is void.
	Epoch uint64
	// TTL is how long the session lasts.
	TTL time.Duration
}

// GrantID identifies a grant: a container that a session holds, as a whole.
type GrantID struct {
	Container string
	Number    uint64
}

// Epoch returns the epoch of the leader that gave the grant.
func (g GrantID) Epoch() uint64 { return g.Number >> 32 }

// Demand asks for a container.
type Demand struct {
	Session string
	// Request is a number that the session chooses for each demand, and uses again only to repeat it.
	Request uint64
	// Epoch is that of the leader that is asked, as in a [Report].
	Epoch uint64
	// Key says for which activations, and Timeout how long one may take.
	Key     Key
	Timeout time.Duration
}

// Grant is a container that a session holds: it may send [Key.Concurrency] activations at once to it, without asking, while its session
// lasts and until the grant is released or revoked.
type Grant struct {
	GrantID
	Instance Instance
	Start    StartKind
	// Init says that /init has to succeed before the first activation.
	Init bool
}

// Report tells what has become of grants and demands.
type Report struct {
	Session string
	// Epoch is that of the leader to which it is told, see [Renewed]: another one, such as one that does not know yet that it leads no
	// longer, does not take it. 0: whichever it is.
	Epoch       uint64
	Initialised []GrantID // /init has succeeded
	Released    []Released
	Withdrawn   []uint64 // requests; if one was granted already, the grant is released
}

// Released is a grant that is given back: nothing is sent to the container any more.
type Released struct {
	GrantID
	Outcome Outcome
}

// Outcome says what becomes of a container that is given back.
type Outcome string

// The outcomes.
const (
	Reuse   Outcome = "reuse"   // it can be used again
	Discard Outcome = "discard" // it must not be used again
	Dead    Outcome = "dead"    // it could not be reached
	Crashed Outcome = "crashed" // it ended, or broke the connection, while it served
)

// FirstNotice returns what comes before the numbers of all notices of an epoch.
func FirstNotice(epoch uint64) uint64 { return epoch << 32 }

// Notice is something that a session is told about a grant.
type Notice struct {
	Number uint64
	Grant  GrantID
	// Revoked says that the grant is void, since the container is gone, and Reason and Err why, as in a [Change]. Otherwise the grant is
	// recalled: it is to be released as soon as it is not in use.
	Revoked bool
	Reason  string
	Err     error
}
