package flood

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// TestSchedulerProcess is no test: it is the process with the scheduler, until its standard input ends.
func TestSchedulerProcess(t *testing.T) {
	master := os.Getenv("FLOOD_MASTER")
	if master == "" {
		t.Skip("not started by TestFlood")
	}
	ctx, cancel := context.WithCancel(t.Context())
	config := scheduler.Config{
		Master: master, Framework: scheduler.Framework{Name: "flood"},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for _, f := range floods() {
		if f.name == os.Getenv("FLOOD") && f.configure != nil {
			f.configure(&config)
		}
	}
	s, err := scheduler.New(config)
	require.NoError(t, err)
	events, raw := s.Watch(ctx), s.WatchRaw(ctx)
	go func() {
		for range events {
			time.Sleep(time.Millisecond) // slower than the flood
		}
	}()
	var kept []*calls.Event
	go func() {
		for e := range raw {
			if os.Getenv("FLOOD") == hoarder {
				kept = append(kept, e)
				continue
			}
			time.Sleep(time.Second)
		}
	}()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for n := range 20 {
		require.NoError(t, s.Submit(ctx, task.Spec{ID: fmt.Sprintf("t%d", n), CPUs: 1, Mem: 32, Command: task.Command{Shell: "sleep 100"}}))
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	<-ended
	runtime.KeepAlive(kept)
}
