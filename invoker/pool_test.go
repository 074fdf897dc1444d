package invoker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// happened returns the events of a world from now on, in order, when the function that it returns is called.
func (w *world) happened(ctx context.Context) func() []Event {
	ctx, cancel := context.WithCancel(ctx)
	events := w.invoker.Events(ctx)
	var all []Event
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range events {
			all = append(all, e)
		}
	}()
	return func() []Event {
		synctest.Wait()
		cancel()
		<-done
		return all
	}
}

// reasonOf returns why a container was removed, the empty text if it was not.
func reasonOf(events []Event, container string) (reason string) {
	for _, e := range events {
		if e.Kind == EventRemoving && e.Container.ID == container {
			reason = e.Reason
		}
	}
	return reason
}

func TestWhyAContainerIsNotUsedAgain(t *testing.T) {
	for reason, disturb := range map[string]func(w *world, b *breaking, container string) Activation{
		"it ended while it served": func(_ *world, b *breaking, _ string) Activation {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.breaks = 1
			return Activation{}
		},
		"it does not answer": func(w *world, _ *breaking, container string) Activation {
			w.engine.mu.Lock()
			defer w.engine.mu.Unlock()
			w.engine.kill(container)
			return Activation{}
		},
		"its last activation forbids to use it again": func(*world, *breaking, string) Activation { return activation(fakeCall{End: "bad"}) },
	} {
		t.Run(reason, func(t *testing.T) {
			b := &breaking{written: -1}
			inWorld(t, func(w *world) { w.config.DialContext = b.dial(&w.engine.network) }, func(t *testing.T, w *world) {
				first, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
				require.NoError(t, err)
				events := w.happened(t.Context())
				_, err = w.invoker.Invoke(t.Context(), sample("a"), disturb(w, b, first.Container))
				require.NoError(t, err)
				require.Equal(t, reason, reasonOf(events(), first.Container))
			})
		})
	}
}

// TestNothingHappensAfterARun, even if a caller gives back what it has got.
func TestNothingHappensAfterARun(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		l, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		_, err = l.Run(t.Context(), activation(fakeCall{End: "bad"}))
		require.NoError(t, err)
		w.end()
		events := w.happened(t.Context())
		l.Release()
		require.Empty(t, events())
		require.Len(t, w.engine.ids(), 1)
	})
}

// TestWithoutAStoreNothingIsKeptOfWhatIsGone: neither of containers of an action nor of those that failed.
func TestWithoutAStoreNothingIsKeptOfWhatIsGone(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.engine.failStarts(1, ErrStart)
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		require.Len(t, w.invoker.memory.records, 1)
		w.engine.end(r.Container, nil, "exited")
		synctest.Wait()
		require.Empty(t, w.invoker.memory.records)
	})
}

// odd is an engine whose Create returns something that it should not.
type odd struct {
	*fakeEngine
	change func(*Instance)
}

func (e odd) Create(ctx context.Context, id string, spec Spec) (Instance, error) {
	in, err := e.fakeEngine.Create(ctx, id, spec)
	e.change(&in)
	return in, err
}

func TestAnEngineReturnsAnotherInstance(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Engine = odd{w.engine, func(in *Instance) { in.ID = "another" }}
	}, func(t *testing.T, w *world) {
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, w.engine.ids(), []string{r.Container}, "the ID is the pool's")
	})
	inWorld(t, func(w *world) {
		w.config.Engine = odd{w.engine, func(in *Instance) { in.Address = "" }}
	}, func(t *testing.T, w *world) {
		_, err := w.within(time.Minute, sample("a"), Activation{})
		require.ErrorIs(t, err, ErrStart)
		require.ErrorContains(t, err, "no address")
		synctest.Wait()
		require.Empty(t, w.engine.ids())
	})
}

// TestAContainerGoesBackAndForthWithoutAPause between processes that need it in turn.
func TestAContainerGoesBackAndForthWithoutAPause(t *testing.T) {
	inCluster(t, func(w *world) { w.config.Pool.Memory = 256 }, func(t *testing.T, _ *world, a, b *member) {
		first := a.invoke(t, "a")
		for range 3 {
			for _, m := range []*member{b, a} {
				r := m.invoke(t, "a")
				require.Equal(t, first.Container, r.Container)
				require.Zero(t, r.Wait)
			}
		}
	})
}
