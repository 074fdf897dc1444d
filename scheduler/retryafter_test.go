package scheduler

import (
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// How long a master asks to wait is known where the error of the answer is.
func TestRetryAfterReachesTheMachine(t *testing.T) {
	status := &mesoshttp.StatusError{Status: 503, RetryAfter: 7 * time.Second}
	_, call := callOutcome(&scheduler.Call{Type: scheduler.Call_KILL}, status)
	for _, err := range []error{call, unreached(newLeader, status)} {
		var answer *CallError
		require.ErrorAs(t, err, &answer)
		require.Equal(t, 7*time.Second, answer.retryAfter)
	}
}
