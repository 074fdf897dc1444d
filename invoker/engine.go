package invoker

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Engine starts and stops containers: the seam to a platform. Its methods are called from any goroutine. Package enginetest
// has the tests that each engine must pass. Engines may also be a [Suspender], an [OutputReader] and an [AgentLister].
type Engine interface {
	// Create returns when the process of the container runs and its address is known. The ID is new. When ctx ends, or on
	// any error, nothing is left behind. Errors wrap [ErrImage], [ErrStart], [ErrNoCapacity] or [ErrUnavailable].
	Create(ctx context.Context, id string, spec Spec) (Instance, error)
	// Destroy returns nil when the container is certainly gone. One that is not known is gone. It can be called again.
	Destroy(ctx context.Context, id string) error
	// Instances lists all containers of this owner that may run, completely, or returns an error.
	Instances(ctx context.Context) ([]Instance, error)
	// Watch yields changes that happen after the call, until ctx ends. One that lags yields a Change that says so: list again.
	Watch(ctx context.Context) iter.Seq[Change]
}

// Suspender is an [Engine] that can freeze containers.
type Suspender interface {
	Suspend(ctx context.Context, id string) error
	Resume(ctx context.Context, id string) error
}

// OutputReader is an [Engine] that gives access to what containers print.
type OutputReader interface {
	// ReadOutput reads exact bytes of a stream from an offset on, and returns how many, with the size of the stream so far. n is 0
	// when there is nothing at the offset yet, or buf is empty. Also of a container that has ended, for as long as the platform keeps its
	// output. A stream never becomes shorter: what was rotated away and cannot be read any more is an [*OutputGoneError].
	ReadOutput(ctx context.Context, in Instance, stream Stream, offset int64, buf []byte) (n int, size int64, err error)
}

// OutputLinker is an [Engine] that knows where people find the output of a container, such as a page of the platform. It is named in
// logs that could not be read.
type OutputLinker interface {
	// OutputLink returns a text with a URL that goes on behind "See ", or "".
	OutputLink(in Instance) string
}

// AgentLister is an [Engine] that knows what is free on which machine. Machines that cannot be reached are not listed.
type AgentLister interface {
	Agents(ctx context.Context) ([]Agent, error)
}

// Spec is what an [Engine] needs to know of a container.
type Spec struct {
	Name      string // for humans: letters, digits and underscores
	Shape            // Kind, Image, Memory, Tenant
	UserImage bool
	CPUs      float64
	Env       map[string]string
	Labels    map[string]string // are in Instances, also after a restart of the invoker
}

// Instance is a container that runs.
type Instance struct {
	ID          string
	Incarnation string // differs for each start of a container with this ID, such as a container ID of the platform
	Agent       string // the machine
	Address     string // "host:port" where the runtime listens
	Labels      map[string]string
	Started     time.Time
}

// Change is something that happened to a container or to an agent without being asked for.
type Change struct {
	ID     string // the container; "" if it is about an agent, or Lagged
	Agent  string
	State  ChangeState
	Reason string // for humans
	Err    error  // of a container that ended: ErrMemory, ErrUnavailable if the platform ended it, nil if it ended by itself
}

// ChangeState says what a [Change] is.
type ChangeState int

// What can change.
const (
	// Lagged: changes were missed. Agents that are unreachable at that time are told of again behind it.
	Lagged ChangeState = iota
	// Gone: the container, or everything on the agent, does not run any more.
	Gone
	// Unreachable: the agent of the container, or the agent, cannot be reached, and may come back. Nothing is sent there until
	// it is Reachable, or is listed among the agents.
	Unreachable
	// Reachable: as before.
	Reachable
	// Draining: nothing new may be started on the agent.
	Draining
)

// Agent is a machine on which containers run.
type Agent struct {
	ID       string
	Memory   int // MiB that containers of this owner take, and further ones could have
	Draining bool
}

// Stream is one of the two streams that a container prints to.
type Stream string

// The streams.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// Errors that an [Engine] wraps.
var (
	ErrImage       = errors.New("the image cannot be had")
	ErrStart       = errors.New("the container did not start")
	ErrNoCapacity  = errors.New("there is no room")
	ErrMemory      = errors.New("the container ran out of memory")
	ErrUnavailable = errors.New("the platform is not available")
)

// OutputGoneError is returned for output that cannot be read any more. From is the first offset that can.
type OutputGoneError struct{ From int64 }

// Error says so.
func (e *OutputGoneError) Error() string { return "this output is gone" }
