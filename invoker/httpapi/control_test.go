package httpapi_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/httpapi"
)

const sessionA, sessionB = "session-a-0123456789", "session-b-0123456789"

func demand(session string, request uint64, action string) invoker.Demand {
	return invoker.Demand{
		Session: session, Request: request, Timeout: 1500 * time.Millisecond,
		Key: invoker.Key{Namespace: "guest", Action: "/guest/" + action, Revision: "1", Shape: invoker.Shape{Kind: "script", Memory: 128}, Concurrency: 1},
	}
}

func open(t *testing.T, c invoker.Control, session string, held ...invoker.Held) uint64 {
	r, err := c.Renew(t.Context(), invoker.Renewal{Session: session, Name: "test", Open: true, Held: held})
	require.NoError(t, err)
	require.Equal(t, invoker.SessionTTL, r.TTL)
	return r.Epoch
}

// everyControl runs a test with the Control of the process that leads, and with clients that ask it, and a member that does not.
func everyControl(t *testing.T, setUp func(*world), test func(t *testing.T, w *world, c invoker.Control)) {
	for name, control := range map[string]func(*world) invoker.Control{
		"in the process": func(w *world) invoker.Control { return w.leader().invoker.Control() },
		"at the leader":  func(w *world) invoker.Control { return httpapi.NewControl(w.clientOf(apiOf(w.leader().n))) },
		"at a follower":  func(w *world) invoker.Control { return httpapi.NewControl(w.clientOf(apiOf(w.follower().n))) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, setUp, func(t *testing.T, w *world) { test(t, w, control(w)) })
		})
	}
}

func TestControlGrantsRecallsAndReleases(t *testing.T) {
	everyControl(t, nil, func(t *testing.T, w *world, c invoker.Control) {
		ctx := t.Context()
		epoch := open(t, c, sessionA)
		open(t, c, sessionB)
		g, err := c.Acquire(ctx, demand(sessionA, 1<<63+1, "a"))
		require.NoError(t, err)
		require.Equal(t, invoker.Grant{GrantID: g.GrantID, Instance: g.Instance, Start: invoker.Cold, Init: true}, g)
		require.Equal(t, epoch, g.Epoch())
		require.Equal(t, "10.1.0.2:8080", g.Instance.Address)
		require.Equal(t, g.Container, g.Instance.ID)
		again, err := c.Acquire(ctx, demand(sessionA, 1<<63+1, "a"))
		require.NoError(t, err)
		require.Equal(t, g.GrantID, again.GrantID)
		require.NoError(t, c.Report(ctx, invoker.Report{Session: sessionA, Initialised: []invoker.GrantID{g.GrantID}}))

		granted := make(chan invoker.Grant, 1)
		go func() {
			g, _ := c.Acquire(ctx, demand(sessionB, 1, "a"))
			granted <- g
		}()
		notices, err := c.Notices(ctx, sessionA, 0)
		require.NoError(t, err)
		require.Equal(t, []invoker.Notice{{Number: notices[0].Number, Grant: g.GrantID}}, notices)
		require.NoError(t, c.Report(ctx, invoker.Report{Session: sessionA, Released: []invoker.Released{{GrantID: g.GrantID, Outcome: invoker.Reuse}}}))
		next := <-granted
		require.Equal(t, g.Container, next.Container)
		require.Equal(t, invoker.Warm, next.Start)
		require.False(t, next.Init)
		w.engine.end(next.Container, invoker.ErrMemory, "killed")
		notices, err = c.Notices(ctx, sessionB, 0)
		require.NoError(t, err)
		require.Equal(t, invoker.Notice{Number: notices[0].Number, Grant: next.GrantID, Revoked: true, Reason: "killed", Err: invoker.ErrMemory}, notices[0])

		require.NoError(t, c.End(ctx, sessionA))
		require.NoError(t, c.End(ctx, sessionA))
		_, err = c.Renew(ctx, invoker.Renewal{Session: sessionA})
		require.ErrorIs(t, err, invoker.ErrSession)
	})
}

func TestControlNoticesAreWaitedFor(t *testing.T) {
	everyControl(t, nil, func(t *testing.T, _ *world, c invoker.Control) {
		open(t, c, sessionA)
		renewing, stop := context.WithCancel(t.Context())
		var renewals sync.WaitGroup
		defer renewals.Wait()
		defer stop()
		renewals.Go(func() {
			for every := time.NewTicker(3 * time.Second); ; {
				select {
				case <-every.C:
					_, _ = c.Renew(renewing, invoker.Renewal{Session: sessionA})
				case <-renewing.Done():
					return
				}
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		defer cancel()
		began := time.Now()
		_, err := c.Notices(ctx, sessionA, 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.InDelta(t, 45, time.Since(began).Seconds(), 1.1)
	})
}

func TestControlErrors(t *testing.T) {
	setUp := func(w *world) {
		w.pool = invoker.PoolConfig{Memory: 512, MaxWaiting: 1}
		w.engine.failing = func(s invoker.Spec) error {
			if s.Image == "jane/misspelt" {
				return fmt.Errorf("%w: there is none", invoker.ErrImage)
			}
			return nil
		}
	}
	everyControl(t, setUp, func(t *testing.T, _ *world, c invoker.Control) {
		ctx := t.Context()
		_, err := c.Acquire(ctx, demand(sessionA, 1, "a"))
		require.ErrorIs(t, err, invoker.ErrSession)
		_, err = c.Notices(ctx, sessionA, 0)
		require.ErrorIs(t, err, invoker.ErrSession)
		require.ErrorIs(t, c.Report(ctx, invoker.Report{Session: sessionA, Withdrawn: []uint64{1}}), invoker.ErrSession)
		for _, session := range []string{"", ".", "..", "short", strings.Repeat("a", 65), sessionA + "/../b", sessionA + "?", "ä" + sessionA} {
			_, err := c.Renew(ctx, invoker.Renewal{Session: session, Open: true})
			require.Error(t, err)
			if len(session) > 2 {
				var invalid *invoker.ConfigError
				require.ErrorAs(t, err, &invalid, session)
				require.Contains(t, []string{"Renewal.Session", "session"}, invalid.Field, "by the name in Go, or in the API")
			}
		}
		epoch := open(t, c, sessionA)
		elsewhere := demand(sessionA, 9, "a")
		elsewhere.Epoch = epoch + 1
		_, err = c.Acquire(ctx, elsewhere)
		require.ErrorIs(t, err, invoker.ErrSession)
		_, err = c.Notices(ctx, sessionA, invoker.FirstNotice(epoch+1))
		require.ErrorIs(t, err, invoker.ErrSession)
		require.ErrorIs(t, c.Report(ctx, invoker.Report{Session: sessionA, Epoch: epoch + 1}), invoker.ErrSession)
		require.NoError(t, c.Report(ctx, invoker.Report{Session: sessionA, Epoch: epoch}))

		image := demand(sessionA, 1, "a")
		image.Key.Image, image.Key.Tenant = "jane/misspelt", "guest"
		_, err = c.Acquire(ctx, image)
		var start *invoker.StartError
		require.ErrorAs(t, err, &start)
		require.Equal(t, invoker.FaultDeveloper, start.Fault)
		require.Equal(t, "jane/misspelt", start.Image)
		require.ErrorIs(t, err, invoker.ErrImage)
		require.EqualError(t, err, `invoker: image "jane/misspelt": the image cannot be had: there is none`)

		large := demand(sessionA, 2, "a")
		large.Key.Memory = 1024
		_, err = c.Acquire(ctx, large)
		var capacity *invoker.CapacityError
		require.ErrorAs(t, err, &capacity)
		require.Equal(t, 512, capacity.Limit)
		require.Zero(t, capacity.RetryAfter)

		nameless := demand(sessionA, 3, "a")
		nameless.Key.Namespace = ""
		_, err = c.Acquire(ctx, nameless)
		var invalid *invoker.ConfigError
		require.ErrorAs(t, err, &invalid)
		require.Contains(t, []string{"Action.Namespace", "key.namespace"}, invalid.Field)

		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err = c.Acquire(short, demand(sessionA, 4, "a"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// TestASessionIsRenewedHoweverManyWait: the server has 1,000 places for requests that wait.
func TestASessionIsRenewedHoweverManyWait(t *testing.T) {
	inWorld(t, func(w *world) { w.pool = invoker.PoolConfig{Memory: 128} }, func(t *testing.T, w *world) {
		c := httpapi.NewControl(w.clientOf(apiOf(w.leader().n)))
		open(t, c, sessionA)
		g, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		waiting, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 1100 {
			all.Go(func() { _, _ = c.Acquire(waiting, demand(sessionA, uint64(i+2), "b")) })
		}
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.Renew(ctx, invoker.Renewal{Session: sessionA})
		require.NoError(t, err)
		require.NoError(t, c.Report(ctx, invoker.Report{Session: sessionA, Initialised: []invoker.GrantID{g.GrantID}}))
		stop()
		all.Wait()
		require.NoError(t, c.End(t.Context(), sessionA))
	})
}

// TestControlAfterTheLeaderHasDied has a session go on with what it holds at the next leader.
func TestControlAfterTheLeaderHasDied(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := httpapi.NewControl(w.client)
		first := open(t, c, sessionA)
		g, err := c.Acquire(t.Context(), demand(sessionA, 1, "a"))
		require.NoError(t, err)
		require.NoError(t, c.Report(t.Context(), invoker.Report{Session: sessionA, Initialised: []invoker.GrantID{g.GrantID}}))
		time.Sleep(time.Second)
		w.kill(w.leader())
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		_, err = c.Renew(ctx, invoker.Renewal{Session: sessionA})
		require.ErrorIs(t, err, invoker.ErrSession)
		epoch := open(t, c, sessionA, invoker.Held{GrantID: g.GrantID, Initialised: true}, invoker.Held{GrantID: invoker.GrantID{Container: "gone", Number: 1}})
		require.Greater(t, epoch, first)
		notices, err := c.Notices(t.Context(), sessionA, 0)
		require.NoError(t, err)
		require.Len(t, notices, 1)
		require.Equal(t, "gone", notices[0].Grant.Container)
		require.Equal(t, []string{g.Container}, w.engine.ids())
	})
}

func TestControlWhileNobodyLeads(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		c := httpapi.NewControl(w.clientOf(apiOf(w.follower().n)))
		for i := range w.members {
			w.election.Cut(i)
		}
		time.Sleep(30 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := c.Renew(ctx, invoker.Renewal{Session: sessionA, Open: true})
		require.ErrorIs(t, err, invoker.ErrNotLeading)
		require.LessOrEqual(t, time.Since(began), 2*time.Second)
		synctest.Wait()
	})
}

// TestDispatcherOverHTTP runs activations through a member that does not lead.
func TestDispatcherOverHTTP(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		d, err := invoker.NewDispatcher(invoker.DispatcherConfig{
			Control: httpapi.NewControl(w.clientOf(apiOf(w.follower().n))), Name: "client", DialContext: w.host.DialContext,
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		hello := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "script", Code: "hello"}
		for _, start := range []invoker.StartKind{invoker.Cold, invoker.Warm, invoker.Warm} {
			result, err := d.Invoke(t.Context(), hello, invoker.Activation{Params: []byte(`{"name":"Ann"}`)})
			require.NoError(t, err)
			require.Equal(t, start, result.Start)
			require.JSONEq(t, `{"greeting":"Hello, Ann!"}`, string(result.Body))
		}
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}
