package mesosengine

import (
	"errors"
	"fmt"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// This file has every text of Mesos that the engine reads: there are no codes for what they say. A text that it does not know is a
// container that did not start.

// Exit statuses, as shells and Docker have them.
const (
	statusDockerRun = 125 // docker run itself failed, not the program in the container
	statusKilled    = 137 // SIGKILL
)

// isImageText reports whether an agent says that it could not get an image.
func isImageText(message string) bool {
	if _, command, found := strings.Cut(message, "Failed to run 'docker "); found { // the Docker containerizer
		command, _, _ = strings.Cut(command, "'")
		return dockerCommand(strings.Fields(command)) == "pull"
	}
	for _, text := range []string{ // the Mesos containerizer
		"when trying to get the manifest", "when trying to download the blob", "Failed to parse the image manifest",
		"Failed to pull image", "Failed to get the image manifest",
	} {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

// dockerCommand returns the first word that is neither an option nor its value, as in "-H unix:///var/run/docker.sock pull image".
func dockerCommand(words []string) string {
	for i, word := range words {
		option := strings.HasPrefix(word, "-")
		if value := i > 0 && strings.HasPrefix(words[i-1], "-"); !option && !value {
			return word
		}
	}
	return ""
}

// isAgentText reports whether an agent says that it cannot run such containers, or could not get what the operator has it fetch for
// them: it is not the fault of the image.
func isAgentText(message string) bool {
	for _, text := range []string{"Unsupported container image type", "unknown container", "Failed to fetch all URIs"} {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

// startFailed returns the error of Create for one of the scheduler.
func startFailed(err error) error {
	var (
		capacity *scheduler.CapacityError
		wait     *scheduler.WaitError
		ended    *scheduler.TaskError
		field    *task.FieldError
	)
	kind := invoker.ErrUnavailable
	switch {
	case errors.As(err, &capacity):
		kind = invoker.ErrNoCapacity
	case errors.As(err, &ended):
		if kind = endOf(&ended.Task); kind == nil {
			kind = invoker.ErrStart
		}
	case errors.As(err, &wait):
		if x := &wait.Explanation; x.Task.State == task.StatePending && x.Subscribed && x.StoreErr == nil {
			kind = invoker.ErrNoCapacity
		}
	case errors.As(err, &field):
		kind = invoker.ErrStart
	case errors.Is(err, scheduler.ErrDuplicateTask): // nothing was tried
		return fmt.Errorf("mesosengine: %w", err)
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// endOf returns why Mesos has ended a task: nil if it ended by itself, or was killed.
func endOf(t *task.Info) error {
	message := t.Status.GetMessage()
	failed := t.State == task.StateFailed
	switch {
	case failed && isOutOfMemory(t):
		return invoker.ErrMemory
	case failed && isImageText(message):
		return invoker.ErrImage
	case failed && isAgentText(message):
		return invoker.ErrUnavailable
	case failed && (t.Status.GetReason() == mesos.REASON_CONTAINER_LAUNCH_FAILED && t.Status.Reason != nil || isDockerRun(t)):
		return invoker.ErrStart
	case t.State == task.StateError:
		return invoker.ErrStart
	case (&scheduler.TaskError{Task: *t}).Retryable(): // it ended because of where it ran
		return invoker.ErrUnavailable
	}
	return nil
}

// isOutOfMemory reports whether a task that has failed has used too much memory. With Docker nobody says so: what kills a
// container that nobody has asked to kill is the kernel.
func isOutOfMemory(t *task.Info) bool {
	return t.Status != nil && t.Status.Reason != nil && *t.Status.Reason == mesos.REASON_CONTAINER_LIMITATION_MEMORY ||
		inDocker(t) && t.ExitStatus != nil && *t.ExitStatus == statusKilled
}

func isDockerRun(t *task.Info) bool {
	return t.State == task.StateFailed && inDocker(t) && t.ExitStatus != nil && *t.ExitStatus == statusDockerRun
}

func inDocker(t *task.Info) bool {
	return t.Spec.Container != nil && t.Spec.Container.RunBy() == task.ContainerizerDocker
}

// dockerRunFailed reports whether an error says that docker run failed.
func dockerRunFailed(err error) bool {
	var ended *scheduler.TaskError
	return errors.As(err, &ended) && isDockerRun(&ended.Task)
}
