package scheduler

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestGoroutine(t *testing.T) {
	own := goroutine()
	require.NotZero(t, own)
	require.Equal(t, own, goroutine())
	var other uint64
	var wg sync.WaitGroup
	wg.Go(func() { other = goroutine() })
	wg.Wait()
	require.NotZero(t, other)
	require.NotEqual(t, own, other)
}

// If the loop panics, so does Run, and whoever waits gets an answer.
func TestLoopThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dialing := func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		s, err := New(Config{Master: "a:1", Framework: Framework{Name: "test"}, DialContext: dialing, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		s.decide = func(m *machine, now time.Time, in input) []action {
			if _, is := in.(kill); is {
				panic("broken")
			}
			return m.step(now, in)
		}
		watched := make(chan bool)
		events := s.Watch(t.Context())
		go func() {
			for range events {
			}
			close(watched)
		}()
		ended := make(chan any)
		go func() {
			defer func() { ended <- recover() }()
			_ = s.Run(t.Context())
		}()
		errs := make(chan error)
		go func() {
			_, err := s.Launch(context.Background(), task.Spec{ID: "a", Command: task.Command{Shell: "true"}, CPUs: 1, Mem: 32})
			errs <- err
		}()
		synctest.Wait()
		go func() { _, err := s.Kill(context.Background(), "b"); errs <- err }()
		require.Equal(t, "broken", <-ended)
		require.ErrorIs(t, <-errs, ErrNotRunning)
		require.ErrorIs(t, <-errs, ErrNotRunning)
		<-watched
		_, err = s.Tasks(context.Background())
		require.ErrorIs(t, err, ErrNotRunning)
	})
}
