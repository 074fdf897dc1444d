package mesosengine_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
)

// runtime is a runtime of OpenWhisk as the program of a container.
func runtime(ctx context.Context, p *mesosfake.Process) int {
	l, err := p.Listen(8080)
	if err != nil {
		return 1
	}
	return actionruntime.New(actionruntime.Config{Stdout: p.Stdout, Stderr: p.Stderr}).Serve(ctx, l)
}

// pool is an invoker, a scheduler and a fake cluster, whose containers run actionruntime.
type pool struct {
	*world
	*invoker.Invoker
	config invoker.Config
	end    func() // of the invoker's run
	began  time.Time
}

// launch is how long the fake takes from an ACCEPT until a task runs.
const launch = 100 * time.Millisecond

func inPool(t *testing.T, config invoker.Config, cluster mesosfake.Config, test func(p *pool)) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{world: open(t, mesosengine.Config{}, cluster), config: config}
		p.begin()
		defer func() { p.end() }()
		time.Sleep(1500 * time.Millisecond) // offers have come, and are held; the next ones come with a full second
		p.began = time.Now()
		test(p)
	})
}

// begin runs an invoker.
func (p *pool) begin() {
	c := p.config
	c.Owner, c.Engine, c.Store, c.DialContext, c.Logger = "test", p.Engine, p.store, p.DialContext, slog.New(slog.DiscardHandler)
	var err error
	p.Invoker, err = invoker.New(c)
	require.NoError(p, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	v := p.Invoker
	go func() {
		defer close(ended)
		_ = v.Run(ctx)
	}()
	p.end = func() { cancel(); <-ended }
}

// restart is what happens when the process is killed and another one begins with its store.
func (p *pool) restart() {
	p.end()
	p.stop()
	p.lead()
	p.begin()
}

func action(name, code string) *invoker.Action {
	return &invoker.Action{Namespace: "guest", Name: name, Kind: "test:1", Image: "runtime", Memory: 256, Code: code}
}

// invoke runs an action that must succeed.
func (p *pool) invoke(a *invoker.Action) *invoker.Result {
	p.Helper()
	r, err := p.Invoke(p.Context(), a, invoker.Activation{})
	require.NoError(p, err)
	require.Equal(p, invoker.Success, r.Status, string(r.Body))
	return r
}

// passed requires that so much time has passed since it was asked last.
func (p *pool) passed(want time.Duration) {
	p.Helper()
	require.Equal(p, want, time.Since(p.began))
	p.began = time.Now()
}

// agentOf returns the hostname of the agent of a container.
func (p *pool) agentOf(container string) string {
	t, found := p.Cluster.Snapshot().Task(container)
	require.True(p, found)
	return t.Hostname
}

// The whole path takes no time of its own: a cold start takes as long as Mesos from ACCEPT to TASK_RUNNING, and a warm one nothing. What
// was printed is that of the activation.
func TestColdAndWarm(t *testing.T) {
	inPool(t, invoker.Config{}, mesosfake.Config{}, func(p *pool) {
		a := action("hello", "out hello\nsleep 30ms\necho")
		first := p.invoke(a)
		p.passed(launch + 30*time.Millisecond)
		require.Equal(t, invoker.Cold, first.Start)
		require.Equal(t, launch, first.Wait)
		require.Zero(t, first.Init)
		second := p.invoke(a)
		p.passed(30 * time.Millisecond)
		require.Equal(t, invoker.Warm, second.Start)
		require.Equal(t, first.Container, second.Container)
		for _, r := range []*invoker.Result{first, second} {
			var lines []string
			for line, err := range r.Logs.Lines(p.Context()) {
				require.NoError(t, err)
				lines = append(lines, fmt.Sprint(line.Stream, " ", line.Log))
			}
			require.Equal(t, []string{"stdout hello"}, lines)
		}
		other := p.invoke(action("other", "echo"))
		require.NotEqual(t, first.Container, other.Container)
		require.Equal(t, 2, p.running())
	})
}

// A stem cell is there when it is needed, and its replacement as soon as Mesos has started it.
func TestPrewarmed(t *testing.T) {
	config := invoker.Config{Pool: invoker.PoolConfig{Stems: []invoker.StemCells{{Kind: "test:1", Image: "runtime", Memory: 256, Initial: 2, Max: 2}}}}
	inPool(t, config, mesosfake.Config{}, func(p *pool) {
		time.Sleep(time.Second)
		p.passed(time.Second)
		for i := range 2 {
			r := p.invoke(action(fmt.Sprint(i), "echo"))
			require.Equal(t, invoker.Prewarmed, r.Start)
		}
		p.passed(0)
		time.Sleep(time.Minute)
		require.Equal(t, 4, p.running())
	})
}

func twoAgents() mesosfake.Config {
	return mesosfake.Config{Agents: make([]mesosfake.Agent, 2), AgentTimeout: 10 * time.Second}
}

// A container on an agent that cannot be reached is not used meanwhile, and again when the agent is back.
func TestAgentIsUnreachable(t *testing.T) {
	inPool(t, invoker.Config{}, twoAgents(), func(p *pool) {
		a := action("hello", "echo")
		first := p.invoke(a)
		agent := p.agentOf(first.Container)
		require.NoError(t, p.LoseAgent(agent))
		time.Sleep(20 * time.Second)
		second := p.invoke(a)
		require.NotEqual(t, first.Container, second.Container)
		require.NotEqual(t, agent, p.agentOf(second.Container))
		require.NoError(t, p.ReturnAgent(agent))
		time.Sleep(20 * time.Second)
		require.Equal(t, 2, p.running())
		leases := map[string]bool{}
		for range 2 { // both at once
			l, err := p.Acquire(p.Context(), a)
			require.NoError(t, err)
			leases[l.Container().ID] = true
			defer l.Release()
		}
		require.Equal(t, map[string]bool{first.Container: true, second.Container: true}, leases)
	})
}

// When an agent is lost for good with what runs on it, that is the platform's fault; what waits, and what comes later, runs elsewhere.
func TestAgentIsGone(t *testing.T) {
	for how, end := range map[string]func(p *pool, agent string) error{
		"it is shut down":   func(p *pool, agent string) error { return p.StopAgent(agent) },
		"it is marked gone": func(p *pool, agent string) error { return p.MarkAgentGone(agent) },
		"it is drained":     func(p *pool, agent string) error { return p.DrainAgent(agent, -1) },
		"it is replaced at once": func(p *pool, agent string) error {
			require.NoError(p, p.StopAgent(agent))
			return p.AddAgent(mesosfake.Agent{Hostname: agent})
		},
	} {
		t.Run(how, func(t *testing.T) {
			inPool(t, invoker.Config{}, twoAgents(), func(p *pool) {
				a := action("hello", "do\necho")
				first := p.invoke(a)
				go func() {
					time.Sleep(time.Second)
					require.NoError(t, end(p, p.agentOf(first.Container)))
				}()
				r, err := p.Invoke(p.Context(), a, invoker.Activation{Params: []byte(`{"do":"sleep 10s"}`)})
				if err == nil {
					require.Equal(t, invoker.InternalError, r.Status, string(r.Body))
				}
				second := p.invoke(a)
				require.NotEqual(t, first.Container, second.Container)
				time.Sleep(time.Minute)
				require.Equal(t, 1, p.running())
			})
		})
	}
}

// While no master leads what is warm goes on, and cold starts wait for the next one.
func TestMasterFailover(t *testing.T) {
	inPool(t, invoker.Config{}, mesosfake.Config{Masters: 3}, func(p *pool) {
		a := action("hello", "echo")
		first := p.invoke(a)
		time.Sleep(time.Second)
		require.NoError(t, p.Failover(time.Minute))
		p.began = time.Now()
		for range 10 {
			require.Equal(t, first.Container, p.invoke(a).Container)
			time.Sleep(time.Second)
		}
		p.passed(10 * time.Second)
		cold := p.invoke(action("other", "echo"))
		require.Equal(t, invoker.Cold, cold.Start)
		require.Less(t, time.Since(p.began), 15*time.Second)
		require.Equal(t, 2, p.running())
	})
}

// A start that takes longer than the deadline is given up and killed; its caller gets another one. What is told of it later changes
// nothing.
func TestLaunchDeadline(t *testing.T) {
	for how, fault := range map[string]struct{ begin, end func(p *pool) }{
		"the agent does not answer": {
			func(p *pool) { require.NoError(p, p.FreezeAgent("agent1.example")) },
			func(p *pool) { require.NoError(p, p.ReturnAgent("agent1.example")) },
		},
		"updates are lost": {func(p *pool) { p.Silence(true) }, func(p *pool) { p.Silence(false) }},
	} {
		t.Run(how, func(t *testing.T) {
			inPool(t, invoker.Config{}, mesosfake.Config{}, func(p *pool) {
				fault.begin(p)
				go func() {
					time.Sleep(50 * time.Second)
					fault.end(p)
				}()
				p.invoke(action("hello", "echo"))
				require.Greater(t, time.Since(p.began), 45*time.Second)
				require.Less(t, time.Since(p.began), time.Minute)
				time.Sleep(time.Minute)
				require.Equal(t, 1, p.running(), "nothing is left of the start that was given up")
				require.GreaterOrEqual(t, len(p.Cluster.Snapshot().Tasks), 2)
			})
		})
	}
}

// What an invoker has left is found by the next one: warm containers stay warm, and of those that were about to start none is left over.
func TestRestart(t *testing.T) {
	inPool(t, invoker.Config{}, mesosfake.Config{Agents: make([]mesosfake.Agent, 3)}, func(p *pool) {
		a := action("hello", "echo")
		first := p.invoke(a)
		time.Sleep(time.Second) // that it is initialised is put on record later
		p.restart()
		time.Sleep(5 * time.Minute) // for as long as the process before may have used it
		again := p.invoke(a)
		require.Equal(t, invoker.Warm, again.Start)
		require.Equal(t, first.Container, again.Container)

		for _, after := range []time.Duration{0, 50 * time.Millisecond, launch, launch + time.Millisecond} {
			before := p.Invoker
			go func() {
				_, _ = before.Invoke(p.Context(), action(fmt.Sprint("late", after), "sleep 1s"), invoker.Activation{})
			}()
			time.Sleep(after)
			p.restart()
			p.invoke(a)
		}
		time.Sleep(5 * time.Minute)
		known := map[string]bool{}
		for c := range p.Containers(p.Context()) {
			known[c.ID] = true
		}
		require.Len(t, known, p.running(), "each task is a container that is known: %v", known)
		require.Equal(t, invoker.Warm, p.invoke(a).Start)
	})
}

// How a container that does not start is explained depends on whose image it is.
func TestStartFails(t *testing.T) {
	status := func(reason mesos.TaskStatus_Reason, message string) mesos.TaskStatus {
		state, source := mesos.TASK_FAILED, mesos.SOURCE_AGENT
		return mesos.TaskStatus{State: &state, Source: &source, Reason: &reason, Message: &message}
	}
	pull := status(mesos.REASON_CONTAINER_LAUNCH_FAILED, "Failed to launch container: Failed to run 'docker -H unix:///var/run/docker.sock pull jane/nosuch': exited with status 1; stderr='Error response from daemon: pull access denied'")
	for what, c := range map[string]struct {
		status mesos.TaskStatus
		user   bool
		fault  invoker.Fault
		err    error
	}{
		"a user's image that is not there":  {pull, true, invoker.FaultDeveloper, invoker.ErrImage},
		"a managed image that is not there": {pull, false, invoker.FaultPlatform, invoker.ErrImage},
		"a user's container that fails":     {status(mesos.REASON_CONTAINER_LAUNCH_FAILED, "Failed to launch container: no such file"), true, invoker.FaultDeveloper, invoker.ErrStart},
	} {
		t.Run(what, func(t *testing.T) {
			inPool(t, invoker.Config{}, mesosfake.Config{}, func(p *pool) {
				go func() { // each start fails
					ctx, cancel := context.WithTimeout(p.Context(), time.Hour)
					defer cancel()
					for range 10 {
						var id string
						if p.Await(ctx, func(s mesosfake.Snapshot) bool {
							for _, t := range s.Tasks {
								if id = t.ID; t.State == "TASK_STAGING" {
									return true
								}
							}
							return false
						}) != nil {
							return
						}
						failed := c.status
						failed.TaskID.Value = id
						require.NoError(t, p.UpdateTask(failed))
					}
				}()
				a := action("hello", "echo")
				if c.user {
					a.Image, a.UserImage = "jane/nosuch", true
				}
				ctx, cancel := context.WithTimeout(p.Context(), 10*time.Minute)
				defer cancel()
				_, err := p.Invoke(ctx, a, invoker.Activation{})
				var failed *invoker.StartError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, c.fault, failed.Fault, err)
				require.ErrorIs(t, err, c.err)
			})
		})
	}
}

// An activation whose container runs out of memory is the developer's error.
func TestOutOfMemory(t *testing.T) {
	inPool(t, invoker.Config{}, mesosfake.Config{}, func(p *pool) {
		a := action("hello", "do\necho")
		first := p.invoke(a)
		go func() {
			time.Sleep(time.Second)
			p.outOfMemory(invoker.Instance{ID: first.Container})
		}()
		r, err := p.Invoke(p.Context(), a, invoker.Activation{Params: []byte(`{"do":"sleep 10s"}`)})
		require.NoError(t, err)
		require.Equal(t, invoker.DeveloperError, r.Status)
		require.Contains(t, string(r.Body), "memory")
		require.NotEqual(t, first.Container, p.invoke(a).Container)
	})
}

// When docker run fails the same container is tried once more, at another port.
func TestDockerRunFails(t *testing.T) {
	for failures, ok := range []bool{true, true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := open(t, mesosengine.Config{}, mesosfake.Config{})
			var ports []int
			cluster := w.Cluster
			go func() {
				for seen := range failures {
					// The agent drops a launch of the same ID while the executor of the earlier one is still there.
					if cluster.Await(context.Background(), func(s mesosfake.Snapshot) bool {
						n := len(s.Tasks)
						return n > 2*seen && s.Tasks[n-1].State == "TASK_STAGING"
					}) != nil {
						return
					}
					state, message := mesos.TASK_FAILED, "Container exited with status 125"
					require.NoError(t, cluster.UpdateTask(mesos.TaskStatus{TaskID: mesos.TaskID{Value: "c"}, State: &state, Message: &message}))
				}
			}()
			in, err := w.Create(t.Context(), "c", invoker.Spec{Shape: invoker.Shape{Image: image, Memory: 64}, Labels: map[string]string{"invoker.owner": "o"}})
			for _, launched := range cluster.Snapshot().Tasks {
				ports = append(ports, int(launched.Info.Container.Docker.PortMappings[0].HostPort))
			}
			if !ok {
				require.ErrorIs(t, err, invoker.ErrStart)
				return
			}
			require.NoError(t, err)
			require.Greater(t, len(ports), failures)
			if failures > 0 {
				require.NotEqual(t, ports[0], ports[1])
			}
			require.NoError(t, w.Destroy(t.Context(), in.ID))
		})
	}
}

// busy has an action of its own run for so long, and says whether it succeeded.
func (p *pool) busy(name string, d time.Duration) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := p.Invoke(p.Context(), action(name, fmt.Sprint("sleep ", d)), invoker.Activation{})
		done <- err
	}()
	return done
}

// While the cluster is full callers wait; what becomes free, and a new agent, serves them at once.
func TestFullCluster(t *testing.T) {
	small := mesosfake.Agent{Resources: "cpus:4;mem:512"}
	inPool(t, invoker.Config{}, mesosfake.Config{Agents: []mesosfake.Agent{small}}, func(p *pool) {
		first, second := p.busy("first", time.Minute), p.busy("second", 2*time.Minute)
		time.Sleep(time.Second)
		third, fourth := p.busy("third", time.Second), p.busy("fourth", time.Second)
		time.Sleep(20 * time.Second)
		require.Equal(t, 2, p.running())
		require.NoError(t, p.AddAgent(mesosfake.Agent{Resources: "cpus:4;mem:256"}))
		p.began = time.Now()
		select { // one of them
		case err := <-third:
			require.NoError(t, err)
		case err := <-fourth:
			require.NoError(t, err)
		}
		require.Less(t, time.Since(p.began), 15*time.Second)
		require.NoError(t, <-first)
		select { // the other one, as soon as a container is not used
		case err := <-third:
			require.NoError(t, err)
		case err := <-fourth:
			require.NoError(t, err)
		}
		require.NoError(t, <-second)
		require.Less(t, time.Since(p.began), 3*time.Minute)
	})
}

// A burst of first uses takes as long as Mesos for as many starts as are made at once, also after hours without any.
func TestBursts(t *testing.T) {
	inPool(t, invoker.Config{Pool: invoker.PoolConfig{MaxStarts: 20}}, mesosfake.Config{Agents: make([]mesosfake.Agent, 3)}, func(p *pool) {
		for burst := range 3 {
			p.began = time.Now()
			var all []<-chan error
			for i := range 40 {
				all = append(all, p.busy(fmt.Sprint(burst, "-", i), time.Second))
			}
			for _, done := range all {
				require.NoError(t, <-done)
			}
			require.Less(t, time.Since(p.began), 5*time.Second)
			time.Sleep(3 * time.Hour)
			require.Zero(t, p.running())
		}
	})
}

// TestDrainedByTheOperator has the agent be drained that everything else speaks for: it has room, and what is offered goes there first.
func TestDrainedByTheOperator(t *testing.T) {
	stems := invoker.PoolConfig{Stems: []invoker.StemCells{{Kind: "test:1", Image: "runtime", Memory: 256, Initial: 1}}}
	inPool(t, invoker.Config{Pool: stems}, mesosfake.Config{Agents: make([]mesosfake.Agent, 2)}, func(p *pool) {
		now, err := p.Snapshot(p.Context())
		require.NoError(p, err)
		drained := now.Containers[0]
		require.NoError(p, p.Drain(p.Context(), drained.Agent))
		require.NoError(p, p.SetStemCells(p.Context(), []invoker.StemCells{{Kind: "test:1", Image: "runtime", Memory: 256, Initial: 4}}))
		time.Sleep(10 * time.Second)
		now, err = p.Snapshot(p.Context())
		require.NoError(p, err)
		require.Len(p, now.Containers, 4)
		for _, c := range now.Containers {
			require.NotEqual(p, drained.Agent, c.Agent)
		}
		require.Len(p, p.Cluster.Snapshot().Tasks, 5, "none was started there, and ended again")
		require.NoError(p, p.Undrain(p.Context(), drained.Agent))
	})
}
