package invoker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// storm disturbs an invoker whose callers run activations of a few actions.
type storm struct {
	*world
	random *rand.Rand
	mu     sync.Mutex
	ended  map[string]int // how activations ended
}

// chance reports true so often.
func (s *storm) chance(p float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Float64() < p
}

func (s *storm) upTo(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

// hook makes one call in ten fail, and one in twenty slow.
func (s *storm) hook(ctx context.Context, _ string) error {
	switch {
	case s.chance(0.1):
		return errTest
	case s.chance(0.05):
		select {
		case <-time.After(time.Duration(s.upTo(30)) * time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// caller runs activations until the time is over, some of which it gives up.
func (s *storm) caller(until time.Time, n int) {
	for i := 0; time.Now().Before(until); i++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+s.upTo(30_000))*ms)
		call := fakeCall{Sleep: time.Duration(s.upTo(500)) * ms}
		if s.chance(0.1) {
			call.End = []string{"exit", "memory", "platform", "bad", "no such user"}[s.upTo(5)]
		}
		act := activation(call)
		act.ID = fmt.Sprintf("%d-%d", n, i)
		r, err := s.current().Invoke(ctx, sample(fmt.Sprint(s.upTo(6))), act)
		cancel()
		s.count(r, err)
		time.Sleep(time.Duration(s.upTo(2000)) * ms)
	}
}

func (s *storm) current() *Invoker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.invoker
}

func (s *storm) count(r *Result, err error) {
	how := "other"
	var lost *LostError
	var start *StartError
	switch {
	case err == nil:
		how = r.Status.String()
	case errors.As(err, &lost):
		how = "lost"
	case errors.As(err, &start):
		how = "not started"
	case errors.Is(err, context.DeadlineExceeded):
		how = "gave up"
	case errors.Is(err, ErrNotRunning):
		how = "not running"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[how]++
}

// disturb ends containers, and the process of the invoker, until the time is over.
func (s *storm) disturb(until time.Time) {
	for time.Now().Before(until) {
		time.Sleep(time.Duration(s.upTo(10_000)) * ms)
		ids := s.engine.ids()
		switch {
		case s.chance(0.1):
			s.restart()
		case len(ids) > 0 && s.chance(0.5):
			s.engine.end(ids[s.upTo(len(ids))], []error{nil, ErrMemory, ErrUnavailable}[s.upTo(3)], "ended by the test")
		case len(ids) > 0: // nobody is told
			s.engine.mu.Lock()
			s.engine.kill(ids[s.upTo(len(ids))])
			s.engine.mu.Unlock()
		}
	}
}

// restart ends the process of the invoker, whose calls under way go on for a moment, and starts another.
func (s *storm) restart() {
	s.stop(errStopped)
	<-s.done
	v, err := New(s.config)
	require.NoError(s.t, err)
	ctx, stop := context.WithCancelCause(context.Background())
	s.mu.Lock()
	s.invoker = v
	s.mu.Unlock()
	done := make(chan error, 1)
	s.stop, s.done = stop, done
	go func() { done <- v.Lead(ctx, scheduler.Term{}) }()
}

// TestStorm: whatever happens, no activation runs twice, none runs in the container of another action, and in the end all containers are
// those that the pool knows.
func TestStorm(t *testing.T) {
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			var s *storm
			inWorld(t, func(w *world) { s = newStorm(w, seed) }, func(t *testing.T, _ *world) {
				s.rage(10 * time.Minute)
				s.settle(t)
			})
			require.NotZero(t, s.ended[Success.String()])
		})
	}
}

// TestStormControl has a store that forgets what is bound: containers are then given to other actions, which the check finds.
func TestStormControl(t *testing.T) {
	for seed := range uint64(20) {
		var s *storm
		inWorld(t, func(w *world) {
			s = newStorm(w, seed)
			w.control = true
			w.store.forgets = containerPrefix
		}, func(*testing.T, *world) { s.rage(10 * time.Minute) })
		if slices.ContainsFunc(s.engine.faults(), func(f string) bool { return strings.Contains(f, "initialised twice") }) {
			return
		}
	}
	require.Fail(t, "a container that is bound and not on record must be given to another action")
}

func newStorm(w *world, seed uint64) *storm {
	withStem(w)
	withStore(w)
	w.config.Pool.Memory = 8 * DefaultMemory
	w.config.Logger = slog.New(slog.DiscardHandler)
	return &storm{world: w, random: rand.New(rand.NewPCG(seed, 0)), ended: map[string]int{}}
}

// rage disturbs 20 callers for so long.
func (s *storm) rage(d time.Duration) {
	s.engine.mu.Lock()
	s.engine.creating, s.engine.destroys = s.hook, s.hook
	s.engine.listing = func(ctx context.Context) error { return s.hook(ctx, "") }
	s.engine.mu.Unlock()
	s.store.setHook(func(ctx context.Context, _ map[string][]byte) error { return s.hook(ctx, "") })
	until := time.Now().Add(d)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() { s.caller(until, n) })
	}
	s.disturb(until)
	all.Wait()
}

// settle ends all faults, and compares what the pool knows with what there is.
func (s *storm) settle(t *testing.T) {
	s.engine.mu.Lock()
	s.engine.creating, s.engine.destroys, s.engine.listing = nil, nil, nil
	s.engine.mu.Unlock()
	s.store.setHook(nil)
	s.restart()
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	var known, records []string
	for info := range s.current().Containers(t.Context()) {
		known = append(known, info.ID)
	}
	slices.Sort(known)
	require.Equal(t, s.engine.ids(), known)
	stored, err := decodeStore(s.store.copied())
	require.NoError(t, err)
	for _, r := range stored.records {
		records = append(records, r.ID)
	}
	require.Subset(t, known, records)
}
