package scheduler_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// eavesdropper hears what is sent to agents.
type eavesdropper struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	mu   sync.Mutex
	text strings.Builder
}

// listen begins to listen on a network.
func (e *eavesdropper) listen(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dial = dial
}

type heardConn struct {
	net.Conn
	by *eavesdropper
}

func (e *eavesdropper) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	e.mu.Lock()
	dial := e.dial
	e.mu.Unlock()
	if dial == nil {
		return nil, errors.New("there is no network yet")
	}
	c, err := dial(ctx, network, address)
	if err != nil || !strings.HasPrefix(address, "agent") {
		return c, err
	}
	return heardConn{c, e}, nil
}

func (c heardConn) Write(p []byte) (int, error) {
	c.by.mu.Lock()
	c.by.text.Write(p)
	c.by.mu.Unlock()
	return c.Conn.Write(p)
}

func (e *eavesdropper) heard() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.text.String()
}

// A file is read with its size, in the sandbox of the container of the task's status, while it runs and when it has ended.
func TestReadFile(t *testing.T) {
	var ears eavesdropper
	withLogs(t, mesosfake.Config{}, scheduler.Config{DialContext: ears.DialContext}, func(w *logWorld) {
		ears.listen(w.DialContext)
		info := w.launch("t", "echo 0123456789; sleep 3600")
		read := func(file string, offset int64, length int) (string, int64) {
			t.Helper()
			buf := make([]byte, length)
			n, size, err := w.ReadFile(w.Context(), "t", file, offset, buf)
			require.NoError(t, err)
			return string(buf[:n]), size
		}
		for range 2 {
			text, size := read("stdout", 3, 4)
			require.Equal(t, "3456", text)
			require.EqualValues(t, 11, size)
			for _, offset := range []int64{11, 12, 1 << 40} {
				text, size = read("stdout", offset, 4)
				require.Empty(t, text)
				require.EqualValues(t, 11, size)
			}
			_, size = read("stdout", 0, 0)
			require.EqualValues(t, 11, size)
			_, err := w.Kill(w.Context(), "t")
			require.NoError(t, err)
		}
		require.Equal(t, 1, strings.Count(ears.heard(), "GET_FLAGS"), "an agent is asked once where its sandboxes are")
		require.Contains(t, ears.heard(), "/runs/"+info.Status.ContainerStatus.ContainerID.Value+"/stdout")
		require.NotContains(t, ears.heard(), "latest")

		require.NoError(t, w.RotateOutput("t", "stdout"))
		require.NoError(t, w.WriteOutput("t", "stdout", []byte(strings.Repeat("x", 100_000))))
		text, _ := read("stdout.1", 0, 100)
		require.Equal(t, "0123456789\n", text)
		text, size := read("stdout", 0, 1<<20)
		require.Len(t, text, 64<<10)
		require.EqualValues(t, 100_000, size)
	})
}

func TestReadFileOfNothing(t *testing.T) {
	var ears eavesdropper
	withLogs(t, mesosfake.Config{}, scheduler.Config{DialContext: ears.DialContext, History: 1}, func(w *logWorld) {
		ears.listen(w.DialContext)
		w.launch("t", "sleep 3600")
		read := func(id, file string, offset int64) error {
			n, size, err := w.ReadFile(w.Context(), id, file, offset, make([]byte, 8))
			require.Zero(t, n)
			require.Zero(t, size)
			return err
		}
		for _, file := range []string{"", ".", "..", "../stdout", "/stdout", "a/../../b"} {
			require.Equal(t, scheduler.CodeInvalid, scheduler.ErrorCode(read("t", file, 0)), file)
		}
		require.Equal(t, scheduler.CodeInvalid, scheduler.ErrorCode(read("t", "stdout", -1)))
		require.Equal(t, scheduler.CodeOutputGone, scheduler.ErrorCode(read("t", "nope", 0)))
		require.Equal(t, scheduler.CodeUnknownTask, scheduler.ErrorCode(read("nobody", "stdout", 0)))
		require.NoError(t, w.Submit(w.Context(), task.Spec{ID: "large", CPUs: 99, Command: task.Command{Shell: "true"}}))
		require.Equal(t, scheduler.CodeNotStarted, scheduler.ErrorCode(read("large", "stdout", 0)))
		_, err := w.Kill(w.Context(), "large")
		require.NoError(t, err)

		require.NoError(t, w.SetAgentAPI("agent1.example", false))
		require.Equal(t, scheduler.CodeAgentAway, scheduler.ErrorCode(read("t", "stdout", 0)))
		require.NoError(t, w.SetAgentAPI("agent1.example", true))
		require.NoError(t, w.RemoveSandbox("t"))
		require.Equal(t, scheduler.CodeOutputGone, scheduler.ErrorCode(read("t", "stdout", 0)))
		_, err = w.Kill(w.Context(), "t")
		require.NoError(t, err)
		w.launch("another", "true")
		_, err = w.Wait(w.Context(), "another", scheduler.UntilEnded)
		require.NoError(t, err)
		require.Equal(t, scheduler.CodeOutputGone, scheduler.ErrorCode(read("t", "stdout", 0)), "it is only remembered")
	})
}

// A task keeps the ID of its container, also when a master speaks of it, which does not know that, and in another process.
func TestContainerIDIsKept(t *testing.T) {
	withLogs(t, mesosfake.Config{AgentTimeout: 10 * time.Second}, scheduler.Config{}, func(w *logWorld) {
		container := w.launch("t", "sleep 3600").Status.ContainerStatus.ContainerID.Value
		require.NoError(t, w.LoseAgent("agent1.example"))
		time.Sleep(20 * time.Second)
		info, err := w.Task(w.Context(), "t")
		require.NoError(t, err)
		require.Equal(t, task.StateUnreachable, info.State)
		require.Equal(t, container, info.Status.ContainerStatus.ContainerID.Value)
		require.NoError(t, w.ReturnAgent("agent1.example"))
		time.Sleep(20 * time.Second)
		info, err = w.Task(w.Context(), "t")
		require.NoError(t, err)
		require.Equal(t, task.StateRunning, info.State)
		require.Equal(t, container, info.Status.ContainerStatus.ContainerID.Value)
	})
}

// UntilRunningAnyHealth does not wait for the health check.
func TestWaitUntilRunningAnyHealth(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		began := time.Now()
		spec := logSpec("t", "sleep 3600")
		spec.HealthCheck = &task.HealthCheck{Command: &task.CheckCommand{Shell: "true"}, Delay: time.Minute}
		require.NoError(t, w.Submit(w.Context(), spec))
		for _, until := range []scheduler.Until{scheduler.UntilRunningAnyHealth, scheduler.UntilRunning} {
			info, err := w.Wait(w.Context(), "t", until)
			require.NoError(t, err)
			require.Equal(t, mesos.TASK_RUNNING, info.Status.GetState())
			require.Equal(t, until == scheduler.UntilRunning, time.Since(began) > time.Minute)
		}
		require.NoError(t, w.EndTask("t", 1))
		_, err := w.Wait(w.Context(), "t", scheduler.UntilEnded)
		require.NoError(t, err)
		_, err = w.Wait(w.Context(), "t", scheduler.UntilRunningAnyHealth)
		require.Equal(t, scheduler.CodeTaskEnded, scheduler.ErrorCode(err))
	})
}
