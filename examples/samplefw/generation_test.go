//go:build integration

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// registration is how long the master may keep a framework when the process died before it stored the ID.
const registration = time.Minute

// generation is a master, a store file, and what is known of the tasks.
type generation struct {
	*testing.T
	program, file, address string
	random                 *rand.Rand
	master                 *mesostest.Master
	tasks                  int    // how many the program is to run
	ending                 bool   // the program is to end the framework
	framework              string // the first ID on record
	frameworks             int    // how many the master had then, and may have

	journal

	mu           sync.Mutex // of what follows: lives and the master's loop write to it
	present      *life
	acknowledged map[string]bool // tasks that the program has reported as on record
	launched     map[string]bool // tasks that the master has had
}

// life is one process.
type life struct {
	cmd     *exec.Cmd
	holding chan struct{} // all tasks run
	ended   chan struct{} // its output has ended
	calls   map[scheduler.Call_Type]int
	at      string // how far it is, by its calls
	trigger trigger
	reached chan struct{} // the trigger was reached
}

// trigger is the n-th call of a type, before it takes effect or while it is answered. The zero
// trigger is never reached.
type trigger struct {
	call   scheduler.Call_Type
	n      int
	before bool
}

func newGeneration(t *testing.T, program string, seed uint64) *generation {
	agents := make([]mesostest.Agent, 4)
	for i := range agents {
		agents[i].Resources = "cpus:64;mem:65536;disk:10000;ports:[31000-32000]"
	}
	master, err := mesostest.New(mesostest.Config{
		Agents: agents, Seed: seed, AllocationInterval: 20 * time.Millisecond,
		Launch: 5 * time.Millisecond, Reap: 5 * time.Millisecond,
	})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- master.Run(ctx, listener) }()
	g := &generation{
		T: t, program: program, file: filepath.Join(t.TempDir(), "store"), address: "http://" + listener.Addr().String(),
		random: rand.New(rand.NewPCG(seed, 0)), master: master,
		acknowledged: map[string]bool{}, launched: map[string]bool{}, journal: journal{tally: tally{}},
	}
	t.Cleanup(func() {
		if l := g.present; l != nil { // of a test that failed
			_ = l.cmd.Process.Kill()
			<-l.ended
		}
		stop()
		require.NoError(t, <-ended)
	})
	master.Intercept(g.intercept)
	return g
}

// start begins a life, and copies the store before.
func (g *generation) start(hold time.Duration, at trigger) *life {
	if bytes, err := os.ReadFile(g.file); err == nil {
		require.NoError(g, os.WriteFile(g.file+".before", bytes, 0o600))
	}
	l := &life{
		cmd: exec.Command(g.program, "--master", g.address, "--store", g.file,
			"--tasks", strconv.Itoa(g.tasks), "--hold", hold.String()),
		holding: make(chan struct{}), ended: make(chan struct{}), reached: make(chan struct{}),
		calls: map[scheduler.Call_Type]int{}, at: "after nothing", trigger: at,
	}
	out, err := l.cmd.StdoutPipe()
	require.NoError(g, err)
	l.cmd.Stderr = l.cmd.Stdout
	g.mu.Lock()
	defer g.mu.Unlock()
	require.NoError(g, l.cmd.Start())
	g.present = l
	g.write("--- %d tasks, hold %v, to be killed at %+v", g.tasks, hold, at)
	lines := bufio.NewScanner(out)
	go func() {
		defer close(l.ended)
		for lines.Scan() {
			g.hear(l, lines.Text())
		}
	}()
	return l
}

// hear handles a line of a life's output.
func (g *generation) hear(l *life, line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.write("%s", line)
	switch words := strings.Fields(line); {
	case strings.Contains(line, "holding"):
		close(l.holding)
	case len(words) == 4 && words[1] == "task" && words[3] == "pending":
		g.acknowledged[words[2]] = true
	}
}

// intercept is called with each call, on the master's loop.
func (g *generation) intercept(c *scheduler.Call) mesostest.Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.present; l != nil && l.sees(c) {
		return mesostest.Hang
	}
	if s := c.GetSubscribe(); s != nil && c.FrameworkID == nil && s.FrameworkInfo.GetFailoverTimeout() > registration.Seconds() {
		g.fault("left behind: a framework that may not get on record would last for %v s", *s.FrameworkInfo.FailoverTimeout)
	}
	for _, o := range c.GetAccept().GetOperations() {
		for _, t := range o.GetLaunch().GetTaskInfos() {
			g.count("launches", 1)
			if g.launched[t.TaskID.Value] {
				g.fault("doubled: %s is launched again", t.TaskID.Value)
			}
		}
	}
	return mesostest.Pass
}

// sees records a call and, if it is the trigger, kills the life. It reports whether the master must not handle the call.
func (l *life) sees(c *scheduler.Call) (lost bool) {
	l.calls[c.Type]++
	if l.trigger.call != c.Type || l.trigger.n != l.calls[c.Type] {
		l.at = "after " + c.Type.String()
		return false
	}
	_ = l.cmd.Process.Kill()
	close(l.reached)
	l.at = "at " + c.Type.String()
	if l.trigger.before {
		l.at = "before " + c.Type.String()
	}
	return l.trigger.before
}

// bury waits for the end of a life and returns its error.
func (g *generation) bury(l *life) error {
	<-l.ended
	err := l.cmd.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.present = nil // late calls are not counted
	g.write("--- ended %s: %v", l.at, err)
	return err
}

// look compares the records with the master's tasks. It returns the records and the states of those tasks, one for
// each framework that has the task.
func (g *generation) look() (records, map[string][]string) {
	recs, state := g.records(), g.master.Snapshot()
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.acknowledged {
		if recs.tasks[id] == "" {
			g.fault("lost: %s was on record", id)
		}
	}
	tasks := map[string][]string{}
	for _, f := range state.Frameworks {
		for _, t := range f.Tasks {
			if tasks[t.ID] = append(tasks[t.ID], t.State.String()); len(tasks[t.ID]) > 1 {
				g.fault("doubled: %s is in two frameworks", t.ID)
			}
			if recs.framework != f.ID || recs.tasks[t.ID] == "" {
				g.fault("lost: %s of framework %s is at the master and not on record", t.ID, f.ID)
			}
			g.launched[t.ID] = true
		}
	}
	if g.ending {
		return recs, tasks
	}
	for id := range g.launched {
		if len(tasks[id]) == 0 {
			g.fault("lost: %s was at the master", id)
		}
	}
	switch {
	case g.framework == "":
		g.framework, g.frameworks = recs.framework, len(state.Frameworks)
	case g.framework != recs.framework || g.frameworks < len(state.Frameworks):
		g.fault("doubled: another framework: %q on record after %q, %d at the master after %d",
			recs.framework, g.framework, len(state.Frameworks), g.frameworks)
	}
	return recs, tasks
}

// records are what a store holds: the framework's ID, and the states of the tasks.
type records struct {
	framework string
	tasks     map[string]string
}

// records reads a copy of the store, so that the next process finds it as the last one left it.
func (g *generation) records() records {
	r := records{tasks: map[string]string{}}
	bytes, err := os.ReadFile(g.file)
	if errors.Is(err, fs.ErrNotExist) {
		return r
	}
	require.NoError(g, err)
	require.NoError(g, os.WriteFile(g.file+".after", bytes, 0o600))
	file, err := ha.OpenFile(g.file + ".after")
	require.NoError(g, err)
	defer file.Close()
	all, err := file.Load(context.Background())
	require.NoError(g, err)
	for key, value := range all {
		var fields struct{ ID, State string }
		require.NoError(g, json.Unmarshal(value, &fields))
		if id, ok := strings.CutPrefix(key, "task/"); ok {
			r.tasks[id] = fields.State
		} else if key == "framework" {
			r.framework = fields.ID
		}
	}
	return r
}
