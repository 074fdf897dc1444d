package controlapi_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The life of a task, at the leader and at a follower.
func TestClientOfAnyMember(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		for name, p := range map[string]*peer{"leader": f.leader(), "follower": f.follower()} {
			ctx, cancel := within(time.Minute)
			defer cancel()
			c := f.at(p)
			info, err := c.Launch(ctx, spec(name))
			require.NoError(t, err)
			require.Equal(t, task.StateRunning, info.State)
			require.NoError(t, c.Submit(ctx, spec(name+"-2")))
			info, err = c.Wait(ctx, name+"-2", scheduler.UntilRunning)
			require.NoError(t, err)
			require.Equal(t, name+"-2", info.Spec.ID)
			all, err := c.Tasks(ctx)
			require.NoError(t, err)
			require.NotEmpty(t, all)
			_, err = c.Kill(ctx, name)
			require.NoError(t, err)
			require.NoError(t, c.Forget(ctx, name))
			_, err = c.Task(ctx, name)
			require.ErrorIs(t, err, scheduler.ErrUnknownTask)
			status, err := c.Status(ctx)
			require.NoError(t, err)
			require.True(t, status.Connected)
			c.Close()
		}
	})
}
