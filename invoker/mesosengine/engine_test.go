package mesosengine_test

import (
	"context"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/enginetest"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// testProgram serves what enginetest needs of a container, at PORT0 or, in a container with a network, at 8080.
func testProgram(ctx context.Context, p *mesosfake.Process) int {
	port := 8080
	if p.Env["MODE"] == "command" {
		port, _ = strconv.Atoi(p.Env["PORT0"])
	}
	var environ []string
	for name, value := range p.Env {
		environ = append(environ, name+"="+value)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	code := 0
	var once sync.Once
	p.Serve(ctx, port, enginetest.Handler(enginetest.Process{
		Stdout: p.Stdout, Stderr: p.Stderr, Environ: environ,
		Exit: func(status int) { once.Do(func() { code = status; cancel() }) },
	}))
	return code
}

const image, program = "enginetest", "./enginetest"

// memoryStore is a store that outlives a scheduler.
type memoryStore struct {
	mu      sync.Mutex
	records map[string][]byte
}

func newStore() *memoryStore { return &memoryStore{records: map[string][]byte{}} }

func (s *memoryStore) Load(context.Context) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.records), nil
}

func (s *memoryStore) Apply(_ context.Context, changes map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.records, changes)
	maps.DeleteFunc(s.records, func(_ string, value []byte) bool { return value == nil })
	return nil
}

// world is a cluster with an engine.
type world struct {
	*testing.T
	*mesosfake.Cluster // nil: a real one
	master             string
	*mesosengine.Engine
	scheduler *scheduler.Scheduler
	store     scheduler.Store
	config    mesosengine.Config
	stop      func() // the run of the scheduler
}

func open(t *testing.T, config mesosengine.Config, cluster mesosfake.Config) *world {
	cluster.Programs = map[string]mesosfake.Program{image: testProgram, program: testProgram, "runtime": runtime}
	if config.Mode == mesosengine.Command {
		config.Commands = map[string]task.Command{"test": {Argv: []string{program}}}
	}
	w := &world{T: t, Cluster: mesosfake.Start(t, cluster), store: newStore(), config: config}
	w.master = w.Master()
	w.lead()
	t.Cleanup(func() { w.stop() })
	return w
}

// lead runs a scheduler with the store, and makes an engine of it.
func (w *world) lead() {
	config := scheduler.Config{
		Master: w.master, Framework: scheduler.Framework{Name: "invoker"}, Store: w.store, Logger: slog.New(slog.DiscardHandler),
	}
	if w.Cluster != nil {
		config.DialContext = w.DialContext
	}
	var err error
	w.scheduler, err = scheduler.New(mesosengine.SchedulerConfig(config))
	require.NoError(w, err)
	w.Engine, err = mesosengine.New(w.scheduler, w.config)
	require.NoError(w, err)
	w.run()
}

// run runs the scheduler. It returns when that is subscribed: a SUBSCRIBE that is still under way when its process ends may evict the
// next one.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s := w.scheduler
	go func() {
		defer close(ended)
		_ = s.Run(ctx)
	}()
	w.stop = func() { cancel(); <-ended }
	for {
		if status, err := s.Status(ctx); err == nil && status.Connected {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// running returns how many tasks run, as the cluster sees it.
func (w *world) running() (n int) {
	for _, t := range w.Snapshot().Tasks {
		if t.Running {
			n++
		}
	}
	return n
}

// outOfMemory ends a container as one that has used too much memory.
func (w *world) outOfMemory(in invoker.Instance) {
	state, reason, message := mesos.TASK_FAILED, mesos.REASON_CONTAINER_LIMITATION_MEMORY, "Memory limit exceeded: Requested: 32MB Maximum Used: 32MB"
	require.NoError(w, w.UpdateTask(mesos.TaskStatus{TaskID: mesos.TaskID{Value: in.ID}, State: &state, Reason: &reason, Message: &message}))
}

func (w *world) fixture(spec invoker.Spec) enginetest.Fixture {
	return enginetest.Fixture{
		Engine: w.Engine, Spec: spec, Running: w.running, DialContext: w.DialContext, OutOfMemory: w.outOfMemory,
		Refused: []enginetest.Refused{{Why: "neither an image nor a command", Spec: invoker.Spec{Shape: invoker.Shape{Kind: "none", Memory: 64}}, Want: invoker.ErrImage}},
		Restart: func() invoker.Engine {
			w.stop()
			w.lead()
			return w.Engine
		},
		Cut: func() func() {
			w.Intercept(func(mesosfake.Call) mesosfake.Fault { return 503 })
			w.Disconnect()
			return func() { w.Intercept(nil) }
		},
	}
}

// The suite in each mode.
func TestEngine(t *testing.T) {
	for name, c := range map[string]struct {
		config mesosengine.Config
		spec   invoker.Spec
	}{
		"docker":                {mesosengine.Config{}, invoker.Spec{Shape: invoker.Shape{Kind: "test", Image: image, Memory: 64}}},
		"docker, named network": {mesosengine.Config{Network: "overlay"}, invoker.Spec{Shape: invoker.Shape{Kind: "test", Image: image, Memory: 64}}},
		"docker, health checks": {mesosengine.Config{HealthCheck: &task.HealthCheck{Delay: time.Hour}}, invoker.Spec{Shape: invoker.Shape{Kind: "test", Image: image, Memory: 64}}},
		"command":               {mesosengine.Config{Mode: mesosengine.Command}, invoker.Spec{Shape: invoker.Shape{Kind: "test", Memory: 64}, Env: map[string]string{"MODE": "command"}}},
	} {
		t.Run(name, func(t *testing.T) {
			enginetest.RunInBubble(t, func(t *testing.T) enginetest.Fixture {
				return open(t, c.config, mesosfake.Config{Agents: make([]mesosfake.Agent, 2)}).fixture(c.spec)
			})
		})
	}
}
