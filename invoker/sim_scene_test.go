package invoker

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// fault is a kind of fault.
type fault int

const (
	createFails      fault = iota
	createLate             // up to 40 s
	createLost             // it times out, and the container comes alive later
	containerDies          // in any state
	runtimeHangs           // it never answers
	agentUnreachable       // for a while
	agentGone
	agentDrains
	destroyFails
	destroyLate
	suspendFails
	changesLost // and told of by Lagged
	changesLate // and so out of order
	changesDoubled
	listFails
	storeSlow
	storeFails
	leaderCrashes
	leaderStalls
	callersLeave
	actionsFail
	sessionCut    // it does not reach the leader any more
	sessionDies   // without a word
	sessionPaused // it does not get on for a while
	linkSlow      // between a session and the leader
	undeclared    // a session is not heard of after a change of the leader
	operatorOrders
	faultKinds
)

// scene is what varies from world to world.
type scene struct {
	settings settings
	durable  bool // records outlive the leader
	lister   bool // the engine tells what is free on the agents
	faults   [faultKinds]bool
	agents   int
	memory   int // of an agent
	keys     []simKey
	sessions int
	length   time.Duration // in which there are callers and faults
	pause    time.Duration // between two activations, on average
}

// simKey is an action that the callers of a scene invoke.
type simKey struct {
	Key
	userImage bool
	timeout   time.Duration
	poison    bool // each run kills the container
}

// newScene makes up a scene.
func newScene(random *rand.Rand) scene {
	s := scene{
		agents:   1 + random.IntN(3),
		memory:   256 * (2 + random.IntN(6)),
		sessions: random.IntN(3),
		length:   time.Duration(20+random.IntN(40)) * time.Second,
		pause:    time.Duration(50+random.IntN(450)) * time.Millisecond,
	}
	rate := random.IntN(3) // no faults, some, all
	for f := range s.faults {
		s.faults[f] = rate == 2 || rate == 1 && random.IntN(3) == 0
	}
	for i := range 1 + random.IntN(4) {
		k := simKey{timeout: time.Duration(1+random.IntN(8)) * time.Second, userImage: random.IntN(5) == 0}
		k.Key = Key{
			Namespace: fmt.Sprintf("ns%d", random.IntN(2)), Action: fmt.Sprintf("a%d", i), Revision: "1",
			Shape: Shape{Kind: "k", Memory: 256 << random.IntN(2)}, Concurrency: 1,
		}
		if random.IntN(3) == 0 {
			k.Concurrency = 2 + random.IntN(2)
		}
		if k.userImage {
			k.Image, k.Tenant = "img", k.Namespace
		}
		k.poison = rate == 2 && random.IntN(8) == 0
		s.keys = append(s.keys, k)
		if random.IntN(4) == 0 { // another revision of the same
			k.Revision = "2"
			s.keys = append(s.keys, k)
		}
	}
	s.durable = s.sessions > 0 || random.IntN(4) > 0
	s.lister = random.IntN(2) == 0
	s.settings = simSettings(random, &s)
	return s
}

// simSettings makes up settings: short times, so that much happens in a minute.
func simSettings(random *rand.Rand, s *scene) settings {
	set := settings{owner: "o", canSuspend: random.IntN(2) == 0, PoolConfig: PoolConfig{
		MemoryPerCPU: 1024, MaxStarts: 1 + random.IntN(6), MaxWaiting: 16,
		CreateTimeout: 45 * time.Second, ReadyTimeout: 10 * time.Second, DestroyTimeout: 10 * time.Second,
		IdleTimeout: time.Duration(3+random.IntN(15)) * time.Second,
		PauseGrace:  time.Duration(1+random.IntN(4)) * time.Second,
		MarkGrace:   time.Duration(random.IntN(3)) * time.Second,
	}}
	if random.IntN(3) > 0 { // else what there is
		set.Memory = 256 * (2 + random.IntN(8))
	}
	if random.IntN(3) == 0 {
		n := 1 + random.IntN(3)
		set.Stems = []StemCells{{Kind: "k", Memory: 256, Initial: n, Min: random.IntN(n + 1), Max: n + random.IntN(2)}}
		if random.IntN(2) == 0 {
			set.Stems[0].TTL = time.Duration(5+random.IntN(20)) * time.Second
		}
		if random.IntN(2) == 0 {
			set.Stems[0].Threshold, set.Stems[0].Increment = 1, 1
		}
	}
	return set
}
