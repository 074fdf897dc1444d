package scheduler

import (
	"context"
	"errors"
	"fmt"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

const (
	// maxTogether is how many events the loop gets at once. Most come in bursts, and to pass on each by itself, with a change of
	// goroutines, takes longer than to decode it. More would gain nothing, and the first would wait for the last.
	maxTogether = 64
	// maxJoining is how much memory an event takes that those before it wait for. A status update takes 1 KiB, and is decoded in some
	// microseconds.
	maxJoining = 16 << 10
)

// receiver passes on the events of a stream. Those that have arrived together go to the loop together.
type receiver struct {
	edges  *edges
	stream int // its number
	from   *mesoshttp.Stream

	subscribed bool    // SUBSCRIBED was among the events
	together   []input // what has arrived, and is not passed on yet
}

// run passes on events until the stream ends, and returns why it has ended.
func (r *receiver) run(ctx context.Context) error {
	for {
		if len(r.together) > 0 && (len(r.together) == maxTogether || !r.from.Ready()) && !r.pass(ctx) {
			return context.Cause(ctx)
		}
		memory := r.from.Await()
		if !r.take(ctx, memory) {
			return context.Cause(ctx)
		}
		if err := r.next(ctx, memory); err != nil {
			r.pass(ctx)
			return err
		}
	}
}

// take takes room for the next event. Those before it are passed on first if it is large, or has to wait for room, which only the loop
// can make.
func (r *receiver) take(ctx context.Context, memory int) bool {
	of := &r.edges.inflow
	if len(r.together) > 0 {
		if memory <= maxJoining && of.tryTake(memory) == nil {
			return true
		}
		if !r.pass(ctx) {
			return false
		}
	}
	return of.take(ctx, memory)
}

// next decodes the next event, for which there is room. It returns why the stream has ended.
func (r *receiver) next(ctx context.Context, memory int) error {
	event, err := r.from.Next()
	if err == nil && event.GetType() == scheduler.Event_SUBSCRIBED {
		r.subscribed = true
		// Leadership may have been lost between the first proof and the moment when the master accepted SUBSCRIBE.
		if err := r.edges.prover.confirm(ctx); err != nil {
			r.edges.inflow.give(memory)
			return err
		}
	}
	if err == nil {
		r.together = append(r.together, streamEvent{stream: r.stream, event: event, size: memory}) // the loop gives back what was taken
		return nil
	}
	r.edges.inflow.give(memory)
	garbled := (*mesoshttp.DecodeError)(nil)
	switch is := errors.As(err, &garbled) && ctx.Err() == nil; { // why a stream was ended may be a skipped event as well
	case is && !r.subscribed: // SUBSCRIBED comes first, so that was it
		return fmt.Errorf("scheduler: the answer to SUBSCRIBE is of no use: %w", err)
	case is:
		r.together = append(r.together, streamGarbled{stream: r.stream, err: printable.Error(err)})
		return nil
	}
	return fmt.Errorf("scheduler: the stream ended: %w", err)
}

// pass passes on what has arrived. It returns false, and gives back what was taken for it, if the stream or the run has ended.
func (r *receiver) pass(ctx context.Context) bool {
	all := r.together
	r.together = nil
	if len(all) == 0 || r.edges.put(ctx, all...) {
		return true
	}
	for _, in := range all {
		if e, is := in.(streamEvent); is {
			r.edges.inflow.give(e.size)
		}
	}
	return false
}
