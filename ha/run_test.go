package ha

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// What ends the term, what ends the election for this member, and what is neither.
func TestOutcomes(t *testing.T) {
	other := errors.New("the store cannot be read")
	for name, c := range map[string]struct {
		err   error
		stops bool
		logs  string
	}{
		"torn down":       {nil, false, "level=INFO msg=\"the framework was torn down\""},
		"fenced":          {&scheduler.FencedError{Err: other}, false, "level=WARN msg=\"the term is over\""},
		"evicted":         {scheduler.ErrEvicted, false, "level=WARN"},
		"store":           {fmt.Errorf("load: %w", other), false, "level=WARN"},
		"panic":           {&scheduler.PanicError{Who: "the store"}, false, "level=WARN"},
		"removed":         {&scheduler.FrameworkRemovedError{FrameworkID: "f"}, true, "level=ERROR"},
		"refused":         {&scheduler.SubscribeError{Status: 401}, true, "level=ERROR"},
		"record":          {&scheduler.RecordError{Key: "task/a", Err: other}, true, "level=ERROR"},
		"fingerprint":     {&scheduler.FingerprintError{Field: "name"}, true, "level=ERROR"},
		"runs already":    {scheduler.ErrRunning, true, "level=ERROR"},
		"fenced, removed": {errors.Join(&scheduler.FencedError{Err: other}, &scheduler.FrameworkRemovedError{}), false, "level=WARN"},
	} {
		var log bytes.Buffer
		r := runner{log: slog.New(slog.NewTextHandler(&log, nil)), lead: func(_ context.Context, term scheduler.Term) error {
			require.EqualValues(t, 7, term.Number)
			return c.err
		}}
		err := r.term(t.Context(), scheduler.Term{Number: 7})
		var stop *StopError
		require.Equal(t, c.stops, errors.As(err, &stop), name)
		require.ErrorIs(t, err, c.err, name)
		require.Contains(t, log.String(), "msg=\"this member leads\" term=7", name)
		require.Contains(t, log.String(), c.logs, name)
	}
}

// Whatever Lead returns when its context has ended: the term is over, and nothing else is known.
func TestOutcomeAfterContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := runner{log: slog.New(slog.DiscardHandler), lead: func(context.Context, scheduler.Term) error {
		cancel()
		return &scheduler.FrameworkRemovedError{FrameworkID: "f"}
	}}
	err := r.term(ctx, scheduler.Term{})
	var stop *StopError
	require.Error(t, err)
	require.False(t, errors.As(err, &stop))
}

// The third eviction within ten minutes of a member that led stops it. Those of a member that did not lead do not count.
func TestForeignScheduler(t *testing.T) {
	leads, lost := func(context.Context) error { return nil }, errors.New("another member leads")
	loses := func(context.Context) error { return lost }
	hangs := func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	type eviction struct {
		at      time.Duration
		confirm func(context.Context) error
	}
	for name, c := range map[string]struct {
		evictions []eviction
		within    time.Duration // 0: it goes on
	}{
		"three":           {[]eviction{{0, leads}, {time.Minute, leads}, {10*time.Minute - 1, leads}}, 10*time.Minute - 1},
		"no election":     {[]eviction{{0, nil}, {time.Minute, nil}, {2 * time.Minute, nil}}, 2 * time.Minute},
		"two":             {[]eviction{{0, leads}, {time.Minute, leads}}, 0},
		"seldom":          {[]eviction{{0, leads}, {time.Minute, leads}, {10 * time.Minute, leads}}, 0},
		"seldom at first": {[]eviction{{0, leads}, {9 * time.Minute, leads}, {15 * time.Minute, leads}, {18 * time.Minute, leads}}, 9 * time.Minute},
		"did not lead":    {[]eviction{{0, leads}, {1, loses}, {2, loses}, {3, loses}, {time.Minute, leads}}, 0},
		"nobody knows":    {[]eviction{{0, hangs}, {time.Minute, hangs}, {2 * time.Minute, hangs}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				r := runner{log: slog.New(slog.NewTextHandler(&log, nil))}
				r.lead = func(context.Context, scheduler.Term) error { return scheduler.ErrEvicted }
				began := time.Now()
				for i, e := range c.evictions {
					time.Sleep(time.Until(began.Add(e.at)))
					log.Reset()
					err := r.term(t.Context(), scheduler.Term{Number: uint64(i + 1), Confirm: e.confirm})
					require.ErrorIs(t, err, scheduler.ErrEvicted)
					var stop *StopError
					require.Equal(t, c.within > 0 && i == len(c.evictions)-1, errors.As(err, &stop), "%d: %v", i, err)
					var foreign *ForeignSchedulerError
					if errors.As(err, &foreign) {
						require.Equal(t, c.within, foreign.Within)
						require.Equal(t, 3, foreign.Evictions)
						require.Contains(t, log.String(), "level=ERROR")
						require.Contains(t, log.String(), "a scheduler outside the election uses this framework's ID")
					}
				}
			})
		})
	}
}

// A member can show over HTTP what it knows of the election.
func TestStatusAsJSON(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := Status{Self: "b", Leader: "a", Term: 7, Since: since, Reason: "elected", Members: []Member{{ID: "a", API: "h:80", Alive: true, Voter: true, Since: since}, {ID: "b"}}}
	encoded, err := json.Marshal(want)
	require.NoError(t, err)
	require.JSONEq(t, `{"self":"b","leader":"a","term":7,"since":"2026-01-02T03:04:05Z","reason":"elected","members":[
		{"id":"a","api":"h:80","alive":true,"voter":true,"since":"2026-01-02T03:04:05Z"},{"id":"b","alive":false,"voter":false}]}`, string(encoded))
	var got Status
	require.NoError(t, json.Unmarshal(encoded, &got))
	require.Equal(t, want, got)
}
