package ha

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// What runs beside the scheduler ends with the term, and ends it with an error of its own.
func TestBeside(t *testing.T) {
	type lead = func(context.Context, scheduler.Term) error
	failure, evicted := errors.New("the containers cannot be listed"), scheduler.ErrEvicted
	after := func(d time.Duration, err error) lead {
		return func(ctx context.Context, t scheduler.Term) error {
			if t.Number != 7 {
				return errors.New("another term")
			}
			select {
			case <-time.After(d):
				return err
			case <-ctx.Done():
				time.Sleep(time.Second) // it takes a while to end
				return ctx.Err()
			}
		}
	}
	for name, c := range map[string]struct {
		lead   lead
		beside []lead
		err    error
		at     time.Duration
	}{
		"nothing runs beside":          {after(5*time.Second, evicted), nil, evicted, 5 * time.Second},
		"the scheduler ends first":     {after(5*time.Second, evicted), []lead{after(time.Hour, nil)}, evicted, 6 * time.Second},
		"teardown":                     {after(5*time.Second, nil), []lead{after(time.Hour, nil)}, nil, 6 * time.Second},
		"beside fails":                 {after(time.Hour, evicted), []lead{after(time.Hour, nil), after(3*time.Second, failure)}, failure, 4 * time.Second},
		"beside has finished":          {after(5*time.Second, evicted), []lead{after(time.Second, nil)}, evicted, 5 * time.Second},
		"beside fails before teardown": {after(5*time.Second, nil), []lead{after(4500*time.Millisecond, failure)}, failure, 5500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				require.Equal(t, c.err, together(t.Context(), scheduler.Term{Number: 7}, c.lead, c.beside))
				require.Equal(t, c.at, time.Since(began))
			})
		})
	}
}
