package invoker

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the transcripts of the scenarios")

// TestScenarios passes the inputs in testdata/scenarios, the lines that begin with ">", to the machine, and compares the commands
// that it returns with the lines below each. Run it with -update to rewrite them, and review the difference.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			recorded, err := os.ReadFile(file)
			require.NoError(t, err)
			played := newStage(t).play(string(recorded))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(played), 0o644))
				return
			}
			require.Equal(t, string(recorded), played)
		})
	}
}

// stage is a machine in a scenario.
type stage struct {
	t       *testing.T
	machine *machine
	now     time.Time
	out     strings.Builder
}

func newStage(t *testing.T) *stage {
	return &stage{t: t, now: simStart(), machine: newMachine(stageSettings())}
}

func stageSettings() settings {
	return settings{owner: "o", PoolConfig: PoolConfig{
		Memory: 1024, MemoryPerCPU: 1024, MaxStarts: 20, MaxWaiting: 100, CreateTimeout: 45 * time.Second, ReadyTimeout: 10 * time.Second,
		DestroyTimeout: 10 * time.Second, IdleTimeout: 10 * time.Minute, KeepAlive: KeepFixed(10 * time.Minute), PauseGrace: 10 * time.Second,
		MarkGrace: 5 * time.Second,
	}}
}

// play performs the inputs of a transcript, and returns it with the commands.
func (s *stage) play(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, ">"):
			fmt.Fprintln(&s.out, line)
			s.perform(strings.Fields(line[1:]))
		case line == "", strings.HasPrefix(line, "#"):
			fmt.Fprintln(&s.out, line)
		}
	}
	return s.out.String()
}

// perform performs one line: settings, a wait, a look at the pool, or an input.
func (s *stage) perform(words []string) {
	verb, args, options := words[0], []string{}, map[string]string{}
	for _, w := range words[1:] {
		if k, v, ok := strings.Cut(w, "="); ok {
			options[k] = v
		} else {
			args = append(args, w)
		}
	}
	switch verb {
	case "settings": // before the start
		s.configure(options)
	case "restart": // the leader dies; the next one begins with nothing
		s.machine = newMachine(s.machine.settings)
	case "wait":
		s.wait(s.duration(args[0]))
	case "pool":
		for _, i := range s.machine.infos() {
			fmt.Fprintf(&s.out, "  %s %s of %s on %q, %d active\n", i.ID, i.State, describeKey(i.Key), i.Agent, i.Active)
		}
		fmt.Fprintf(&s.out, "  %d MiB, %d wait\n", s.machine.stats().Used, s.machine.stats().Waiting)
	default:
		s.step(s.input(verb, args, options))
	}
}

// step passes an input to the machine and writes its commands down.
func (s *stage) step(in input) {
	for _, c := range s.machine.step(s.now, in) {
		fmt.Fprintf(&s.out, "  %s\n", describeCommand(c))
	}
}

// wait lets time pass, and wakes the machine when it wants to be.
func (s *stage) wait(d time.Duration) {
	end := s.now.Add(d)
	for wakes := 0; wakes < 1000; wakes++ {
		at := s.machine.deadline()
		if at.IsZero() || at.After(end) {
			s.now = end
			return
		}
		s.now = later(s.now, at)
		before := s.out.Len()
		if s.step(wake{}); s.out.Len() > before {
			text := s.out.String()
			s.out.Reset()
			fmt.Fprintf(&s.out, "%s  at %v:\n%s", text[:before], s.now.Sub(simStart()), text[before:])
		}
	}
	require.Fail(s.t, "the machine wants to be woken again and again")
}

func (s *stage) configure(options map[string]string) {
	set := s.machine.settings
	for name, value := range options {
		switch name {
		case "memory":
			set.Memory = s.number(value)
		case "starts":
			set.MaxStarts = s.number(value)
		case "waiting":
			set.MaxWaiting = s.number(value)
		case "idle":
			set.IdleTimeout = s.duration(value)
			set.KeepAlive = KeepFixed(set.IdleTimeout)
		case "suspend":
			set.canSuspend, set.PauseGrace = true, s.duration(value)
		case "stems":
			n := s.number(value)
			set.Stems = []StemCells{{Kind: "k", Memory: 256, Initial: n, Min: n, Max: n}}
		default:
			require.Fail(s.t, "there is no setting "+name)
		}
	}
	s.machine = newMachine(set)
}

// input returns the input of a line.
func (s *stage) input(verb string, args []string, options map[string]string) input {
	err := stageError(options["error"])
	switch verb {
	case "start":
		return start{term: uint64(s.number(args[0]))}
	case "listed":
		return s.listed(args, err)
	case "acquire":
		in := acquire{ref: ref(s.number(args[0])), key: s.key(args[1]), timeout: time.Minute}
		if n := options["session"]; n != "" {
			in.session = session(s.number(n))
		}
		return in
	case "cancel":
		return cancel{ref: ref(s.number(args[0]))}
	case "release":
		outcomes := map[string]outcome{"reuse": reuse, "discard": discard, "dead": dead, "crashed": crashed}
		require.Contains(s.t, outcomes, args[1])
		return release{grant: s.lease(args[0]), outcome: outcomes[args[1]]}
	case "initialised":
		return initialised{grant: s.lease(args[0])}
	case "opened", "declared", "closed":
		return s.sessionInput(verb, args, options)
	case "stems": // kind:MiB*number
		return s.stems(args)
	case "drain", "undrain":
		return drainAgent{args[0], verb == "drain"}
	case "agents":
		return s.agents(args)
	case "changed":
		return s.changed(args, err)
	}
	return s.answer(verb, args[0], options["on"], err)
}

// answer returns what answers a command.
func (s *stage) answer(verb, id, agent string, err error) input {
	switch verb {
	case "created":
		in := created{id: id, err: err}
		if err == nil {
			in.instance = stageInstance(id, agent)
		}
		return in
	case "probed":
		return probed{id: id, err: err}
	case "stored":
		return stored{id: id, err: err}
	case "destroyed":
		return destroyed{id: id, err: err}
	case "suspended":
		return suspended{id: id, err: err}
	case "resumed":
		return resumed{id: id, err: err}
	}
	require.Fail(s.t, "there is no input "+verb)
	return nil
}

func (s *stage) sessionInput(verb string, args []string, options map[string]string) input {
	n := session(s.number(args[0]))
	switch verb {
	case "opened":
		return opened{session: n, name: "dispatcher", ttl: s.duration(options["ttl"])}
	case "declared":
		in := declared{session: n}
		for _, l := range args[1:] {
			in.grants = append(in.grants, s.lease(l))
		}
		return in
	}
	return closed{session: n}
}

// listed reads id@agent, with the key that is on record behind a comma, and ",initialised" if that is.
func (s *stage) listed(args []string, err error) input {
	in := listed{err: err}
	for _, arg := range args {
		parts := strings.Split(arg, ",")
		id, agent, runs := strings.Cut(parts[0], "@")
		instance := stageInstance(id, agent)
		if len(parts) > 1 {
			key := s.key(parts[1])
			in.records = append(in.records, record{
				ID: id, Incarnation: instance.Incarnation, Key: key, Timeout: time.Minute, Term: 1, Initialised: len(parts) > 2,
			})
			instance.Labels[labelMemory], instance.Labels[labelKind] = strconv.Itoa(key.Memory), key.Kind
		}
		if strings.HasPrefix(id, "other-") {
			instance.Labels[labelOwner] = "other"
		}
		if runs {
			in.instances = append(in.instances, instance)
		}
	}
	return in
}

// stageInstance returns a container with the labels of a managed image of 256 MiB.
func stageInstance(id, agent string) Instance {
	return Instance{ID: id, Incarnation: id + "/1", Agent: agent, Address: id + ":8080", Labels: map[string]string{
		labelOwner: "o", labelKind: "k", labelImage: "", labelMemory: "256", labelTerm: "1",
	}}
}

// changed reads a container, or an agent behind its change, or "lagged".
func (s *stage) changed(args []string, err error) input {
	states := map[string]ChangeState{"lagged": Lagged, "gone": Gone, "unreachable": Unreachable, "reachable": Reachable, "draining": Draining}
	if state, ok := states[args[0]]; ok {
		c := Change{State: state, Reason: "the engine says so", Err: err}
		if len(args) > 1 {
			c.Agent = args[1]
		}
		return changed{change: c}
	}
	require.Contains(s.t, states, args[1])
	return changed{change: Change{ID: args[0], State: states[args[1]], Reason: "the engine says so", Err: err}}
}

// agents reads agent:MiB, and ":draining" behind it.
func (s *stage) agents(args []string) input {
	in := agentsSeen{}
	for _, arg := range args {
		parts := strings.Split(arg, ":")
		in.agents = append(in.agents, Agent{ID: parts[0], Memory: s.number(parts[1]), Draining: len(parts) > 2})
	}
	return in
}

func (s *stage) stems(args []string) input {
	in := setStemCells{}
	for _, arg := range args {
		kind, size, _ := strings.Cut(arg, ":")
		memory, n, _ := strings.Cut(size, "*")
		cells := StemCells{Kind: kind, Memory: s.number(memory), Initial: s.number(n)}
		in.cells = append(in.cells, cells.complete(&faults{}, "stems"))
	}
	return in
}

// stageError returns an error of an engine by a short name, another one for other names, and nil for none.
func stageError(name string) error {
	known := map[string]error{"image": ErrImage, "start": ErrStart, "room": ErrNoCapacity, "memory": ErrMemory, "unavailable": ErrUnavailable}
	if name == "" || known[name] != nil {
		return known[name]
	}
	return errors.New(name)
}

// key reads namespace/action@revision/kind:MiB*concurrency; a user's image stands behind another colon, and is tied to the namespace.
func (s *stage) key(text string) Key {
	k := Key{Concurrency: 1}
	text, n, ok := strings.Cut(text, "*")
	if ok {
		k.Concurrency = s.number(n)
	}
	parts := strings.Split(text, "/")
	require.Len(s.t, parts, 3, text)
	k.Namespace = parts[0]
	k.Action, k.Revision, _ = strings.Cut(parts[1], "@")
	shape := strings.Split(parts[2], ":")
	k.Kind, k.Memory = shape[0], s.number(shape[1])
	if len(shape) > 2 {
		k.Image, k.Tenant = shape[2], k.Namespace
	}
	return k
}

// lease reads container#term.number.
func (s *stage) lease(text string) GrantID {
	id, number, _ := strings.Cut(text, "#")
	term, n, _ := strings.Cut(number, ".")
	return GrantID{Container: id, Number: uint64(s.number(term))<<32 + uint64(s.number(n))}
}

func (s *stage) number(text string) int {
	n, err := strconv.Atoi(text)
	require.NoError(s.t, err)
	return n
}

func (s *stage) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	require.NoError(s.t, err)
	return d
}
