package mastertext_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
)

// The first texts are those of the recordings of a real Mesos, which say in a few words how a task ended.
func TestExitStatus(t *testing.T) {
	for message, want := range map[string]int{
		"Command exited with status 0":                                    0,
		"Command exited with status 1":                                    1,
		"Command exited with status 127":                                  127,
		"Command terminated with signal Terminated":                       143,
		"Command terminated with signal Killed":                           137,
		"Command terminated with signal Segmentation fault":               139,
		"Command terminated with signal Segmentation fault (core dumped)": 139,
		"Command terminated with signal Aborted":                          134,
		"Command terminated with signal Bad system call":                  159,
		"Container exited with status 0":                                  0,
		"Container exited with status 125":                                125,
		"Container exited with status 255":                                255,
		"Container terminated with signal Killed":                         137,
	} {
		status, known := mastertext.ExitStatus(message)
		require.True(t, known, message)
		require.Equal(t, want, status, message)
	}
	for _, message := range []string{
		"",
		"Executor terminated",
		"Killed before delivery to the executor",
		"health check timed out",
		"Abnormal executor termination: unknown container",
		"Failed to launch container: Failed to fetch all URIs for container 'f2a0': exited with status 1", // the fetcher did
		"Reconciliation: Latest task state",
		"Command exited with status 256",
		"Command exited with status -1",
		"Command exited with status +1",
		"Command exited with status",
		"Command exited with status 1, as the executor of somebody says",
		"Command terminated with signal ",
		"Command terminated with signal Unknown signal 77",
		"command exited with status 1",
	} {
		_, known := mastertext.ExitStatus(message)
		require.False(t, known, message)
	}
}
