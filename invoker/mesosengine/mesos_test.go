package mesosengine_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/enginetest"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The tests of this file run on the cluster of MESOS_MASTER, such as http://127.0.0.1:5050, when it is set. Its agents must be on this
// machine, since the containers run this very program as a command, or have it at the same path.

// asVariable has this program be one that runs in a container: what enginetest needs, or a runtime.
const asVariable = "MESOSENGINE_TEST_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(asVariable) {
	case "enginetest":
		os.Exit(serveEnginetest())
	case "runtime":
		os.Exit(actionruntime.Main())
	}
	os.Exit(m.Run())
}

func serveEnginetest() int {
	l, err := net.Listen("tcp", ":"+os.Getenv("PORT0"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	exit := make(chan int, 1)
	go func() {
		_ = http.Serve(l, enginetest.Handler(enginetest.Process{Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Exit: func(code int) {
			select {
			case exit <- code:
			default:
			}
		}}))
	}()
	return <-exit
}

// commands are this program, once for each kind.
func commands(t *testing.T) map[string]task.Command {
	self, err := os.Executable()
	require.NoError(t, err)
	all := map[string]task.Command{}
	for _, as := range []string{"enginetest", "runtime"} {
		all[as] = task.Command{Argv: []string{self}, Env: map[string]string{asVariable: as, "HOST": ""}} // all addresses
	}
	return all
}

// openMesos returns an engine on the cluster of MESOS_MASTER, until the test ends. Its framework is torn down then.
func openMesos(t *testing.T) *world {
	w := &world{T: t, master: os.Getenv("MESOS_MASTER"), store: newStore(), config: mesosengine.Config{Mode: mesosengine.Command, Commands: commands(t)}}
	w.lead()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, w.scheduler.Teardown(ctx))
		w.stop()
	})
	return w
}

// runningOnMesos returns how many tasks have been launched and not ended.
func (w *world) runningOnMesos() (n int) {
	tasks, err := w.scheduler.Tasks(w.Context())
	require.NoError(w, err)
	for i := range tasks {
		if !tasks[i].State.Terminal() && tasks[i].State != task.StatePending {
			n++
		}
	}
	return n
}

func skipWithoutMesos(t *testing.T) {
	if os.Getenv("MESOS_MASTER") == "" {
		t.Skip("MESOS_MASTER is not set")
	}
}

func TestEngineOnMesos(t *testing.T) {
	skipWithoutMesos(t)
	enginetest.Run(t, func(t *testing.T) enginetest.Fixture {
		w := openMesos(t)
		return enginetest.Fixture{
			Engine: w.Engine, Spec: invoker.Spec{Shape: invoker.Shape{Kind: "enginetest", Memory: 32}, CPUs: 0.1}, Running: w.runningOnMesos,
			Restart: func() invoker.Engine {
				w.stop()
				w.lead()
				return w.Engine
			},
		}
	})
}

// Cold and warm starts, and what of them is not Mesos': printed, and not asserted.
func TestTimesOnMesos(t *testing.T) {
	skipWithoutMesos(t)
	w := openMesos(t)
	var launch atomic.Pointer[scheduler.LaunchTimes] // of the last start
	go func() {
		for event := range w.scheduler.Watch(t.Context()) {
			if event, ok := event.(scheduler.TaskEvent); ok && event.Launch != nil {
				launch.Store(event.Launch)
			}
		}
	}()
	v, err := invoker.New(invoker.Config{Owner: "times", Engine: w.Engine, Store: w.store})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	invoke := func(name string, want invoker.StartKind) (r *invoker.Result, took time.Duration) {
		began := time.Now()
		r, err := v.Invoke(ctx, &invoker.Action{Namespace: "guest", Name: name, Kind: "runtime", Memory: 32, Code: "echo", LogLimit: -1}, invoker.Activation{})
		require.NoError(t, err)
		require.Equal(t, want, r.Start)
		return r, time.Since(began)
	}
	const count = 50
	times := map[string][]time.Duration{}
	note := func(what string, took time.Duration) { times[what] = append(times[what], took) }
	for i := range count {
		began := time.Now()
		r, took := invoke(fmt.Sprint("a", i), invoker.Cold)
		l := launch.Load()
		note("cold", took)
		note("cold: until it has an offer", l.Placed.Sub(began))
		note("cold: until it is on record", l.Stored.Sub(l.Placed))
		note("cold: ACCEPT to TASK_RUNNING", l.Running.Sub(l.Stored))
		note("cold: from then on", took-l.Running.Sub(began))
		_, took = invoke(fmt.Sprint("a", i), invoker.Warm)
		note("warm", took)
		require.NoError(t, w.Destroy(ctx, r.Container))
	}
	for _, what := range slices.Sorted(maps.Keys(times)) {
		all := times[what]
		slices.Sort(all)
		t.Logf("%-29s p50 %v, p90 %v, p99 %v", what, all[count/2], all[count*9/10], all[count*99/100])
	}
}
