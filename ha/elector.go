package ha

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Elector decides which of several members leads. Package ha/cluster has one that needs nothing but the members,
// package ha/zookeeper one on ZooKeeper. All methods may be called from any goroutine.
type Elector interface {
	// Run takes part in the election until ctx ends, and calls lead for each term that this member wins, one term
	// at a time. The context of lead ends with the leadership, or when it may have ended; the next term begins after
	// lead has returned. The term's store has the records of all earlier terms.
	//
	// When lead returns an error its term is over: the member hands the leadership over and takes part again after
	// a pause. When it returns nil or a [*StopError] Run leaves the election and returns nil, or what the StopError
	// wraps. Otherwise Run returns the cause of ctx's end, or why the member cannot take part any more. A second Run
	// beside it is an error.
	Run(ctx context.Context, lead func(ctx context.Context, t scheduler.Term) error) error
	// Status returns what this member knows of the election now.
	Status() Status
	// Watch ranges over the states from now on, the present one first, until ctx ends. Who is slow misses states
	// between, not the last one.
	Watch(ctx context.Context) iter.Seq[Status]
}

// Replica is an [Elector] whose members have the records at hand also while another one leads. [Run] reads them ahead of
// time, so that a member which takes over need not decode all of them first.
type Replica interface {
	// Follow ranges over the records as this member knows them until ctx ends: first all of them, then what has changed
	// since, a nil value for a record that was deleted. Changes that come faster than they are taken are put together.
	// The values must not be modified. It may end early: outside of Run, or when the member starts anew.
	Follow(ctx context.Context) iter.Seq[map[string][]byte]
}

// Status is what one member knows of the election.
type Status struct {
	// Self is the ID of this member, "" while it is not known, before Run.
	Self string
	// Leader is the ID of the member that leads, "" if none is known. Term is its term, Since when this member
	// learned of it, Reason why it last changed, for people.
	Leader string
	Term   uint64
	Since  time.Time
	Reason string
	// Members in order of their IDs, this one included.
	Members []Member
}

// Leads reports whether this member leads, as far as it knows.
func (s Status) Leads() bool { return s.Self != "" && s.Leader == s.Self }

// Member is one member of an election.
type Member struct {
	ID string
	// API is the address at which the member says that it serves requests, "" if it does not say.
	API string
	// Alive reports whether the member was heard of lately. Voter reports whether its vote counts.
	Alive, Voter bool
	// Since is since when it is alive, or is not.
	Since time.Time
}

// StopError, returned by the function that leads, ends [Elector.Run] instead of the term alone.
type StopError struct{ Err error }

// Error says why.
func (e *StopError) Error() string { return fmt.Sprintf("ha: not to be led again: %v", e.Err) }

// Unwrap returns Err.
func (e *StopError) Unwrap() error { return e.Err }
