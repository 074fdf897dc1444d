package ha_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

const address = "master.example:5050"

// world is a fake cluster and several copies of a framework, in a bubble of virtual time.
type world struct {
	*testing.T
	ctx       context.Context
	began     time.Time
	network   *virtualnet.Network
	master    *mesostest.Master
	election  *electiontest.Election
	forgetful bool                  // each term of a process that starts from now on finds an empty store
	offers    scheduler.OfferPolicy // of processes that start from now on

	mu        sync.Mutex
	processes []*process // the present one of each member
	calls     []call
}

// call is a call that reached the master.
type call struct {
	at   time.Duration
	kind calls.Call_Type
}

func inWorld(t *testing.T, config electiontest.Config, f func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var serving sync.WaitGroup
		defer serving.Wait()
		defer cancel()
		w := &world{T: t, ctx: ctx, began: time.Now(), network: &virtualnet.Network{}, election: electiontest.New(config)}
		var err error
		w.master, err = mesostest.New(mesostest.Config{Agents: []mesostest.Agent{
			{Resources: "cpus:1000;mem:1000000"}, {Resources: "cpus:1000;mem:1000000"},
		}})
		require.NoError(t, err)
		listener, err := w.network.Listen(address)
		require.NoError(t, err)
		serving.Go(func() { _ = w.master.Run(ctx, listener) })
		w.master.Intercept(func(c *calls.Call) mesostest.Fault {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.calls = append(w.calls, call{time.Since(w.began), c.GetType()})
			return mesostest.Pass
		})
		w.processes = make([]*process, len(w.election.Members()))
		for i := range w.processes {
			w.start(i)
			synctest.Wait() // so that the first one leads
		}
		defer func() {
			cancel()
			for _, p := range w.processes {
				<-p.ended
			}
		}()
		f(w)
	})
}

// process is one copy of the framework.
type process struct {
	world  *world
	member int
	sched  *scheduler.Scheduler
	stop   context.CancelFunc
	ended  chan struct{}
	err    error // of Run, once it has ended

	dead    atomic.Bool
	dialing func(context.Context) error // asked before each connection, unless it is nil

	mu    sync.Mutex
	conns []net.Conn
}

// start starts a member's process.
func (w *world) start(i int) *process {
	p := &process{world: w, member: i, ended: make(chan struct{})}
	var err error
	p.sched, err = scheduler.New(scheduler.Config{
		Master: address, Framework: scheduler.Framework{Name: "test"}, DialContext: p.dial, Logger: slog.New(slog.DiscardHandler),
		Offers: w.offers,
	})
	require.NoError(w, err)
	ctx, stop := context.WithCancel(w.ctx)
	p.stop = stop
	w.mu.Lock()
	w.processes[i] = p
	w.mu.Unlock()
	var elector ha.Elector = w.election.Member(i)
	if w.forgetful {
		elector = forgetful{w.election.Member(i)}
	}
	go func() {
		defer close(p.ended)
		p.err = ha.Run(ctx, elector, p.sched)
	}()
	return p
}

// forgetful is a member whose terms find an empty store.
type forgetful struct{ *electiontest.Member }

func (f forgetful) Run(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
	return f.Member.Run(ctx, func(ctx context.Context, t scheduler.Term) error {
		t.Store = &ha.Memory{}
		return lead(ctx, t)
	})
}

// dial connects, unless the process is paused or dead.
func (p *process) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if p.dialing != nil {
		if err := p.dialing(ctx); err != nil {
			return nil, err
		}
	}
	if err := p.world.election.Member(p.member).Awake(ctx); err != nil {
		return nil, err
	}
	c, err := p.world.network.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead.Load() {
		_ = c.Close()
		return nil, errDead
	}
	p.conns = append(p.conns, c)
	return mortal{c, p}, nil
}

var errDead = errors.New("the process was killed")

// mortal is a connection that says nothing any more once its process is dead.
type mortal struct {
	net.Conn
	of *process
}

func (c mortal) Write(b []byte) (int, error) {
	if c.of.dead.Load() {
		return 0, errDead
	}
	return c.Conn.Write(b)
}

// kill ends a process at once: nothing of it reaches anybody any more, and nothing is handed over.
func (p *process) kill() {
	p.dead.Store(true)
	p.world.election.Cut(p.member)
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.stop()
	<-p.ended
}

// revive starts a member again whose process was killed.
func (w *world) revive(i int) {
	w.election.Heal(i)
	w.start(i)
}

// at waits until that much time has passed since the world began.
func (w *world) at(d time.Duration) {
	time.Sleep(time.Until(w.began.Add(d)))
	synctest.Wait()
}

// leader returns the process that leads, or nil.
func (w *world) leader() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, p := range w.processes {
		if w.election.Member(i).Status().Leads() && !p.dead.Load() {
			return p
		}
	}
	return nil
}

// takeCalls returns the calls so far, and forgets them.
func (w *world) takeCalls() (kinds []calls.Call_Type, times []time.Duration) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		kinds, times = append(kinds, c.kind), append(times, c.at)
	}
	w.calls = nil
	return kinds, times
}

// launch has so many tasks run.
func (w *world) launch(n int) {
	for i := range n {
		_, err := w.leader().sched.Launch(w.ctx, sleeper(fmt.Sprint("task-", i)))
		require.NoError(w, err)
	}
}

// requireTasks requires that the cluster runs exactly these tasks, under one framework, and that the leader's table says so.
func (w *world) requireTasks(ids ...string) {
	snapshot := w.master.Snapshot()
	require.Len(w, snapshot.Frameworks, 1)
	require.True(w, snapshot.Frameworks[0].Connected)
	running := make([]string, len(snapshot.Running))
	for i, r := range snapshot.Running {
		running[i] = r.ID
		require.Equal(w, snapshot.Frameworks[0].ID, r.FrameworkID)
	}
	slices.Sort(running)
	slices.Sort(ids)
	require.Equal(w, ids, running)
	all, err := w.leader().sched.Tasks(w.ctx)
	require.NoError(w, err)
	table := make([]string, len(all))
	for i, info := range all {
		table[i] = info.Spec.ID
		require.Equal(w, task.StateRunning, info.State, info.Spec.ID)
	}
	slices.Sort(table)
	require.Equal(w, ids, table)
}

func sleeper(id string) task.Spec {
	return task.Spec{ID: id, CPUs: 0.1, Mem: 16, Command: task.Command{Shell: "sleep 360000"}}
}
