package scheduler_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// logWorld is a fake cluster and a scheduler that runs, in a bubble.
type logWorld struct {
	*testing.T
	*mesosfake.Cluster
	*scheduler.Scheduler
	config scheduler.Config
	stop   context.CancelFunc // of Run, for whose end it waits
}

func withLogs(t *testing.T, cluster mesosfake.Config, config scheduler.Config, f func(w *logWorld)) {
	synctest.Test(t, func(t *testing.T) {
		w := &logWorld{T: t, Cluster: mesosfake.Start(t, cluster)}
		config.Master, config.Framework.Name = w.Master(), "test"
		if config.DialContext == nil {
			config.DialContext = w.DialContext
		}
		config.Logger = slog.New(slog.DiscardHandler)
		w.config = config
		w.lead()
		f(w)
		w.stop()
	})
}

// lead makes a scheduler and runs it.
func (w *logWorld) lead() {
	var err error
	w.Scheduler, err = scheduler.New(w.config)
	require.NoError(w, err)
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Scheduler.Run(ctx)
	}()
	w.stop = func() { stop(); <-ended }
}

// launch launches a task with a script.
func (w *logWorld) launch(id, script string) task.Info {
	w.Helper()
	info, err := w.Launch(w.Context(), logSpec(id, script))
	require.NoError(w, err)
	return info
}

func logSpec(id, script string) task.Spec {
	return task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: script}}
}

// logs returns all that Logs returns, the chunks as "offset:data", behind "R" if rotated.
func (w *logWorld) logs(ctx context.Context, id string, o scheduler.LogOptions) (string, error) {
	var chunks []string
	for c, err := range w.Logs(ctx, id, o) {
		if err != nil {
			require.Zero(w, c)
			return strings.Join(chunks, " "), err
		}
		chunks = append(chunks, show(c))
	}
	return strings.Join(chunks, " "), nil
}

func show(c scheduler.LogChunk) string {
	mark := ""
	if c.Rotated {
		mark = "R"
	}
	return fmt.Sprintf("%s%d:%s", mark, c.Offset, c.Data)
}

// The output of a task that runs and of one that has ended, from any offset.
func TestLogs(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		w.launch("t", `echo 123; echo 4567; echo "no such file" >&2; sleep 5; echo end; exit 3`)
		for _, when := range []string{"running", "ended"} {
			all := "123\n4567\n"
			if when == "ended" {
				time.Sleep(time.Minute)
				all += "end\n"
			}
			for _, c := range []struct {
				options scheduler.LogOptions
				want    string
			}{
				{scheduler.LogOptions{}, "0:" + all},
				{scheduler.LogOptions{Stream: "stdout", Offset: 4}, "4:" + all[4:]},
				{scheduler.LogOptions{Stream: "stderr"}, "0:no such file\n"},
				{scheduler.LogOptions{Limit: 4}, "0:123\n"},
				{scheduler.LogOptions{Offset: 3, Limit: 3}, "3:\n45"},
				{scheduler.LogOptions{Offset: 3, Limit: 300}, "3:" + all[3:]},
				{scheduler.LogOptions{Stream: "stderr", Offset: -5}, "8:file\n"},
				{scheduler.LogOptions{Offset: -500}, "0:" + all},
				{scheduler.LogOptions{Offset: int64(len(all))}, ""},
				{scheduler.LogOptions{Offset: 1000}, "R0:" + all},
			} {
				got, err := w.logs(w.Context(), "t", c.options)
				require.NoError(w, err)
				require.Equal(w, c.want, got, "%s %+v", when, c.options)
			}
		}
	})
}

// Members of a pod have files of their own. IDs may have any characters that Mesos takes.
func TestLogsOfPodsAndOddIDs(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		var members []task.Spec
		for _, id := range []string{"web 100%", "side.car", `"ü'`} {
			spec := logSpec(id, "sleep 5")
			spec.Pod = "shop & co?"
			members = append(members, spec)
			w.launch("alone "+id, "sleep 5")
		}
		_, err := w.LaunchPod(w.Context(), members...)
		require.NoError(w, err)
		for range 2 { // while they run, and after that
			for _, spec := range members {
				for _, id := range []string{spec.ID, "alone " + spec.ID} {
					require.NoError(w, w.WriteOutput(id, "stdout", []byte("I am "+id+"\n")))
				}
			}
			time.Sleep(time.Minute)
		}
		for _, spec := range members {
			for _, id := range []string{spec.ID, "alone " + spec.ID} {
				got, err := w.logs(w.Context(), id, scheduler.LogOptions{})
				require.NoError(w, err)
				require.Equal(w, "0:"+strings.Repeat("I am "+id+"\n", 2), got)
			}
		}
	})
}

// Every byte arrives, in chunks that belong to the caller, and from where one wants.
func TestLogsAreExact(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		w.launch("t", "sleep 3600")
		want := make([]byte, 300_001)
		for i := range want {
			want[i] = byte(i * i >> 8)
		}
		require.NoError(w, w.WriteOutput("t", "stdout", want))
		for _, o := range []scheduler.LogOptions{{}, {Offset: 65_537}, {Offset: -200_000}, {Offset: 1, Limit: 65_536}, {Limit: 131_072}} {
			from := int(o.Offset)
			if from < 0 {
				from += len(want)
			}
			part := want[from:]
			if o.Limit > 0 {
				part = part[:o.Limit]
			}
			sequence := w.Logs(w.Context(), "t", o)
			for range 2 { // it can be ranged over again, and what the caller does to the data does not matter
				var got []byte
				for c, err := range sequence {
					require.NoError(w, err)
					require.EqualValues(w, from+len(got), c.Offset)
					require.NotEmpty(w, c.Data)
					require.LessOrEqual(w, len(c.Data), 64<<10)
					got = append(got, c.Data...)
					clear(c.Data[:cap(c.Data)])
				}
				require.True(w, string(part) == string(got), "%+v", o)
			}
		}
	})
}

// For a caller that takes his time nothing is read ahead, and others are not kept waiting.
func TestLogsForSlowCaller(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		w.launch("t", "sleep 3600")
		require.NoError(w, w.WriteOutput("t", "stdout", make([]byte, 1<<20)))
		next := [3]func() (scheduler.LogChunk, error, bool){}
		for i := range next { // more than may read at once
			var stop func()
			next[i], stop = iter.Pull2(w.Logs(w.Context(), "t", scheduler.LogOptions{Follow: true}))
			defer stop()
			c, err, _ := next[i]()
			require.NoError(w, err)
			require.Len(w, c.Data, 64<<10)
		}
		time.Sleep(time.Hour)
		require.NoError(w, w.RotateOutput("t", "stdout"))
		for i := range next {
			c, err, _ := next[i]()
			require.NoError(w, err)
			require.True(w, c.Rotated, "it was not read before")
		}
	})
}

// Another scheduler goes on with the records, and reads the output of tasks that it has not launched.
func TestLogsAfterAFailover(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{Store: new(ha.Memory)}, func(w *logWorld) {
		w.launch("ended", "echo was here >&2; exit 1")
		w.launch("runs", "echo still here; sleep 3600")
		time.Sleep(time.Minute)
		w.stop()
		w.lead()
		for id, o := range map[string]scheduler.LogOptions{"ended": {Stream: "stderr"}, "runs": {}} {
			got, err := w.logs(w.Context(), id, o)
			require.NoError(w, err)
			require.Contains(w, got, " here\n", id)
		}
	})
}

// withAgents runs a scheduler on a cluster of which all can be configured. Agents listen at the addresses that listen returns, by
// default those in their offers.
func withAgents(t *testing.T, network *virtualnet.Network, cluster mesostest.Config, config scheduler.Config, f func(m *mesostest.Master, w *logWorld)) {
	synctest.Test(t, func(t *testing.T) {
		l, err := network.Listen(address)
		require.NoError(t, err)
		if cluster.ListenAgents == nil {
			cluster.ListenAgents = func(a mesostest.Agent) (net.Listener, error) {
				return network.Listen(net.JoinHostPort(a.Hostname, strconv.Itoa(a.Port)))
			}
		}
		master, err := mesostest.New(cluster)
		require.NoError(t, err)
		config.Master, config.Framework.Name, config.Logger = address, "test", slog.New(slog.DiscardHandler)
		if config.DialContext == nil {
			config.DialContext = network.DialContext
		}
		s, err := scheduler.New(config)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = master.Run(ctx, l) })
		running.Go(func() { _ = s.Run(ctx) })
		defer running.Wait()
		defer stop()
		f(master, &logWorld{T: t, Scheduler: s})
	})
}

// A task with a custom executor shares the files of that. Its ID is that which the builder gave it, since such an executor need not say it.
func TestLogsOfCustomExecutor(t *testing.T) {
	cluster := mesostest.Config{
		Agents:    []mesostest.Agent{{}},
		Executors: func(mesos.ExecutorInfo) *mesostest.CustomExecutor { return &mesostest.CustomExecutor{} },
	}
	withAgents(t, &virtualnet.Network{}, cluster, scheduler.Config{Builder: tampering{}}, func(m *mesostest.Master, w *logWorld) {
		spec := logSpec("t", "true")
		spec.Executor = &task.ExecutorResources{CPUs: 0.1, Mem: 32}
		info, err := w.Launch(w.Context(), spec)
		require.NoError(w, err)
		require.Equal(w, "e-t", info.Status.ExecutorID.Value)
		require.True(w, m.WriteOutput("t", "stdout", []byte("from the executor\n")))
		got, err := w.logs(w.Context(), "t", scheduler.LogOptions{})
		require.NoError(w, err)
		require.Equal(w, "0:from the executor\n", got)
	})
}
