package invoker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLease(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		l, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		require.Equal(t, Cold, l.Start())
		require.Equal(t, w.engine.ids(), []string{l.Container().ID})
		require.Zero(t, w.engine.count("init"), "not before it runs something")

		r, err := l.Run(t.Context(), activation(fakeCall{Sleep: 10 * ms}))
		require.NoError(t, err)
		require.Equal(t, Cold, r.Start)
		require.Equal(t, 200*ms, r.Wait)
		r, err = l.Run(t.Context(), Activation{})
		require.NoError(t, err)
		require.Equal(t, Warm, r.Start)
		require.Zero(t, r.Wait)
		require.Equal(t, 1, w.engine.count("init"))

		done := make(chan error, 1)
		go func() {
			_, err := l.Run(t.Context(), activation(fakeCall{Sleep: time.Second}))
			done <- err
		}()
		synctest.Wait()
		_, err = l.Run(t.Context(), Activation{})
		require.ErrorContains(t, err, "runs an activation already")
		l.Release()
		l.Release()
		_, err = l.Run(t.Context(), Activation{})
		require.Error(t, err)
		began := time.Now()
		other, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, 200*ms, time.Since(began), "the container is in use until its activation has ended")
		require.NotEqual(t, l.Container().ID, other.Container)
		require.NoError(t, <-done)
		_, err = l.Run(t.Context(), Activation{})
		require.ErrorIs(t, err, ErrReleased)
		again, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		require.Equal(t, Warm, again.Start())
		l.Release()
		r, err = again.Run(t.Context(), activation(fakeCall{End: "bad"}))
		require.NoError(t, err)
		require.Equal(t, DeveloperError, r.Status)
		_, err = again.Run(t.Context(), Activation{})
		require.ErrorIs(t, err, ErrReleased, "the container must not be used again")
		require.Len(t, w.engine.ids(), 2)
		again.Release()
		synctest.Wait()
		require.Len(t, w.engine.ids(), 1)
	})
}

// TestLeaseOfContainerThatIsGone sends nothing.
func TestLeaseOfContainerThatIsGone(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		l, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		w.engine.end(l.Container().ID, nil, "died")
		synctest.Wait()
		_, err = l.Run(t.Context(), Activation{})
		var lost *LostError
		require.ErrorAs(t, err, &lost)
		require.False(t, lost.Sent)
		require.ErrorIs(t, err, errGone, "it is not even tried: the address may be another's by now")
		l.Release()
	})
}

// TestLeaseThatWasNotUsed has the next one initialise the container.
func TestLeaseThatWasNotUsed(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		l, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		l.Release()
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, l.Container().ID, r.Container)
		require.Equal(t, 1, w.engine.count("init"))
		require.Equal(t, 1, w.engine.count("create"))
	})
}

// TestNothingIsSentAfterTheRun refuses activations of leases that the run has given.
func TestNothingIsSentAfterTheRun(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		l, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		w.end()
		_, err = l.Run(t.Context(), Activation{})
		require.ErrorIs(t, err, ErrNotRunning)
		require.Zero(t, w.engine.count("init"))
		l.Release()
	})
}

func TestConcurrency(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		a := sample("a")
		a.Concurrency = 4
		for range 2 {
			began, done := time.Now(), make(chan error, 8)
			for range 8 {
				go func() {
					_, err := w.invoker.Invoke(t.Context(), a, activation(fakeCall{Sleep: 100 * ms}))
					done <- err
				}()
			}
			for range 8 {
				require.NoError(t, <-done)
			}
			require.LessOrEqual(t, time.Since(began), 400*ms)
		}
		require.Equal(t, 2, w.engine.count("create"))
		require.Equal(t, 2, w.engine.count("init"))
	})
}

// TestTheSecondRunOfALeaseWaitsForTheLogsOfTheFirst until there is room for those of more, or its context ends.
func TestTheSecondRunOfALeaseWaitsForTheLogsOfTheFirst(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		l, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		_, err = l.Run(t.Context(), Activation{})
		require.NoError(t, err)
		room := make(chan struct{})
		l.mu.Lock()
		l.room = room
		l.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = l.Run(ctx, Activation{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, w.engine.count("run"))
		time.AfterFunc(2*time.Second, func() { close(room) })
		began := time.Now()
		_, err = l.Run(t.Context(), Activation{})
		require.NoError(t, err)
		require.Equal(t, 2*time.Second, time.Since(began))
		l.Release()
	})
}

// TestInvalidActions are refused before anything happens.
func TestInvalidActions(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		long := strings.Repeat("x", maxNameLength+1)
		for field, change := range map[string]func(a *Action){
			"Action.Namespace":   func(a *Action) { a.Namespace = "" },
			"Action.Name":        func(a *Action) { a.Name = long },
			"Action.Kind":        func(a *Action) { a.Kind = "\xff" },
			"Action.Image":       func(a *Action) { a.UserImage = true },
			"Action.Memory":      func(a *Action) { a.Memory = -1 },
			"Action.Concurrency": func(a *Action) { a.Concurrency = 1001 },
			"Action.Timeout":     func(a *Action) { a.Timeout = -time.Second },
		} {
			a := sample("a")
			change(a)
			_, err := w.invoker.Invoke(t.Context(), a, Activation{})
			var invalid *ConfigError
			require.ErrorAs(t, err, &invalid, field)
			require.Equal(t, field, invalid.Field)
			require.Less(t, len(err.Error()), 300)
		}
		_, err := w.invoker.Invoke(t.Context(), nil, Activation{})
		require.ErrorContains(t, err, "Action")
		require.Zero(t, w.engine.count("create"))

		_, err = w.invoker.Invoke(t.Context(), sample("a"), Activation{Params: json.RawMessage("17")})
		require.ErrorContains(t, err, `Activation.Params: "17"`)
		require.Zero(t, w.engine.count("run"))
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, Warm, r.Start, "the container is as good as before")
	})
}

func TestInvalidConfigs(t *testing.T) {
	valid := Config{Owner: "test", Engine: newFakeEngine()}
	_, err := New(valid)
	require.NoError(t, err)
	for field, change := range map[string]func(c *Config){
		"Owner":                   func(c *Config) { c.Owner = "a_b" },
		"Engine":                  func(c *Config) { c.Engine = nil },
		"Env":                     func(c *Config) { c.Env = map[string]string{"A=B": "c"} },
		"Env.A":                   func(c *Config) { c.Env = map[string]string{"A": "\x00"} },
		"Pool.Memory":             func(c *Config) { c.Pool.Memory = -1 },
		"Pool.MaxStarts":          func(c *Config) { c.Pool.MaxStarts = -1 },
		"Pool.CreateTimeout":      func(c *Config) { c.Pool.CreateTimeout = -1 },
		"Pool.Stems[0].Kind":      func(c *Config) { c.Pool.Stems = []StemCells{{Initial: 1}} },
		"Pool.Stems[0].Min":       func(c *Config) { c.Pool.Stems = []StemCells{{Kind: "k", Min: 3, Max: 2}} },
		"Pool.Stems[0].Initial":   func(c *Config) { c.Pool.Stems = []StemCells{{Kind: "k", Initial: 3, Min: 1, Max: 2}} },
		"Pool.Stems[0].TTL":       func(c *Config) { c.Pool.Stems = []StemCells{{Kind: "k", TTL: -1}} },
		"Pool.Stems[0].Increment": func(c *Config) { c.Pool.Stems = []StemCells{{Kind: "k", Threshold: 1}} },
		"Pool.Stems[0].Memory":    func(c *Config) { c.Pool.Memory, c.Pool.Stems = 100, []StemCells{{Kind: "k"}} },
		"Pool.Stems[1]":           func(c *Config) { c.Pool.Stems = []StemCells{{Kind: "k"}, {Kind: "k", Memory: 256}} },
	} {
		c := valid
		change(&c)
		_, err := New(c)
		var invalid *ConfigError
		require.ErrorAs(t, err, &invalid, field)
		require.Equal(t, field, invalid.Field)
	}
	_, err = New(Config{Owner: "ü", Pool: PoolConfig{MaxWaiting: -1}})
	for _, field := range []string{`Owner: "ü"`, "Engine: <nil>", "Pool.MaxWaiting: -1"} {
		require.ErrorContains(t, err, field, "all faults at once")
	}
}

// TestConfigIsCopied changes what was passed to New.
func TestConfigIsCopied(t *testing.T) {
	no := false
	c := Config{Owner: "test", Engine: newFakeEngine(), Env: map[string]string{"A": "1"}, TeardownOnClose: &no,
		Pool: PoolConfig{Stems: []StemCells{{Kind: "k"}}}, Logger: slog.New(slog.DiscardHandler)}
	v, err := New(c)
	require.NoError(t, err)
	c.Env["A"], c.Pool.Stems[0].Kind, no = "2", "l", true
	require.Equal(t, "1", v.config.Env["A"])
	require.Equal(t, "k", v.config.Pool.Stems[0].Kind)
	require.False(t, *v.config.TeardownOnClose)
}

// TestPoolIsFull lets callers wait for room, and refuses those that are too many.
func TestPoolIsFull(t *testing.T) {
	inWorld(t, func(w *world) { w.config.Pool.Memory, w.config.Pool.MaxWaiting = 512, 2 }, func(t *testing.T, w *world) {
		results := make(chan error, 4)
		for i := range 4 {
			go func() {
				_, err := w.invoker.Invoke(t.Context(), sample(fmt.Sprint(i)), activation(fakeCall{Sleep: time.Second}))
				results <- err
			}()
			time.Sleep(300 * ms)
		}
		_, err := w.invoker.Invoke(t.Context(), sample("5"), Activation{})
		var full *CapacityError
		require.ErrorAs(t, err, &full)
		require.Equal(t, 2, full.Waiting)
		require.Equal(t, 512, full.Limit)
		for range 4 {
			require.NoError(t, <-results)
		}
		_, err = w.invoker.Invoke(t.Context(), &Action{Namespace: "n", Name: "large", Kind: "k", Memory: 1024}, Activation{})
		require.True(t, errors.As(err, &full), "it would never fit")
	})
}

// TestAContainerWhoseLogsAreFarBehindIsNotUsedAgain until they are not, in this process and in another.
func TestAContainerWhoseLogsAreFarBehindIsNotUsedAgain(t *testing.T) {
	inCluster(t, func(w *world) { w.config.Pool.Memory = 256 }, func(t *testing.T, w *world, a, _ *member) {
		for _, acquire := range []func(context.Context, *Action) (*Lease, error){w.invoker.Acquire, a.Acquire} {
			l, err := acquire(t.Context(), sample("a"))
			require.NoError(t, err)
			_, err = l.Run(t.Context(), Activation{})
			require.NoError(t, err)
			room := make(chan struct{})
			l.mu.Lock()
			l.room = room
			l.mu.Unlock()
			l.Release()
			began := time.Now()
			time.AfterFunc(3*time.Second, func() { close(room) })
			next, err := acquire(t.Context(), sample("a"))
			require.NoError(t, err)
			require.Equal(t, 3*time.Second, time.Since(began))
			require.Equal(t, l.Container().ID, next.Container().ID)
			next.Release()
		}
	})
}

func TestAContainerThatIsNotUsedAgainDoesNotWaitForItsLogs(t *testing.T) {
	inCluster(t, func(w *world) { w.config.Pool.Memory = 256 }, func(t *testing.T, w *world, a, _ *member) {
		for _, acquire := range []func(context.Context, *Action) (*Lease, error){w.invoker.Acquire, a.Acquire} {
			l, err := acquire(t.Context(), sample("a"))
			require.NoError(t, err)
			_, err = l.Run(t.Context(), activation(fakeCall{End: "bad"}))
			require.NoError(t, err)
			l.mu.Lock()
			l.room = make(chan struct{})
			l.mu.Unlock()
			l.Release()
			next, err := acquire(t.Context(), sample("a"))
			require.NoError(t, err)
			require.NotEqual(t, l.Container().ID, next.Container().ID)
			next.Release()
		}
	})
}

func TestARunThatEndsDoesNotWaitForLogs(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, _ *member) {
		for _, acquire := range []func(context.Context, *Action) (*Lease, error){w.invoker.Acquire, a.Acquire} {
			l, err := acquire(t.Context(), sample("a"))
			require.NoError(t, err)
			l.mu.Lock()
			l.room = make(chan struct{})
			l.mu.Unlock()
			l.Release()
		}
		w.crash(3)
	})
}

func TestACallerWhoLeavesBeforeAnythingIsSentKeepsTheContainerFromNobody(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		first, err := w.within(time.Second, sample("a"), Activation{})
		require.NoError(t, err)
		l, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = l.Run(ctx, Activation{})
		var lost *LostError
		require.ErrorAs(t, err, &lost)
		require.False(t, lost.Sent)
		require.ErrorIs(t, err, context.Canceled)
		l.Release()
		r, err := w.within(time.Second, sample("a"), Activation{})
		require.NoError(t, err)
		require.Equal(t, first.Container, r.Container)
	})
}
