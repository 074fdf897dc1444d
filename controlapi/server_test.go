package controlapi_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestLifeOfATask(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		info := decoded[task.Info](t, w.request("POST", "/v1/tasks", encode(t, spec("web"))), 201)
		require.Equal(t, "web", info.Spec.ID)
		page := decoded[controlapi.TaskPage[task.Info]](t, w.request("GET", "/v1/tasks", ""), 200)
		require.Len(t, page.Tasks, 1)

		info = decoded[task.Info](t, w.request("GET", "/v1/tasks/web/wait?until=running", ""), 200)
		require.Equal(t, task.StateRunning, info.State)
		require.Equal(t, info, decoded[controlapi.TaskDetail](t, w.request("GET", "/v1/tasks/web", ""), 200).Task)
		why := decoded[scheduler.Explanation](t, w.request("GET", "/v1/tasks/web/explain", ""), 200)
		require.Equal(t, task.StateRunning, why.Task.State)

		require.Equal(t, scheduler.CodeTaskActive, problem(t, w.request("DELETE", "/v1/tasks/web", ""), 409).Code)
		info = decoded[task.Info](t, w.request("POST", "/v1/tasks/web/kill", ""), 200)
		require.Equal(t, task.StateKilled, info.State)
		require.Equal(t, 204, w.request("DELETE", "/v1/tasks/web", "").status)
		require.Equal(t, scheduler.CodeUnknownTask, problem(t, w.request("GET", "/v1/tasks/web", ""), 404).Code)
	})
}

func TestStatus(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		sleep(time.Second)
		decoded[task.Info](t, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))), 201)
		o := decoded[controlapi.Overview](t, w.request("GET", "/v1/status", ""), 200)
		require.Equal(t, "shop", o.Framework)
		require.True(t, o.Connection.Connected)
		require.Equal(t, map[string]int{"running": 1}, o.Tasks)
		require.Equal(t, 200, w.request("GET", "/healthz", "").status)
		require.Equal(t, 200, w.request("GET", "/readyz", "").status)
		agents := decoded[[]scheduler.AgentStats](t, w.request("GET", "/v1/agents", ""), 200)
		require.Len(t, agents, 1)
		require.Equal(t, 1, agents[0].Tasks)
		require.Equal(t, 204, w.request("POST", "/v1/reconcile", "").status)
	})
}

func TestServeEndsWithItsContext(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		decoded[task.Info](t, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))), 201)
		answers := make(chan answer, 1)
		go func() { answers <- w.request("GET", "/v1/tasks/web/wait?until=ended", "", "Request-Timeout: 600") }()
		sleep(time.Minute)
		began := time.Now()
		w.stop()
		require.ErrorIs(t, <-w.served, context.Canceled)
		require.Less(t, time.Since(began), time.Second)
		require.Equal(t, scheduler.CodeNotRunning, problem(t, <-answers, 503).Code)
	})
}
