package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// slowStore takes a millisecond for each writing.
type slowStore struct {
	testStore
	refuse func(changes map[string][]byte) error // nil: nothing
}

func (s *slowStore) Apply(ctx context.Context, changes map[string][]byte) error {
	time.Sleep(time.Millisecond)
	if s.refuse != nil {
		if err := s.refuse(changes); err != nil {
			return err
		}
	}
	return s.testStore.Apply(ctx, changes)
}

// framework returns what is on record.
func (s *testStore) framework(t require.TestingT) record.Framework {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, _, err := record.Decode(s.records)
	require.NoError(t, err)
	return f
}

// putFramework changes what is on record.
func (s *testStore) putFramework(t require.TestingT, f record.Framework) {
	value, err := record.EncodeFramework(f)
	require.NoError(t, err)
	require.NoError(t, s.Apply(context.Background(), map[string][]byte{record.FrameworkKey: value}))
}

// subscription is a SUBSCRIBE that reached the master.
type subscription struct {
	at      time.Duration
	id      string
	nonce   string
	timeout float64
	record  record.Framework // at that instant
}

// subscriptions notes each SUBSCRIBE, until another Intercept.
func (h *harness) subscriptions(s *testStore) func() []subscription {
	var mu sync.Mutex
	var all []subscription
	h.master.Intercept(func(c *calls.Call) mesostest.Fault {
		if c.GetType() != calls.Call_SUBSCRIBE {
			return mesostest.Pass
		}
		info := c.GetSubscribe().GetFrameworkInfo()
		sub := subscription{at: time.Since(h.began), id: c.GetFrameworkID().GetValue(), timeout: info.GetFailoverTimeout(), record: s.framework(h)}
		for _, label := range info.GetLabels().GetLabels() {
			if label.Key == "mesos-actor-go/registration" {
				sub.nonce = label.GetValue()
			}
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, sub)
		return mesostest.Pass
	})
	return func() []subscription {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// A new framework is on record before its first SUBSCRIBE, which carries the nonce on record; and its ID before the second.
func TestRegistrationOnRecord(t *testing.T) {
	s := &slowStore{}
	config := scheduler.Config{Store: s, Framework: scheduler.Framework{User: "joe", Roles: []string{"b", "a"}, Labels: map[string]string{"team": "blue"}}}
	withIdleHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		subscriptions := h.subscriptions(&s.testStore)
		h.lead(ctx, scheduler.Term{})
		h.at(time.Minute)
		got := subscriptions()
		require.Len(h, got, 2)
		first, second := got[0], got[1]
		require.Equal(h, time.Millisecond, first.at)
		require.Equal(h, 2*time.Millisecond, second.at)
		require.Empty(h, first.id)
		require.Len(h, first.nonce, 28)
		fingerprint := record.Fingerprint{Name: "test", User: "joe", Roles: []string{"a", "b"}, Master: "http://" + address}
		require.Equal(h, record.Framework{State: record.Registering, Nonce: first.nonce, Fingerprint: fingerprint}, first.record)
		require.EqualValues(h, 60, first.timeout)
		require.Equal(h, record.Framework{State: record.Active, ID: second.id, Nonce: first.nonce, Fingerprint: fingerprint}, second.record)
		require.Equal(h, h.master.Snapshot().Frameworks[0].ID, second.id)
		require.Empty(h, second.nonce)
		require.EqualValues(h, 7*24*3600, second.timeout)

		// Another run finds what it would write, and writes nothing.
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		s.refuse = func(map[string][]byte) error { return errors.New("nothing is to be written") }
		h.lead(ctx, scheduler.Term{})
		h.at(2 * time.Minute)
		require.Equal(h, time.Minute, subscriptions()[2].at)
		for _, e := range h.events {
			_, failed := e.(scheduler.StoreEvent)
			require.False(h, failed)
		}
	})
}

// While the store cannot be written to, a framework that is not on record does not subscribe, nor does one in a new term.
func TestNoSubscribeWithoutStore(t *testing.T) {
	for name, term := range map[string]uint64{"new framework": 0, "new framework, term 1": 1, "new term": 2} {
		t.Run(name, func(t *testing.T) {
			s := &testStore{}
			withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
				if term == 2 {
					h.lead(ctx, scheduler.Term{Number: 1})
					synctest.Wait()
					h.stop()
					require.ErrorIs(h, h.end(), context.Canceled)
				}
				down := errors.New("no space left")
				failing := &slowStore{refuse: func(map[string][]byte) error {
					if time.Since(h.began) < time.Hour {
						return down
					}
					return nil
				}}
				failing.records = maps.Clone(s.records)
				subscriptions := h.subscriptions(&failing.testStore)
				h.lead(ctx, scheduler.Term{Number: term, Store: failing})
				h.at(time.Hour)
				require.Empty(h, subscriptions())
				h.at(time.Hour + 16*time.Second) // the longest pause of the store
				got := subscriptions()
				require.NotEmpty(h, got)
				require.Equal(h, term, got[0].record.Term)
				require.Equal(h, record.Active, failing.framework(h).State)
			})
		})
	}
}

// Without an election, a framework that is on record subscribes although its record cannot be completed: it can kill and listen.
func TestSubscribeWithoutStore(t *testing.T) {
	s := &slowStore{refuse: func(map[string][]byte) error { return errors.New("no space left") }}
	s.records = map[string][]byte{"framework": []byte(`{"version":2,"id":"f-1"}`)}
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
		subscriptions := h.subscriptions(&s.testStore)
		h.lead(ctx, scheduler.Term{})
		h.at(time.Minute)
		got := subscriptions()
		require.Len(h, got, 1)
		require.Equal(h, "f-1", got[0].id)
		require.Zero(h, got[0].at)
	})
}

// In each term the framework's record has it before SUBSCRIBE, so that who is fenced finds out before that.
func TestTermOnRecord(t *testing.T) {
	s := &slowStore{}
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		subscriptions := h.subscriptions(&s.testStore)
		for number := range uint64(3) {
			began := time.Since(h.began)
			h.lead(ctx, scheduler.Term{Number: number + 7, Store: s})
			h.at(time.Duration(number+1) * time.Minute)
			got := subscriptions()
			last := got[len(got)-1]
			require.Equal(h, number+7, last.record.Term)
			if number > 0 {
				require.Equal(h, began+time.Millisecond, last.at)
				require.Len(h, got, 2+int(number))
			}
			h.stop()
			require.ErrorIs(h, h.end(), context.Canceled)
		}
		require.Len(h, h.master.Snapshot().Frameworks, 1)
	})
}

// The framework on record must be this one. What the master takes may change, and is on record afterwards.
func TestFingerprint(t *testing.T) {
	own := record.Fingerprint{Name: "test", User: "joe", Principal: "shop", Roles: []string{"a"}, Master: "http://" + address}
	for name, c := range map[string]struct {
		change func(*record.Fingerprint)
		field  string // of the error; "": there is none
		stored string
	}{
		"the same":        {func(*record.Fingerprint) {}, "", ""},
		"nothing known":   {func(f *record.Fingerprint) { *f = record.Fingerprint{} }, "", ""},
		"another name":    {func(f *record.Fingerprint) { f.Name = "other" }, "name", "other"},
		"principal":       {func(f *record.Fingerprint) { f.Principal = "other" }, "principal", "other"},
		"no principal":    {func(f *record.Fingerprint) { f.Principal = "" }, "", ""},
		"user":            {func(f *record.Fingerprint) { f.User = "jane" }, "", ""},
		"roles":           {func(f *record.Fingerprint) { f.Roles = []string{"a", "b"} }, "", ""},
		"another cluster": {func(f *record.Fingerprint) { f.Master = "http://other:5050" }, "master", "http://other:5050"},
		"one of several":  {func(f *record.Fingerprint) { f.Master = "http://other:5050,https://" + address }, "", ""},
		"ZooKeeper":       {func(f *record.Fingerprint) { f.Master = "zk://" + address + "/" }, "master", "zk://" + address + "/"},
	} {
		for _, adopt := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := &testStore{}
				stored := own
				c.change(&stored)
				before := record.Framework{State: record.Active, ID: "f-1", Fingerprint: stored, Term: 3}
				s.putFramework(t, before)
				config := scheduler.Config{Store: s, AdoptRecords: adopt, Framework: scheduler.Framework{User: "joe", Principal: "shop", Roles: []string{"a"}}}
				withIdleHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
					d := h.keep()
					h.lead(ctx, scheduler.Term{})
					h.at(time.Second)
					if c.field == "" || adopt {
						require.Equal(h, []string{"SUBSCRIBE", "RECONCILE"}, d.take())
						require.Equal(h, record.Framework{State: record.Active, ID: "f-1", Fingerprint: own}, s.framework(h))
						later := config
						later.AdoptRecords, later.Master, later.DialContext = false, address, h.dial
						later.Framework.Name, later.Logger = "test", slog.New(slog.DiscardHandler)
						again, err := scheduler.New(later)
						require.NoError(h, err)
						ctx, stop := context.WithCancel(ctx)
						ended := make(chan error, 1)
						go func() { ended <- again.Run(ctx) }()
						require.ErrorIs(h, h.end(), scheduler.ErrEvicted, "the next start has subscribed")
						stop()
						require.ErrorIs(h, <-ended, context.Canceled)
						return
					}
					var differs *scheduler.FingerprintError
					require.ErrorAs(h, h.end(), &differs)
					mine := map[string]string{"name": "test", "principal": "shop", "master": "http://" + address}[c.field]
					require.Equal(h, scheduler.FingerprintError{Field: c.field, Stored: c.stored, Config: mine}, *differs)
					require.ErrorContains(h, differs, c.stored)
					require.ErrorContains(h, differs, "Config.AdoptRecords")
					require.ErrorContains(h, differs, mine)
					require.Empty(h, d.take())
					require.Equal(h, before, s.framework(h))
				})
			})
		}
	}
}

// A framework that no master has accepted yet, or that was removed, runs nothing anywhere: whoever mistyped the address or the
// principal can correct it, and one that is renewed may move. The name has to be the same all the same.
func TestFingerprintOfNothing(t *testing.T) {
	for _, before := range []record.Framework{{State: record.Registering, Nonce: "n"}, {State: record.Removed, ID: "f-1"}} {
		for name, c := range map[string]struct {
			stored  record.Fingerprint
			refused bool
		}{
			"another master":    {record.Fingerprint{Name: "test", Principal: "shop", Master: "http://mistyped:5050"}, false},
			"another principal": {record.Fingerprint{Name: "test", Principal: "mistyped", Master: "http://" + address}, false},
			"another name":      {record.Fingerprint{Name: "other", Principal: "shop", Master: "http://" + address}, true},
		} {
			t.Run(before.State.String()+", "+name, func(t *testing.T) {
				s := &testStore{}
				before.Fingerprint = c.stored
				s.putFramework(t, before)
				config := scheduler.Config{Store: s, RenewFramework: true, Framework: scheduler.Framework{Principal: "shop"}}
				withIdleHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
					h.lead(ctx, scheduler.Term{})
					h.at(time.Second)
					if c.refused {
						var differs *scheduler.FingerprintError
						require.ErrorAs(h, h.end(), &differs)
						require.Equal(h, before, s.framework(h))
						return
					}
					f := s.framework(h)
					require.Equal(h, record.Active, f.State)
					require.Equal(h, "http://"+address, f.Fingerprint.Master)
					require.Equal(h, "shop", f.Fingerprint.Principal)
				})
			})
		}
	}
}

// A ZooKeeper with several clusters: the path decides. Secrets are not stored.
func TestFingerprintOfZooKeeper(t *testing.T) {
	for master, refused := range map[string]bool{
		"zk://joe:secret@zk1:2181,zk2:2181/mesos": false,
		"zk://zk2:2181,zk3:2181/mesos":            false,
		"zk://zk1:2181/other":                     true,
		"zk://zk3:2181/mesos":                     true,
		"zk1:2181":                                true,
	} {
		s := &testStore{}
		s.putFramework(t, record.Framework{State: record.Active, ID: "f-1", Fingerprint: record.Fingerprint{Name: "test", Master: "zk://zk1:2181,zk2:2181/mesos"}})
		synctest.Test(t, func(t *testing.T) {
			sched, err := scheduler.New(scheduler.Config{
				Master: master, Store: s, Framework: scheduler.Framework{Name: "test"}, Logger: slog.New(slog.DiscardHandler),
				DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nowhere") },
			})
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err = sched.Run(ctx)
			var differs *scheduler.FingerprintError
			require.Equal(t, refused, errors.As(err, &differs), "%s: %v", master, err)
			require.NotContains(t, s.framework(t).Fingerprint.Master, "secret")
		})
	}
}

// A record of version 2 has the ID only. It is taken, and completed.
func TestFrameworkOfVersion2(t *testing.T) {
	s := &testStore{records: map[string][]byte{"framework": []byte(`{"version":2,"id":"f-1"}`)}}
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: s, Framework: scheduler.Framework{User: "joe"}}, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{})
		h.at(time.Second)
		require.Equal(h, "f-1", h.master.Snapshot().Frameworks[0].ID)
		require.Equal(h, record.Framework{State: record.Active, ID: "f-1", Fingerprint: record.Fingerprint{
			Name: "test", User: "joe", Roles: []string{"*"}, Master: "http://" + address,
		}}, s.framework(h))
	})
}

// That a framework was removed is on record before the run ends, and whoever leads next does not try again.
func TestRemovedOnRecord(t *testing.T) {
	s := &slowStore{}
	config := scheduler.Config{Store: s, Framework: scheduler.Framework{FailoverTimeout: time.Second}}
	withIdleHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{Number: 1})
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(10 * time.Second)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.at(20 * time.Second)
		id := h.master.Snapshot().Completed[0]

		d := h.keep()
		h.lead(ctx, scheduler.Term{Number: 2})
		var removed *scheduler.FrameworkRemovedError
		require.ErrorAs(h, h.end(), &removed)
		require.Equal(h, id, removed.FrameworkID)
		require.Equal(h, 20*time.Second+2*time.Millisecond, time.Since(h.began), "the term, and that it was removed, were written")
		require.Equal(h, []string{"SUBSCRIBE"}, d.take())
		require.Equal(h, record.Removed, s.framework(h).State)

		h.at(30 * time.Second)
		h.lead(ctx, scheduler.Term{Number: 3})
		removed = nil
		require.ErrorAs(h, h.end(), &removed)
		require.Equal(h, id, removed.FrameworkID)
		require.Equal(h, 30*time.Second, time.Since(h.began))
		require.Empty(h, d.take())
		require.EqualValues(h, 2, s.framework(h).Term, "nothing was written")
	})
}

// If it cannot be put on record the run ends all the same.
func TestRemovedNotOnRecord(t *testing.T) {
	s := &slowStore{}
	config := scheduler.Config{Store: s, Framework: scheduler.Framework{FailoverTimeout: time.Second}}
	withIdleHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{})
		h.at(10 * time.Second)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.at(20 * time.Second)
		s.refuse = func(map[string][]byte) error { return errors.New("no space left") }
		h.lead(ctx, scheduler.Term{})
		var removed *scheduler.FrameworkRemovedError
		require.ErrorAs(h, h.end(), &removed)
		require.Equal(h, 20*time.Second+time.Millisecond, time.Since(h.began))
		require.Equal(h, record.Active, s.framework(h).State)
	})
}

// In an election, Teardown is on record for the members that lead next, even if they would renew the framework.
func TestTornDownOnRecord(t *testing.T) {
	s := &testStore{}
	withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: s, RenewFramework: true}, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{Number: 1})
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.NoError(h, h.sched.Teardown(ctx))
		require.NoError(h, h.end())
		require.Equal(h, record.TornDown, s.framework(h).State)
		h.lead(ctx, scheduler.Term{Number: 2})
		var removed *scheduler.FrameworkRemovedError
		require.ErrorAs(h, h.end(), &removed)
		require.Empty(h, h.master.Snapshot().Frameworks)
	})
}

// A task that was launched, and may run, is not launched by another framework.
func TestNoIDForLaunchedTasks(t *testing.T) {
	for name, c := range map[string]struct {
		task    record.Task
		refused bool
	}{
		"runs":                    {record.Task{Info: record.NewInfo(task.Info{State: task.StateRunning})}, true},
		"pending, after a launch": {record.Task{Info: record.NewInfo(task.Info{State: task.StatePending}), Lost: 1}, true},
		"pending":                 {record.Task{Info: record.NewInfo(task.Info{State: task.StatePending})}, false},
		"ended":                   {record.Task{Info: record.NewInfo(task.Info{State: task.StateFailed}), Lost: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &testStore{records: map[string][]byte{}}
			spec := sleeper("a")
			c.task.Info.Spec = record.NewSpec(spec)
			var err error
			s.records["task/a"], err = record.EncodeTask(&c.task)
			require.NoError(t, err)
			s.records["spec/a"], err = record.EncodeSpec(&spec)
			require.NoError(t, err)
			withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
				h.lead(ctx, scheduler.Term{})
				h.at(time.Second)
				if !c.refused {
					require.Len(h, h.master.Snapshot().Frameworks, 1)
					return
				}
				var bad *scheduler.RecordError
				require.ErrorAs(h, h.end(), &bad)
				require.Equal(h, "framework", bad.Key)
				require.Empty(h, h.master.Snapshot().Frameworks)
			})
		})
	}
}
