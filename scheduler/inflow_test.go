package scheduler

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// Events of 20, 12, 1 and 100 MiB arrive at once, and each is worked on for a second: the first two fit, the third waits for
// the first, and the largest until no other is left.
func TestInflowWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f inflow
		began := time.Now()
		var taken []time.Duration
		waiting := make(chan int, 4)
		go func() {
			for _, size := range []int{20 << 20, 12 << 20, 1 << 20, 100 << 20, 1} {
				require.True(t, f.take(t.Context(), size))
				taken = append(taken, time.Since(began))
				waiting <- size
			}
			close(waiting)
		}()
		for size := range waiting {
			time.Sleep(time.Second)
			f.give(size)
		}
		require.Equal(t, []time.Duration{0, 0, time.Second, 3 * time.Second, 4 * time.Second}, taken)
		require.Zero(t, f.bytes)
	})
}

// Who waits for room waits no longer than its context, and takes none.
func TestInflowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f inflow
		require.True(t, f.take(t.Context(), 40<<20))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		require.False(t, f.take(ctx, 1))
		require.Equal(t, time.Minute, time.Since(began))
		require.False(t, f.take(ctx, 1), "it has ended")
		require.Equal(t, 40<<20, f.bytes)
	})
}

// The reader of an old stream and that of the next one both wait. None is forgotten, and together they take no more than one
// alone may.
func TestInflowOfTwoStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f inflow
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() {
				for range 100 {
					require.True(t, f.take(t.Context(), 20<<20))
					time.Sleep(time.Second)
					f.mu.Lock()
					require.LessOrEqual(t, f.bytes, inflowLimit)
					f.mu.Unlock()
					f.give(20 << 20)
				}
			})
		}
		readers.Wait()
		require.Zero(t, f.bytes)
	})
}

// receiving runs a receiver of a stream of SUBSCRIBED and three updates with a message of 20 MiB, of a run whose loop does
// nothing.
func receiving(t *testing.T, use func(t *testing.T, e *edges, inputs <-chan []input, receive func(context.Context) error)) {
	large := updateOfSize(20 << 20)
	receivingEach(t, []*scheduler.Event{subscribedEvent("fw"), large, large, large}, 1, use)
}

// updateOfSize returns an update with a message of that size.
func updateOfSize(size int) *scheduler.Event {
	event, message := statusUpdate("t", "S", mesos.TASK_RUNNING, 1), string(make([]byte, size))
	event.Update.Status.Message = &message
	return event
}

// receivingEach does the same with other events, so many of which are sent at once.
func receivingEach(t *testing.T, events []*scheduler.Event, atOnce int, use func(t *testing.T, e *edges, inputs <-chan []input, receive func(context.Context) error)) {
	synctest.Test(t, func(t *testing.T) {
		network := &virtualnet.Network{}
		listener, err := network.Listen("master:5050")
		require.NoError(t, err)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			w.Header().Set("Mesos-Stream-Id", "s")
			var sent bytes.Buffer
			frames := recordio.NewWriter(&sent)
			for n, event := range events {
				frame, _ := event.Marshal()
				_ = frames.WriteFrame(frame)
				if (n+1)%atOnce == 0 || n+1 == len(events) {
					_, _ = sent.WriteTo(w)
					_ = http.NewResponseController(w).Flush()
				}
			}
			<-r.Context().Done()
		})}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()
		client, err := mesoshttp.New(mesoshttp.Config{DialContext: network.DialContext})
		require.NoError(t, err)
		defer client.Close()
		inputs := make(chan []input)
		e := &edges{client: client, inputs: inputs}
		use(t, e, inputs, func(ctx context.Context) error {
			s, err := client.Subscribe(ctx, "http://master:5050", &scheduler.Call{Type: scheduler.Call_SUBSCRIBE}, nil)
			require.NoError(t, err)
			defer s.Close()
			synctest.Wait() // all is sent that may be sent
			r := receiver{edges: e, stream: 1, from: s}
			return r.run(ctx)
		})
	})
}

// A stream that ends gives back the room for the event that the loop has not taken, or room would become less and less.
func TestInflowOfAStreamThatEndsWhileTheLoopIsBusy(t *testing.T) {
	receiving(t, func(t *testing.T, e *edges, inputs <-chan []input, receive func(context.Context) error) {
		rounds := 10
		if testing.Short() {
			rounds = 2
		}
		for range rounds {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errNewLeader)
			go func() { <-inputs }() // SUBSCRIBED
			require.ErrorIs(t, receive(ctx), errNewLeader)
			require.LessOrEqual(t, e.inflow.bytes, 1000, "SUBSCRIBED, with which the loop is not done")
			e.inflow.bytes = 0
			cancel()
		}
	})
}

// While the loop works on an event of 20 MiB the next one is not decoded: the reader waits, until the stream ends.
func TestInflowOfAStreamThatEndsWhileItWaits(t *testing.T) {
	receiving(t, func(t *testing.T, e *edges, inputs <-chan []input, receive func(context.Context) error) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errNewLeader)
		defer cancel()
		var got []int
		go func() {
			for {
				select {
				case ins := <-inputs:
					got = append(got, ins[0].(streamEvent).size)
				case <-ctx.Done():
					return
				}
			}
		}()
		began := time.Now()
		require.ErrorIs(t, receive(ctx), errNewLeader)
		require.Equal(t, time.Minute, time.Since(began))
		synctest.Wait()
		require.Len(t, got, 2, "SUBSCRIBED and one update")
		require.Equal(t, got[0]+got[1], e.inflow.bytes)
		require.Greater(t, got[1], 20<<20)
	})
}

// Nor does an event of SUBSCRIBED keep room that is not passed on, since another process leads by then.
func TestInflowOfASubscriptionThatIsNotConfirmed(t *testing.T) {
	receiving(t, func(t *testing.T, e *edges, inputs <-chan []input, receive func(context.Context) error) {
		deposed := errors.New("deposed")
		e.prover = prover{func(context.Context) error { return deposed }, newTurn()}
		require.ErrorIs(t, receive(t.Context()), deposed)
		require.Zero(t, e.inflow.bytes)
	})
}
