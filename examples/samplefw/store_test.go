//go:build integration

package main

import (
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// An interrupt ends neither framework nor tasks; the next process continues with them and ends them after -hold, also
// when there is nothing left to launch. Two processes at a time are refused.
func TestStore(t *testing.T) {
	g := newGeneration(t, build(t), 0)
	g.tasks = 3
	l := g.start(time.Hour, trigger{})
	<-l.holding
	second, err := exec.Command(g.program, "--master", g.address, "--store", g.file).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(second), "samplefw: ha: store file is in use: "+g.file)
	require.NoError(t, l.cmd.Process.Signal(syscall.SIGINT))
	require.NoError(t, g.bury(l))
	require.Contains(t, g.said(), "interrupted")
	require.Contains(t, g.said(), "the framework lives on; go on with --store "+g.file)
	_, tasks := g.look()
	require.Equal(t, map[string][]string{"sample-1": {"TASK_RUNNING"}, "sample-2": {"TASK_RUNNING"}, "sample-3": {"TASK_RUNNING"}}, tasks)

	said := len(g.said())
	require.NoError(t, g.bury(g.start(0, trigger{})))
	again := g.said()[said:]
	require.Less(t, strings.Index(again, "subscribed"), strings.Index(again, "all 3 tasks run"), again)
	require.Contains(t, again, "subscribed")
	require.Contains(t, g.said(), "done: 3 tasks ran; how they ended: map[killed:3]")
	require.NoFileExists(t, g.file)
	require.Equal(t, []string{g.framework}, g.master.Snapshot().Completed)
	require.Empty(t, g.master.Snapshot().Frameworks)
	require.Empty(t, g.faults)
}

// A store with other tasks than those that the flags say is not ignored.
func TestStoreOfOtherTasks(t *testing.T) {
	g := newGeneration(t, build(t), 0)
	g.tasks = 3
	g.settle()
	out, err := exec.Command(g.program, "--master", g.address, "--store", g.file, "--command", "sleep 7").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "is on record with another spec: Command.Shell: ")
}

// Tasks that do not run in time stay on record: the next process waits for them.
func TestStoreTimeout(t *testing.T) {
	g := newGeneration(t, build(t), 0)
	g.tasks = 3
	g.master.Intercept(func(*scheduler.Call) mesostest.Fault { return http.StatusServiceUnavailable })
	out, err := exec.Command(g.program, "--master", g.address, "--store", g.file, "--timeout", "1s").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "not all tasks run within 1s: ")
	require.Len(t, g.records().tasks, g.tasks)
	g.master.Intercept(g.intercept)
	g.settle()
	require.NotContains(t, g.said(), "pending", "none is submitted again")
	require.Empty(t, g.faults)
}
