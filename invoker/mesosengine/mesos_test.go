package mesosengine_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/enginetest"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The tests of this file run on the cluster of MESOS_MASTER, such as http://127.0.0.1:5050, when it is set. Its agents must be on this
// machine, since the containers run this very program as a command, or have it at the same path.

var starts = flag.Int("starts", 50, "how many cold starts TestTimesOnMesos compares")

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
func openMesos(t *testing.T, store scheduler.Store, adjust func(*scheduler.Config)) *world {
	w := &world{T: t, master: os.Getenv("MESOS_MASTER"), store: store, adjust: adjust, config: mesosengine.Config{Mode: mesosengine.Command, Commands: commands(t)}}
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
		w := openMesos(t, newStore(), nil)
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

// Cold and warm starts, and beside each cold one a start of the same runtime by a framework that does the least: the times are
// printed, and not asserted. Neither framework holds offers, which the other one would have to wait for.
func TestTimesOnMesos(t *testing.T) {
	skipWithoutMesos(t)
	t.Run("records in memory", func(t *testing.T) { compareStarts(t, newStore()) })
	t.Run("records in a file", func(t *testing.T) {
		store, err := ha.OpenFile(filepath.Join(t.TempDir(), "store"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		compareStarts(t, store)
	})
}

// compareStarts makes cold starts of an invoker and of a rawFramework in turn.
func compareStarts(t *testing.T, store scheduler.Store) {
	w := openMesos(t, store, func(c *scheduler.Config) { c.Offers.Hold, c.Offers.HoldMax = 0, 0 })
	launches := make(chan *scheduler.LaunchTimes, 1)
	events := w.scheduler.Watch(t.Context())
	go func() {
		for event := range events {
			if event, ok := event.(scheduler.TaskEvent); ok && event.Launch != nil {
				launches <- event.Launch
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
	raw := subscribeRaw(t)
	var ours, theirs, warm times
	start := func(i int) {
		began := time.Now()
		r, took := invoke(fmt.Sprint("a", i), invoker.Cold)
		l := <-launches
		ours.note("until it has an offer", l.Placed.Sub(began))
		ours.note("until it is on record", l.Stored.Sub(l.Placed))
		ours.note("ACCEPT to TASK_RUNNING", l.Running.Sub(l.Stored))
		ours.note("from then on", took-l.Running.Sub(began))
		ours.note("the whole", took)
		_, took = invoke(fmt.Sprint("a", i), invoker.Warm)
		warm.note("warm", took)
		require.NoError(t, w.Destroy(ctx, r.Container))
	}
	for i := range *starts { // each is the first one as often as the other
		if i%2 == 0 {
			start(i)
		}
		raw.coldStart(fmt.Sprint("raw-", i), theirs.note)
		if i%2 != 0 {
			start(i)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(ours)) {
		ours.log(t, "", what)
		theirs.log(t, "raw", what)
	}
	warm.log(t, "", "warm")
}

// times are the times that the parts of a start took.
type times map[string][]time.Duration

func (all *times) note(what string, took time.Duration) {
	if *all == nil {
		*all = times{}
	}
	(*all)[what] = append((*all)[what], took)
}

// log prints p50, p90 and p99.
func (all times) log(t *testing.T, who, what string) {
	sorted := slices.Sorted(slices.Values(all[what]))
	if n := len(sorted); n > 0 {
		p := func(percent int) time.Duration { return sorted[n*percent/100].Round(10 * time.Microsecond) }
		t.Logf("%-4s%-23s p50 %v, p90 %v, p99 %v", who, what, p(50), p(90), p(99))
	}
}
