//go:build integration

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// fleet is a fake master in this process, and members of the program in processes of their own.
type fleet struct {
	*testing.T
	program, dir, address string
	master                *mesostest.Master
	tasks                 int
	args                  []string // of all members
	peers                 []*peer
	framework             string // the only one that there may be
	last                  *peer  // that led when it was last asked

	mu      sync.Mutex // of what follows, which the master's loop writes to
	streams []*stream
	changed chan struct{} // closed and replaced when they change
}

// stream is a subscription as the master sees it.
type stream struct {
	id, api    string // the address of the member
	at         time.Time
	reconciled time.Time // when the master was asked about unknown tasks, which comes after all that are known
	stale      int       // calls of it that came after the next one was opened
	taken      int       // those of them that the master took
}

// wait is how long something may take that the tests do not measure.
const wait = time.Minute

// fleetConfig is what a fleet is made of.
type fleetConfig struct {
	preset string
	tasks  int
	listen string   // address of the master; "": on loopback
	args   []string // more ones of the members
}

func newFleet(t *testing.T, c fleetConfig) *fleet {
	agents := make([]mesostest.Agent, 8)
	for i := range agents {
		agents[i].Resources = fmt.Sprintf("cpus:%d;mem:%d;disk:10000;ports:[31000-32000]", 4+c.tasks/50, 4096+c.tasks*8)
	}
	master, err := mesostest.New(mesostest.Config{Agents: agents})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", cmp.Or(c.listen, "127.0.0.1:0"))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- master.Run(ctx, listener) }()
	f := &fleet{
		T: t, program: build(t), dir: t.TempDir(), address: "http://" + listener.Addr().String(), master: master,
		tasks: c.tasks, changed: make(chan struct{}),
	}
	t.Cleanup(func() {
		f.end()
		stop()
		require.NoError(t, <-ended)
		if t.Failed() {
			for _, p := range f.peers {
				if p.process != nil {
					t.Logf("the last lines of %s:\n%s", p.name, p.lastLines(20))
				}
			}
		}
	})
	master.Observe(f.observe)
	f.args = append(c.args, "--master", f.address, "--preset", c.preset, "--tasks", fmt.Sprint(c.tasks))
	f.peers = newPeers(f.dir, []string{"a", "b", "c"}, f.args...)
	return f
}

// end kills all members.
func (f *fleet) end() {
	for _, p := range f.peers {
		if p.alive() {
			p.kill()
		}
	}
}

// observe is called with each call, on the master's loop.
func (f *fleet) observe(h mesostest.Handled) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch h.Call.Type {
	case scheduler.Call_SUBSCRIBE:
		api := strings.TrimPrefix(h.Call.Subscribe.FrameworkInfo.GetWebUiURL(), "http://")
		f.streams = append(f.streams, &stream{id: h.StreamID, api: api, at: h.At})
	default:
		i := slices.IndexFunc(f.streams, func(s *stream) bool { return s.id == h.StreamID })
		if i < 0 {
			return
		}
		s := f.streams[i]
		if i < len(f.streams)-1 {
			s.stale++
			if h.Status < 300 {
				s.taken++
			}
		}
		if h.Call.Type == scheduler.Call_RECONCILE && len(h.Call.Reconcile.Tasks) == 0 && s.reconciled.IsZero() && h.Status < 300 {
			s.reconciled = h.At
		}
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// begin starts all members and waits until all tasks run and the leader knows.
func (f *fleet) begin() {
	for _, p := range f.peers {
		require.NoError(f, p.run(f.program, f.peers))
	}
	f.settle()
	f.framework = f.master.Snapshot().Frameworks[0].ID
}

// settle waits until all members are there and follow one leader, which has all tasks as running.
func (f *fleet) settle() {
	f.Helper()
	require.NoError(f, until(f.Context(), 10*wait, func(ctx context.Context) error {
		if err := allThere(ctx, f.peers); err != nil {
			return err
		}
		return f.running(ctx)
	}))
}

// running returns nil when the leader has all tasks as running.
func (f *fleet) running(ctx context.Context) error {
	p, _, err := leader(ctx, f.peers, 0)
	if err != nil {
		return err
	}
	r, err := ask(ctx, p.api)
	if err != nil {
		return err
	}
	f.last = p
	if r.Tasks["running"] != f.tasks {
		return fmt.Errorf("%s has these tasks: %v %s", p.name, r.Tasks, r.Error)
	}
	return nil
}

// leads returns the member that leads.
func (f *fleet) leads() (p *peer) {
	f.Helper()
	require.NoError(f, until(f.Context(), wait, func(ctx context.Context) (err error) {
		p, _, err = leader(ctx, f.peers, 0)
		return err
	}))
	return p
}

// takeover is how long it took until another member ran the framework.
type takeover struct{ subscribed, reconciled time.Duration }

// takeover waits for the first stream of another member after a moment, and until the tasks are reconciled on it.
func (f *fleet) takeover(at time.Time, from *peer) takeover {
	f.Helper()
	var next stream
	find := func() bool {
		for _, s := range f.streams {
			if s.at.After(at) && (from == nil || s.api != from.api) && !s.reconciled.IsZero() {
				next = *s
				return true
			}
		}
		return false
	}
	require.NoError(f, f.until(find), "no takeover")
	return takeover{next.at.Sub(at), next.reconciled.Sub(next.at)}
}

// until waits until something is true of the streams.
func (f *fleet) until(is func() bool) error {
	timeout := time.After(4 * wait)
	for {
		f.mu.Lock()
		found, changed := is(), f.changed
		f.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-changed:
		case <-timeout:
			return errors.New("it takes too long")
		}
	}
}

// opened returns how many streams there were.
func (f *fleet) opened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.streams)
}

// harm is what went wrong in the master's eyes.
type harm struct {
	frameworks    []string // other ones than the first
	lost, doubled []string // tasks
	stale         int      // calls of streams that were over, which the master took
}

func (h harm) none() bool {
	return len(h.frameworks)+len(h.lost)+len(h.doubled)+h.stale == 0
}

// harm compares what the master has with what it should have.
func (f *fleet) harm() (h harm) {
	state := f.master.Snapshot()
	h.frameworks = slices.Clone(state.Completed)
	for _, framework := range state.Frameworks {
		if framework.ID != f.framework {
			h.frameworks = append(h.frameworks, framework.ID)
		}
	}
	instances := map[string]int{}
	for _, t := range state.Running {
		instances[t.ID]++
	}
	for i := range f.tasks {
		id := fmt.Sprintf("sample-%d", i+1)
		if instances[id] == 0 {
			h.lost = append(h.lost, id)
		}
		if instances[id] > 1 || state.Launches[id] > 1 {
			h.doubled = append(h.doubled, id)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.streams {
		h.stale += s.taken
	}
	return h
}

// lastLines returns the end of the log.
func (p *process) lastLines(n int) string {
	all, _ := os.ReadFile(p.log)
	lines := strings.Split(string(bytes.TrimSpace(all)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
