package invoker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests of this file are about what comes late, twice, or from somebody else.

func TestAGrantWithAnotherNumberIsNotReleasedOrInitialised(t *testing.T) {
	b := newBench(t)
	b.acquire(1, keyNamed("a"))
	b.up("o-1-1", "x")
	b.step(stored{id: "o-1-1"})
	for _, number := range []uint64{0, 2} {
		require.Empty(t, b.step(initialised{grant: grantID("o-1-1", number)}))
		require.Empty(t, b.step(release{grant: grantID("o-1-1", number), outcome: discard}))
	}
	require.False(t, b.m.containers["o-1-1"].initialised)
	b.step(release{grant: grantID("o-1-1", 1)})
	require.Equal(t, StateIdle, b.m.containers["o-1-1"].state)
}

func TestACreationThatIsAnsweredTwiceChangesNothing(t *testing.T) {
	b := newBench(t)
	b.warm(1, keyNamed("a"), "x")
	require.Empty(t, b.step(created{id: "o-1-1", instance: Instance{ID: "o-1-1", Agent: "y", Address: "10.0.0.2:80"}}))
	require.Empty(t, b.step(created{id: "o-1-1", err: ErrStart}))
	require.Equal(t, "x", b.m.containers["o-1-1"].instance.Agent)
}

func TestAContainerWhoseLabelsAreNotThoseOfItsRecordIsRemoved(t *testing.T) {
	b := successor(t)
	r := leftRecord("o-1-1")
	r.Key.Memory = 128
	b.step(listed{instances: []Instance{left("o-1-1")}, records: []record{r}})
	require.Equal(t, []destroy{{"o-1-1"}}, only[destroy](b.commands))
}

func TestWhatCannotBeDeclared(t *testing.T) {
	for name, c := range map[string]struct {
		session session
		number  uint64
	}{
		"by a session that is not open": {8, 1<<32 + 1},
		"by a grant of this term":       {7, 2<<32 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := successor(t)
			b.step(listed{instances: []Instance{left("o-1-1")}, records: []record{leftRecord("o-1-1")}})
			b.step(opened{session: 7, ttl: SessionTTL})
			l := GrantID{"o-1-1", c.number}
			require.Equal(t, []command{revoke{session: c.session, grant: l}}, b.step(declared{session: c.session, grants: []GrantID{l}}))
		})
	}
}

func TestACallerWhoLeavesAtTheMomentOfTheGrantGivesItBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		p, err := w.invoker.pool(t.Context())
		require.NoError(t, err)
		l := &Lease{grantor: p, action: sample("a"), answered: make(chan struct{})}
		p.mu.Lock()
		p.lastRef++
		r := p.lastRef
		p.callers[r] = l
		p.step(acquire{ref: r, key: l.action.key(), timeout: time.Minute})
		p.mu.Unlock()
		<-l.answered
		require.ErrorIs(t, p.cancel(ctx, l, r), context.Canceled)
		stats, err := w.invoker.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[State]int{StateIdle: 1}, stats.Containers)
	})
	inCluster(t, nil, func(t *testing.T, _ *world, a, _ *member) {
		a.invoke(t, "a")
		l := &Lease{grantor: a.Dispatcher, action: sample("a"), answered: make(chan struct{})}
		a.mu.Lock()
		k := a.keyOf(l.action)
		a.give(a.pick(k), l)
		a.mu.Unlock()
		close(l.answered)
		require.ErrorIs(t, a.giveUp(ctx, k, l), context.Canceled)
		require.Zero(t, a.Stats().Active)
	})
}

// holder returns a dispatcher that has opened its session in epoch 1 and waits for one answer.
func holder(t *testing.T) (*Dispatcher, *heldKey, Grant) {
	d, err := NewDispatcher(DispatcherConfig{Control: &switchboard{}})
	require.NoError(t, err)
	d.session.epoch, d.asking = 1, 1
	return d, d.keyOf(sample("a")), Grant{GrantID: GrantID{"c", 1<<32 + 1}, Instance: instanceOf("c")}
}

func TestANoticeThatComesBeforeItsGrant(t *testing.T) {
	d, k, g := holder(t)
	d.notice(Notice{Grant: g.GrantID, Revoked: true})
	d.granted(k, Demand{}, g)
	require.Empty(t, d.held, "it is void")

	d, k, g = holder(t)
	d.notice(Notice{Grant: g.GrantID})
	d.granted(k, Demand{}, g)
	d.work.Wait()
	require.Empty(t, d.held)
	require.Contains(t, d.leaving, g.GrantID, "it was recalled")
	var r Renewal
	d.declare(&r)
	require.Equal(t, []Held{{g.GrantID, true}}, r.Held, "until the leader knows that it is released")
}

func TestAGrantOfAnEarlierLeaderThatComesLateIsNotUsed(t *testing.T) {
	d, k, g := holder(t)
	d.session.epoch = 2
	d.granted(k, Demand{Request: 5}, g)
	require.Empty(t, d.held)
	require.Equal(t, []uint64{5}, d.report.Withdrawn)
}

func TestTheSessionOfADispatcherCountsFromBeforeItsRenewalIsSent(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, _ *world, a, _ *member) {
		var (
			mu   sync.Mutex
			sent time.Time
		)
		a.board.lose(func(call string) bool {
			if call == "renew" {
				mu.Lock()
				sent = time.Now()
				mu.Unlock()
				time.Sleep(500 * ms)
			}
			return false
		})
		time.Sleep(9 * time.Second) // the third renewal is sent at 10 s
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, sent.Add(SessionTTL), a.Stats().Until)
	})
}

// loudEngine is an engine whose containers print what a test says.
type loudEngine struct {
	*fakeEngine
	printer *printer
}

func (e loudEngine) ReadOutput(ctx context.Context, in Instance, stream Stream, offset int64, buf []byte) (int, int64, error) {
	return e.printer.ReadOutput(ctx, in, stream, offset, buf)
}

func TestAContainerThatGoesFromProcessToProcessPrintsIntoTheLogsOfEachOnly(t *testing.T) {
	p := newPrinter()
	inCluster(t, func(w *world) { w.config.Engine = loudEngine{w.engine, p} }, func(t *testing.T, w *world, _, _ *member) {
		a := w.dispatch("3", func(c *DispatcherConfig) { c.Engine = p })
		used := map[string]bool{}
		for _, text := range []string{"leader 1", "holder 1", "leader 2", "holder 2"} {
			acquire := w.invoker.Acquire
			if text[0] == 'h' {
				acquire = a.Acquire
			}
			l, err := acquire(t.Context(), sample("a"))
			require.NoError(t, err)
			used[l.Container().ID] = true
			time.AfterFunc(5*ms, func() { p.print(l.Container().ID, text+"\n"+mark, mark) })
			r, err := l.Run(t.Context(), activation(fakeCall{Sleep: 10 * ms}))
			require.NoError(t, err)
			l.Release()
			require.Equal(t, text+"\n", lines(t.Context(), r.Logs))
			time.Sleep(10 * ms)
		}
		require.Len(t, used, 1)
		require.ErrorIs(t, a.end(), errStopped)
	})
}

func TestTheLogOfAContainerThatEndsIsCompleteAtOnce(t *testing.T) {
	withSpeaker(t, func(t *testing.T, v *Invoker, _ *speaker) {
		r, err := v.Invoke(t.Context(), script("a", ""), doing("out hello\nexit 137"))
		require.NoError(t, err)
		began := time.Now()
		require.Contains(t, lines(t.Context(), r.Logs), "hello\n")
		require.Less(t, time.Since(began), time.Second, "there is no sentinel to wait for")
	})
}

// TestARecordIsDeletedAfterItWasWritten: a change that has to be written again comes before those that were made meanwhile.
func TestARecordIsDeletedAfterItWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		s, _ := storeOf(store, nil)
		w := newWriter(s, nil)
		store.setHook(func(context.Context, map[string][]byte) error {
			store.setHook(nil)
			w.add(storeChange{id: "c"})
			return errors.New("disk full")
		})
		w.put(record{ID: "c"}, false)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = w.run(ctx) }()
		time.Sleep(time.Minute)
		require.Empty(t, store.keys())
	})
}

// TestMemoryCountsUntilCreateHasReturned: a container whose creation was given up may still come to life.
func TestMemoryCountsUntilCreateHasReturned(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Pool.CreateTimeout = time.Second
		w.engine.creating = func(_ context.Context, id string) error {
			if id[len(id)-1] == '1' {
				time.Sleep(time.Minute)
			}
			return nil
		}
	}, func(t *testing.T, w *world) {
		_, err := w.within(10*time.Second, sample("a"), Activation{})
		require.NoError(t, err)
		used := func() int {
			stats, err := w.invoker.Stats(t.Context())
			require.NoError(t, err)
			return stats.Used
		}
		require.Equal(t, 2*DefaultMemory, used())
		time.Sleep(3 * time.Minute)
		require.Equal(t, DefaultMemory, used())
	})
}

// TestAContainerThatAnotherProcessMayHaveGotIsNotDeclared: a gives a container back, does not hear that the leader knows it, and is the first
// to reach the next leader. The container is b's by then.
func TestAContainerThatAnotherProcessMayHaveGotIsNotDeclared(t *testing.T) {
	inCluster(t, func(w *world) {
		w.config.Pool.Memory = 256
		w.engine.single = true
	}, func(t *testing.T, w *world, a, b *member) {
		first := a.invoke(t, "a")
		a.board.lose(func(call string) bool { return call == "report" })
		run := make(chan *Result, 1)
		go func() {
			r, err := b.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 5 * time.Second}))
			if err != nil {
				t.Error(err)
			}
			run <- r
		}()
		time.Sleep(200 * ms)
		require.Equal(t, 1, b.Stats().Active)
		b.board.setCut(true)
		w.crash(3)
		a.board.lose(nil)
		a.board.lead(w.invoker.Control())
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := a.Invoke(ctx, sample("a"), Activation{})
		require.ErrorIs(t, err, context.DeadlineExceeded, "b uses it")
		b.board.lead(w.invoker.Control())
		b.board.setCut(false)
		r := <-run
		require.Equal(t, Success, r.Status)
		require.Equal(t, first.Container, r.Container)
		require.Equal(t, first.Container, a.invoke(t, "a").Container)
	})
}

// TestWhatIsDeclaredWhenTheSessionIsOver: the answer of a leader that was told of all that is held comes when the session has ended. The dispatcher
// has let go of it, in a session of its own name, and the leader gives it to nobody before what may run there is over.
func TestWhatIsDeclaredWhenTheSessionIsOver(t *testing.T) {
	inCluster(t, func(w *world) { w.engine.single = true }, func(t *testing.T, w *world, a, b *member) {
		held := a.invoke(t, "a")
		ended := make(chan error, 1)
		run := activation(fakeCall{Sleep: 30 * time.Second})
		go func() {
			_, err := a.Invoke(t.Context(), sample("a"), run)
			ended <- err
		}()
		synctest.Wait()
		a.board.setCut(true)
		w.crash(3)
		a.board.lead(w.invoker.Control())
		b.board.lead(w.invoker.Control())
		time.Sleep(SessionTTL - renewEvery)
		declaration := Renewal{Session: a.session.name, Open: true}
		a.mu.Lock()
		a.declare(&declaration)
		a.mu.Unlock()
		require.Len(t, declaration.Held, 1)
		time.Sleep(renewEvery)
		require.Zero(t, a.Stats().Held, "its session is over")
		_, err := w.invoker.Control().Renew(t.Context(), declaration) // so late
		require.NoError(t, err)
		a.board.setCut(false)
		require.NotEqual(t, held.Container, b.invoke(t, "a").Container)
		require.NoError(t, <-ended, "what was sent before comes to its end")
		time.Sleep(2 * time.Minute)
		for in := range w.invoker.Containers(t.Context()) {
			require.Zero(t, in.Active)
		}
	})
}

func TestAGrantOfASessionThatIsOverIsNotUsed(t *testing.T) {
	d, k, g := holder(t)
	d.answered(t.Context(), k, Demand{Session: "the one before", Request: 5}, g, nil)
	require.Empty(t, d.held)
	require.Empty(t, d.report.Withdrawn, "the leader takes it when that session ends")
}

// TestAnActivationEndsWhenItsContainerIsGone, also if the connection to it does not break.
func TestAnActivationEndsWhenItsContainerIsGone(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, _ *member) {
		r := a.invoke(t, "a")
		ended := make(chan error, 1)
		go func() {
			_, err := a.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 30 * time.Second}))
			ended <- err
		}()
		synctest.Wait()
		began := time.Now()
		w.engine.mu.Lock()
		w.engine.tell(Change{ID: r.Container, State: Gone, Err: ErrUnavailable, Reason: "its agent is gone"})
		w.engine.mu.Unlock()
		var lost *LostError
		require.ErrorAs(t, <-ended, &lost)
		require.True(t, lost.Sent)
		require.ErrorIs(t, lost, ErrUnavailable)
		require.Equal(t, lostGrace, time.Since(began))
	})
}
