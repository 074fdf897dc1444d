package mesosfake_test

import (
	"context"
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

func newScheduler(t *testing.T, config scheduler.Config) *scheduler.Scheduler {
	config.Framework.Name, config.Logger = "shop", slog.New(slog.DiscardHandler)
	s, err := scheduler.New(config)
	require.NoError(t, err)
	go func() { _ = s.Run(t.Context()) }()
	return s
}

// output returns what a task has written, or an error.
func output(t *testing.T, s *scheduler.Scheduler, id string, o scheduler.LogOptions) (string, error) {
	var all strings.Builder
	for c, err := range s.Logs(t.Context(), id, o) {
		if err != nil {
			return "", err
		}
		all.Write(c.Data)
	}
	return all.String(), nil
}

// Files of tasks are on the network in memory, and a test can change them.
func TestOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := mesosfake.Start(t, mesosfake.Config{Agents: []mesosfake.Agent{{}, {Hostname: "east.example", Resources: "cpus:8"}}})
		s := newScheduler(t, scheduler.Config{Master: cluster.Master(), DialContext: cluster.DialContext})
		for _, cpus := range []float64{8, 1} { // one on each agent
			id := map[float64]string{8: "east", 1: "first"}[cpus]
			info, err := s.Launch(t.Context(), task.Spec{ID: id, CPUs: cpus, Mem: 32, Command: task.Command{Shell: "echo I am " + id + "; echo hm >&2; sleep 3600"}})
			require.NoError(t, err)
			require.Equal(t, map[string]string{"east": "east.example:5052", "first": "agent1.example:5051"}[id], info.AgentAddress)
			text, err := output(t, s, id, scheduler.LogOptions{})
			require.NoError(t, err)
			require.Equal(t, "I am "+id+"\n", text)
		}
		require.NoError(t, cluster.WriteOutput("first", "stderr", []byte("\xff")))
		text, err := output(t, s, "first", scheduler.LogOptions{Stream: "stderr"})
		require.NoError(t, err)
		require.Equal(t, "hm\n\xff", text)
		require.NoError(t, cluster.RotateOutput("first", "stderr"))
		text, err = output(t, s, "first", scheduler.LogOptions{Stream: "stderr"})
		require.NoError(t, err)
		require.Empty(t, text)

		require.NoError(t, cluster.SetAgentAPI("east.example", false))
		_, err = output(t, s, "east", scheduler.LogOptions{})
		require.Equal(t, scheduler.CodeAgentAway, scheduler.ErrorCode(err))
		require.NoError(t, cluster.SetAgentAPI("east.example", true))
		require.NoError(t, cluster.RemoveSandbox("east"))
		_, err = output(t, s, "east", scheduler.LogOptions{})
		require.Equal(t, scheduler.CodeOutputGone, scheduler.ErrorCode(err))

		for _, err := range []error{
			cluster.WriteOutput("nobody", "stdout", nil), cluster.RotateOutput("nobody", "stdout"), cluster.RemoveSandbox("nobody"),
			cluster.WriteOutput("east", "stdout", nil), cluster.SetAgentAPI("nowhere", true),
		} {
			require.ErrorIs(t, err, mesosfake.ErrNotFound)
		}
	})
}

// On the real network agents serve where the cluster listens, so that nothing has to be known of it.
func TestOutputOnTheNetwork(t *testing.T) {
	cluster := mesosfake.Start(t, mesosfake.Config{Listen: "127.0.0.1:0", Agents: make([]mesosfake.Agent, 2)})
	s := newScheduler(t, scheduler.Config{Master: cluster.Master()})
	info, err := s.Launch(t.Context(), task.Spec{ID: "a", CPUs: 1, Mem: 32, Command: task.Command{Shell: "echo it works; exec sleep 3600"}})
	require.NoError(t, err)
	require.Equal(t, "agent1.example", info.Hostname)
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, info.AgentAddress)
	text, err := output(t, s, "a", scheduler.LogOptions{})
	require.NoError(t, err)
	require.Equal(t, "it works\n", text)

	// It can be followed as it is written.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for c, err := range s.Logs(ctx, "a", scheduler.LogOptions{Follow: true, Limit: 16}) {
		require.NoError(t, err)
		if string(c.Data) == "it works\n" {
			require.NoError(t, cluster.WriteOutput("a", "stdout", []byte("and on\n")))
		}
	}
	require.NoError(t, ctx.Err())
}
