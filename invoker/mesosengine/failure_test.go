package mesosengine

import (
	"context"
	"errors"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// ended returns a task that Mesos has ended.
func ended(container *task.Container, state task.State, reason mesos.TaskStatus_Reason, message string) task.Info {
	of, _ := state.Mesos()
	i := task.Info{Spec: task.Spec{Container: container}, State: state, Status: &mesos.TaskStatus{State: &of, Message: &message}}
	if reason >= 0 {
		i.Status.Reason = &reason
	}
	return i
}

func withExit(i task.Info, status int) task.Info {
	i.ExitStatus = &status
	return i
}

const none = mesos.TaskStatus_Reason(-1)

// What the ends of tasks mean, of one that was to start and of one that ran. The texts are those of Mesos.
func TestEnds(t *testing.T) {
	docker, ucr := &task.Container{Image: "a"}, &task.Container{Containerizer: task.ContainerizerMesos, Image: "a"}
	launch := mesos.REASON_CONTAINER_LAUNCH_FAILED
	for what, c := range map[string]struct {
		info task.Info
		want error // of a running one; nil: it ended by itself, which of one that was to start is ErrStart
	}{
		"pull by Docker":          {ended(docker, task.StateFailed, launch, "Failed to launch container: Failed to run 'docker -H unix:///var/run/docker.sock pull nosuch:1': exited with status 1; stderr='Error response from daemon: manifest for nosuch:1 not found'"), invoker.ErrImage},
		"another docker command":  {ended(docker, task.StateFailed, launch, "Failed to launch container: Failed to run 'docker -H unix:///var/run/docker.sock inspect pull': exited with status 1; stderr='pull '"), invoker.ErrStart},
		"create by Docker":        {ended(docker, task.StateFailed, launch, "Failed to launch container: Failed to run 'docker -H unix:///var/run/docker.sock create x': exited with status 1; stderr='cannot pull that'"), invoker.ErrStart},
		"manifest for UCR":        {ended(ucr, task.StateFailed, launch, "Failed to launch container: Unexpected HTTP response '404 Not Found' when trying to get the manifest"), invoker.ErrImage},
		"no image provider":       {ended(ucr, task.StateFailed, launch, "Failed to launch container: Unsupported container image type: DOCKER"), invoker.ErrUnavailable},
		"no Docker":               {ended(docker, task.StateFailed, mesos.REASON_EXECUTOR_TERMINATED, "Abnormal executor termination: unknown container"), invoker.ErrUnavailable},
		"a URI of the operator":   {ended(nil, task.StateFailed, launch, "Failed to launch container: Failed to fetch all URIs for container 'x': exited with status 1"), invoker.ErrUnavailable},
		"another launch failure":  {ended(ucr, task.StateFailed, launch, "Failed to launch container: no"), invoker.ErrStart},
		"docker run":              {withExit(ended(docker, task.StateFailed, none, "Container exited with status 125"), 125), invoker.ErrStart},
		"125 of a command":        {withExit(ended(nil, task.StateFailed, none, "Command exited with status 125"), 125), nil},
		"limit of memory":         {ended(ucr, task.StateFailed, mesos.REASON_CONTAINER_LIMITATION_MEMORY, "Memory limit exceeded"), invoker.ErrMemory},
		"SIGKILL with Docker":     {withExit(ended(docker, task.StateFailed, none, "Container exited with status 137"), 137), invoker.ErrMemory},
		"SIGKILL of a command":    {withExit(ended(nil, task.StateFailed, none, "Command terminated with signal Killed"), 137), nil},
		"exit":                    {withExit(ended(docker, task.StateFailed, none, "Container exited with status 1"), 1), nil},
		"success":                 {withExit(ended(docker, task.StateFinished, none, "Container exited with status 0"), 0), nil},
		"kill":                    {ended(docker, task.StateKilled, none, "Container killed"), nil},
		"drain":                   {ended(docker, task.StateKilled, mesos.REASON_AGENT_DRAINING, ""), invoker.ErrUnavailable},
		"refused by the master":   {ended(docker, task.StateError, mesos.REASON_TASK_INVALID, "Task uses no resources"), invoker.ErrStart},
		"lost":                    {ended(docker, task.StateLost, mesos.REASON_AGENT_REMOVED, ""), invoker.ErrUnavailable},
		"dropped":                 {ended(docker, task.StateDropped, mesos.REASON_INVALID_OFFERS, ""), invoker.ErrUnavailable},
		"gone":                    {ended(docker, task.StateGone, mesos.REASON_RECONCILIATION, ""), invoker.ErrUnavailable},
		"gone by operator":        {ended(docker, task.StateGoneByOperator, mesos.REASON_AGENT_REMOVED_BY_OPERATOR, ""), invoker.ErrUnavailable},
		"executor died":           {ended(docker, task.StateFailed, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminated"), invoker.ErrUnavailable},
		"a record without status": {task.Info{State: task.StateFailed}, nil},
	} {
		require.Equal(t, c.want, endOf(&c.info), what)
		want := c.want
		if want == nil {
			want = invoker.ErrStart
		}
		err := startFailed(&scheduler.TaskError{Task: c.info})
		require.ErrorIs(t, err, want, what)
		require.NotErrorIs(t, err, another(want), what)
	}
}

// another returns one of the errors that is not that one.
func another(err error) error {
	if errors.Is(err, invoker.ErrStart) {
		return invoker.ErrUnavailable
	}
	return invoker.ErrStart
}

func TestOtherFailures(t *testing.T) {
	pending := scheduler.Explanation{Task: task.Info{State: task.StatePending}, Subscribed: true}
	unsubscribed, launched, unstored := pending, pending, pending
	unsubscribed.Subscribed = false
	launched.Task.State = task.StateStaging
	unstored.StoreErr = errors.New("disk full")
	waited := func(x scheduler.Explanation) error {
		return &scheduler.WaitError{Err: context.DeadlineExceeded, Explanation: x}
	}
	for what, c := range map[string]struct{ err, want error }{
		"no place":       {&scheduler.TaskError{Task: task.Info{State: task.StateFailed}, Err: &scheduler.CapacityError{}}, invoker.ErrNoCapacity},
		"no offer":       {waited(pending), invoker.ErrNoCapacity},
		"no master":      {waited(unsubscribed), invoker.ErrUnavailable},
		"no store":       {waited(unstored), invoker.ErrUnavailable},
		"slow agent":     {waited(launched), invoker.ErrUnavailable},
		"no run":         {scheduler.ErrNotRunning, invoker.ErrUnavailable},
		"ended context":  {context.Canceled, invoker.ErrUnavailable},
		"invalid spec":   {&task.FieldError{Field: "Container.Image"}, invoker.ErrStart},
		"ID used before": {scheduler.ErrDuplicateTask, scheduler.ErrDuplicateTask},
	} {
		err := startFailed(c.err)
		require.ErrorIs(t, err, c.want, what)
		require.Equal(t, errors.Is(c.want, scheduler.ErrDuplicateTask), !errors.Is(err, invoker.ErrUnavailable) && !errors.Is(err, invoker.ErrNoCapacity) && !errors.Is(err, invoker.ErrStart), what)
	}
}
