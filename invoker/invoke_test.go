package invoker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// inWorld runs a test in a bubble, with an invoker on a fake engine. Whatever happened in it, no container got the activations
// of two actions, and no activation was sent twice.
func inWorld(t *testing.T, setUp func(w *world), test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, engine: newFakeEngine()}
		w.config = Config{Owner: "test", Engine: w.engine, DialContext: w.engine.network.DialContext}
		if setUp != nil {
			setUp(w)
		}
		if w.store != nil {
			w.config.Store = w.store
		}
		defer w.engine.closeAll()
		w.begin(scheduler.Term{})
		defer func() { w.stop(nil) }()
		test(t, w)
		w.end()
		if !w.control {
			require.Empty(t, w.engine.faults())
		}
	})
}

// begin starts an invoker of a new process.
func (w *world) begin(term scheduler.Term) {
	v, err := New(w.config)
	require.NoError(w.t, err)
	w.lead(v, term)
}

// lead begins a run of an invoker.
func (w *world) lead(v *Invoker, term scheduler.Term) {
	ctx, stop := context.WithCancelCause(context.Background())
	w.invoker, w.stop, w.done = v, stop, make(chan error, 1)
	done := w.done
	go func() { done <- v.Lead(ctx, term) }()
	synctest.Wait()
}

var errStopped = errors.New("stopped")

// end ends the run.
func (w *world) end() error {
	w.stop(errStopped)
	err := <-w.done
	w.done <- err
	return err
}

func TestColdAndWarm(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		began := time.Now()
		r, err := w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 30 * time.Millisecond}))
		require.NoError(t, err)
		require.Equal(t, 230*time.Millisecond, time.Since(began))
		require.Equal(t, Success, r.Status)
		require.JSONEq(t, `{"ok":true}`, string(r.Body))
		require.Equal(t, Cold, r.Start)
		require.Equal(t, 200*time.Millisecond, r.Wait)
		require.Equal(t, 30*time.Millisecond, r.Duration)
		require.Len(t, r.ActivationID, 32)
		first := r.Container

		r, err = w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 30 * time.Millisecond}))
		require.NoError(t, err)
		require.Equal(t, 260*time.Millisecond, time.Since(began))
		require.Equal(t, Warm, r.Start)
		require.Zero(t, r.Wait)
		require.Zero(t, r.Init)
		require.Equal(t, first, r.Container)
		require.Equal(t, 1, w.engine.count("create"))
	})
}
