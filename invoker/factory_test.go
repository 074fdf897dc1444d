package invoker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func wants(session, request string) ContainerRequest {
	return ContainerRequest{Session: session, Request: request, Name: "wsk_1", Kind: "greeter", Image: "greeter", Memory: 128}
}

// states returns how many containers there are in each state.
func (w *world) states() map[State]int {
	s, err := w.invoker.Snapshot(w.t.Context())
	require.NoError(w.t, err)
	return s.Stats.Containers
}

func TestAContainerOfASession(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		f, ctx := w.invoker.Factory(), t.Context()
		_, err := f.Create(ctx, wants(sessionA, "1"))
		require.ErrorIs(t, err, ErrSession)
		open(t, w.invoker.Control(), sessionA)
		open(t, w.invoker.Control(), sessionB)

		first, err := f.Create(ctx, wants(sessionA, "1"))
		require.NoError(t, err)
		require.NotEmpty(t, first.Address)
		require.Equal(t, 128, first.Shape.Memory)
		require.NotContains(t, fmt.Sprint(first), sessionA)
		again, err := f.Create(ctx, wants(sessionA, "1"))
		require.NoError(t, err)
		require.Equal(t, first, again)
		other := wants(sessionA, "1")
		other.Memory = 256
		_, err = f.Create(ctx, other)
		require.ErrorIs(t, err, ErrRequestReused)
		theirs, err := f.Create(ctx, wants(sessionB, "1"))
		require.NoError(t, err)
		require.NotEqual(t, first.ID, theirs.ID)

		_, err = f.Container(ctx, sessionB, first.ID)
		require.ErrorIs(t, err, ErrOtherSession)
		require.ErrorIs(t, f.Destroy(ctx, sessionB, first.ID), ErrOtherSession)
		require.ErrorIs(t, f.Suspend(ctx, sessionB, first.ID), ErrOtherSession)
		require.ErrorIs(t, f.Suspend(ctx, sessionA, first.ID), errors.ErrUnsupported)
		require.NoError(t, f.Destroy(ctx, sessionA, first.ID))
		require.NoError(t, f.Destroy(ctx, sessionA, first.ID))
		require.NoError(t, f.Destroy(ctx, sessionA, "unknown"))
		_, err = f.Container(ctx, sessionA, first.ID)
		require.ErrorIs(t, err, ErrContainer)
		synctest.Wait()
		require.Equal(t, map[State]int{StateBusy: 1}, w.states())

		fresh, err := f.Create(ctx, wants(sessionA, "1"))
		require.NoError(t, err)
		require.NotEqual(t, first.ID, fresh.ID, "nobody gets what was used")
		require.NoError(t, w.invoker.Control().End(ctx, sessionA))
		time.Sleep(11*time.Second + 1)
		require.Empty(t, w.states(), "the session of B is over as well")
	})
}

func TestAContainerOfASessionIsAStemCellIfThereIsOne(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Pool.Stems = []StemCells{{Kind: "greeter", Image: "greeter", Memory: 128, Initial: 1}}
	}, func(t *testing.T, w *world) {
		time.Sleep(time.Second)
		open(t, w.invoker.Control(), sessionA)
		r := wants(sessionA, "1")
		r.Kind = ""
		began := time.Now()
		in, err := w.invoker.Factory().Create(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, "greeter", in.Shape.Kind)
		require.Zero(t, time.Since(began))
	})
}

// TestAContainerOfASessionOutlivesTheLeader: it is kept for a session that is opened in time, and removed otherwise.
func TestAContainerOfASessionOutlivesTheLeader(t *testing.T) {
	for _, after := range []time.Duration{0, 9 * time.Second, 12 * time.Second} {
		inWorld(t, withStore, func(t *testing.T, w *world) {
			w.crash(2)
			open(t, w.invoker.Control(), sessionA)
			in, err := w.invoker.Factory().Create(t.Context(), wants(sessionA, "1"))
			require.NoError(t, err)
			w.crash(3)
			time.Sleep(after)
			open(t, w.invoker.Control(), sessionA)
			again, err := w.invoker.Factory().Create(t.Context(), wants(sessionA, "1"))
			require.NoError(t, err)
			require.Equal(t, after <= SessionTTL, again.ID == in.ID)
			require.NoError(t, w.invoker.Control().End(t.Context(), sessionA))
			time.Sleep(time.Second)
			require.Empty(t, w.states())
		})
	}
}

func TestACallerForAContainerOfASessionGivesUp(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		open(t, w.invoker.Control(), sessionA)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := w.invoker.Factory().Create(ctx, wants(sessionA, "1"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var capacity *CapacityError
		require.ErrorAs(t, err, &capacity)
		require.Equal(t, "containers are starting", capacity.Reason)
		time.Sleep(time.Second)
		_, err = w.invoker.Control().Renew(t.Context(), Renewal{Session: sessionA})
		require.NoError(t, err)
		in, err := w.invoker.Factory().Create(t.Context(), wants(sessionA, "1"))
		require.NoError(t, err)
		require.NotEmpty(t, in.ID)
		require.Equal(t, 1, w.engine.count("create"))
	})
}

// TestAContainerOfASessionIsRemovedRightAfterAChangeOfTheLeader, before it is known which containers there are.
func TestAContainerOfASessionIsRemovedRightAfterAChangeOfTheLeader(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		w.crash(2)
		open(t, w.invoker.Control(), sessionA)
		in, err := w.invoker.Factory().Create(t.Context(), wants(sessionA, "1"))
		require.NoError(t, err)
		w.engine.listing = func(context.Context) error {
			time.Sleep(time.Second)
			return nil
		}
		w.crash(3)
		open(t, w.invoker.Control(), sessionA)
		require.NoError(t, w.invoker.Factory().Destroy(t.Context(), sessionA, in.ID))
		time.Sleep(time.Second)
		synctest.Wait() // until the listing, which ends at this instant, is acted on
		require.Empty(t, w.states())
	})
}
