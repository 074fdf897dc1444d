package invoker

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// mortal is the process of an invoker, which dies at one of its calls of engine and store: before that has an effect, or after. What it
// calls from then on has none, and its connections are reset.
type mortal struct {
	*fakeEngine
	store *fakeStore
	host  *virtualnet.Host

	mu    sync.Mutex
	calls int
	at    int  // the call at which it dies; 0: at none
	after bool // when the call has had its effect
	dead  chan struct{}
}

func (m *mortal) call(ctx context.Context, do func() error) error {
	m.mu.Lock()
	m.calls++
	dies := m.calls == m.at
	m.mu.Unlock()
	if dies && !m.after {
		m.die()
	}
	select {
	case <-m.dead:
	default:
		if err := do(); !dies {
			return err
		}
		m.die()
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (m *mortal) die() {
	close(m.dead)
	m.host.Kill()
}

func (m *mortal) Create(ctx context.Context, id string, spec Spec) (in Instance, err error) {
	err = m.call(ctx, func() error {
		in, err = m.fakeEngine.Create(context.WithoutCancel(ctx), id, spec)
		return err
	})
	return in, err
}

func (m *mortal) Destroy(ctx context.Context, id string) error {
	return m.call(ctx, func() error { return m.fakeEngine.Destroy(context.WithoutCancel(ctx), id) })
}

func (m *mortal) Instances(ctx context.Context) (all []Instance, err error) {
	err = m.call(ctx, func() error {
		all, err = m.fakeEngine.Instances(ctx)
		return err
	})
	return all, err
}

// mortalStore is the store of a mortal.
type mortalStore struct{ of *mortal }

func (s mortalStore) Load(ctx context.Context) (all map[string][]byte, err error) {
	err = s.of.call(ctx, func() error {
		all, err = s.of.store.Load(ctx)
		return err
	})
	return all, err
}

func (s mortalStore) Apply(ctx context.Context, changes map[string][]byte) error {
	return s.of.call(ctx, func() error { return s.of.store.Apply(ctx, changes) })
}

// beginMortal starts the invoker of a process that dies.
func (w *world) beginMortal(at int, after bool) *mortal {
	m := &mortal{fakeEngine: w.engine, store: w.store, host: w.engine.network.Host("10.1.0.1"), at: at, after: after, dead: make(chan struct{})}
	w.config.Engine, w.config.Store = m, mortalStore{m}
	w.config.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return m.host.DialContext(ctx, network, address)
	}
	w.begin(scheduler.Term{})
	return m
}

// work runs activations of two actions, also at the same time, some of which end their containers.
func (w *world) work(t *testing.T, name string) {
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for j := range 3 {
				call := fakeCall{Sleep: 20 * ms}
				if i == 5 {
					call.End = "bad"
				}
				act := activation(call)
				act.ID = fmt.Sprint(name, i, j)
				_, _ = w.within(5*time.Second, sample(fmt.Sprint(i%2)), act)
			}
		})
	}
	all.Wait()
}

// TestKilledAtEachCall kills the process of an invoker before and after each call of its engine and its store. What the next one does with
// what is left is checked by the engine; and no container is left that it does not know.
func TestKilledAtEachCall(t *testing.T) {
	at, reached := 1, true
	for ; reached; at++ {
		for _, after := range []bool{false, true} {
			inWorld(t, func(w *world) {
				withStore(w)
				withStem(w)
				w.config.Pool.Memory = 4 * DefaultMemory
				w.engine.initTime = 5 * ms
				w.store.hook = sleepingHook(2 * ms)
			}, func(t *testing.T, w *world) {
				w.end()
				m := w.beginMortal(at, after)
				w.work(t, "first")
				time.Sleep(20 * time.Second)
				w.stop(errStopped)
				synctest.Wait()
				select {
				case <-m.dead:
				default:
					reached = false
				}
				w.beginMortal(0, false)
				w.work(t, "second")
				time.Sleep(2 * time.Minute)
				r, err := w.within(time.Minute, sample("0"), Activation{})
				require.NoError(t, err)
				require.Equal(t, Success, r.Status)
				time.Sleep(5 * time.Second) // until a stem cell that was used is replaced
				var known []string
				for info := range w.invoker.Containers(t.Context()) {
					known = append(known, info.ID)
				}
				slices.Sort(known)
				require.Equal(t, w.engine.ids(), known)
			})
		}
	}
	require.Greater(t, at, 20, "so many calls there are at least")
}
