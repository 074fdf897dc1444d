package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestAttemptsThatFailAlikeAreSaidOnce(t *testing.T) {
	refused := scheduler.ConnectionEvent{Err: errors.New("connection refused")}
	events := []scheduler.Event{
		refused, refused, scheduler.OfferEvent{}, refused,
		scheduler.TaskEvent{Task: task.Info{Spec: task.Spec{ID: "web-1"}}}, refused,
		scheduler.ConnectionEvent{Err: errors.New("no route to host")}, refused,
		scheduler.ConnectionEvent{Connected: true, FrameworkID: "f"}, refused,
	}
	var said []string
	newProgress().follow(slices.Values(events), func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	require.Equal(t, []string{
		"disconnected: connection refused", "task web-1 pending", "disconnected: no route to host", "disconnected: connection refused",
		"subscribed as f", "disconnected: connection refused",
	}, said)
}

// A member whose master is away for hours does not fill its log with that.
func TestMemberSaysOnceThatTheMasterIsAway(t *testing.T) {
	s, err := scheduler.New(scheduler.Config{
		Master: "127.0.0.1:1", Framework: scheduler.Framework{Name: "shop"}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said := map[string]int{}
	var services sync.WaitGroup
	services.Go(func() { keep(ctx, s, nil, func(format string, args ...any) { said[fmt.Sprintf(format, args...)]++ }) })
	services.Go(func() { _ = s.Run(ctx) })
	attempts := 0
	for event := range s.Watch(ctx) {
		if _, is := event.(scheduler.ConnectionEvent); is {
			attempts++
		}
		if attempts == 4 {
			break
		}
	}
	stop()
	services.Wait()
	require.Len(t, said, 1)
	for text, times := range said {
		require.Contains(t, text, "disconnected: ")
		require.Equal(t, 1, times, text)
	}
}
