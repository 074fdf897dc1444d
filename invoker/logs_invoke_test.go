package invoker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// speaker is an engine whose containers are runtimes that print.
type speaker struct {
	*printer
	network virtualnet.Network
	changes chan Change

	containers sync.WaitGroup
	mu         sync.Mutex
	running    map[string]*actionruntime.Runtime
	started    int
}

type printTo func(text string)

func (f printTo) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

func (e *speaker) Create(_ context.Context, id string, spec Spec) (Instance, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.started++
	ip := fmt.Sprintf("10.0.%d.%d", e.started/250, e.started%250+1)
	listener, err := e.network.Host(ip).Listen(ip + ":8080")
	if err != nil {
		return Instance{}, err
	}
	e.print(id, "listening\n", "no newline")
	runtime := actionruntime.New(actionruntime.Config{
		Stdout:     printTo(func(text string) { e.print(id, text, "") }),
		Stderr:     printTo(func(text string) { e.print(id, "", text) }),
		Concurrent: true, // a lease that is given up is another one's concern
	})
	e.running[id] = runtime
	e.containers.Go(func() {
		_ = runtime.Serve(context.Background(), listener)
		e.end(id)
	})
	return Instance{ID: id, Incarnation: id, Agent: fmt.Sprintf("agent-%d", e.started%3), Address: ip + ":8080", Labels: spec.Labels, Started: time.Now()}, nil
}

func (e *speaker) end(id string) {
	e.mu.Lock()
	known := e.running[id] != nil
	delete(e.running, id)
	e.mu.Unlock()
	if known {
		e.changes <- Change{ID: id, State: Gone, Reason: "exited"}
	}
}

func (e *speaker) Destroy(_ context.Context, id string) error {
	e.mu.Lock()
	runtime := e.running[id]
	delete(e.running, id)
	e.mu.Unlock()
	if runtime != nil {
		runtime.Kill()
		runtime.Wait()
	}
	return nil
}

func (e *speaker) Instances(context.Context) ([]Instance, error) { return nil, nil }

func (e *speaker) Watch(ctx context.Context) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for {
			select {
			case c := <-e.changes:
				if !yield(c) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// withSpeaker runs an invoker whose containers print, in a bubble.
func withSpeaker(t *testing.T, f func(t *testing.T, v *Invoker, e *speaker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := &speaker{printer: newPrinter(), changes: make(chan Change, 1000), running: map[string]*actionruntime.Runtime{}}
		v, err := New(Config{Owner: "test", Engine: e, DialContext: e.network.DialContext, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- v.Run(ctx) }()
		defer func() {
			stop()
			<-done
			e.mu.Lock()
			left := slices.Collect(maps.Keys(e.running))
			e.mu.Unlock()
			for _, id := range left {
				_ = e.Destroy(context.Background(), id)
			}
			e.containers.Wait()
		}()
		f(t, v, e)
	})
}

// script returns an action that does the steps of a script, see package actionruntime, and those of each activation.
func script(name, code string) *Action {
	a := sample(name)
	a.Code = code + "\ndo"
	return a
}

func doing(steps string) Activation {
	params, _ := json.Marshal(map[string]string{"do": steps})
	return Activation{Params: params}
}

func TestLogsOfInvocations(t *testing.T) {
	const raw = "raw stdout "
	for name, c := range map[string]struct {
		code  string
		steps []string // of the activations
		logs  []string
	}{
		"one after the other": {
			steps: []string{"out a\nerr b", "out c", ""}, logs: []string{"a\n!b\n", "c\n", ""},
		},
		"no newline at the end": {
			steps: []string{raw + `"a"`, "out b"}, logs: []string{"a\n", "b\n"},
		},
		"init prints too": {
			code: "init out 1\ninit err 2", steps: []string{"out a", "out b"}, logs: []string{"1\na\n!2\n", "b\n"},
		},
		"init fails": {
			code: "init out 1\ninit error no", steps: []string{"out a"}, logs: []string{"1\n"},
		},
		"application error": {
			steps: []string{"out a\nerror no", "out b"}, logs: []string{"a\n", "b\n"},
		},
		"sentinels come late": {
			steps: []string{"out a\nlate-sentinel 50ms", "out b\nlate-sentinel 70ms", "out c"}, logs: []string{"a\n", "b\n", "c\n"},
		},
		"time limit": {
			steps: []string{"out a\nhang"}, logs: []string{"a\n" + unmarkedLine},
		},
		"process ends": {
			steps: []string{"out a\nexit 137", "out b"}, logs: []string{"a\n" + unmarkedLine, "b\n"},
		},
		"no sentinel": {
			steps: []string{"out a\nno-sentinel stderr", "out b"}, logs: []string{"a\n" + unmarkedLine, "b\n"},
		},
		"50 MB in a line": {
			steps: []string{raw + `"` + strings.Repeat("x", 100) + `"`, "out b"}, logs: []string{strings.Repeat("x", 100) + "\n", "b\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			withSpeaker(t, func(t *testing.T, v *Invoker, _ *speaker) {
				for i, steps := range c.steps {
					result, err := v.Invoke(t.Context(), script("a", c.code), doing(steps))
					require.NoError(t, err)
					if strings.Contains(c.steps[i], "sentinel") {
						require.Equal(t, c.logs[i], lines(t.Context(), result.Logs))
						continue
					}
					defer func() { require.Equal(t, c.logs[i], lines(t.Context(), result.Logs)) }() // after the next ones
				}
			})
		})
	}
}

// TestPropertyEachLineIsInTheLogOfItsActivation has actions that print and misbehave, and agents that fail: whatever is printed is in one
// log at the most, in that of the right action, and, if no sentinel is forged or missing, in that of the right activation.
func TestPropertyEachLineIsInTheLogOfItsActivation(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			withSpeaker(t, func(t *testing.T, v *Invoker, e *speaker) { printAndCheck(t, v, e, rand.New(rand.NewPCG(seed, 3))) })
		})
	}
}

// endings are how activations of the property test end; the first six as they should.
var endings = []string{"", "", "", "", "", "error no", "late-sentinel 30ms", "no-sentinel", "no-sentinel stdout", "sentinel\nout forged", "exit 1", "hang", "status 502 no"}

func printAndCheck(t *testing.T, v *Invoker, e *speaker, r *rand.Rand) {
	var all sync.WaitGroup
	c := lineCheck{seen: map[string]string{}}
	for n := range 4 {
		a := script(fmt.Sprint("action", n), "init out init of "+fmt.Sprint(n))
		a.Timeout = 3 * time.Second
		for range 2 {
			r := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
			all.Go(func() {
				for i := range 15 {
					id := fmt.Sprintf("%s-%d-%d", strings.ReplaceAll(a.Name, "/", "."), i, r.Uint64())
					ending, harmless, printed := endings[r.IntN(len(endings))], n < 2, r.IntN(50)
					if harmless {
						ending = endings[r.IntN(6)]
					}
					act := doing(fmt.Sprintf("lines %d\nerr %s err\nsleep %dms\n%s", printed, id, r.IntN(30), ending))
					act.ID = id
					result, err := v.Invoke(t.Context(), a, act)
					require.NotNil(t, result, err)
					all.Go(func() { c.read(t.Context(), result.Logs, id, harmless, printed+1) })
					time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
				}
			})
		}
	}
	all.Go(func() { failAtTimes(e, r) })
	all.Wait()
	require.Empty(t, c.faults)
	require.Greater(t, c.count, 1000)
}

// failAtTimes has agents fail and be slow.
func failAtTimes(e *speaker, r *rand.Rand) {
	for range 20 {
		time.Sleep(time.Duration(r.IntN(1000)) * time.Millisecond)
		agent, fault := fmt.Sprintf("agent-%d", r.IntN(3)), r.IntN(3)
		e.set(func() {
			delete(e.fails, agent)
			delete(e.latency, agent)
			switch fault {
			case 0:
				e.fails[agent] = errors.New("503")
			case 1:
				e.latency[agent] = time.Duration(r.IntN(500)) * time.Millisecond
			}
		})
	}
	e.set(func() { clear(e.fails); clear(e.latency) })
}

// lineCheck collects what is wrong with logs.
type lineCheck struct {
	mu     sync.Mutex
	seen   map[string]string // line → activation
	count  int
	faults []string
}

// read reads the log of an activation. A harmless one is of an action that marks its ends: it has its own lines and, unless it says that
// it could not be read, all that were printed.
func (c *lineCheck) read(ctx context.Context, logs *Logs, id string, harmless bool, printed int) {
	action := id[:len(".guest.action0")]
	complete := harmless
	for line, err := range logs.Lines(ctx) {
		switch {
		case err != nil:
			c.fault("%v", err)
		case !strings.Contains(line.Log, ".guest.action"):
			complete = complete && line.Log != "The output of the container could not be read."
		case !strings.Contains(line.Log, action), harmless && !strings.Contains(line.Log, id):
			c.fault("%s is in the log of %s", line.Log, id)
		default:
			c.see(line.Log, id)
			printed--
		}
	}
	if complete && printed != 0 {
		c.fault("%d lines of %s are missing", printed, id)
	}
}

func (c *lineCheck) see(line, id string) {
	c.mu.Lock()
	other, found := c.seen[line]
	c.seen[line] = id
	c.count++
	c.mu.Unlock()
	if found {
		c.fault("%s is in the logs of %s and %s", line, other, id)
	}
}

func (c *lineCheck) fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

func TestControlLogsOfOthersAndMissingLinesAreFound(t *testing.T) {
	c := lineCheck{seen: map[string]string{}}
	for range 2 {
		store := newLineStore(1000)
		logs := store.newLogs()
		logs.buffer.add(time.Now(), 0, "1 .guest.action1-1\n2 .guest.action1-2\n")
		logs.buffer.end(nil)
		c.read(t.Context(), logs, ".guest.action1-1", true, 3)
	}
	require.Equal(t, []string{
		"2 .guest.action1-2 is in the log of .guest.action1-1", "2 lines of .guest.action1-1 are missing",
		"1 .guest.action1-1 is in the logs of .guest.action1-1 and .guest.action1-1",
		"2 .guest.action1-2 is in the log of .guest.action1-1", "2 lines of .guest.action1-1 are missing",
	}, c.faults)
}
