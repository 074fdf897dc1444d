package ha

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// When a term ends that has no subscription. What happens to it is given in minutes: s is a subscription, l its loss, and
// f an attempt that failed; terms follow each other.
func TestUnsubscribedTerms(t *testing.T) {
	type change struct {
		at   int // minutes after the begin of its term
		what byte
	}
	for name, c := range map[string]struct {
		alone bool
		terms [][]change
		want  []time.Duration // of each term; one that goes on is left after 100 min
	}{
		"never subscribed":        {false, [][]change{nil}, []time.Duration{2 * time.Minute}},
		"attempts that fail":      {false, [][]change{{{1, 'f'}}}, []time.Duration{2 * time.Minute}},
		"subscribed":              {false, [][]change{{{1, 's'}}}, []time.Duration{100 * time.Minute}},
		"lost":                    {false, [][]change{{{1, 's'}, {10, 'l'}, {11, 'f'}}}, []time.Duration{12 * time.Minute}},
		"lost for a while":        {false, [][]change{{{1, 's'}, {10, 'l'}, {11, 's'}}}, []time.Duration{100 * time.Minute}},
		"alone":                   {true, [][]change{nil}, []time.Duration{100 * time.Minute}},
		"longer and longer":       {false, [][]change{nil, nil, nil, nil, nil, nil, nil}, minutes(2, 4, 8, 16, 32, 60, 60)},
		"longer until subscribed": {false, [][]change{nil, nil, {{1, 's'}, {10, 'l'}}, nil}, minutes(2, 4, 12, 4)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var changes []change
				p := patience{others: func() bool { return !c.alone }, events: func(ctx context.Context) iter.Seq[scheduler.Event] {
					began := time.Now()
					return func(yield func(scheduler.Event) bool) {
						for _, change := range changes {
							time.Sleep(time.Until(began.Add(time.Duration(change.at) * time.Minute)))
							if ctx.Err() != nil || !yield(scheduler.ConnectionEvent{Connected: change.what == 's'}) {
								return
							}
						}
						<-ctx.Done()
					}
				}}
				var lasted []time.Duration
				for _, changes = range c.terms {
					ctx, end := context.WithCancelCause(t.Context())
					left := time.AfterFunc(100*time.Minute, func() { end(nil) })
					began := time.Now()
					wait := p.watch(ctx, end)
					<-ctx.Done()
					lasted = append(lasted, time.Since(began))
					if left.Stop() {
						require.ErrorIs(t, context.Cause(ctx), errUnsubscribed)
					}
					wait()
				}
				require.Equal(t, c.want, lasted)
			})
		})
	}
}

func minutes(numbers ...int) (durations []time.Duration) {
	for _, n := range numbers {
		durations = append(durations, time.Duration(n)*time.Minute)
	}
	return durations
}
