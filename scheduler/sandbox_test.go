package scheduler_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A process whose scheduler has never run reads files, also when the one that runs has ended.
func TestReadSandboxInAnotherProcess(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		w.launch("t", "echo 0123456789; sleep 3600")
		sent, err := w.Sandbox(w.Context(), "t")
		require.NoError(t, err)
		text, err := json.Marshal(sent)
		require.NoError(t, err)
		var box scheduler.Sandbox
		require.NoError(t, json.Unmarshal(text, &box))
		require.Equal(t, sent, box)

		other, err := scheduler.New(w.config)
		require.NoError(t, err)
		read := func(file string, offset int64) (string, int64, error) {
			buf := make([]byte, 4)
			n, size, err := other.ReadSandbox(w.Context(), box, file, offset, buf)
			return string(buf[:n]), size, err
		}
		w.stop()
		got, size, err := read("stdout", 3)
		require.NoError(t, err)
		require.Equal(t, "3456", got)
		require.EqualValues(t, 11, size)

		_, _, err = read("nope", 0)
		require.Equal(t, scheduler.CodeOutputGone, scheduler.ErrorCode(err))
		_, _, err = read("../stdout", 0)
		require.Equal(t, scheduler.CodeInvalid, scheduler.ErrorCode(err))
		require.NoError(t, w.SetAgentAPI("agent1.example", false))
		_, _, err = read("stdout", 0)
		require.Equal(t, scheduler.CodeAgentAway, scheduler.ErrorCode(err))
		box = scheduler.Sandbox{}
		_, _, err = read("stdout", 0)
		require.Equal(t, scheduler.CodeNotStarted, scheduler.ErrorCode(err))
	})
}

// The member of a pod has a folder of its own.
func TestReadSandboxOfAPod(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		_, err := w.LaunchPod(w.Context(), task.Spec{ID: "t", Pod: "pod", CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "echo pod; sleep 3600"}})
		require.NoError(t, err)
		box, err := w.Sandbox(w.Context(), "t")
		require.NoError(t, err)
		require.True(t, box.InPod)
		buf := make([]byte, 16)
		n, _, err := w.ReadSandbox(w.Context(), box, "stdout", 0, buf)
		require.NoError(t, err)
		require.Equal(t, "pod\n", string(buf[:n]))
	})
}

func TestSandboxOfNothing(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		_, err := w.Sandbox(w.Context(), "nobody")
		require.Equal(t, scheduler.CodeUnknownTask, scheduler.ErrorCode(err))
		require.NoError(t, w.Submit(w.Context(), task.Spec{ID: "large", CPUs: 99, Command: task.Command{Shell: "true"}}))
		_, err = w.Sandbox(w.Context(), "large")
		require.Equal(t, scheduler.CodeNotStarted, scheduler.ErrorCode(err))
	})
}
