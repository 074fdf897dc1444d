package invoker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// switchboard is a Control that goes to whoever leads, over a network that can be cut.
type switchboard struct {
	mu      sync.Mutex
	leader  Control // nil: none
	cut     bool
	losing  func(call string) bool // has the answer of a call be lost; nil: none
	changed chan struct{}
}

var errCut = errors.New("cut off")

func (s *switchboard) lead(c Control) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leader = c
	s.signal()
}

func (s *switchboard) setCut(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = cut
	s.signal()
}

// lose decides which answers are lost from now on.
func (s *switchboard) lose(losing func(call string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losing = losing
}

func (s *switchboard) signal() {
	if s.changed != nil {
		close(s.changed)
	}
	s.changed = make(chan struct{})
}

// reach makes a call of the leader, which ends when another one leads or the network is cut.
func reach[T any](ctx context.Context, s *switchboard, name string, do func(context.Context, Control) (T, error)) (none T, err error) {
	s.mu.Lock()
	leader, cut, losing := s.leader, s.cut, s.losing
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	changed := s.changed
	s.mu.Unlock()
	switch {
	case cut:
		return none, errCut
	case leader == nil:
		return none, ErrNotLeading
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := do(ctx, leader)
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		if losing != nil && losing(name) {
			return none, errCut
		}
		return a.value, a.err
	case <-changed:
		cancel(errCut)
		<-answers
		return none, errCut
	}
}

func (s *switchboard) Renew(ctx context.Context, r Renewal) (Renewed, error) {
	return reach(ctx, s, "renew", func(ctx context.Context, c Control) (Renewed, error) { return c.Renew(ctx, r) })
}

func (s *switchboard) Acquire(ctx context.Context, d Demand) (Grant, error) {
	return reach(ctx, s, "acquire", func(ctx context.Context, c Control) (Grant, error) { return c.Acquire(ctx, d) })
}

func (s *switchboard) Report(ctx context.Context, r Report) error {
	_, err := reach(ctx, s, "report", func(ctx context.Context, c Control) (none struct{}, err error) { return none, c.Report(ctx, r) })
	return err
}

func (s *switchboard) Notices(ctx context.Context, session string, after uint64) ([]Notice, error) {
	return reach(ctx, s, "notices", func(ctx context.Context, c Control) ([]Notice, error) { return c.Notices(ctx, session, after) })
}

func (s *switchboard) End(ctx context.Context, session string) error {
	_, err := reach(ctx, s, "end", func(ctx context.Context, c Control) (none struct{}, err error) { return none, c.End(ctx, session) })
	return err
}

// member is a dispatcher of a world, with a host of its own.
type member struct {
	*Dispatcher
	board switchboard
	host  *virtualnet.Host
	stop  context.CancelCauseFunc
	done  chan error
}

// dispatch starts a dispatcher.
func (w *world) dispatch(name string, change ...func(*DispatcherConfig)) *member {
	m := &member{host: w.engine.network.Host("10.9.0." + name), done: make(chan error, 1)}
	m.board.lead(w.invoker.Control())
	c := DispatcherConfig{Control: &m.board, Name: name, DialContext: m.dial}
	for _, f := range change {
		f(&c)
	}
	d, err := NewDispatcher(c)
	require.NoError(w.t, err)
	m.Dispatcher = d
	ctx, stop := context.WithCancelCause(context.Background())
	m.stop = stop
	go func() { m.done <- d.Run(ctx) }()
	w.members = append(w.members, m)
	synctest.Wait()
	return m
}

func (m *member) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return m.host.DialContext(ctx, network, address)
}

// end ends a dispatcher in peace.
func (m *member) end() error {
	m.stop(errStopped)
	return <-m.done
}

// inCluster runs a test in a bubble with an invoker that leads and two dispatchers.
func inCluster(t *testing.T, setUp func(w *world), test func(t *testing.T, w *world, a, b *member)) {
	inWorld(t, func(w *world) {
		withStore(w)
		if setUp != nil {
			setUp(w)
		}
	}, func(t *testing.T, w *world) {
		w.crash(2)
		a, b := w.dispatch("1"), w.dispatch("2")
		defer func() { // also if the test has failed
			for _, m := range w.members {
				m.stop(nil)
			}
		}()
		test(t, w, a, b)
		require.ErrorIs(t, a.end(), errStopped)
		require.ErrorIs(t, b.end(), errStopped)
	})
}

// invoke runs an activation of an action.
func (m *member) invoke(t *testing.T, action string) *Result {
	t.Helper()
	r, err := m.Invoke(t.Context(), sample(action), Activation{})
	require.NoError(t, err)
	require.Equal(t, Success, r.Status)
	return r
}

func TestDispatcherConfig(t *testing.T) {
	for _, c := range []DispatcherConfig{{}, {Control: &switchboard{}, Name: fmt.Sprintf("%300d", 1)}} {
		_, err := NewDispatcher(c)
		var invalid *ConfigError
		require.ErrorAs(t, err, &invalid)
	}
}

func TestDispatcherUsesWhatItHoldsWithoutAsking(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, _ *member) {
		began := time.Now()
		first := a.invoke(t, "a")
		require.Equal(t, Cold, first.Start)
		require.Equal(t, 200*ms, time.Since(began))
		a.board.lose(func(call string) bool {
			if call == "acquire" {
				t.Error("the leader is asked")
			}
			return false
		})
		for range 3 {
			r := a.invoke(t, "a")
			require.Equal(t, Warm, r.Start)
			require.Equal(t, first.Container, r.Container)
			require.Zero(t, r.Wait)
			time.Sleep(10 * time.Second)
		}
		require.Equal(t, DispatcherStats{Epoch: 2, Until: a.Stats().Until, Held: 1}, a.Stats())
	})
}

func TestDispatcherGivesBackWhatItDoesNotUse(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, b *member) {
		l1, err := a.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		l2, err := a.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		for _, l := range []*Lease{l1, l2} {
			_, err := l.Run(t.Context(), Activation{})
			require.NoError(t, err)
			l.Release()
		}
		time.Sleep(1900 * ms)
		require.Equal(t, 2, a.Stats().Held)
		time.Sleep(600 * ms)
		require.Equal(t, 1, a.Stats().Held)
		require.Equal(t, Warm, b.invoke(t, "a").Start)
		time.Sleep(time.Minute + lookEvery)
		require.Zero(t, a.Stats().Held)
		require.Zero(t, b.Stats().Held)
		stats, err := w.invoker.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[State]int{StateIdle: 2}, stats.Containers)
	})
}

func TestDispatcherGivesBackAtOnceWhatOthersNeed(t *testing.T) {
	inCluster(t, func(w *world) { w.config.Pool.Memory = 256 }, func(t *testing.T, w *world, a, b *member) {
		first := a.invoke(t, "a")
		r := b.invoke(t, "a")
		require.Equal(t, first.Container, r.Container)
		require.Equal(t, Warm, r.Start)
		require.Zero(t, r.Wait)
		go func() { _, _ = a.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: time.Second})) }()
		synctest.Wait()
		r = b.invoke(t, "a")
		require.Equal(t, time.Second, r.Wait, "when it is not in use any more")
		r = a.invoke(t, "b")
		require.Equal(t, 200*ms, r.Wait, "also for room")
	})
}

func TestDispatcherIsToldWhyItsContainerEnded(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, _ *member) {
		for end, status := range map[string]Status{"exit": DeveloperError, "memory": DeveloperError} {
			r, err := a.Invoke(t.Context(), sample("a"), activation(fakeCall{End: end}))
			require.NoError(t, err)
			require.Equal(t, status, r.Status)
		}
		_, err := a.Invoke(t.Context(), sample("a"), activation(fakeCall{End: "platform"}))
		var lost *LostError
		require.ErrorAs(t, err, &lost)
		require.True(t, lost.Sent)
		require.ErrorIs(t, err, ErrUnavailable)
		require.Zero(t, a.Stats().Held)
	})
}

func TestDispatcherTellsWhatBecameOfContainers(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, b *member) {
		r, err := a.Invoke(t.Context(), sample("a"), activation(fakeCall{End: "bad"}))
		require.NoError(t, err)
		require.Equal(t, DeveloperError, r.Status)
		time.Sleep(time.Second)
		require.Empty(t, w.engine.ids(), "it must not be used again")
		next := a.invoke(t, "a")
		w.engine.mu.Lock()
		w.engine.kill(next.Container) // silently
		w.engine.mu.Unlock()
		r = a.invoke(t, "a")
		require.NotEqual(t, next.Container, r.Container, "nothing was sent, another one is taken")
	})
}

func TestDispatcherGoesOnWhileThereIsNoLeader(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, b *member) {
		held := a.invoke(t, "a")
		w.stop(errStopped)
		<-w.done
		a.board.lead(nil)
		b.board.lead(nil)
		for range 8 {
			require.Equal(t, held.Container, a.invoke(t, "a").Container)
			time.Sleep(300 * ms)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := b.Invoke(ctx, sample("a"), Activation{})
		require.ErrorIs(t, err, ErrNotLeading)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		waiting := make(chan *Result, 1)
		go func() { waiting <- b.invoke(t, "b") }()
		time.Sleep(time.Second)
		w.begin(scheduler.Term{Number: 3})
		began := time.Now()
		a.board.lead(w.invoker.Control())
		b.board.lead(w.invoker.Control())
		require.Equal(t, Cold, (<-waiting).Start)
		require.LessOrEqual(t, time.Since(began), 200*ms+lastLook)
		time.Sleep(20 * time.Second)
		require.Equal(t, held.Container, a.invoke(t, "a").Container)
		require.Equal(t, 2, w.engine.count("create"))
		require.Zero(t, w.engine.count("destroy"))
	})
}

func TestDispatcherSendsNothingWhenItsSessionIsOver(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, b *member) {
		held := a.invoke(t, "a")
		lease, err := a.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		time.Sleep(4 * time.Second) // renewed 3 s after it began, and then no more
		sent := w.engine.count("run")
		a.board.setCut(true)
		time.Sleep(time.Until(a.Stats().Until) - 1)
		_, err = lease.Run(t.Context(), Activation{})
		require.NoError(t, err, "until it is over it goes on")
		time.Sleep(time.Nanosecond)
		_, err = lease.Run(t.Context(), Activation{})
		var lost *LostError
		require.ErrorAs(t, err, &lost)
		require.False(t, lost.Sent)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = a.Invoke(ctx, sample("a"), Activation{})
		require.ErrorIs(t, err, ErrNotLeading)
		require.Equal(t, sent+1, w.engine.count("run"))
		lease.Release()
		require.Zero(t, a.Stats().Held)

		require.NotEqual(t, held.Container, b.invoke(t, "a").Container, "what was sent to it may still run")
		time.Sleep(2*time.Second + time.Minute)
		a.board.setCut(false)
		time.Sleep(time.Second)
		l, err := a.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		require.Equal(t, Warm, l.Start())
		l.Release()
	})
}

// TestDispatcherWakesUpMidSend: a process that is stopped when it is about to send, and goes on when its session is over, sends nothing.
func TestDispatcherWakesUpMidSend(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, b *member) {
		a.invoke(t, "a")
		time.Sleep(2 * time.Second)
		sent := w.engine.count("run")
		a.host.Pause()
		a.board.setCut(true)
		answered := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := a.Invoke(ctx, sample("a"), Activation{})
			answered <- err
		}()
		time.Sleep(15 * time.Second)
		a.host.Resume()
		require.ErrorIs(t, <-answered, context.DeadlineExceeded)
		require.Equal(t, sent, w.engine.count("run"))
		a.board.setCut(false)
		time.Sleep(time.Second)
	})
}

func TestDispatcherEnds(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, b *member) {
		c := w.dispatch("3")
		held := c.invoke(t, "a")
		busy := make(chan *Result, 1)
		go func() {
			r, _ := c.Invoke(t.Context(), sample("b"), activation(fakeCall{Sleep: 5 * time.Second}))
			busy <- r
		}()
		time.Sleep(time.Second)
		waiting := make(chan error, 1)
		go func() {
			_, err := c.Invoke(t.Context(), sample("c"), Activation{})
			waiting <- err
		}()
		synctest.Wait()
		require.ErrorIs(t, c.end(), errStopped)
		require.ErrorIs(t, <-waiting, ErrNotRunning)
		_, err := c.Invoke(t.Context(), sample("a"), Activation{})
		require.ErrorIs(t, err, ErrNotRunning)
		require.ErrorIs(t, c.Run(t.Context()), ErrRunning)
		require.Equal(t, held.Container, a.invoke(t, "a").Container, "it was given back")
		r := <-busy
		require.Equal(t, Success, r.Status)
		require.NotEqual(t, r.Container, b.invoke(t, "b").Container, "it is not given to others while it may run something")
	})
}

// TestAnswersAreLost: whatever the leader says is lost now and then. Nothing is left behind.
func TestAnswersAreLost(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, a, b *member) {
		n := 0
		var mu sync.Mutex
		losing := func(string) bool {
			mu.Lock()
			defer mu.Unlock()
			n++
			return n%3 == 0
		}
		for _, m := range []*member{a, b} {
			m.board.lose(losing)
		}
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				m := []*member{a, b}[i%2]
				time.Sleep(time.Duration(i) * 37 * ms)
				_, err := m.Invoke(t.Context(), sample(fmt.Sprint(i%4)), activation(fakeCall{Sleep: 50 * ms}))
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		time.Sleep(2 * time.Minute)
		for in := range w.invoker.Containers(t.Context()) {
			require.Zero(t, in.Active)
		}
		stats, err := w.invoker.Stats(t.Context())
		require.NoError(t, err)
		require.Zero(t, stats.Waiting)
	})
}

func TestWhatOthersPrintAfterTheSessionIsOverIsInNoLogOfTheDispatcher(t *testing.T) {
	inCluster(t, nil, func(t *testing.T, w *world, _, b *member) {
		p := newPrinter()
		a := w.dispatch("3", func(c *DispatcherConfig) { c.Engine = p })
		say := func(m *member, text string) *Result {
			l, err := m.Acquire(t.Context(), sample("a"))
			require.NoError(t, err)
			defer l.Release()
			time.AfterFunc(5*ms, func() { p.print(l.Container().ID, text+"\n"+mark, mark) })
			r, err := l.Run(t.Context(), activation(fakeCall{Sleep: 10 * ms}))
			require.NoError(t, err)
			return r
		}
		first := say(a, "a1")
		require.Equal(t, "a1\n", lines(t.Context(), first.Logs))
		a.board.setCut(true)
		time.Sleep(12*time.Second + time.Minute)
		require.Equal(t, first.Container, say(b, "b1").Container)
		a.board.setCut(false)
		time.Sleep(time.Second)
		second := say(a, "a2")
		require.Equal(t, first.Container, second.Container)
		require.Equal(t, "a2\n", lines(t.Context(), second.Logs))
		require.ErrorIs(t, a.end(), errStopped)
	})
}
