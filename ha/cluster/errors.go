package cluster

import (
	"errors"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

var (
	// ErrRunning is returned by [Member.Run] while another Run of the same Member has not returned.
	ErrRunning = errors.New("ha/cluster: the member runs already")
	// ErrLocked is returned by [Member.Run] when this or another process uses the directory.
	ErrLocked = errors.New("ha/cluster: the directory is in use")
	// ErrFormat is returned by [Member.Run] when a file of the directory is not one of this version. It is not changed.
	ErrFormat = errors.New("ha/cluster: not a file of this version")
	// ErrCorrupt is returned by [Member.Run] when a file of the directory is damaged, or was damaged while the member
	// ran. The operator removes the directory: the member comes back as a new one, and the others give it the state.
	ErrCorrupt = errors.New("ha/cluster: the directory is damaged")
	// ErrStalled is returned by [Member.Run] when the disk hangs. The directory stays locked until the process ends.
	ErrStalled = errors.New("ha/cluster: the disk does not answer")
	// ErrCopied is returned by [Member.Run] when another process, which began earlier, runs as the same member: then the
	// directory was copied, or restored from a backup. Both could vote, and so two members could lead in one
	// term. Remove the directory; the member then comes back as a new one.
	ErrCopied = errors.New("ha/cluster: another process runs as this member, with a copy of its directory")
	// ErrLeft is returned by [Member.Run] after [Member.Leave], and is the cause of the end of the term that ran.
	ErrLeft = errors.New("ha/cluster: the member has left the cluster")
	// ErrNotRunning is returned by [Member.Leave] outside of Run.
	ErrNotRunning = errors.New("ha/cluster: the member does not run")
	// ErrLastVoter is returned by [Member.Leave] to the only member, without which there would be no cluster and no
	// records. To end the cluster, stop the member and remove its directory.
	ErrLastVoter = errors.New("ha/cluster: the last member cannot leave its cluster")
	// ErrExpect is returned by [Member.Run] when a member that it found was configured with another Expect.
	ErrExpect = errors.New("ha/cluster: members are configured with different numbers in Expect")
)

// FencedError is returned by a term's store, and by its Confirm, when another member leads, or may lead. This term
// writes nothing that begins later.
type FencedError struct {
	// Term is the term that is over.
	Term uint64
	Err  error
}

// Error says which term is over, and why.
func (e *FencedError) Error() string {
	return printable.Linef("ha/cluster: term %d is over: %v", e.Term, e.Err)
}

// Unwrap returns Err.
func (e *FencedError) Unwrap() error { return e.Err }

// Fenced returns true, see scheduler.Store.
func (e *FencedError) Fenced() bool { return true }
