package invoker

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/actionclient"
)

// The tests of this file are about what becomes of the session of a dispatcher, one answer at a time.

// renewing is a Control that only answers renewals.
type renewing struct {
	Control
	answer func(Renewal) (Renewed, error)
}

func (c renewing) Renew(_ context.Context, r Renewal) (Renewed, error) { return c.answer(r) }

// TestNothingIsLeftOfASessionThatIsOver: neither what it was about to give back nor what was to be reported is that of the next session.
func TestNothingIsLeftOfASessionThatIsOver(t *testing.T) {
	d, h := holds(t, 1)
	l := h.lease(d)
	other := GrantID{"other", 1<<32 + 7}
	d.leaving[other] = h
	d.early[other] = Notice{Grant: other}
	d.report = Report{Initialised: []GrantID{other}, Released: []Released{{other, Reuse}}, Withdrawn: []uint64{3}}
	before := d.session
	d.session.until = time.Now()
	d.expire(time.Now())
	d.work.Wait()
	require.NotEqual(t, before.name, d.session.name)
	require.Len(t, d.kicked, 1, "the next one is opened at once")
	require.Empty(t, d.held)
	require.Empty(t, d.early)
	require.Equal(t, Report{}, d.report)
	var r Renewal
	d.declare(&r)
	require.Empty(t, r.Held)
	_, err := l.Run(t.Context(), Activation{})
	require.ErrorIs(t, err, errGone, "not in the next session either")

	d.reported(before, Report{Released: []Released{{other, Reuse}}}, errTest)
	require.Equal(t, Report{}, d.report, "its last report fails")
}

func TestAReportThatFailedIsRepeatedBeforeWhatCameMeanwhile(t *testing.T) {
	d, _, g := holder(t)
	next := GrantID{"d", 1<<32 + 2}
	of := func(id GrantID, request uint64) Report {
		return Report{Initialised: []GrantID{id}, Released: []Released{{id, Reuse}}, Withdrawn: []uint64{request}}
	}
	d.session.ctx = t.Context()
	d.session.open = true
	d.report = of(next, 2)
	d.reported(d.session, of(g.GrantID, 1), errTest)
	require.Equal(t, Report{
		Initialised: []GrantID{g.GrantID, next}, Released: []Released{{g.GrantID, Reuse}, {next, Reuse}}, Withdrawn: []uint64{1, 2},
	}, d.report)
	require.False(t, d.session.open, "a leader is looked for")
}

func TestANoticeThatComesTwiceIsActedOnOnce(t *testing.T) {
	d, h := holds(t, 1)
	d.session.after = 1<<32 + 5
	d.noticed(d.session, []Notice{{Number: 1<<32 + 5, Grant: h.grant.GrantID, Revoked: true}}, nil)
	require.Contains(t, d.held, h.grant.GrantID)
	d.noticed(d.session, []Notice{{Number: 1<<32 + 6, Grant: h.grant.GrantID, Revoked: true}}, nil)
	require.Empty(t, d.held)
	d.work.Wait()
}

// TestAnswersToARenewal looks at what becomes of the session.
func TestAnswersToARenewal(t *testing.T) {
	for name, c := range map[string]struct {
		epoch  uint64 // where the session is open
		took   time.Duration
		answer Renewed
		err    error
		want   error
		until  time.Duration // from when the renewal was sent; 0: as before
		after  uint64        // the epoch
	}{
		"of the same leader":                       {5, 300 * ms, Renewed{5, SessionTTL}, nil, nil, SessionTTL, 5},
		"of the first one":                         {0, 300 * ms, Renewed{5, SessionTTL}, nil, nil, SessionTTL, 5},
		"of one that does not know of it":          {5, 300 * ms, Renewed{6, SessionTTL}, nil, nil, 0, 0},
		"of one that led before, and has slept":    {5, 300 * ms, Renewed{4, SessionTTL}, nil, ErrNotLeading, 0, 5},
		"an error":                                 {5, 300 * ms, Renewed{}, errTest, errTest, 0, 5},
		"that come when the lease is over by then": {5, 20 * time.Second, Renewed{5, SessionTTL}, nil, nil, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, _, _ := holder(t)
				began := time.Now()
				d.session.epoch, d.session.open, d.session.until = c.epoch, c.epoch != 0, began.Add(time.Hour)
				if c.epoch != 0 {
					d.session.ctx, d.session.cancel = context.WithCancelCause(t.Context())
				}
				before := d.session
				d.config.Control = renewing{answer: func(r Renewal) (Renewed, error) {
					require.Equal(t, c.epoch == 0, r.Open)
					time.Sleep(c.took)
					return c.answer, c.err
				}}
				require.ErrorIs(t, d.renew(t.Context()), c.want)
				switch c.until {
				case 0:
					require.Equal(t, before.until, d.session.until)
				case -1:
					require.NotEqual(t, before.name, d.session.name)
					require.Zero(t, d.session.until)
				default:
					require.Equal(t, began.Add(c.until), d.session.until)
				}
				require.Equal(t, c.after, d.session.epoch)
				if c.err != nil {
					require.ErrorIs(t, context.Cause(before.ctx), errSuspect, "other calls of that leader end")
				}
				d.work.Wait()
			})
		})
	}
}

func TestARenewalThatIsAnsweredInAnotherSessionRenewsNothing(t *testing.T) {
	d, _, _ := holder(t)
	d.config.Control = renewing{answer: func(Renewal) (Renewed, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.session = holderSession{name: newSession()}
		return Renewed{Epoch: 1, TTL: SessionTTL}, nil
	}}
	require.ErrorIs(t, d.renew(t.Context()), errSessionOver)
	require.Zero(t, d.session.until)
	require.False(t, d.session.open)
}

// TestASessionThatIsOpenedCountsFromThatRequest and not from the one before, which the leader has refused.
func TestASessionThatIsOpenedCountsFromThatRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, _ := holder(t)
		began := time.Now()
		d.config.Control = renewing{answer: func(r Renewal) (Renewed, error) {
			time.Sleep(300 * ms)
			if !r.Open {
				return Renewed{}, ErrSession
			}
			return Renewed{Epoch: 1, TTL: SessionTTL}, nil
		}}
		require.NoError(t, d.renew(t.Context()))
		require.Equal(t, began.Add(300*ms+SessionTTL), d.session.until)
	})
}

// TestWhatIsGivenBackWhileTheSessionIsOpenedIsReleasedThere: the next leader is told of a container, and then that it is not held any more.
func TestWhatIsGivenBackWhileTheSessionIsOpenedIsReleasedThere(t *testing.T) {
	d, h := holds(t, 1)
	d.session.epoch = 0
	d.config.Control = renewing{answer: func(r Renewal) (Renewed, error) {
		require.Equal(t, []Held{{h.grant.GrantID, true}}, r.Held)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.remove(h)
		return Renewed{Epoch: 2, TTL: SessionTTL}, nil
	}}
	require.NoError(t, d.renew(t.Context()))
	require.Equal(t, []Released{{h.grant.GrantID, Discard}}, d.report.Released)
	require.Empty(t, d.session.told)
}

func TestWhatIsReportedIsForgotten(t *testing.T) {
	d, h := holds(t, 1)
	d.giveBack(h)
	require.Len(t, d.leaving, 1)
	d.reported(d.session, d.report, nil)
	require.Empty(t, d.leaving)
	d.work.Wait()
}

// TestAnotherLeaderIsReached: calls of the one before end, its notices do not count, and what there is to tell is told to the next one.
func TestAnotherLeaderIsReached(t *testing.T) {
	d, _, g := holder(t)
	d.opened(t.Context(), 1)
	before := d.session
	require.NoError(t, before.ctx.Err())
	d.early[g.GrantID] = Notice{Grant: g.GrantID}
	<-d.more
	d.opened(t.Context(), 1)
	require.Empty(t, d.more, "it is the same one")
	d.opened(t.Context(), 2)
	require.ErrorIs(t, context.Cause(before.ctx), errSuspect)
	require.NoError(t, d.session.ctx.Err())
	require.Equal(t, FirstNotice(2), d.session.after)
	require.Empty(t, d.early)
	require.Len(t, d.more, 1)
}

func TestNoticesThatCannotBeReadHaveTheSessionRenewed(t *testing.T) {
	d, _, _ := holder(t)
	d.opened(t.Context(), 1)
	d.noticed(d.session, nil, errTest)
	require.Len(t, d.kicked, 1)
	<-d.kicked
	d.session.leave(errSuspect)
	d.noticed(d.session, nil, errTest)
	require.Empty(t, d.kicked, "that is known")
}

// TestALeaderIsLookedForEverySoOften: soon at first, then at longer intervals, and again so after it was reached. Each time it is logged once.
func TestALeaderIsLookedForEverySoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		began := time.Now()
		var at []time.Duration
		d, err := NewDispatcher(DispatcherConfig{Logger: slog.New(slog.NewTextHandler(&text, nil)), Control: renewing{answer: func(Renewal) (Renewed, error) {
			at = append(at, time.Since(began))
			if len(at) == 6 {
				return Renewed{Epoch: 1, TTL: SessionTTL}, nil
			}
			return Renewed{}, errTest
		}}})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 3390*ms)
		defer cancel()
		d.keep(ctx)
		require.Equal(t, []time.Duration{0, 20 * ms, 60 * ms, 140 * ms, 240 * ms, 340 * ms, 3340 * ms, 3360 * ms}, at)
		d.end(errStopped)
		d.work.Wait()
		logguard.Flush(t.Context(), d.log)
		require.Equal(t, 2, strings.Count(text.String(), "no leader is reached"))
	})
}

// TestNothingIsSentWhileARenewalComesLate: a renewal that was sent in time is answered when the session would have been over. The
// container that was not used meanwhile is none that does not answer.
func TestNothingIsSentWhileARenewalComesLate(t *testing.T) {
	d, h := holds(t, 1)
	dialled := false
	client := actionclient.New(func(context.Context, string, string) (net.Conn, error) {
		dialled = true
		near, _ := net.Pipe()
		return near, nil
	})
	client.Until(d.until)
	h.container = client.Container(h.grant.Instance.Address, 1)
	l := h.lease(d)
	l.action = sample("a")
	d.session.until = time.Now()
	_, err := l.Run(t.Context(), Activation{})
	var lost *LostError
	require.ErrorAs(t, err, &lost)
	require.False(t, lost.Sent)
	require.True(t, dialled)
	d.session.until = time.Now().Add(SessionTTL) // the answer
	l.Release()
	require.Equal(t, h, d.pick(h.key), "it serves others")
	require.Empty(t, d.report.Released)
}
