package invoker

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mutation is a mistake on purpose: between the machine and the world, or of a holder.
type mutation struct {
	scene        func(*scene)
	settings     func(*settings)
	input        func(*simWorld, input) []input // what the machine hears in place of the input
	commands     func(*simWorld, input, []command) []command
	storedAtOnce bool // a record is called durable before it is
	noLeaseCheck bool // sessions send also when their lease is over
	sendAgain    bool // what may have been sent is sent again
}

// TestSimulationControls is the negative test of the checks of the simulation: with each mistake the check that is there for it fails,
// and none before.
func TestSimulationControls(t *testing.T) {
	oneGoroutine(t)
	for _, c := range controls() {
		t.Run(c.name, func(t *testing.T) {
			failed := 0
			for seed := uint64(1); seed <= 60 && failed < 3; seed++ {
				w := newWorld(seed, c.mutation)
				if w.live(); w.broken != nil {
					require.Equal(t, c.check, w.broken.check, "seed %d: %s\n%s", seed, w.broken.text, &w.trail)
					failed++
				}
			}
			require.NotZero(t, failed, "nothing fails")
		})
	}
}

type simControl struct {
	name, check string
	mutation
}

func controls() []simControl {
	return append(append(bindingControls(), holderControls()...), poolControls()...)
}

// bindingControls are mistakes about what a container serves, and when.
func bindingControls() []simControl {
	return []simControl{
		{"bound after /init", "I1", mutation{storedAtOnce: true}},
		{"revisions share containers", "I1", mutation{
			scene: func(s *scene) { withRevisions(s); s.sessions = 0 }, input: replaced(mistaken),
		}},
		{"the record of what may run is deleted", "I1", mutation{
			scene: with(destroyLate), commands: destroyedAtOnce,
		}},
		{"/init is left out", "init", mutation{commands: eachGrant(func(_ *simWorld, g *grant) { g.init = false })}},
		{"/init for each caller", "init", mutation{commands: eachGrant(func(_ *simWorld, g *grant) { g.init = true })}},
		{"a failed listing is taken for an empty one", "adoption", mutation{
			scene: with(listFails, leaderCrashes),
			input: replaced(func(_ *simWorld, in listed) []input {
				in.err = nil
				return []input{in}
			}),
		}},
		{"a failed listing has everything destroyed", "adoption", mutation{
			scene: with(listFails, leaderCrashes),
			commands: func(w *simWorld, in input, commands []command) []command {
				if l, ok := in.(listed); ok && l.err != nil && !w.book.adopted {
					for _, c := range w.engine.containers {
						commands = append(commands, destroy{id: c.id})
					}
				}
				return commands
			},
		}},
	}
}

// holderControls are mistakes about who may send.
func holderControls() []simControl {
	return []simControl{
		{"a release counts twice", "I2", mutation{
			scene: func(s *scene) { with()(s); concurrent(s); s.sessions, s.memory, s.settings.Memory = 0, 1<<20, 0 },
			input: replaced(func(w *simWorld, in release) []input {
				inputs := []input{in}
				for l := range w.book.leases {
					if l.Container == in.grant.Container {
						return append(inputs, release{grant: l})
					}
				}
				return inputs
			}),
		}},
		{"what may have been sent is sent again", "I5", mutation{scene: with(containerDies, actionsFail), sendAgain: true}},
		{"no lease check", "I6", mutation{
			scene: func(s *scene) { with(sessionCut, sessionPaused)(s); s.sessions = 2 }, noLeaseCheck: true,
		}},
		{"a victim is busy", "I6", mutation{
			commands: func(w *simWorld, _ input, commands []command) []command {
				for _, c := range commands {
					if g, ok := c.(*grant); ok && w.random.IntN(20) == 0 {
						return append(commands, destroy{id: g.id.Container})
					}
				}
				return commands
			},
		}},
		{"two callers get one answer", "answers", mutation{
			commands: func(_ *simWorld, _ input, commands []command) []command {
				for _, c := range commands {
					if g, ok := c.(*grant); ok {
						return append(commands, g)
					}
				}
				return commands
			},
		}},
	}
}

// poolControls are mistakes about what there is.
func poolControls() []simControl {
	return []simControl{
		{"what is left of a failed start is not destroyed", "I3", mutation{
			scene: func(s *scene) {
				with(createLost)(s)
				s.settings.Memory = 0
				s.lister = true
				s.length = 2 * time.Minute
			},
			commands: func(w *simWorld, in input, commands []command) []command {
				c, ok := in.(created)
				return slices.DeleteFunc(commands, func(d command) bool {
					forgotten := ok && c.err != nil && d == destroy{id: c.id}
					if forgotten {
						w.tell(0, destroyed{id: c.id})
					}
					return forgotten
				})
			},
		}},
		{"a container that ended is kept", "I3", mutation{
			scene: with(containerDies), input: replaced(func(*simWorld, changed) []input { return nil }),
		}},
		{"what is being removed is not counted", "I4", mutation{
			scene: func(s *scene) {
				with(destroyLate)(s)
				s.durable, s.sessions, s.settings.Memory = false, 0, 512
			},
			commands: destroyedAtOnce,
		}},
		{"least recently used over the sum of all agents", "victims", mutation{
			scene: func(s *scene) {
				with()(s)
				s.lister, s.agents, s.memory, s.settings.Memory = true, 3, 768, 0
				s.keys[0].Memory = 768
				for i := range s.keys[1:] {
					s.keys[i+1].Memory = 256
				}
			},
			input: oneAgent,
		}},
		{"a caller is forgotten", "I7", mutation{input: replaced(func(w *simWorld, in acquire) []input {
			if w.random.IntN(10) == 0 {
				return nil
			}
			return []input{in}
		})}},
		{"a part of the room is not used", "I7", mutation{
			scene: func(s *scene) {
				with()(s)
				s.lister, s.settings.Memory, s.settings.Stems = false, s.agents*s.memory, nil
			},
			settings: func(s *settings) { s.Memory -= 256 },
		}},
		{"a record is stored, and nobody hears of it", "I8", mutation{input: replaced(func(*simWorld, stored) []input { return nil })}},
		{"nobody is woken", "I8", mutation{input: replaced(func(*simWorld, wake) []input { return nil })}},
		{"idle containers stay", "I9", mutation{scene: with(), settings: func(s *settings) { s.IdleTimeout, s.KeepAlive = 1000*time.Hour, KeepFixed(1000*time.Hour) }}},
	}
}

// mistaken has a caller of a revision get an idle container of another one.
func mistaken(w *simWorld, in acquire) []input {
	for _, i := range w.infos() {
		other := i.Key
		other.Revision = in.key.Revision
		if i.State == StateIdle && !i.Unreachable && other == in.key {
			in.key = i.Key
		}
	}
	return []input{in}
}

// oneAgent has the machine take all agents for one.
func oneAgent(_ *simWorld, in input) []input {
	switch told := in.(type) {
	case created:
		told.instance.Agent = "all"
		return []input{told}
	case agentsSeen:
		all := Agent{ID: "all"}
		for _, a := range told.agents {
			all.Memory += a.Memory
		}
		return []input{agentsSeen{agents: []Agent{all}}}
	}
	return []input{in}
}

// destroyedAtOnce has the machine hear that a container is gone as soon as it is to be destroyed.
func destroyedAtOnce(w *simWorld, _ input, commands []command) []command {
	for _, c := range commands {
		if d, ok := c.(destroy); ok {
			w.tell(0, destroyed{id: d.id})
		}
	}
	return commands
}

// replaced returns a mutation of the inputs of one type.
func replaced[T input](by func(*simWorld, T) []input) func(*simWorld, input) []input {
	return func(w *simWorld, in input) []input {
		if in, ok := in.(T); ok {
			return by(w, in)
		}
		return []input{in}
	}
}

// eachGrant returns a mutation of the grants.
func eachGrant(change func(*simWorld, *grant)) func(*simWorld, input, []command) []command {
	return func(w *simWorld, _ input, commands []command) []command {
		for _, c := range commands {
			if g, ok := c.(*grant); ok {
				change(w, g)
			}
		}
		return commands
	}
}

// with returns what makes scenes that have these faults only.
func with(faults ...fault) func(*scene) {
	return func(s *scene) {
		s.faults = [faultKinds]bool{}
		for _, f := range faults {
			s.faults[f] = true
		}
	}
}

// withRevisions has each action in two revisions.
func withRevisions(s *scene) {
	for _, k := range s.keys {
		k.Revision += "x"
		s.keys = append(s.keys, k)
	}
}

// concurrent has containers run three activations at once.
func concurrent(s *scene) {
	for i := range s.keys {
		s.keys[i].Concurrency = 3
	}
}
