package main

import (
	"errors"
	"fmt"
	"slices"
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
