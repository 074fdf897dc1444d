package httpapi

import (
	"bytes"
	"context"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// TestASnapshotComesInPlaceOfEventsThatWereMissed: of a client that is too slow, and of another run.
func TestASnapshotComesInPlaceOfEventsThatWereMissed(t *testing.T) {
	var out bytes.Buffer
	now := invoker.Snapshot{Epoch: 7, Seq: 10}
	s := &eventStream{to: &out, now: func(context.Context) (invoker.Snapshot, error) { return now, nil }}
	require.NoError(t, s.snapshot(now))
	take := func(epoch, seq uint64, kind invoker.EventKind) {
		require.NoError(t, s.take(t.Context(), invoker.Event{Epoch: epoch, Seq: seq, Kind: kind}))
	}
	take(7, 10, invoker.EventReady) // it is in the snapshot
	take(6, 99, invoker.EventGone)  // of an earlier run
	take(7, 11, invoker.EventBound)
	now.Seq = 5000
	take(7, 4000, invoker.EventLagged)
	take(7, 4001, invoker.EventReady) // it is in the second snapshot
	take(7, 5001, invoker.EventGone)
	now = invoker.Snapshot{Epoch: 8, Seq: 3}
	take(8, 1, invoker.EventCreated)
	take(8, 4, invoker.EventReady)
	seen := regexp.MustCompile(`(?m)^id: (.*)\nevent: (.*)$`).FindAllStringSubmatch(out.String(), -1)
	var got []string
	for _, m := range seen {
		got = append(got, m[1]+" "+m[2])
	}
	require.Equal(t, []string{"7-10 snapshot", "7-11 bound", "7-5000 snapshot", "7-5001 gone", "8-3 snapshot", "8-4 ready"}, got)
}
