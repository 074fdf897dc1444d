package mesosfake_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// echo answers requests at PORT0 with what they say, and prints that.
func echo(ctx context.Context, p *mesosfake.Process) int {
	port, err := strconv.Atoi(p.Env["PORT0"])
	if err != nil {
		return 2
	}
	return p.Serve(ctx, port, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		_, _ = p.Stdout.Write(text)
		_, _ = w.Write(text)
	}))
}

// launchEcho launches a task with a program and asks it something.
func launchEcho(t *testing.T, cluster *mesosfake.Cluster) (*scheduler.Scheduler, func() error) {
	s := newScheduler(t, scheduler.Config{Master: cluster.Master(), DialContext: cluster.DialContext})
	info, err := s.Launch(t.Context(), task.Spec{ID: "echo", CPUs: 1, Mem: 32, Ports: []task.Port{{}}, Command: task.Command{Argv: []string{"./echo"}}})
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DialContext: cluster.DialContext, DisableKeepAlives: true}}
	host := info.Hostname
	if cluster.Master() != "http://master1.example:5050" {
		host = "127.0.0.1"
	}
	return s, func() error {
		response, err := client.Post(fmt.Sprintf("http://%s:%d/", host, info.HostPorts[0]), "text/plain", http.NoBody)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
}

// A program answers at the host port of its task until that is killed, and can be said to have run out of memory.
func TestPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := mesosfake.Start(t, mesosfake.Config{Programs: map[string]mesosfake.Program{"./echo": echo}})
		s, ask := launchEcho(t, cluster)
		require.NoError(t, ask())
		state, reason := mesos.TASK_FAILED, mesos.REASON_CONTAINER_LIMITATION_MEMORY
		status := mesos.TaskStatus{TaskID: mesos.TaskID{Value: "echo"}, State: &state, Reason: &reason}
		require.NoError(t, cluster.UpdateTask(status))
		info, err := s.Wait(t.Context(), "echo", scheduler.UntilEnded)
		require.NoError(t, err)
		require.Equal(t, reason, info.Status.GetReason())
		require.Error(t, ask())
		require.ErrorIs(t, cluster.UpdateTask(status), mesosfake.ErrNotFound)
	})
}

// The same on the real network.
func TestProgramsOnTheNetwork(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cluster := mesosfake.Start(t, mesosfake.Config{Listen: "127.0.0.1:0", Programs: map[string]mesosfake.Program{"./echo": echo}})
	s, ask := launchEcho(t, cluster)
	require.NoError(t, ask())
	_, err := s.Kill(ctx, "echo")
	require.NoError(t, err)
	require.Error(t, ask())
}
