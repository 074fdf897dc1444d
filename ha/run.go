package ha

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/internal/logkey"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

const (
	// evictionsWithin and evictionsMax: so many evictions within so long, of a scheduler that did lead, are the work of
	// one that takes no part in the election. A single one may come from a member that was paused between its proof of
	// leadership and its SUBSCRIBE, and ends with that member's next proof.
	evictionsWithin = 10 * time.Minute
	evictionsMax    = 3
	// confirmTimeout limits the question whether this member leads after it was evicted.
	confirmTimeout = 5 * time.Second
	// followPause is the pause between two looks at what has changed in a Replica: meanwhile changes of the same record
	// become one, so that followers decode less. It is also the pause before one is followed again that ended by itself.
	followPause = time.Second
)

// Run takes part in an election and runs s in each term that this member leads, until ctx ends, the framework is torn
// down, or another term would fail in the same way. It returns nil after [scheduler.Scheduler.Teardown], a
// [*ForeignSchedulerError], the scheduler's error if another term cannot help (such as a
// [*scheduler.FrameworkRemovedError], [*scheduler.SubscribeError], [*scheduler.RecordError] or
// [*scheduler.FingerprintError]), and otherwise what e's Run returns.
//
// Everything else only ends the term: that another member leads, that the store cannot be read, that the scheduler was
// evicted, that it has not reached a master for two minutes while other members are alive. The member then hands over,
// and takes part again later. Run never tears the framework down: the tasks keep running. While this member does not
// lead, the records of a [Replica] are decoded in advance.
//
// In each term the functions in beside run beside the scheduler, such as the Lead of package invoker. Their context ends with
// the term. One that returns an error ends the term for this member, with that error; one that returns nil has finished. The
// term is over when all have returned. They may use the term's store, with keys that do not begin as those of the scheduler do.
func Run(ctx context.Context, e Elector, s *scheduler.Scheduler, beside ...func(ctx context.Context, t scheduler.Term) error) error {
	defer logguard.Flush(ctx, s.Logger())
	p := patience{events: s.Watch, others: func() bool { return othersLive(e.Status()) }}
	r := runner{log: s.Logger(), lead: func(ctx context.Context, t scheduler.Term) error {
		ctx, end := context.WithCancelCause(ctx)
		wait := p.watch(ctx, end)
		defer wait()
		defer end(nil)
		return together(ctx, t, s.Lead, beside)
	}}
	replica, able := e.(Replica)
	if !able {
		return e.Run(ctx, r.term)
	}
	follow := func(ctx context.Context) { s.Preload(ctx, paced(ctx, replica.Follow(ctx))) }
	stop := keep(ctx, follow)
	defer func() { stop() }()
	return e.Run(ctx, func(term context.Context, t scheduler.Term) error {
		stop()
		defer func() { stop = keep(ctx, follow) }()
		return r.term(term, t)
	})
}

// together runs lead and beside until lead has returned, or one of beside with an error, and then waits for the others. It
// returns the first error, or nil if lead returned that first.
func together(ctx context.Context, t scheduler.Term, lead func(context.Context, scheduler.Term) error, beside []func(context.Context, scheduler.Term) error) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var (
		running sync.WaitGroup
		once    sync.Once
		first   error
	)
	over := func(err error) {
		once.Do(func() { first = err })
		end()
	}
	for _, f := range beside {
		running.Go(func() {
			if err := f(ctx, t); err != nil {
				over(err)
			}
		})
	}
	over(lead(ctx, t))
	running.Wait()
	return first
}

// paced returns changes with a pause after each.
func paced(ctx context.Context, changes iter.Seq[map[string][]byte]) iter.Seq[map[string][]byte] {
	return func(yield func(map[string][]byte) bool) {
		for c := range changes {
			if !yield(c) {
				return
			}
			select {
			case <-time.After(followPause):
			case <-ctx.Done():
				return
			}
		}
	}
}

// keep calls follow on another goroutine, again after a pause when it has returned, until ctx ends or the function that it
// returns is called, which waits for that.
func keep(ctx context.Context, follow func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() {
		for ctx.Err() == nil {
			follow(ctx)
			select {
			case <-time.After(followPause):
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		following.Wait()
	}
}

// runner runs a scheduler in one term after the other. An elector calls it for one term at a time.
type runner struct {
	lead      func(context.Context, scheduler.Term) error
	log       *slog.Logger
	evictions []time.Time // the last ones, of a scheduler that did lead
}

// term runs the scheduler for one term, and returns what the elector makes of its end.
func (r *runner) term(ctx context.Context, t scheduler.Term) error {
	began := time.Now()
	r.log.InfoContext(ctx, "this member leads", logkey.Term, t.Number)
	err := r.outcome(ctx, t, r.lead(ctx, t))
	var stop *StopError
	switch lasted := time.Since(began); {
	case err == nil:
		r.log.InfoContext(ctx, "the framework was torn down", logkey.Term, t.Number, "lasted", lasted)
	case errors.As(err, &stop):
		r.log.ErrorContext(ctx, "this member will not lead again", logkey.Term, t.Number, "lasted", lasted, "error", stop.Err)
	default:
		r.log.WarnContext(ctx, "the term is over", logkey.Term, t.Number, "lasted", lasted, "error", err)
	}
	return err
}

// outcome turns what Lead returned into what an elector understands: nil and a StopError end the election for this
// member, any other error ends the term.
func (r *runner) outcome(ctx context.Context, t scheduler.Term, err error) error {
	var fenced *scheduler.FencedError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, errors.As(err, &fenced):
		return err // another member leads, or may; what else went wrong is for that one to find out
	case errors.Is(err, scheduler.ErrEvicted):
		return r.evicted(ctx, t, err)
	case lasting(err):
		return &StopError{Err: err}
	}
	return err
}

// lasting reports whether the next term of this member would end with the same error, until somebody mends its cause.
func lasting(err error) bool {
	var (
		removed     *scheduler.FrameworkRemovedError
		refused     *scheduler.SubscribeError
		record      *scheduler.RecordError
		fingerprint *scheduler.FingerprintError
	)
	return errors.As(err, &removed) || errors.As(err, &refused) || errors.As(err, &record) || errors.As(err, &fingerprint) ||
		errors.Is(err, scheduler.ErrRunning)
}

// evicted decides whether another member has evicted the scheduler, or one that takes no part in the election.
func (r *runner) evicted(ctx context.Context, t scheduler.Term, err error) error {
	if t.Confirm != nil {
		confirming, cancel := context.WithTimeout(ctx, confirmTimeout)
		defer cancel()
		if lost := t.Confirm(confirming); lost != nil {
			return fmt.Errorf("%w; leadership is not confirmed: %w", err, lost)
		}
	}
	now := time.Now()
	r.evictions = append(r.evictions, now)
	r.evictions = r.evictions[max(0, len(r.evictions)-evictionsMax):]
	if first := r.evictions[0]; len(r.evictions) == evictionsMax && now.Sub(first) < evictionsWithin {
		return &StopError{Err: &ForeignSchedulerError{Evictions: evictionsMax, Within: now.Sub(first), Err: err}}
	}
	return err
}
