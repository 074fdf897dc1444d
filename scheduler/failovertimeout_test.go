package scheduler_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// How long the framework and its tasks outlive the program depends on whether another program can go on with them.
func TestFailoverTimeout(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for name, c := range map[string]struct {
		configured time.Duration
		store      scheduler.Store
		term       scheduler.Term
		want       time.Duration
	}{
		"memory":                       {0, nil, scheduler.Term{}, time.Minute},
		"a store":                      {0, &testStore{}, scheduler.Term{}, week},
		"a store of the term":          {0, nil, scheduler.Term{Number: 1, Store: &testStore{}}, week},
		"memory, configured":           {time.Hour, nil, scheduler.Term{}, time.Hour},
		"a store, configured":          {time.Hour, &testStore{}, scheduler.Term{}, time.Hour},
		"a store, none":                {-1, &testStore{}, scheduler.Term{}, 0},
		"memory, none":                 {-1, nil, scheduler.Term{}, 0},
		"a store of the term, a while": {time.Second, nil, scheduler.Term{Number: 1, Store: &testStore{}}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Store: c.store, Framework: scheduler.Framework{FailoverTimeout: c.configured}}
			withIdleHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
				end := time.Duration(0)
				for n := range 2 { // also in the second run
					c.term.Number *= uint64(n + 1)
					h.lead(ctx, c.term)
					synctest.Wait()
					h.at(end + time.Second)
					require.Len(h, h.master.Snapshot().Frameworks, 1)
					h.stop()
					require.ErrorIs(h, h.end(), context.Canceled)
					end += time.Second
					if c.want == 0 {
						break
					}
				}
				if c.want > 0 {
					h.at(end + c.want - time.Nanosecond)
					require.Len(h, h.master.Snapshot().Frameworks, 1)
				}
				h.at(end + c.want)
				require.Empty(h, h.master.Snapshot().Frameworks)
			})
		})
	}
}
