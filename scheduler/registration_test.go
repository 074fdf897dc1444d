package scheduler_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// dieAt has the process end instead of writing a framework in this state.
func (h *harness) dieAt(s *slowStore, state record.FrameworkState) {
	s.refuse = func(changes map[string][]byte) error {
		if f, _, err := record.Decode(changes); err == nil && f.State == state {
			h.stop()
			return errors.New("never stored")
		}
		return nil
	}
}

// A process that dies between SUBSCRIBED and the storing of the ID leaves a framework that nobody knows, with the nonce that is
// on record. The next process asks the master for it and goes on with it.
func TestCrashWhileRegistering(t *testing.T) {
	s := &slowStore{}
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
		subscriptions := h.subscriptions(&s.testStore)
		h.dieAt(s, record.Active)
		h.lead(ctx, scheduler.Term{})
		require.ErrorIs(h, h.end(), context.Canceled)
		require.Equal(h, 2*time.Millisecond, time.Since(h.began))
		nobodys := h.master.Snapshot().Frameworks[0].ID
		before := s.framework(h)
		require.Equal(h, record.Registering, before.State)
		s.refuse = nil

		h.at(10 * time.Second)
		h.lead(ctx, scheduler.Term{})
		h.at(11 * time.Second)
		got := subscriptions()
		require.Len(h, got, 3)
		require.Equal(h, before.Nonce, got[0].nonce)
		require.Empty(h, got[0].id, "there was nothing to look for")
		require.Equal(h, before.Nonce, got[1].nonce)
		require.Equal(h, nobodys, got[1].id)
		require.Equal(h, 10*time.Second, got[1].at, "the record is there: nothing had to be written first")
		require.EqualValues(h, 60, got[1].timeout)
		require.Equal(h, nobodys, got[2].id)
		require.Empty(h, got[2].nonce)
		require.EqualValues(h, 7*24*3600, got[2].timeout)
		require.Equal(h, record.Active, s.framework(h).State)
		require.Equal(h, nobodys, s.framework(h).ID)
		h.at(time.Hour)
		require.Empty(h, h.master.Snapshot().Completed)
		require.Len(h, h.master.Snapshot().Frameworks, 1)
		require.True(h, h.master.Snapshot().Frameworks[0].Connected)
	})
}

// The same when the answer to the first SUBSCRIBE is lost, and the process lives. The proof before the next SUBSCRIBE is
// begun when the look for the framework, which takes time, is over.
func TestSubscribedIsLost(t *testing.T) {
	s := &slowStore{}
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
		d, lost := h.keep(), 0
		h.dialing = func(context.Context, string) error { d.add("dial"); return nil }
		h.lead(ctx, scheduler.Term{Confirm: func(context.Context) error { // the stream is closed unread
			d.add("confirm")
			if lost++; lost == 2 {
				return errNoQuorum
			}
			return nil
		}})
		h.at(time.Minute)
		require.Equal(h, []string{
			"confirm", "dial", "SUBSCRIBE", "confirm",
			"dial", "confirm", "dial", "SUBSCRIBE", "confirm", // the first to look for it
			"confirm", "dial", "SUBSCRIBE", "confirm", "dial", "RECONCILE",
		}, d.take())
		h.at(time.Hour)
		require.Empty(h, h.master.Snapshot().Completed)
		require.Len(h, h.master.Snapshot().Frameworks, 1)
	})
}

// Where there is nothing to find, or nobody says so, the framework is registered anew, and what was left behind ends after a
// minute.
func TestNothingToFind(t *testing.T) {
	for name, c := range map[string]struct {
		diesAt  record.FrameworkState // none: when it would subscribe
		again   time.Duration
		dialing func(ctx context.Context) error // of the look for it
		takes   time.Duration
		left    bool
	}{
		"died before SUBSCRIBE":  {record.Registering, 10 * time.Second, nil, time.Millisecond, false}, // of writing
		"died after the record":  {record.NoFramework, 10 * time.Second, nil, 0, false},
		"ended meanwhile":        {record.Active, 2 * time.Minute, nil, 0, true},
		"the master is silent":   {record.Active, 10 * time.Second, func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }, 3 * time.Second, true},
		"it cannot be connected": {record.Active, 10 * time.Second, func(context.Context) error { return errNoQuorum }, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &slowStore{}
			withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
				subscriptions := h.subscriptions(&s.testStore)
				h.dieAt(s, c.diesAt)
				if c.diesAt == record.NoFramework {
					h.dialing = func(context.Context, string) error { h.stop(); return errNoQuorum }
				}
				h.lead(ctx, scheduler.Term{})
				require.ErrorIs(h, h.end(), context.Canceled)
				s.refuse, h.dialing = nil, nil
				h.at(c.again)
				if c.dialing != nil {
					var again atomic.Bool
					h.dialing = func(ctx context.Context, _ string) error {
						if !again.Swap(true) {
							return c.dialing(ctx)
						}
						return nil
					}
				}
				before := len(subscriptions())
				h.lead(ctx, scheduler.Term{})
				h.at(c.again + time.Minute)
				got := subscriptions()[before:]
				require.Len(h, got, 2)
				require.Empty(h, got[0].id)
				require.Equal(h, c.again+c.takes, got[0].at)
				require.Equal(h, record.Active, s.framework(h).State)
				h.at(time.Hour)
				snapshot := h.master.Snapshot()
				require.Equal(h, c.left, len(snapshot.Completed) == 1, snapshot.Completed)
				require.Len(h, snapshot.Frameworks, 1)
				require.NotContains(h, snapshot.Completed, snapshot.Frameworks[0].ID)
			})
		})
	}
}

// A process that dies after the ID was stored, before it has subscribed with its own failover timeout, leaves a framework that
// the next one knows.
func TestCrashAfterRegistering(t *testing.T) {
	s := &slowStore{}
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
		subscriptions := h.subscriptions(&s.testStore)
		dials := 0
		h.dialing = func(context.Context, string) error {
			if dials++; dials == 2 {
				h.stop()
			}
			return nil
		}
		h.lead(ctx, scheduler.Term{})
		require.ErrorIs(h, h.end(), context.Canceled)
		f := s.framework(h)
		require.Equal(h, record.Active, f.State)
		h.at(10 * time.Second)
		h.lead(ctx, scheduler.Term{})
		h.at(time.Hour)
		got := subscriptions()
		require.Equal(h, f.ID, got[len(got)-1].id)
		require.EqualValues(h, 7*24*3600, got[len(got)-1].timeout)
		require.Empty(h, h.master.Snapshot().Completed)
	})
}

// A warning says why nobody could be asked for the framework of an earlier registration. There is none while the master
// cannot be connected, which is said already by the end of each subscription.
func TestCannotLookInLog(t *testing.T) {
	for name, c := range map[string]struct {
		fails error
		warns bool
	}{
		"the master is down": {&net.OpError{Op: "dial", Net: "tcp", Err: errNoQuorum}, false},
		"anything else":      {errNoQuorum, true},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			config := scheduler.Config{Store: &testStore{}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
			withIdleHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
				h.dialing = func(context.Context, string) error { return c.fails }
				h.lead(ctx, scheduler.Term{Number: 3})
				h.at(10 * time.Second)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
			})
			require.Greater(t, bytes.Count(log.Bytes(), []byte("not subscribed")), 1)
			require.Equal(t, c.warns, bytes.Contains(log.Bytes(), []byte("cannot look for")))
			for line := range bytes.Lines(log.Bytes()) {
				require.Contains(t, string(line), "term=3")
			}
		})
	}
}
