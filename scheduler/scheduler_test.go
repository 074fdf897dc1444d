package scheduler_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// world is a fake cluster on a virtual network and a scheduler beside it, in a bubble of virtual
// time that began when the world did. Goroutines left behind make the test fail.
type world struct {
	*testing.T
	network *virtualnet.Network
	master  *mesostest.Master
	sched   *scheduler.Scheduler
	began   time.Time
	ended   chan error // what Run returned
	stop    context.CancelFunc

	dialing func(ctx context.Context, address string) error // asked before each connection, unless it is nil

	mu     sync.Mutex
	events []scheduler.Event
	times  []time.Duration // of events
}

const address = "master.example:5050"

func inWorld(t *testing.T, cluster mesostest.Config, config scheduler.Config, f func(ctx context.Context, w *world)) {
	inWorldOf(t, []string{address}, cluster, config, f)
}

// inWorldOf is a world with several masters, of which the first one leads.
func inWorldOf(t *testing.T, masters []string, cluster mesostest.Config, config scheduler.Config, f func(ctx context.Context, w *world)) {
	inIdleWorldOf(t, masters, cluster, config, func(ctx context.Context, w *world) {
		w.lead(ctx, scheduler.Term{})
		f(ctx, w)
	})
}

// inIdleWorldOf is such a world in which the scheduler does not run.
func inIdleWorldOf(t *testing.T, masters []string, cluster mesostest.Config, config scheduler.Config, f func(ctx context.Context, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var services sync.WaitGroup
		defer services.Wait()
		defer cancel()

		w := &world{T: t, network: &virtualnet.Network{}, began: time.Now(), ended: make(chan error, 1)}
		var err error
		w.master, err = mesostest.New(cluster)
		require.NoError(t, err)
		listeners := make([]net.Listener, len(masters))
		for i, m := range masters {
			listeners[i], err = w.network.Listen(m)
			require.NoError(t, err)
		}
		services.Go(func() { _ = w.master.Run(ctx, listeners[0], listeners[1:]...) })

		config.Master = cmp.Or(config.Master, strings.Join(masters, ","))
		config.Framework.Name = "test"
		config.DialContext = w.dial
		if config.Logger == nil {
			config.Logger = slog.New(slog.DiscardHandler)
		}
		w.sched, err = scheduler.New(config)
		require.NoError(t, err)
		events := w.sched.Watch(ctx)
		services.Go(func() {
			for e := range events {
				w.mu.Lock()
				w.events = append(w.events, e)
				w.times = append(w.times, time.Since(w.began))
				w.mu.Unlock()
			}
		})
		f(ctx, w)
	})
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if w.dialing != nil {
		if err := w.dialing(ctx, address); err != nil {
			return nil, err
		}
	}
	return w.network.DialContext(ctx, network, address)
}

// lead has the scheduler run for a term, until that or the world ends.
func (w *world) lead(ctx context.Context, t scheduler.Term) {
	ctx, w.stop = context.WithCancel(ctx)
	go func() { w.ended <- w.sched.Lead(ctx, t) }()
}

// at waits until that much time has passed since the world began.
func (w *world) at(d time.Duration) {
	time.Sleep(time.Until(w.began.Add(d)))
	synctest.Wait()
}

// end waits for the end of Run, an hour at most: a bubble's time would go on for ever.
func (w *world) end() error {
	select {
	case err := <-w.ended:
		return err
	case <-time.After(time.Hour):
		require.FailNow(w, "Run did not end")
		return nil
	}
}

// connections lists the connection events with their times.
func (w *world) connections() (events []scheduler.ConnectionEvent, times []time.Duration) {
	synctest.Wait() // for the watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, e := range w.events {
		if c, ok := e.(scheduler.ConnectionEvent); ok {
			events, times = append(events, c), append(times, w.times[i])
		}
	}
	return events, times
}

// states lists the states that a task went through.
func (w *world) states(id string) []task.State {
	synctest.Wait() // for the watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	var states []task.State
	for _, e := range w.events {
		if e, ok := e.(scheduler.TaskEvent); ok && e.Task.Spec.ID == id {
			states = append(states, e.Task.State)
		}
	}
	return states
}

func sleeper(id string) task.Spec {
	return task.Spec{ID: id, CPUs: 1, Mem: 128, Command: task.Command{Shell: "sleep 3600"}}
}

func agents(n int) []mesostest.Agent { return make([]mesostest.Agent, n) }

func TestMainJob(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(3)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		info, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
		require.NotEmpty(w, info.AgentID)
		require.Equal(w, 100*time.Millisecond, time.Since(w.began), "the agent's time to start an executor, nothing else")
		require.NoError(w, w.sched.Submit(ctx, sleeper("b")))
		_, err = w.sched.Launch(ctx, sleeper("c"))
		require.NoError(w, err)

		var ids []string
		all, err := w.sched.Tasks(ctx)
		require.NoError(w, err)
		for _, info := range all {
			ids = append(ids, info.Spec.ID)
		}
		require.Equal(w, []string{"a", "b", "c"}, ids)

		killed, err := w.sched.Kill(ctx, "a")
		require.NoError(w, err)
		require.Equal(w, task.Killed, killed.State)
		require.Equal(w, []task.State{task.Pending, task.Staging, task.Starting, task.Running, task.Killing, task.Killed}, w.states("a"))
		again, err := w.sched.Kill(ctx, "a")
		require.NoError(w, err, "a task that has ended")
		require.Equal(w, killed, again)

		w.at(time.Second)
		state := w.master.Snapshot()
		require.Len(w, state.Frameworks, 1)
		require.Empty(w, state.Offers, "nothing is kept from others")
		require.Equal(w, []string{"*"}, state.Frameworks[0].Suppressed, "nothing is pending, so nothing is asked for")
		for _, running := range state.Frameworks[0].Tasks {
			require.Equal(w, mesos.TASK_RUNNING, running.State)
			require.Zero(w, running.Unacked)
		}

		require.NoError(w, w.sched.Teardown(ctx))
		require.NoError(w, w.end())
		require.Empty(w, w.master.Snapshot().Frameworks)
		_, err = w.sched.Task(ctx, "a")
		require.ErrorIs(w, err, scheduler.ErrNotRunning)
	})
}

func TestManyTasksAreAllAcknowledged(t *testing.T) {
	cluster := mesostest.Config{}
	for range 20 {
		cluster.Agents = append(cluster.Agents, mesostest.Agent{Resources: "cpus:100;mem:100000"})
	}
	inWorld(t, cluster, scheduler.Config{}, func(ctx context.Context, w *world) {
		const n = 500
		for i := range n {
			require.NoError(w, w.sched.Submit(ctx, sleeper("t"+string(rune('a'+i%26))+string(rune('a'+i/26)))))
		}
		w.at(time.Minute)
		state := w.master.Snapshot()
		require.Len(w, state.Frameworks[0].Tasks, n)
		for _, running := range state.Frameworks[0].Tasks {
			require.Equal(w, mesos.TASK_RUNNING, running.State)
			require.Zero(w, running.Unacked)
		}
		require.Equal(w, 2*n, state.Calls[calls.Call_ACKNOWLEDGE], "STARTING and RUNNING of each, once")
	})
}

func TestLaunchGivenUp(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1), Launch: time.Minute}, scheduler.Config{}, func(ctx context.Context, w *world) {
		launch := func(spec task.Spec) error {
			short, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			_, err := w.sched.Launch(short, spec)
			return err
		}
		big := sleeper("big")
		big.CPUs = 64
		require.ErrorIs(w, launch(big), context.DeadlineExceeded)
		synctest.Wait()
		require.Equal(w, []task.State{task.Pending, task.Killed}, w.states("big"), "withdrawn")

		require.ErrorIs(w, launch(sleeper("slow")), context.DeadlineExceeded)
		w.at(5 * time.Minute)
		require.Equal(w, []task.State{task.Pending, task.Staging, task.Killed}, w.states("slow"), "killed")
		require.Empty(w, w.master.Snapshot().Frameworks[0].Tasks)
	})
}

func TestTaskThatFails(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		spec := sleeper("a")
		spec.Command.Shell = "no-such-command"
		spec.Ports = make([]task.Port, 1)
		spec.HealthCheck = &task.HealthCheck{}
		_, err := w.sched.Launch(ctx, spec)
		var failed *scheduler.TaskError
		require.ErrorAs(w, err, &failed)
		require.Equal(w, task.Failed, failed.Task.State)
		require.Contains(w, failed.Error(), "Command exited with status 127")
	})
}

func TestRunEndsForGood(t *testing.T) {
	inWorld(t, mesostest.Config{Roles: []string{"web"}}, scheduler.Config{Framework: scheduler.Framework{Roles: []string{"db"}}}, func(ctx context.Context, w *world) {
		err := w.end()
		var refused *scheduler.SubscribeError
		require.ErrorAs(w, err, &refused)
		require.Equal(w, "Roles { db } are not present in the master's --roles", refused.Message)
		require.ErrorIs(w, w.sched.Submit(ctx, sleeper("a")), scheduler.ErrNotRunning)
		tasks, err := w.sched.Tasks(ctx)
		require.ErrorIs(w, err, scheduler.ErrNotRunning, "not: there are none")
		require.Nil(w, tasks)
		require.ErrorAs(w, w.sched.Submit(ctx, sleeper("a")), &refused, "and it says why")
	})
}

func TestEvicted(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		w.at(time.Second)
		id := &mesos.FrameworkID{Value: w.master.Snapshot().Frameworks[0].ID}
		other, err := mesoshttp.New(mesoshttp.Config{DialContext: w.network.DialContext})
		require.NoError(w, err)
		defer other.Close()
		stream, err := other.Subscribe(ctx, "http://"+address, &calls.Call{
			Type: calls.Call_SUBSCRIBE, FrameworkID: id,
			Subscribe: &calls.Call_Subscribe{FrameworkInfo: &mesos.FrameworkInfo{ID: id, Name: "thief", User: "root"}},
		}, nil)
		require.NoError(w, err)
		defer stream.Close()
		require.ErrorIs(w, w.end(), scheduler.ErrEvicted)
		w.at(time.Hour)
		require.Equal(w, 2, w.master.Snapshot().Calls[calls.Call_SUBSCRIBE], "it does not strike back")
	})
}

func TestFrameworkRemoved(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{Framework: scheduler.Framework{FailoverTimeout: -1}}, func(ctx context.Context, w *world) {
		w.at(time.Second)
		w.master.CutStreams()
		var removed *scheduler.FrameworkRemovedError
		require.ErrorAs(w, w.end(), &removed)
		require.NotEmpty(w, removed.FrameworkID)
	})
}

func TestRunAgain(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		require.ErrorIs(w, func() error { w.at(0); return w.sched.Run(ctx) }(), scheduler.ErrRunning)
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)
		require.ErrorIs(w, w.sched.Submit(ctx, sleeper("b")), scheduler.ErrNotRunning)

		again := make(chan error, 1)
		go func() { again <- w.sched.Run(ctx) }()
		synctest.Wait()
		info, err := w.sched.Task(ctx, "a")
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
		_, err = w.sched.Kill(ctx, "a")
		require.NoError(w, err)
		require.Len(w, w.master.Snapshot().Frameworks, 1, "the same framework")
		require.NoError(w, w.sched.Teardown(ctx))
		require.NoError(w, <-again)
	})
}

// A call before the first Run waits for it.
func TestCallsBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := scheduler.New(scheduler.Config{Master: address, Framework: scheduler.Framework{Name: "test"},
			DialContext: new(virtualnet.Network).DialContext, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Submit(short, sleeper("a")), context.DeadlineExceeded)

		submitted := make(chan error, 1)
		go func() { submitted <- s.Submit(t.Context(), sleeper("a")) }()
		synctest.Wait()
		ctx, stop := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		require.NoError(t, <-submitted)
		require.ErrorIs(t, s.Submit(t.Context(), sleeper("a")), scheduler.ErrDuplicateTask)
		because := errors.New("enough")
		stop(because)
		require.ErrorIs(t, <-ended, because)
	})
}

func TestBadSpec(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		spec := sleeper("a/b")
		spec.Role = "web"
		var field *task.FieldError
		require.ErrorAs(w, w.sched.Submit(ctx, spec), &field)
		require.Equal(w, "ID", field.Field)
		spec.ID = "ab"
		require.ErrorAs(w, w.sched.Submit(ctx, spec), &field)
		require.Equal(w, "Role", field.Field)
		all, err := w.sched.Tasks(ctx)
		require.NoError(w, err)
		require.Empty(w, all)
	})
}

// What the caller does with its spec afterwards changes nothing.
func TestSpecIsCopied(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		spec := sleeper("a")
		spec.Labels = map[string]string{"k": "v"}
		require.NoError(w, w.sched.Submit(ctx, spec))
		spec.Labels["k"] = "other"
		info, err := w.sched.Task(ctx, "a")
		require.NoError(w, err)
		require.Equal(w, map[string]string{"k": "v"}, info.Spec.Labels)
	})
}

// A watcher whose context goes on ends with Run, after everything that happened.
func TestWatchEndsWithRun(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		events := w.sched.Watch(context.Background())
		require.NoError(w, w.sched.Submit(ctx, sleeper("a")))
		require.NoError(w, w.sched.Teardown(ctx))
		require.NoError(w, w.end())
		var last scheduler.Event
		for e := range events {
			last = e
		}
		require.Equal(w, "task a killed", last.String())
	})
}

// GPU agents are offered to those who ask for them; a task that could never run is refused.
func TestGPUs(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:4;mem:1024;gpus:2"}}}
	spec := sleeper("a")
	spec.GPUs = 1
	inWorld(t, cluster, scheduler.Config{}, func(ctx context.Context, w *world) {
		var field *task.FieldError
		require.ErrorAs(w, w.sched.Submit(ctx, spec), &field)
		require.Equal(w, "GPUs", field.Field)
	})
	inWorld(t, cluster, scheduler.Config{Framework: scheduler.Framework{GPUs: true}}, func(ctx context.Context, w *world) {
		_, err := w.sched.Launch(ctx, spec)
		require.NoError(w, err)
	})
}
