package ha

import (
	"context"
	"iter"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Elector decides which of several members leads. Package ha/cluster has one that needs nothing but the members,
// package ha/zookeeper one on ZooKeeper. All methods may be called from any goroutine.
type Elector interface {
	// Run takes part in the election until ctx ends, and calls lead for each term that this member wins, one term
	// at a time. The context of lead ends with the leadership, or when it may have ended; the next term begins after
	// lead has returned. The term's store has the records of all earlier terms.
	//
	// When lead returns an error its term is over: the member hands the leadership over and takes part again after a
	// pause. When it returns nil or a [*StopError] Run leaves the election and returns nil, or what the StopError
	// wraps. Otherwise Run returns the cause of ctx's end, or why the member cannot take part any more. It returns an
	// error while another Run has not returned.
	Run(ctx context.Context, lead func(ctx context.Context, t scheduler.Term) error) error
	// Status returns what this member knows of the election now.
	Status() Status
	// Watch yields the present status and then each change, until ctx ends. A slow reader misses changes in between,
	// but not the last one.
	Watch(ctx context.Context) iter.Seq[Status]
}

// Replica is an [Elector] whose members also have the records while another one leads. [Run] decodes them in advance,
// which makes a takeover faster.
type Replica interface {
	// Follow yields the records as this member knows them until ctx ends: first all of them, then changes, with a nil
	// value for a record that was deleted. If the reader is slow, several changes are yielded as one. The values must
	// not be modified. The sequence may end early: outside of Run, or when the member starts over.
	Follow(ctx context.Context) iter.Seq[map[string][]byte]
}

// Status is what one member knows of the election.
type Status struct {
	// Self is the ID of this member, "" while it is not known, before Run.
	Self string `json:"self"`
	// Leader is the ID of the member that leads, "" if none is known. Term is its term. Since is when this member
	// learned of it, and Reason why the leader changed, as text for people.
	Leader string    `json:"leader"`
	Term   uint64    `json:"term"`
	Since  time.Time `json:"since,omitzero"`
	Reason string    `json:"reason,omitzero"`
	// Members are all members, including this one, ordered by ID.
	Members []Member `json:"members,omitempty"`
}

// Leads reports whether this member leads, as far as it knows.
func (s Status) Leads() bool { return s.Self != "" && s.Leader == s.Self }

// Member is one member of an election.
type Member struct {
	ID string `json:"id"`
	// API is the address at which the member serves requests, as it was configured. "" if it was not.
	API string `json:"api,omitzero"`
	// Alive reports whether the member was heard from lately. Voter reports whether it votes.
	Alive bool `json:"alive"`
	Voter bool `json:"voter"`
	// Since is when Alive last changed.
	Since time.Time `json:"since,omitzero"`
}

// StopError is returned by the function that leads to end [Elector.Run], and not only the term.
type StopError struct{ Err error }

// Error says why.
func (e *StopError) Error() string { return printable.Linef("ha: not to be led again: %v", e.Err) }

// Unwrap returns Err.
func (e *StopError) Unwrap() error { return e.Err }
