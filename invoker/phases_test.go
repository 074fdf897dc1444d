package invoker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

// within calls Invoke with a context that ends after so long.
func (w *world) within(d time.Duration, a *Action, act Activation) (*Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return w.invoker.Invoke(ctx, a, act)
}

func withStem(w *world) { w.config.Pool.Stems = []StemCells{{Kind: "test:1", Initial: 1}} }

func TestPrewarmed(t *testing.T) {
	inWorld(t, withStem, func(t *testing.T, w *world) {
		time.Sleep(time.Second)
		began := time.Now()
		r, err := w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 30 * ms}))
		require.NoError(t, err)
		require.Equal(t, 30*ms, time.Since(began))
		require.Equal(t, Prewarmed, r.Start)
		require.Zero(t, r.Wait)
		time.Sleep(time.Second)
		stats, err := w.invoker.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[State]int{StateIdle: 1, StateStem: 1}, stats.Containers, "the stem cell was replaced")
	})
}

// TestContextEnds ends the context of a caller in each phase of an activation.
func TestContextEnds(t *testing.T) {
	for _, c := range []struct {
		phase string
		setUp func(w *world)
		after time.Duration
		sent  bool // /run was
		lost  bool // the error says whether it was
		left  int  // containers, two seconds later
		why   string
	}{
		{"while a container starts", nil, 100 * ms, false, false, 1, "containers are starting"},
		{"while it is bound", func(w *world) {
			w.store = &fakeStore{}
			w.store.hook = sleepingHook(100 * ms)
		}, 250 * ms, false, false, 1, "a container is being bound, or resumed"},
		{"while /init runs", func(w *world) { w.engine.initTime = 100 * ms }, 250 * ms, false, true, 0, ""},
		{"while /run runs", nil, 300 * ms, true, true, 0, ""},
		{"while no container can be started", func(w *world) {
			w.engine.creating = func(context.Context, string) error { return ErrNoCapacity }
		}, 4500 * ms, false, false, 0, "there is no room for 256 MiB"},
	} {
		t.Run(c.phase, func(t *testing.T) {
			inWorld(t, c.setUp, func(t *testing.T, w *world) {
				time.Sleep(100 * ms) // the store's first write
				began := time.Now()
				_, err := w.within(c.after, sample("a"), activation(fakeCall{Sleep: time.Second}))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, c.after, time.Since(began), "at once")
				var lost *LostError
				require.Equal(t, c.lost, errors.As(err, &lost))
				if c.lost {
					require.Equal(t, c.sent, lost.Sent)
				} else {
					var why *CapacityError
					require.ErrorAs(t, err, &why)
					require.Equal(t, c.why, why.Reason)
				}
				require.Equal(t, c.sent, w.engine.count("run") == 1)
				time.Sleep(2 * time.Second)
				require.Len(t, w.engine.ids(), c.left)
				if c.left == 1 {
					r, err := w.within(time.Second, sample("a"), Activation{})
					require.NoError(t, err)
					require.Zero(t, r.Wait, "what was started for the other one is there")
				}
			})
		})
	}
}

func sleepingHook(d time.Duration) func(context.Context, map[string][]byte) error {
	return func(ctx context.Context, _ map[string][]byte) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// TestContainerDies ends a container in each phase.
func TestContainerDies(t *testing.T) {
	t.Run("while it starts", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			w.engine.failStarts(1, ErrStart)
			r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
			require.NoError(t, err)
			require.Equal(t, Success, r.Status)
			require.Equal(t, 2, w.engine.count("create"))
		})
	})
	t.Run("before it answers", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			w.engine.silent(1)
			began := time.Now()
			r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
			require.NoError(t, err)
			require.Equal(t, Success, r.Status)
			require.GreaterOrEqual(t, time.Since(began), 10*time.Second, "the first one was given that long")
		})
	})
	t.Run("as a stem cell", func(t *testing.T) {
		inWorld(t, withStem, func(t *testing.T, w *world) {
			time.Sleep(time.Second)
			w.engine.end(w.engine.ids()[0], nil, "died")
			time.Sleep(15 * time.Second)
			r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
			require.NoError(t, err)
			require.Equal(t, Prewarmed, r.Start, "it was replaced")
		})
	})
	t.Run("while it is bound", func(t *testing.T) {
		inWorld(t, func(w *world) { w.store = &fakeStore{hook: sleepingHook(100 * ms)} }, func(t *testing.T, w *world) {
			time.Sleep(100 * ms)
			go func() {
				time.Sleep(250 * ms)
				w.engine.end(w.engine.ids()[0], nil, "died")
			}()
			r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
			require.NoError(t, err)
			require.Equal(t, Success, r.Status)
			require.Equal(t, 1, w.engine.count("init"))
			time.Sleep(time.Second)
			require.Len(t, w.store.keys(), 2, "the record of the dead one was deleted")
		})
	})
	t.Run("while it is idle, and nobody has noticed", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			first, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
			require.NoError(t, err)
			w.engine.mu.Lock()
			w.engine.kill(first.Container)
			w.engine.mu.Unlock()
			began := time.Now()
			r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{ID: "second"})
			require.NoError(t, err)
			require.Equal(t, Cold, r.Start)
			require.Equal(t, 200*ms, time.Since(began))
			require.Equal(t, 200*ms, r.Wait, "from the first attempt on")
			require.NotEqual(t, first.Container, r.Container)
		})
	})
	for _, c := range []struct {
		end    string
		status Status
		lost   error
		body   string
	}{
		{"exit", DeveloperError, nil, `before it answered`},
		{"memory", DeveloperError, nil, `memory`},
		{"platform", InternalError, ErrUnavailable, ``},
	} {
		t.Run("while it runs: "+c.end, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				began := time.Now()
				r, err := w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 30 * ms, End: c.end}))
				require.Equal(t, 230*ms, time.Since(began), "it is known at once why")
				require.Equal(t, c.status, r.Status)
				require.Contains(t, string(r.Body), c.body)
				require.ErrorIs(t, err, c.lost)
				if c.lost != nil {
					var lost *LostError
					require.ErrorAs(t, err, &lost)
					require.True(t, lost.Sent)
				}
				synctest.Wait()
				require.Empty(t, w.engine.ids())
			})
		})
	}
	t.Run("during init, by the platform", func(t *testing.T) {
		inWorld(t, func(w *world) { w.engine.initTime = 100 * ms }, func(t *testing.T, w *world) {
			go func() {
				time.Sleep(250 * ms)
				w.engine.end(w.engine.ids()[0], ErrUnavailable, "drained")
			}()
			began := time.Now()
			r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
			require.NoError(t, err, "nothing was sent, so that another container can run it")
			require.Equal(t, 550*ms, time.Since(began))
			require.Equal(t, Success, r.Status)
		})
	})
	t.Run("while it runs, and the connection does not break", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			go func() {
				time.Sleep(500 * ms)
				w.engine.mu.Lock()
				defer w.engine.mu.Unlock()
				w.engine.tell(Change{Agent: "agent-1", State: Gone, Reason: "burnt"})
			}()
			began := time.Now()
			r, err := w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 50 * time.Second}))
			require.ErrorIs(t, err, ErrUnavailable)
			require.ErrorContains(t, err, "burnt")
			require.Equal(t, 1500*ms, time.Since(began))
			require.Equal(t, InternalError, r.Status)
		})
	})
}

// TestContainerIsMissingInAListing loses a container whose connection hangs: nobody knows why, so that it is not the action's fault.
func TestContainerIsMissingInAListing(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		go func() {
			time.Sleep(500 * ms)
			id := w.engine.ids()[0]
			w.engine.mu.Lock()
			defer w.engine.mu.Unlock()
			c := w.engine.running[id]
			delete(w.engine.running, id)
			w.engine.tell(Change{State: Lagged})
			go func() {
				time.Sleep(2 * time.Second)
				close(c.ending)
				_ = c.server.Close()
			}()
		}()
		began := time.Now()
		r, err := w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 50 * time.Second}))
		var lost *LostError
		require.ErrorAs(t, err, &lost)
		require.True(t, lost.Sent)
		require.Equal(t, 500*ms+lostGrace, time.Since(began))
		require.Equal(t, InternalError, r.Status)
		time.Sleep(5 * time.Second)
	})
}

func TestActionFails(t *testing.T) {
	for _, c := range []struct {
		call   fakeCall
		status Status
		kept   int
	}{
		{fakeCall{}, Success, 1},
		{fakeCall{End: "no such user"}, ApplicationError, 1},
		{fakeCall{End: "bad"}, DeveloperError, 0},
		{fakeCall{Sleep: 2 * time.Minute}, DeveloperError, 0},
	} {
		inWorld(t, nil, func(t *testing.T, w *world) {
			r, err := w.invoker.Invoke(t.Context(), sample("a"), activation(c.call))
			require.NoError(t, err)
			require.Equal(t, c.status, r.Status)
			require.Equal(t, c.call.Sleep > time.Minute, r.TimedOut)
			if r.TimedOut {
				require.Equal(t, time.Minute, r.Duration)
			}
			synctest.Wait()
			require.Len(t, w.engine.ids(), c.kept)
		})
	}
}

func TestInitFails(t *testing.T) {
	inWorld(t, func(w *world) { w.engine.initStatus = 502 }, func(t *testing.T, w *world) {
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, DeveloperError, r.Status)
		require.Zero(t, w.engine.count("run"))
		synctest.Wait()
		require.Empty(t, w.engine.ids())
	})
}

func TestStartFails(t *testing.T) {
	for _, c := range []struct {
		user  bool
		err   error
		fault Fault
	}{
		{true, ErrImage, FaultDeveloper}, {true, ErrStart, FaultDeveloper}, {false, ErrImage, FaultPlatform}, {true, errTest, FaultPlatform},
	} {
		inWorld(t, nil, func(t *testing.T, w *world) {
			w.engine.failStarts(100, c.err)
			a := sample("a")
			a.Image, a.UserImage = "user/image", c.user
			_, err := w.within(time.Minute, a, Activation{})
			var start *StartError
			require.ErrorAs(t, err, &start)
			require.Equal(t, c.fault, start.Fault)
			require.ErrorIs(t, err, c.err)
		})
	}
	t.Run("no answer", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			w.engine.silent(100)
			a := sample("a")
			a.Image, a.UserImage = "user/image", true
			_, err := w.within(time.Minute, a, Activation{})
			var start *StartError
			require.ErrorAs(t, err, &start)
			require.Equal(t, FaultDeveloper, start.Fault)
		})
	})
}
