package enginetest

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// Fixture is an engine to check, and what the suite needs to know of it. Engine, Spec and Running are required.
type Fixture struct {
	// Engine has no containers yet.
	Engine invoker.Engine
	// Spec is for a container that serves [Handler] at the address of its instance. The suite sets Name and Labels, and adds to
	// Env. Up to 10 of them run at once.
	Spec invoker.Spec
	// Running returns how many containers of the engine's owner run, as the platform itself sees it: its processes or tasks.
	// A container that the platform is still stopping counts.
	Running func() int
	// DialContext makes connections to containers. Default: that of a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// Refused has specs that Create must refuse, each with an error that wraps the given one, such as [invoker.ErrImage].
	Refused []Refused
	// Restart returns another engine for the same platform and owner, as a new process would have it after the one with the
	// present engine was killed; that one is not used any more. Nil: not checked.
	Restart func() invoker.Engine
	// OutOfMemory ends a container as one that has used too much memory. Nil: not checked.
	OutOfMemory func(in invoker.Instance)
	// Cut makes the platform unavailable, until the function that it returns is called. Nil: not checked.
	Cut func() (mend func())
}

// Refused is a spec that Create must refuse.
type Refused struct {
	Why  string // for humans
	Spec invoker.Spec
	Want error // what the error must wrap
}

// Run runs every check as a subtest with a fixture of its own. Open fails the test if it cannot make one, and cleans up with
// t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

// RunInBubble does the same with each check in a bubble of its own, see package testing/synctest. Such a fixture has no
// processes, and a network of its own.
func RunInBubble(t *testing.T, open func(t *testing.T) Fixture) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.test(t, open) })
		})
	}
}

// errNotOffered is returned by a check of something that the engine, or the fixture, does not offer.
var errNotOffered = errors.New("the engine, or the fixture, does not offer that")

// check is one promise. Its run returns an error that says how the engine breaks it, or errNotOffered.
type check struct {
	name string
	run  func(ctx context.Context, s *suite) error
}

// limit is how long a check may take, in real or virtual time.
const limit = 5 * time.Minute

func (c check) test(t *testing.T, open func(t *testing.T) Fixture) {
	switch err := c.try(t.Context(), open(t)); {
	case errors.Is(err, errNotOffered):
		t.Skip(err)
	case err != nil:
		t.Error(err)
	}
}

// try runs the check, and removes what it has left.
func (c check) try(ctx context.Context, f Fixture) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s := newSuite(f)
	defer s.client.CloseIdleConnections()
	return errors.Join(c.run(ctx, s), s.cleanUp(ctx))
}

func checks() []check {
	return []check{
		{"a container is as its spec says", asSpecified},
		{"arguments and results are not shared", notShared},
		{"instances are complete", instancesComplete},
		{"refused specs leave nothing behind", refusedSpecs},
		{"a create that is given up leaves nothing behind", createGivenUp},
		{"destroy is certain and can be repeated", destroyCertain},
		{"destroy from many goroutines", destroyConcurrently},
		{"destroy is given up", destroyGivenUp},
		{"destroy during create", destroyDuringCreate},
		{"the end of a container is told", endIsTold},
		{"memory is told apart", memoryToldApart},
		{"watch begins with the call", watchFromCall},
		{"watch ends with its context", watchEnds},
		{"a slow watcher holds up nobody", slowWatcher},
		{"output is exact", outputExact},
		{"output of a container that has ended", outputAfterEnd},
		{"output of nothing", outputOfNothing},
		{"suspended containers do nothing", suspended},
		{"suspend of nothing, destroy of the suspended", suspendEdges},
		{"agents", agents},
		{"a restart finds everything", restartFindsAll},
		{"a restart goes on", restartGoesOn},
		{"the platform is unavailable", unavailable},
	}
}
