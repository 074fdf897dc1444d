package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// logWorld is a fake cluster and a scheduler that runs, in a bubble.
type logWorld struct {
	*testing.T
	*mesosfake.Cluster
	*scheduler.Scheduler
	stop context.CancelFunc
}

func withLogs(t *testing.T, cluster mesosfake.Config, config scheduler.Config, f func(w *logWorld)) {
	synctest.Test(t, func(t *testing.T) {
		w := &logWorld{T: t, Cluster: mesosfake.Start(t, cluster)}
		config.Master, config.Framework.Name = w.Master(), "test"
		if config.DialContext == nil {
			config.DialContext = w.DialContext
		}
		config.Logger = slog.New(slog.DiscardHandler)
		var err error
		w.Scheduler, err = scheduler.New(config)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = w.Run(ctx)
		}()
		w.stop = func() { stop(); <-ended }
		defer w.stop()
		f(w)
	})
}

// Run is that of the scheduler.
func (w *logWorld) Run(ctx context.Context) error { return w.Scheduler.Run(ctx) }

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

// What a task writes arrives while it writes, and Follow ends with the task.
func TestLogsFollow(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		w.launch("t", `echo a; sleep 1; echo b; sleep 10; echo c`)
		began := time.Now()
		var got []string
		for c, err := range w.Logs(w.Context(), "t", scheduler.LogOptions{Follow: true}) {
			require.NoError(w, err)
			got = append(got, show(c)+"@"+time.Since(began).String())
		}
		require.Equal(w, []string{"0:a\n@0s", "2:b\n@1.5s", "4:c\n@11s"}, got)
		require.Equal(w, 12*time.Second, time.Since(began), "it ended at 11.05 s, which was seen at 11.5 s")
	})
}
