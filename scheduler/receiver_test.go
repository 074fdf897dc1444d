package scheduler

import (
	"context"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// groups returns how many events the loop gets at once, one after the other, of a stream that sends all of them at once, and the uuids
// of the updates in the order in which they come.
func groups(t *testing.T, events []*scheduler.Event, prepare func(*edges)) (sizes []int, uuids []byte) {
	receivingEach(t, events, len(events), func(t *testing.T, e *edges, inputs <-chan []input, receive func(context.Context) error) {
		prepare(e)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errNewLeader)
		defer cancel()
		go func() {
			for {
				select {
				case ins := <-inputs:
					sizes = append(sizes, len(ins))
					for _, in := range ins {
						if uuid := in.(streamEvent).event.GetUpdate().GetStatus().UUID; len(uuid) > 0 {
							uuids = append(uuids, uuid[15])
						}
						e.inflow.give(in.(streamEvent).size)
					}
				case <-ctx.Done():
					return
				}
			}
		}()
		require.ErrorIs(t, receive(ctx), errNewLeader)
	})
	return sizes, uuids
}

// Events that arrive together go to the loop together, in their order, and not too many.
func TestEventsThatArriveTogether(t *testing.T) {
	events, want := []*scheduler.Event{subscribedEvent("fw")}, []byte(nil)
	for n := range 150 {
		events, want = append(events, statusUpdate("t", "S", mesos.TASK_RUNNING, n)), append(want, byte(n))
	}
	sizes, uuids := groups(t, events, func(*edges) {})
	require.Equal(t, want, uuids)
	require.Equal(t, []int{64, 64, 23}, sizes)
}

// None waits until a large one is decoded, and none for room that the loop makes only when it has got it.
func TestEventsThatDoNotWaitForOthers(t *testing.T) {
	small, large := updateOfSize(10), updateOfSize(1<<20)
	sizes, _ := groups(t, []*scheduler.Event{subscribedEvent("fw"), small, large, small, small, large}, func(*edges) {})
	require.Equal(t, []int{2, 1, 2, 1}, sizes, "those before a large one are passed on first, and so is that before the next has been received as a whole")
	half := updateOfSize(10 << 10)
	sizes, _ = groups(t, []*scheduler.Event{subscribedEvent("fw"), half, half, half}, func(e *edges) { e.inflow.bytes = inflowLimit - 15<<10 })
	require.Equal(t, []int{2, 1, 1}, sizes, "there is room for one of them at a time")
}
