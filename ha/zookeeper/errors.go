package zookeeper

import (
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

var (
	// ErrRunning is returned by [Elector.Run] while another Run has not returned.
	ErrRunning = errors.New("ha/zookeeper: the elector runs already")
	// ErrDenied is wrapped by what [Elector.Run] returns when the servers refuse this member access to its own nodes:
	// user or password are wrong, or somebody else made the nodes.
	ErrDenied = errors.New("ha/zookeeper: access denied")
	// ErrFormat is wrapped by what [Elector.Run] returns when the records were not written by this version, but by
	// another one or by something else that uses the path. It is wrapped by what a term's store returns, and by the end
	// of a term that could not begin, when that is so of a node of the log, or when one is missing.
	ErrFormat = errors.New("ha/zookeeper: not records of this version")

	// errOtherLog is the end of a term whose log was replaced by hand, or has lost records.
	errOtherLog = errors.New("the records are not those that this term began with")
	// errOver is the reason why a session takes no calls any more.
	errOver = errors.New("the session is over")
	// errReturned ends a part in the election that was taken only until lead returned.
	errReturned = errors.New("lead has returned")
	// errNoConnection is logged when the connection is lost: the session may survive that.
	errNoConnection = errors.New("no connection to the servers")
	// errNoAnswer is the problem with servers that take connections.
	errNoAnswer = errors.New("the servers do not answer")
)

// ConfigError is returned by [New] for a Config that cannot be used.
type ConfigError struct {
	Field  string
	Value  string // without a password
	Reason string // continues the sentence after the value, such as "is required"
}

// Error implements error.
func (e *ConfigError) Error() string {
	return printable.Linef("ha/zookeeper: %s %q %s", e.Field, e.Value, e.Reason)
}

// RecordError is returned by a store's Apply, before anything is changed, for a record that a znode cannot hold.
type RecordError struct {
	Key    string
	Size   int // bytes in key and value together
	Reason string
}

// Error implements error. The text has the key, shortened to 64 bytes, the size and the reason.
func (e *RecordError) Error() string {
	key := fmt.Sprintf("%q", e.Key)
	if len(e.Key) > 64 {
		key = fmt.Sprintf("%q… (%d bytes)", e.Key[:64], len(e.Key))
	}
	return printable.Linef("ha/zookeeper: record %s of %d bytes: %s", key, e.Size, e.Reason)
}

// FencedError is returned by a term's store, and by its Confirm, when another member leads, or may lead. It is the
// cause of the end of the term's context as well, unless Run's own context has ended. This term writes nothing that
// begins later.
type FencedError struct {
	// Term is the term that is over.
	Term uint64
	Err  error
}

// Error says which term is over, and why.
func (e *FencedError) Error() string {
	return printable.Linef("ha/zookeeper: term %d is over: %v", e.Term, e.Err)
}

// Unwrap returns Err.
func (e *FencedError) Unwrap() error { return e.Err }

// Fenced returns true, see scheduler.Store.
func (e *FencedError) Fenced() bool { return true }
