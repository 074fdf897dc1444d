package controlapi_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// fleet is a framework of three members that take part in an election, each with a scheduler and a server, and a client on
// a host of its own, in a bubble.
type fleet struct {
	t        testing.TB
	cluster  *mesosfake.Cluster
	election *electiontest.Election
	network  *virtualnet.Network
	members  []*peer
	client   *controlapi.Client
	host     *virtualnet.Host // of the client
	tap      tap
	config   func(i int, c *controlapi.Config) // changes the config of a server, unless it is nil
}

// peer is a process of a member.
type peer struct {
	fleet     *fleet
	n         int
	host      *virtualnet.Host
	scheduler *scheduler.Scheduler
	stop      context.CancelFunc
	ended     sync.WaitGroup
	dead      atomic.Bool
}

// clientHost is where the clients are.
const clientHost = "10.0.1.1"

func hostOf(i int) string { return fmt.Sprintf("10.0.0.%d", i+1) }

func apiOf(i int) string { return hostOf(i) + ":8080" }

// inFleet runs a test in a bubble with a fleet that has a leader, which is subscribed.
func inFleet(t *testing.T, test func(t *testing.T, f *fleet)) {
	t.Helper()
	inFleetWith(t, nil, test)
}

func inFleetWith(t *testing.T, config func(int, *controlapi.Config), test func(t *testing.T, f *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{t: t, network: &virtualnet.Network{}, config: config}
		agents := []mesosfake.Agent{{Resources: "cpus:32;mem:32768"}, {}, {}}
		f.cluster = mesosfake.Start(t, mesosfake.Config{Agents: agents})
		var api []string
		for i := range 3 {
			api = append(api, apiOf(i))
		}
		f.election = electiontest.New(electiontest.Config{API: api, Latency: time.Millisecond})
		f.members = make([]*peer, 3)
		for i := range f.members {
			f.start(i)
		}
		f.host = f.network.Host(clientHost)
		f.client = f.newClient(apiOf(0), apiOf(1), apiOf(2))
		defer func() { // also when the test has failed
			f.tap.set(nil, nil)
			f.network.Restore()
			f.client.Close()
			for i, p := range f.members {
				f.election.Heal(i)
				p.end()
			}
			f.host.Kill()
			synctest.Wait()
		}()
		sleep(time.Second)
		test(t, f)
	})
}

func (f *fleet) newClient(addresses ...string) *controlapi.Client {
	c, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: addresses, DialContext: f.host.DialContext})
	require.NoError(f.t, err)
	return c
}

// start starts a process of member i.
func (f *fleet) start(i int) {
	p := &peer{fleet: f, n: i, host: f.network.Host(hostOf(i))}
	logger := quiet()
	if os.Getenv("CONTROLAPI_LOG") != "" {
		logger = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("member", i)
	}
	var err error
	p.scheduler, err = scheduler.New(scheduler.Config{
		Master: f.cluster.Master(), DialContext: f.cluster.DialContext, Framework: scheduler.Framework{Name: "shop"}, Logger: logger,
		LaunchTimeout: 10 * time.Second,
	})
	require.NoError(f.t, err)
	elector := f.election.Member(i)
	config := controlapi.Config{
		Framework: tapped{p.scheduler, &f.tap, p}, Name: "shop", Elector: elector, Insecure: true, DialContext: p.host.DialContext,
	}
	if f.config != nil {
		f.config(i, &config)
	}
	server, err := controlapi.New(config)
	require.NoError(f.t, err)
	listener, err := p.host.Listen(apiOf(i))
	require.NoError(f.t, err)
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	f.members[i] = p
	p.ended.Go(func() { _ = server.Serve(ctx, listener) })
	p.ended.Go(func() { _ = ha.Run(ctx, elector, p.scheduler) })
}

// kill ends a process as SIGKILL does: nobody is told, and others take some time to notice. It may be called on any goroutine.
func (p *peer) kill() {
	p.dead.Store(true)
	p.fleet.election.Cut(p.n)
	p.host.Kill()
	p.stop()
}

// end stops a process as planned.
func (p *peer) end() {
	p.stop()
	p.ended.Wait()
}

// restart starts a process again that was killed.
func (f *fleet) restart(i int) {
	f.members[i].end()
	f.election.Heal(i)
	f.start(i)
}

// leader returns the member that leads.
func (f *fleet) leader() *peer {
	for {
		for _, e := range f.election.Members() {
			s := e.Status()
			for _, p := range f.members {
				if s.Leader == fmt.Sprintf("member-%d", p.n) && !p.dead.Load() && s.Self == s.Leader {
					return p
				}
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// follower returns a member that does not lead.
func (f *fleet) follower() *peer { return f.members[(f.leader().n+1)%len(f.members)] }

// at returns a client that knows one member only, to begin with.
func (f *fleet) at(p *peer) *controlapi.Client { return f.newClient(apiOf(p.n)) }

// launches returns how often a task was launched.
func (f *fleet) launches(id string) (n int) {
	for _, t := range f.cluster.Snapshot().Tasks {
		if t.ID == id {
			n++
		}
	}
	return n
}

// within returns a context with a deadline.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// tap calls functions of a test before and after each call of a framework, on the goroutine of the request.
type tap struct {
	mu            sync.Mutex
	before, after func(p *peer, method string)
}

func (t *tap) set(before, after func(*peer, string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.before, t.after = before, after
}

// call tells of a call, and returns a function that tells of its end.
func (t *tap) call(p *peer, method string) func() {
	t.mu.Lock()
	before, after := t.before, t.after
	t.mu.Unlock()
	if before != nil {
		before(p, method)
	}
	return func() {
		if after != nil {
			after(p, method)
		}
	}
}

// tapped is a scheduler whose calls are told of.
type tapped struct {
	*scheduler.Scheduler
	tap *tap
	of  *peer
}

func (s tapped) Submit(ctx context.Context, spec task.Spec) error {
	defer s.tap.call(s.of, "Submit")()
	return s.Scheduler.Submit(ctx, spec)
}

func (s tapped) Launch(ctx context.Context, spec task.Spec) (task.Info, error) {
	defer s.tap.call(s.of, "Launch")()
	return s.Scheduler.Launch(ctx, spec)
}

func (s tapped) SubmitPod(ctx context.Context, members ...task.Spec) error {
	defer s.tap.call(s.of, "SubmitPod")()
	return s.Scheduler.SubmitPod(ctx, members...)
}

func (s tapped) LaunchPod(ctx context.Context, members ...task.Spec) ([]task.Info, error) {
	defer s.tap.call(s.of, "LaunchPod")()
	return s.Scheduler.LaunchPod(ctx, members...)
}

func (s tapped) Ensure(ctx context.Context, spec task.Spec) (task.Info, error) {
	defer s.tap.call(s.of, "Ensure")()
	return s.Scheduler.Ensure(ctx, spec)
}

func (s tapped) Wait(ctx context.Context, id string, until scheduler.Until) (task.Info, error) {
	defer s.tap.call(s.of, "Wait")()
	return s.Scheduler.Wait(ctx, id, until)
}

func (s tapped) Kill(ctx context.Context, id string) (task.Info, error) {
	defer s.tap.call(s.of, "Kill")()
	return s.Scheduler.Kill(ctx, id)
}

func (s tapped) Forget(ctx context.Context, id string) error {
	defer s.tap.call(s.of, "Forget")()
	return s.Scheduler.Forget(ctx, id)
}

func (s tapped) Explain(ctx context.Context, id string) (scheduler.Explanation, error) {
	defer s.tap.call(s.of, "Explain")()
	return s.Scheduler.Explain(ctx, id)
}

func (s tapped) Reconcile(ctx context.Context) error {
	defer s.tap.call(s.of, "Reconcile")()
	return s.Scheduler.Reconcile(ctx)
}

func (s tapped) Teardown(ctx context.Context) error {
	defer s.tap.call(s.of, "Teardown")()
	return s.Scheduler.Teardown(ctx)
}

var _ controlapi.Framework = tapped{}

// quiet logs nothing.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
