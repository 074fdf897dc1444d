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
func (w *world) subscriptions(s *testStore) func() []subscription {
	var mu sync.Mutex
	var all []subscription
	w.master.Intercept(func(c *calls.Call) mesostest.Fault {
		if c.GetType() != calls.Call_SUBSCRIBE {
			return mesostest.Pass
		}
		info := c.GetSubscribe().GetFrameworkInfo()
		sub := subscription{at: time.Since(w.began), id: c.GetFrameworkID().GetValue(), timeout: info.GetFailoverTimeout(), record: s.framework(w)}
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
	inIdleWorld(t, mesostest.Config{}, config, func(ctx context.Context, w *world) {
		subscriptions := w.subscriptions(&s.testStore)
		w.lead(ctx, scheduler.Term{})
		w.at(time.Minute)
		got := subscriptions()
		require.Len(w, got, 2)
		first, second := got[0], got[1]
		require.Equal(w, time.Millisecond, first.at)
		require.Equal(w, 2*time.Millisecond, second.at)
		require.Empty(w, first.id)
		require.Len(w, first.nonce, 28)
		fingerprint := record.Fingerprint{Name: "test", User: "joe", Roles: []string{"a", "b"}, Master: "http://" + address}
		require.Equal(w, record.Framework{State: record.Registering, Nonce: first.nonce, Fingerprint: fingerprint}, first.record)
		require.EqualValues(w, 60, first.timeout)
		require.Equal(w, record.Framework{State: record.Active, ID: second.id, Nonce: first.nonce, Fingerprint: fingerprint}, second.record)
		require.Equal(w, w.master.Snapshot().Frameworks[0].ID, second.id)
		require.Empty(w, second.nonce)
		require.EqualValues(w, 7*24*3600, second.timeout)

		// Another run finds what it would write, and writes nothing.
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)
		s.refuse = func(map[string][]byte) error { return errors.New("nothing is to be written") }
		w.lead(ctx, scheduler.Term{})
		w.at(2 * time.Minute)
		require.Equal(w, time.Minute, subscriptions()[2].at)
		for _, e := range w.events {
			_, failed := e.(scheduler.StoreEvent)
			require.False(w, failed)
		}
	})
}

// A process that dies between SUBSCRIBED and the storing of the ID leaves a framework that nobody knows. It has the nonce
// that is on record, the next attempt has the same, and the master removes it after a minute.
func TestCrashWhileRegistering(t *testing.T) {
	s := &slowStore{}
	inIdleWorld(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, w *world) {
		subscriptions := w.subscriptions(&s.testStore)
		s.refuse = func(changes map[string][]byte) error {
			if f, _, err := record.Decode(changes); err == nil && f.State == record.Active {
				w.stop() // the process ends here
				return errors.New("never stored")
			}
			return nil
		}
		w.lead(ctx, scheduler.Term{})
		require.ErrorIs(w, w.end(), context.Canceled)
		require.Equal(w, 2*time.Millisecond, time.Since(w.began))
		nobodys := w.master.Snapshot().Frameworks[0].ID
		before := s.framework(w)
		require.Equal(w, record.Registering, before.State)
		s.refuse = nil

		w.at(10 * time.Second)
		w.lead(ctx, scheduler.Term{})
		w.at(11 * time.Second)
		got := subscriptions()
		require.Len(w, got, 3)
		require.Equal(w, before.Nonce, got[0].nonce)
		require.Equal(w, before.Nonce, got[1].nonce)
		require.Equal(w, 10*time.Second, got[1].at, "the record is there: nothing had to be written first")
		after := s.framework(w)
		require.Equal(w, record.Active, after.State)
		require.NotEqual(w, nobodys, after.ID)
		w.at(time.Minute + 2*time.Millisecond - 1)
		require.Empty(w, w.master.Snapshot().Completed)
		w.at(time.Minute + 2*time.Millisecond)
		require.Equal(w, []string{nobodys}, w.master.Snapshot().Completed)
	})
}

// While the store cannot be written to, a framework that is not on record does not subscribe, nor does one in a new term.
func TestNoSubscribeWithoutStore(t *testing.T) {
	for name, term := range map[string]uint64{"new framework": 0, "new framework, term 1": 1, "new term": 2} {
		t.Run(name, func(t *testing.T) {
			s := &testStore{}
			inIdleWorld(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, w *world) {
				if term == 2 {
					w.lead(ctx, scheduler.Term{Number: 1})
					synctest.Wait()
					w.stop()
					require.ErrorIs(w, w.end(), context.Canceled)
				}
				down := errors.New("no space left")
				failing := &slowStore{refuse: func(map[string][]byte) error {
					if time.Since(w.began) < time.Hour {
						return down
					}
					return nil
				}}
				failing.records = maps.Clone(s.records)
				subscriptions := w.subscriptions(&failing.testStore)
				w.lead(ctx, scheduler.Term{Number: term, Store: failing})
				w.at(time.Hour)
				require.Empty(w, subscriptions())
				w.at(time.Hour + 16*time.Second) // the longest pause of the store
				got := subscriptions()
				require.NotEmpty(w, got)
				require.Equal(w, term, got[0].record.Term)
				require.Equal(w, record.Active, failing.framework(w).State)
			})
		})
	}
}

// In each term the framework's record has it before SUBSCRIBE, so that who is fenced finds out before that.
func TestTermOnRecord(t *testing.T) {
	s := &slowStore{}
	inIdleWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		subscriptions := w.subscriptions(&s.testStore)
		for number := range uint64(3) {
			began := time.Since(w.began)
			w.lead(ctx, scheduler.Term{Number: number + 7, Store: s})
			w.at(time.Duration(number+1) * time.Minute)
			got := subscriptions()
			last := got[len(got)-1]
			require.Equal(w, number+7, last.record.Term)
			if number > 0 {
				require.Equal(w, began+time.Millisecond, last.at)
				require.Len(w, got, 2+int(number))
			}
			w.stop()
			require.ErrorIs(w, w.end(), context.Canceled)
		}
		require.Len(w, w.master.Snapshot().Frameworks, 1)
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
				inIdleWorld(t, mesostest.Config{}, config, func(ctx context.Context, w *world) {
					d := w.keep()
					w.lead(ctx, scheduler.Term{})
					w.at(time.Second)
					if c.field == "" || adopt {
						require.Equal(w, []string{"SUBSCRIBE", "RECONCILE"}, d.take())
						require.Equal(w, record.Framework{State: record.Active, ID: "f-1", Fingerprint: own}, s.framework(w))
						return
					}
					var differs *scheduler.FingerprintError
					require.ErrorAs(w, w.end(), &differs)
					mine := map[string]string{"name": "test", "principal": "shop", "master": "http://" + address}[c.field]
					require.Equal(w, scheduler.FingerprintError{Field: c.field, Stored: c.stored, Config: mine}, *differs)
					require.ErrorContains(w, differs, c.stored)
					require.ErrorContains(w, differs, mine)
					require.Empty(w, d.take())
					require.Equal(w, before, s.framework(w))
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
	inIdleWorld(t, mesostest.Config{}, scheduler.Config{Store: s, Framework: scheduler.Framework{User: "joe"}}, func(ctx context.Context, w *world) {
		w.lead(ctx, scheduler.Term{})
		w.at(time.Second)
		require.Equal(w, "f-1", w.master.Snapshot().Frameworks[0].ID)
		require.Equal(w, record.Framework{State: record.Active, ID: "f-1", Fingerprint: record.Fingerprint{
			Name: "test", User: "joe", Roles: []string{"*"}, Master: "http://" + address,
		}}, s.framework(w))
	})
}

// That a framework was removed is on record before the run ends, and whoever leads next does not try again.
func TestRemovedOnRecord(t *testing.T) {
	s := &slowStore{}
	config := scheduler.Config{Store: s, Framework: scheduler.Framework{FailoverTimeout: time.Second}}
	inIdleWorld(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, w *world) {
		w.lead(ctx, scheduler.Term{Number: 1})
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.at(10 * time.Second)
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)
		w.at(20 * time.Second)
		id := w.master.Snapshot().Completed[0]

		d := w.keep()
		w.lead(ctx, scheduler.Term{Number: 2})
		var removed *scheduler.FrameworkRemovedError
		require.ErrorAs(w, w.end(), &removed)
		require.Equal(w, id, removed.FrameworkID)
		require.Equal(w, 20*time.Second+2*time.Millisecond, time.Since(w.began), "the term, and that it was removed, were written")
		require.Equal(w, []string{"SUBSCRIBE"}, d.take())
		require.Equal(w, record.Removed, s.framework(w).State)

		w.at(30 * time.Second)
		w.lead(ctx, scheduler.Term{Number: 3})
		removed = nil
		require.ErrorAs(w, w.end(), &removed)
		require.Equal(w, id, removed.FrameworkID)
		require.Equal(w, 30*time.Second, time.Since(w.began))
		require.Empty(w, d.take())
		require.EqualValues(w, 2, s.framework(w).Term, "nothing was written")
	})
}

// If it cannot be put on record the run ends all the same.
func TestRemovedNotOnRecord(t *testing.T) {
	s := &slowStore{}
	config := scheduler.Config{Store: s, Framework: scheduler.Framework{FailoverTimeout: time.Second}}
	inIdleWorld(t, mesostest.Config{}, config, func(ctx context.Context, w *world) {
		w.lead(ctx, scheduler.Term{})
		w.at(10 * time.Second)
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)
		w.at(20 * time.Second)
		s.refuse = func(map[string][]byte) error { return errors.New("no space left") }
		w.lead(ctx, scheduler.Term{})
		var removed *scheduler.FrameworkRemovedError
		require.ErrorAs(w, w.end(), &removed)
		require.Equal(w, 20*time.Second+time.Millisecond, time.Since(w.began))
		require.Equal(w, record.Active, s.framework(w).State)
	})
}

// With RenewFramework another process registers a new framework in place of a removed one, unless tasks are on record that
// have not ended.
func TestRenewRemovedOnRecord(t *testing.T) {
	for name, state := range map[string]task.State{"ended": task.Finished, "pending": task.Pending} {
		t.Run(name, func(t *testing.T) {
			s := &testStore{records: map[string][]byte{}}
			s.putFramework(t, record.Framework{State: record.Removed, ID: "f-1", Nonce: "old"})
			x := record.Task{Info: task.Info{Spec: sleeper("a"), State: state}}
			var err error
			s.records["task/a"], err = record.EncodeTask(&x)
			require.NoError(t, err)
			s.records["spec/a"], err = record.EncodeSpec(&x.Info.Spec)
			require.NoError(t, err)
			inIdleWorld(t, mesostest.Config{}, scheduler.Config{Store: s, RenewFramework: true}, func(ctx context.Context, w *world) {
				w.lead(ctx, scheduler.Term{})
				w.at(time.Second)
				if state == task.Pending {
					var removed *scheduler.FrameworkRemovedError
					require.ErrorAs(w, w.end(), &removed)
					require.Empty(w, w.master.Snapshot().Frameworks)
					return
				}
				f := s.framework(w)
				require.Equal(w, record.Active, f.State)
				require.Equal(w, w.master.Snapshot().Frameworks[0].ID, f.ID)
				require.NotEqual(w, "f-1", f.ID)
				require.NotEqual(w, "old", f.Nonce)
			})
		})
	}
}

// In an election, Teardown is on record for the members that lead next, even if they would renew the framework.
func TestTornDownOnRecord(t *testing.T) {
	s := &testStore{}
	inIdleWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: s, RenewFramework: true}, func(ctx context.Context, w *world) {
		w.lead(ctx, scheduler.Term{Number: 1})
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		require.NoError(w, w.sched.Teardown(ctx))
		require.NoError(w, w.end())
		require.Equal(w, record.TornDown, s.framework(w).State)
		w.lead(ctx, scheduler.Term{Number: 2})
		var removed *scheduler.FrameworkRemovedError
		require.ErrorAs(w, w.end(), &removed)
		require.Empty(w, w.master.Snapshot().Frameworks)
	})
}

// A task that was launched, and may run, is not launched by another framework.
func TestNoIDForLaunchedTasks(t *testing.T) {
	for name, c := range map[string]struct {
		task    record.Task
		refused bool
	}{
		"runs":                    {record.Task{Info: task.Info{State: task.Running}}, true},
		"pending, after a launch": {record.Task{Info: task.Info{State: task.Pending}, Lost: 1}, true},
		"pending":                 {record.Task{Info: task.Info{State: task.Pending}}, false},
		"ended":                   {record.Task{Info: task.Info{State: task.Failed}, Lost: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &testStore{records: map[string][]byte{}}
			c.task.Info.Spec = sleeper("a")
			var err error
			s.records["task/a"], err = record.EncodeTask(&c.task)
			require.NoError(t, err)
			s.records["spec/a"], err = record.EncodeSpec(&c.task.Info.Spec)
			require.NoError(t, err)
			inIdleWorld(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, w *world) {
				w.lead(ctx, scheduler.Term{})
				w.at(time.Second)
				if !c.refused {
					require.Len(w, w.master.Snapshot().Frameworks, 1)
					return
				}
				var bad *scheduler.RecordError
				require.ErrorAs(w, w.end(), &bad)
				require.Equal(w, "framework", bad.Key)
				require.Empty(w, w.master.Snapshot().Frameworks)
			})
		})
	}
}
