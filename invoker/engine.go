package invoker

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Engine starts and stops containers on a platform. An engine may also be a [Suspender], an [OutputReader], an [OutputLinker] and an
// [AgentLister]. Package enginetest has the tests that each engine must pass.
//
// Methods are called from any goroutine, several at once. They must not keep or modify the maps and slices that they get, and the invoker does not
// modify those that they return.
type Engine interface {
	// Create starts a container with an ID that was never used before, and returns when its process runs and its address is known.
	// After an error, also when ctx has ended, nothing is left behind. Errors wrap [ErrImage], [ErrStart], [ErrNoCapacity] or
	// [ErrUnavailable].
	Create(ctx context.Context, id string, spec Spec) (Instance, error)
	// Destroy removes a container, and returns nil when it is certainly gone, or not known. After an error it is called again.
	Destroy(ctx context.Context, id string) error
	// Instances returns all containers that may run, also those that an earlier process has started, or an error if it cannot list
	// all. Containers with the label invoker.owner of another owner are ignored, and those without an address destroyed: their start is
	// not over yet.
	Instances(ctx context.Context) ([]Instance, error)
	// Watch returns the changes that happen after the call, until ctx ends. If it has missed some it yields [Lagged]: Instances is
	// called then. It is ranged over once.
	Watch(ctx context.Context) iter.Seq[Change]
}

// Suspender is an [Engine] that can freeze containers. Both methods return when it is done, and do nothing if it was done before.
// After an error nobody knows the state of the container, and it is destroyed. Those that are listed at the beginning of a run are
// resumed.
type Suspender interface {
	Suspend(ctx context.Context, id string) error
	Resume(ctx context.Context, id string) error
}

// OutputReader is an [Engine] that gives access to what containers print.
type OutputReader interface {
	// ReadOutput reads a stream byte for byte from an offset on, into buf, and returns how many bytes it has read and the size of the
	// stream. n is 0 when there is nothing at the offset yet, or buf is empty. It may read less than there is. It works for a
	// container that has ended as well, for as long as the platform keeps its output. A stream never becomes shorter: for what was
	// rotated away and cannot be read any more it returns an [*OutputGoneError], unless buf is empty.
	ReadOutput(ctx context.Context, in Instance, stream Stream, offset int64, buf []byte) (n int, size int64, err error)
}

// OutputLinker is an [Engine] that knows where people find the output of a container, such as a page of the platform. It is named in
// logs that could not be read.
type OutputLinker interface {
	// OutputLink returns a text with a URL that goes on behind "See ", or "".
	OutputLink(in Instance) string
}

// AgentLister is an [Engine] that knows what is free on which machine. It is asked each 10 s. Machines that cannot be reached are not
// listed. While the list is empty the invoker takes it that the engine does not know any yet, and starts containers by trial.
type AgentLister interface {
	Agents(ctx context.Context) ([]Agent, error)
}

// Spec is what an [Engine] needs to know of a container.
type Spec struct {
	Name      string // for humans: letters, digits and underscores; not unique
	Shape            // Kind, Image, Memory, Tenant
	UserImage bool
	CPUs      float64           // a share, not a limit: Memory / PoolConfig.MemoryPerCPU
	Env       map[string]string // of the container's process
	Labels    map[string]string // have to be in Instances as they are, also after a restart of the invoker
	// Avoid are agents on which it must not be started, since the operator drains them. A container that is started there
	// nevertheless ends as soon as nobody uses it.
	Avoid []string
}

// Instance is a container that runs.
type Instance struct {
	ID          string
	Incarnation string            // differs for each start of a container with this ID, such as a container ID of the platform
	Agent       string            // the machine
	Address     string            // "host:port" where the runtime listens
	Labels      map[string]string // those of its Spec
	Started     time.Time
	Output      string // what an engine in another process needs to read what it prints, if that is not in the rest
}

// Change is something that happened to a container or to an agent, other than what a method was asked to do.
type Change struct {
	ID     string // the container; "" if it is about an agent, or Lagged
	Agent  string
	State  ChangeState
	Reason string // for humans
	Err    error  // of one that is Gone: wraps ErrMemory, or ErrUnavailable if the platform ended it; nil if it ended by itself
}

// ChangeState says what a [Change] is.
type ChangeState int

// The states that a [Change] tells of.
const (
	// Lagged: changes were missed. All that is unreachable at that time is told of again behind it.
	Lagged ChangeState = iota
	// Gone: the container, or everything on the agent, does not run any more.
	Gone
	// Unreachable: the agent of the container, or the agent, cannot be reached, and may come back. Nothing is sent there until
	// it is Reachable, or is listed among the agents.
	Unreachable
	// Reachable: what was unreachable can be reached again.
	Reachable
	// Draining: nothing new may be started on the agent, and what is idle there is removed.
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

// Errors that an [Engine] wraps. They say what is to blame, and thus what happens next: see each.
var (
	// ErrImage says that the image cannot be had. The caller who has waited longest is refused.
	ErrImage = errors.New("the image cannot be had")
	// ErrStart says that the container did not start, for reasons of its own. The second time its caller is refused.
	ErrStart = errors.New("the container did not start")
	// ErrNoCapacity says that there is no room. Callers go on waiting, and room is made.
	ErrNoCapacity = errors.New("there is no room")
	// ErrMemory says that a container has used more memory than it may, and was killed.
	ErrMemory = errors.New("the container ran out of memory")
	// ErrUnavailable says that the platform fails, which is nobody else's fault. Starts pause for 1 s to 30 s.
	ErrUnavailable = errors.New("the platform is not available")
)

// OutputGoneError is returned for output that cannot be read any more. From is the first offset that can.
type OutputGoneError struct{ From int64 }

// Error says that the output is gone.
func (e *OutputGoneError) Error() string { return "this output is gone" }
