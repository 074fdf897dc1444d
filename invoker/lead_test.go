package invoker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// crash ends the run as the end of the process would, and starts a new one, with the same engine and store.
func (w *world) crash(term uint64) {
	w.stop(errStopped)
	synctest.Wait()
	w.begin(scheduler.Term{Number: term})
}

// TestCrash crashes the invoker in each phase of an activation, and looks at what the next one makes of the container.
func TestCrash(t *testing.T) {
	for _, c := range []struct {
		phase string
		after time.Duration // the start takes 200 ms, the record 20 ms, /init 100 ms, /run 100 ms
		next  StartKind     // of the next activation, of another action if the container is bound
		left  int           // containers, ten minutes before anything idles out
	}{
		{"while it starts", 100 * ms, Cold, 0},
		{"while it is bound", 210 * ms, Prewarmed, 1},
		{"during init", 270 * ms, Cold, 0},
		{"during run", 390 * ms, Cold, 1},
		{"idle", time.Second, Cold, 1},
	} {
		t.Run(c.phase, func(t *testing.T) {
			inWorld(t, func(w *world) {
				withStore(w)
				w.engine.initTime = 100 * ms
				w.store.hook = sleepingHook(20 * ms)
			}, func(t *testing.T, w *world) {
				time.Sleep(20 * ms)
				go func() { _, _ = w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 100 * ms})) }()
				time.Sleep(c.after)
				w.crash(0)
				time.Sleep(3 * time.Second)
				require.Len(t, w.engine.ids(), c.left)
				r, err := w.within(time.Minute, sample("b"), Activation{})
				require.NoError(t, err)
				require.Equal(t, c.next, r.Start)
			})
		})
	}
}

// TestAdoptedContainer is warm for the next process, once nobody can be using it any more.
func TestAdoptedContainer(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		first, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		time.Sleep(time.Second)
		w.crash(7)
		began := time.Now()
		r, err := w.within(5*time.Second, sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, Cold, r.Start, "the other one may be busy")
		time.Sleep(time.Until(began.Add(11*time.Second + time.Minute)))
		lease1, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		lease2, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		require.Equal(t, []StartKind{Warm, Warm}, []StartKind{lease1.Start(), lease2.Start()})
		require.ElementsMatch(t, []string{first.Container, r.Container}, []string{lease1.Container().ID, lease2.Container().ID})
		for _, l := range []*Lease{lease1, lease2} {
			r, err := l.Run(t.Context(), Activation{})
			require.NoError(t, err)
			require.Equal(t, Success, r.Status)
			l.Release()
		}
		require.Equal(t, 2, w.engine.count("init"))
	})
}

// TestMemoryStore destroys what an earlier process has left, of which nobody knows what it is bound to; but not what an earlier run
// of the same process has.
func TestMemoryStore(t *testing.T) {
	inWorld(t, withStem, func(t *testing.T, w *world) {
		time.Sleep(time.Second)
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		time.Sleep(time.Second)
		ids := w.engine.ids()
		require.Len(t, ids, 2)

		require.ErrorIs(t, w.end(), errStopped)
		ctx, stop := context.WithCancelCause(context.Background())
		w.stop, w.done = stop, make(chan error, 1)
		go func() { w.done <- w.invoker.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		require.Equal(t, ids, w.engine.ids())
		again, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, r.Container, again.Container)

		w.crash(0)
		time.Sleep(time.Second)
		require.NotContains(t, w.engine.ids(), ids[0])
		require.NotContains(t, w.engine.ids(), ids[1])
		require.Len(t, w.engine.ids(), 1, "a new stem cell")
	})
}

func TestListingFails(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		_, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		time.Sleep(time.Second)
		w.stop(errStopped)
		synctest.Wait()
		var works atomic.Bool
		w.engine.mu.Lock()
		w.engine.listing = func(ctx context.Context) error {
			if works.Load() {
				return nil
			}
			if time.Now().Second()%2 == 0 {
				panic("listing")
			}
			return errTest
		}
		w.engine.mu.Unlock()
		w.begin(scheduler.Term{})
		_, err = w.within(10*time.Second, sample("a"), Activation{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, w.engine.count("destroy"))
		require.Equal(t, 1, w.engine.count("create"))
		works.Store(true)
		_, err = w.within(2*time.Minute, sample("a"), Activation{})
		require.NoError(t, err)
		require.Zero(t, w.engine.count("destroy"))
	})
}

// TestClose tears down, or hands back.
func TestClose(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name     string
		store    bool
		teardown *bool
		term     uint64
		left     int
	}{
		{"memory", false, nil, 0, 0},
		{"memory, kept", false, &no, 0, 3},
		{"store", true, nil, 0, 3},
		{"store, torn down", true, &yes, 0, 0},
		{"leader, torn down", true, &yes, 5, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				if w.config.TeardownOnClose = c.teardown; c.store {
					withStore(w)
				}
				w.engine.endTime = 90 * ms
				w.begin(scheduler.Term{Number: c.term})
				w.stop(nil)
				<-w.done
			}, func(t *testing.T, w *world) {
				w.crash(c.term)
				for i := range 3 {
					_, err := w.invoker.Invoke(t.Context(), sample(fmt.Sprint(i)), Activation{})
					require.NoError(t, err)
				}
				waiting := make(chan error, 1)
				go func() {
					_, err := w.invoker.Invoke(t.Context(), sample("later"), Activation{})
					waiting <- err
				}()
				time.Sleep(50 * ms) // another one is starting
				began := time.Now()
				require.NoError(t, w.invoker.Close(t.Context()))
				require.NoError(t, <-w.done, "Run returns nil")
				w.done <- nil
				require.ErrorIs(t, <-waiting, ErrClosed)
				require.Len(t, w.engine.ids(), c.left)
				if c.left == 0 {
					require.Equal(t, 90*ms, time.Since(began))
				}
				if w.store != nil {
					require.Len(t, w.store.keys(), c.left+1)
				}
				require.ErrorIs(t, w.invoker.Run(t.Context()), ErrClosed)
				require.NoError(t, w.invoker.Close(t.Context()), "again")
				_, err := w.invoker.Acquire(t.Context(), sample("a"))
				require.ErrorIs(t, err, ErrClosed)
				time.Sleep(time.Hour)
				require.Len(t, w.engine.ids(), c.left, "nothing came to life later")
			})
		})
	}
}

// TestCloseAfterRun closes when the run has ended by itself. A process that is alone tears down; one that took part in an election must
// not, since another one may lead.
func TestCloseAfterRun(t *testing.T) {
	for _, term := range []uint64{0, 3} {
		inWorld(t, nil, func(t *testing.T, w *world) {
			w.crash(term)
			_, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
			require.NoError(t, err)
			require.ErrorIs(t, w.end(), errStopped)
			require.NoError(t, w.invoker.Close(t.Context()))
			require.Len(t, w.engine.ids(), map[uint64]int{0: 0, 3: 1}[term])
		})
	}
}

// TestTeardownIsRepeated tears down while listing and removing fail now and then, and gives up with its context.
func TestTeardownIsRepeated(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for i := range 3 {
			_, err := w.invoker.Invoke(t.Context(), sample(fmt.Sprint(i)), Activation{})
			require.NoError(t, err)
		}
		failing := time.Now().Add(30 * time.Second)
		hook := func() error {
			if time.Now().Before(failing) {
				return errTest
			}
			return nil
		}
		w.engine.mu.Lock()
		w.engine.destroys = func(context.Context, string) error { return hook() }
		w.engine.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := w.invoker.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errTest)
		require.ErrorContains(t, err, "3 are left")
		require.Len(t, w.engine.ids(), 3)
		require.NoError(t, w.invoker.Close(t.Context()), "later it can be")
		require.Empty(t, w.engine.ids())
		<-w.done
		w.done <- nil
	})
}

func TestOneRunAtATime(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.ErrorIs(t, w.invoker.Run(t.Context()), ErrRunning)
	})
}

// TestCallsBeforeTheFirstRun wait for it.
func TestCallsBeforeTheFirstRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		defer e.closeAll()
		v, err := New(Config{Owner: "test", Engine: e, DialContext: e.network.DialContext})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = v.Invoke(ctx, sample("a"), Activation{})
		require.ErrorIs(t, err, ErrNotRunning)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		answered := make(chan error, 1)
		go func() {
			_, err := v.Invoke(t.Context(), sample("a"), Activation{})
			answered <- err
		}()
		time.Sleep(time.Second)
		run, stop := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- v.Run(run) }()
		require.NoError(t, <-answered)
		stop(errStopped)
		require.ErrorIs(t, <-ended, errStopped)
		_, err = v.Invoke(t.Context(), sample("a"), Activation{})
		require.ErrorIs(t, err, ErrNotRunning)
		require.ErrorIs(t, err, errStopped)
		require.NoError(t, errors.Join(v.Close(t.Context())))
	})
}

// TestIDsAreNeverReused starts one run after the other, in the same instant.
func TestIDsAreNeverReused(t *testing.T) {
	for _, setUp := range []func(*world){nil, withStore} {
		inWorld(t, setUp, func(t *testing.T, w *world) {
			seen := map[string]bool{}
			for range 5 {
				l, err := w.invoker.Acquire(t.Context(), sample("a"))
				require.NoError(t, err)
				require.False(t, seen[l.Container().ID])
				seen[l.Container().ID] = true
				w.engine.end(l.Container().ID, nil, "died")
				w.end()
				ctx, stop := context.WithCancelCause(context.Background())
				w.stop, w.done = stop, make(chan error, 1)
				go func() { w.done <- w.invoker.Run(ctx) }()
				synctest.Wait()
			}
			require.Len(t, seen, 5)
		})
	}
}

// TestEndDuringTheListing ends a container after the listing was taken that has it.
func TestEndDuringTheListing(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		time.Sleep(time.Second)
		w.engine.mu.Lock()
		w.engine.listed = func() { w.engine.end(r.Container, nil, "died") }
		w.engine.mu.Unlock()
		w.crash(0)
		time.Sleep(time.Second)
		stats, err := w.invoker.Stats(t.Context())
		require.NoError(t, err)
		require.Zero(t, stats.Used)
	})
}
