package invoker

import (
	"context"
	"iter"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestEngineMisbehaves has each method of an engine panic, end its goroutine or hang, once.
func TestEngineMisbehaves(t *testing.T) {
	misbehave := map[string]func(ctx context.Context, id string) error{
		"panic":  func(context.Context, string) error { panic("engine") },
		"Goexit": func(context.Context, string) error { runtime.Goexit(); return nil },
		"hang": func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return context.Cause(ctx)
		},
		"hang, whatever the context says": func(context.Context, string) error {
			time.Sleep(10 * time.Minute)
			return errTest
		},
	}
	for name, how := range misbehave {
		once := func() func(context.Context, string) error {
			var done atomic.Bool
			return func(ctx context.Context, id string) error {
				if done.Swap(true) {
					return nil
				}
				return how(ctx, id)
			}
		}
		t.Run("Create: "+name, func(t *testing.T) {
			inWorld(t, func(w *world) { w.engine.creating = once() }, func(t *testing.T, w *world) {
				r, err := w.within(5*time.Minute, sample("a"), Activation{})
				require.NoError(t, err)
				require.Equal(t, Success, r.Status)
				time.Sleep(15 * time.Minute)
				require.Len(t, w.engine.ids(), 0, "and idle ones were removed")
			})
		})
		t.Run("Destroy: "+name, func(t *testing.T) {
			inWorld(t, func(w *world) { w.engine.destroys = once() }, func(t *testing.T, w *world) {
				_, err := w.within(time.Minute, sample("a"), activation(fakeCall{End: "bad"}))
				require.NoError(t, err)
				time.Sleep(time.Minute)
				require.Empty(t, w.engine.ids())
				stats, err := w.invoker.Stats(t.Context())
				require.NoError(t, err)
				require.Zero(t, stats.Used)
				time.Sleep(10 * time.Minute) // until the call returns that was left behind
			})
		})
		t.Run("Instances: "+name, func(t *testing.T) {
			hook := once()
			inWorld(t, func(w *world) { w.engine.listing = func(ctx context.Context) error { return hook(ctx, "") } }, func(t *testing.T, w *world) {
				_, err := w.within(5*time.Minute, sample("a"), Activation{})
				require.NoError(t, err)
				time.Sleep(10 * time.Minute)
			})
		})
	}
}

// TestCreateComesLate has Create return a container after it was given up: it must not be left.
func TestCreateComesLate(t *testing.T) {
	inWorld(t, func(w *world) {
		var second atomic.Bool
		w.engine.creating = func(context.Context, string) error {
			if !second.Swap(true) {
				time.Sleep(2 * time.Minute)
			}
			return nil
		}
	}, func(t *testing.T, w *world) {
		r, err := w.within(10*time.Minute, sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, Success, r.Status)
		time.Sleep(3 * time.Minute)
		require.Equal(t, []string{r.Container}, w.engine.ids())
		stats, err := w.invoker.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, DefaultMemory, stats.Used)
	})
}

// stubborn ignores the end of contexts in Create.
type stubborn struct{ *fakeEngine }

func (e stubborn) Create(_ context.Context, id string, spec Spec) (Instance, error) {
	time.Sleep(2 * time.Minute)
	return e.launch(id, spec)
}

// TestRunEndsDuringCreate leaves a call behind that brings a container to life when the run has ended.
func TestRunEndsDuringCreate(t *testing.T) {
	inWorld(t, func(w *world) { w.config.Engine = stubborn{w.engine} }, func(t *testing.T, w *world) {
		_, err := w.within(time.Second, sample("a"), Activation{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		began := time.Now()
		require.ErrorIs(t, w.end(), errStopped)
		require.Equal(t, returnTime, time.Since(began))
		time.Sleep(time.Hour)
		require.Empty(t, w.engine.ids(), "it was removed")
	})
}

// TestTeardownWaitsForCreate does not return while an engine may still bring a container to life.
func TestTeardownWaitsForCreate(t *testing.T) {
	inWorld(t, func(w *world) { w.config.Engine = stubborn{w.engine} }, func(t *testing.T, w *world) {
		_, err := w.within(time.Second, sample("a"), Activation{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, w.invoker.Close(t.Context()))
		require.Empty(t, w.engine.ids())
		time.Sleep(time.Hour)
		require.Empty(t, w.engine.ids())
	})
}

// flighty has a Watch that ends by itself after a second, or panics.
type flighty struct {
	*fakeEngine
	panics bool
}

func (e flighty) Watch(ctx context.Context) iter.Seq[Change] {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	changes := e.fakeEngine.Watch(ctx)
	return func(yield func(Change) bool) {
		defer cancel()
		changes(yield)
		if e.panics {
			panic("watch")
		}
	}
}

// TestWatchEnds watches again, and lists what may have been missed.
func TestWatchEnds(t *testing.T) {
	for _, panics := range []bool{false, true} {
		inWorld(t, func(w *world) { w.config.Engine = flighty{w.engine, panics} }, func(t *testing.T, w *world) {
			r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
			require.NoError(t, err)
			time.Sleep(1500*ms - 200*ms)
			w.engine.end(r.Container, nil, "nobody hears it")
			time.Sleep(2 * time.Second)
			stats, err := w.invoker.Stats(t.Context())
			require.NoError(t, err)
			require.Zero(t, stats.Used, "the listing did not have it")
		})
	}
}

// frozen is a fakeEngine that can suspend.
type frozen struct {
	*fakeEngine
	is map[string]bool
}

func (e frozen) Suspend(_ context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.note("suspend %s", id)
	e.is[id] = true
	return nil
}

func (e frozen) Resume(_ context.Context, id string) error {
	time.Sleep(5 * ms)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.note("resume %s", id)
	delete(e.is, id)
	return nil
}

// TestSuspended suspends an idle container after the grace, resumes it for the next activation, and resumes what it adopts.
func TestSuspended(t *testing.T) {
	inWorld(t, func(w *world) {
		withStore(w)
		w.config.Engine = frozen{w.engine, map[string]bool{}}
	}, func(t *testing.T, w *world) {
		first, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		time.Sleep(10*time.Second + ms)
		require.Equal(t, 1, w.engine.count("suspend"))
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, first.Container, r.Container)
		require.Equal(t, 5*ms, r.Wait)
		time.Sleep(11 * time.Second)
		require.Equal(t, 2, w.engine.count("suspend"))
		w.crash(0)
		time.Sleep(10 * ms)
		require.Equal(t, 2, w.engine.count("resume"), "nobody knows whether it is suspended")
	})
}

func TestChangesAreHeardInOrder(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := w.invoker.Events(ctx)
		var kinds []EventKind
		done := make(chan struct{})
		go func() {
			defer close(done)
			var last uint64
			for e := range events {
				if last > 0 && e.Seq != last+1 {
					panic("a gap")
				}
				last = e.Seq
				kinds = append(kinds, e.Kind)
			}
		}()
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		w.engine.end(r.Container, nil, "died")
		synctest.Wait()
		cancel()
		<-done
		require.Equal(t, []EventKind{EventCreated, EventReady, EventBound, EventGone}, kinds)
	})
}

func TestSlowWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &Invoker{}
		ctx, cancel := context.WithCancel(t.Context())
		events := v.Events(ctx)
		for i := range uint64(watchLimit + 10) {
			v.watchers.publish(Event{Seq: i + 1, Kind: EventCreated})
		}
		var got []Event
		for e := range events {
			if got = append(got, e); e.Kind == EventLagged {
				break
			}
		}
		require.Len(t, got, watchLimit+1)
		require.EqualValues(t, watchLimit+10, got[watchLimit].Seq)
		for range events {
			t.Fatal("a sequence is ranged over once")
		}
		cancel()
		require.Empty(t, v.watchers.all)
	})
}

// TestDialMisbehaves has a user's function panic, or hang whatever its context says.
func TestDialMisbehaves(t *testing.T) {
	for name, how := range map[string]func(){"panic": func() { panic("dial") }, "hang": func() { time.Sleep(time.Hour) }} {
		t.Run(name, func(t *testing.T) {
			var next atomic.Bool // dial misbehaves
			inWorld(t, func(w *world) {
				w.config.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					if next.Swap(false) {
						how()
					}
					return w.engine.network.DialContext(ctx, network, address)
				}
			}, func(t *testing.T, w *world) {
				first, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
				require.NoError(t, err)
				time.Sleep(5 * time.Second) // until its connection is closed
				next.Store(true)
				r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
				require.NoError(t, err)
				require.Equal(t, Success, r.Status)
				require.NotEqual(t, first.Container, r.Container, "the first one could not be reached")
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// TestIdleContainerIsRemoved looks for the exact instant, which moves with each use.
func TestIdleContainerIsRemoved(t *testing.T) {
	inWorld(t, func(w *world) { w.config.Pool.MarkGrace = 5 * time.Second }, func(t *testing.T, w *world) {
		for range 3 {
			_, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
			require.NoError(t, err)
			time.Sleep(9 * time.Minute)
		}
		require.Equal(t, 1, w.engine.count("create"))
		time.Sleep(time.Minute - ms)
		require.Len(t, w.engine.ids(), 1)
		time.Sleep(ms)
		synctest.Wait()
		require.Empty(t, w.engine.ids(), "no grace: nobody else can hold it")
	})
}

func TestAnAgentThatCouldNotBeReachedOnceIsNotToBlameForLaterCrashes(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		first, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		tell := func(c Change) {
			w.engine.mu.Lock()
			defer w.engine.mu.Unlock()
			w.engine.tell(c)
		}
		for info := range w.invoker.Containers(t.Context()) {
			tell(Change{Agent: info.Agent, State: Unreachable})
		}
		tell(Change{State: Lagged}) // that it can be reached again was missed
		time.Sleep(time.Second)
		time.AfterFunc(100*ms, func() {
			w.engine.mu.Lock()
			defer w.engine.mu.Unlock()
			w.engine.kill(first.Container)
		})
		time.AfterFunc(200*ms, func() { tell(Change{ID: first.Container, State: Gone, Reason: "exited"}) })
		r, err := w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: time.Hour}))
		require.NoError(t, err)
		require.Equal(t, DeveloperError, r.Status)
		require.Equal(t, first.Container, r.Container)
	})
}
