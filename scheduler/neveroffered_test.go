package scheduler_test

import (
	"context"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// neverOffered returns the events of this kind.
func (h *harness) neverOffered() (events []scheduler.NeverOfferedEvent) {
	h.connections() // waits for the watcher
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e, ok := e.(scheduler.NeverOfferedEvent); ok {
			events = append(events, e)
		}
	}
	return events
}

// The next process has other roles, and no GPUs. The pending tasks that only the last one could launch are told of, and
// those that it can launch run.
func TestRolesChangedBetweenRuns(t *testing.T) {
	store := &testStore{}
	fill := func(ctx context.Context, h *harness) {
		submit := func(id, role string, change func(*task.Spec)) {
			spec := sleeper(id)
			spec.Role, spec.CPUs = role, 0.1
			if change != nil {
				change(&spec)
			}
			require.NoError(h, h.sched.Submit(ctx, spec))
		}
		submit("web-1", "web", nil)
		submit("gpu", "", func(s *task.Spec) { s.GPUs = 1 })
		submit("web-2", "web", nil)
		submit("spare", "", func(s *task.Spec) { s.Revocable = true })
		submit("batch", "batch", nil)
		submit("any", "", nil)
		member := func(id string) task.Spec {
			s := sleeper(id)
			s.Pod, s.Role, s.CPUs = "p", "web", 0.1
			return s
		}
		require.NoError(h, h.sched.SubmitPod(ctx, member("p-1"), member("p-2")))
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
	}
	withHarness(t, mesostest.Config{}, scheduler.Config{Store: store, Framework: scheduler.Framework{
		Roles: []string{"web", "batch"}, GPUs: true, Revocable: true,
	}}, fill)
	config := scheduler.Config{Store: store, AdoptRecords: true, Framework: scheduler.Framework{Roles: []string{"batch", "shop"}}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		h.at(2 * time.Second)
		events := h.neverOffered()
		require.Len(h, events, 2)
		require.Equal(h, []string{"web-1", "web-2", "p-1", "p-2"}, events[0].Tasks)
		require.Equal(h, "4 tasks never offered what is needed (web-1, web-2, p-1, p-2): role web is not one of the framework's roles [batch shop]", events[0].String())
		require.Equal(h, []string{"gpu"}, events[1].Tasks)
		var field *task.FieldError
		require.ErrorAs(h, events[1].Err, &field)
		require.Equal(h, "GPUs", field.Field)
		require.Equal(h, task.StateRunning, h.state(ctx, "batch"))
		require.Equal(h, task.StateRunning, h.state(ctx, "any"))
		require.Equal(h, task.StateRunning, h.state(ctx, "spare")) // on what is not revocable
		for _, id := range []string{"web-1", "p-2"} {
			explained, err := h.sched.Explain(ctx, id)
			require.NoError(h, err)
			require.Contains(h, explained.String(), "role web is not one of the framework's roles [batch shop]")
			require.ErrorAs(h, explained.NeverOffered, &field)
			require.Equal(h, "Role", field.Field)
		}
		explained, err := h.sched.Explain(ctx, "any")
		require.NoError(h, err)
		require.NoError(h, explained.NeverOffered)
		spec := sleeper("web-3")
		spec.Role = "web"
		require.ErrorAs(h, h.sched.Submit(ctx, spec), &field) // refused already

		// With the role back, they run.
		require.NoError(h, h.sched.Call(ctx, updateRoles("batch", "web")))
		h.at(time.Minute)
		require.Equal(h, task.StateRunning, h.state(ctx, "web-1"))
		require.Equal(h, task.StateRunning, h.state(ctx, "p-2"))
		require.Len(h, h.neverOffered(), 2+1) // that of gpu again
	})
}

// updateRoles returns an UPDATE_FRAMEWORK to other roles.
func updateRoles(roles ...string) *calls.Call {
	checkpoint := true
	return &calls.Call{Type: calls.Call_UPDATE_FRAMEWORK, UpdateFramework: &calls.Call_UpdateFramework{FrameworkInfo: mesos.FrameworkInfo{
		Name: "test", User: "root", Roles: roles, Checkpoint: &checkpoint,
		Capabilities: []mesos.FrameworkInfo_Capability{
			{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
			{Type: mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT},
			{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
		},
	}}}
}

// A role is lost by UPDATE_FRAMEWORK while a task of it is pending, and while another runs whose agent then is lost for good.
func TestRoleLostByUpdateFramework(t *testing.T) {
	config := scheduler.Config{Framework: scheduler.Framework{User: "root", Roles: []string{"web", "batch"}}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		big := sleeper("big")
		big.Role, big.CPUs = "web", 1000
		require.NoError(h, h.sched.Submit(ctx, big))
		h.at(10 * time.Second)
		require.Empty(h, h.neverOffered())
		require.NoError(h, h.sched.Call(ctx, updateRoles("batch")))
		events := h.neverOffered()
		require.Len(h, events, 1)
		require.Equal(h, []string{"big"}, events[0].Tasks)
		explained, err := h.sched.Explain(ctx, "big")
		require.NoError(h, err)
		require.Contains(h, explained.String(), "role web is not one of the framework's roles [batch]")
	})
}

// What the call does not say of the failover timeout stays as it is: for Mesos it would be none at all.
func TestUpdateFrameworkKeepsFailoverTimeout(t *testing.T) {
	config := scheduler.Config{Framework: scheduler.Framework{User: "root", Roles: []string{"a"}, FailoverTimeout: time.Hour}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		require.NoError(h, h.sched.Call(ctx, updateRoles("b")))
		first := h.master.Snapshot().Frameworks[0].ID
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.at(time.Hour)
		require.Equal(h, first, h.master.Snapshot().Frameworks[0].ID)
		h.at(time.Hour + 2*time.Second)
		require.Empty(h, h.master.Snapshot().Frameworks)
	})
}
