package scheduler_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// harness is a fake cluster on a virtual network and a scheduler that is connected to it, in a bubble of virtual
// time that begins with the harness. Goroutines left behind make the test fail.
type harness struct {
	*testing.T
	network *virtualnet.Network
	master  *mesostest.Master
	sched   *scheduler.Scheduler
	began   time.Time
	ended   chan error // what Run returned
	stop    context.CancelFunc

	dialing func(ctx context.Context, address string) error // asked before each connection, unless it is nil
	cut     atomic.Bool                                     // no connection can be made

	mu     sync.Mutex
	events []scheduler.Event
	times  []time.Duration // of events
}

const address = "master.example:5050"

// withHarness calls f with a cluster and a running scheduler.
func withHarness(t *testing.T, cluster mesostest.Config, config scheduler.Config, f func(ctx context.Context, h *harness)) {
	withMasters(t, []string{address}, cluster, config, f)
}

// withMasters is the same with several masters, of which the first one leads.
func withMasters(t *testing.T, masters []string, cluster mesostest.Config, config scheduler.Config, f func(ctx context.Context, h *harness)) {
	withIdleScheduler(t, masters, cluster, config, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{})
		f(ctx, h)
	})
}

// withIdleScheduler is the same with a scheduler that does not run.
func withIdleScheduler(t *testing.T, masters []string, cluster mesostest.Config, config scheduler.Config, f func(ctx context.Context, h *harness)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var services sync.WaitGroup
		defer services.Wait()
		defer cancel()

		h := &harness{T: t, network: &virtualnet.Network{}, began: time.Now(), ended: make(chan error, 1)}
		var err error
		h.master, err = mesostest.New(cluster)
		require.NoError(t, err)
		listeners := make([]net.Listener, len(masters))
		for i, m := range masters {
			listeners[i], err = h.network.Listen(m)
			require.NoError(t, err)
		}
		services.Go(func() { _ = h.master.Run(ctx, listeners[0], listeners[1:]...) })

		config.Master = cmp.Or(config.Master, strings.Join(masters, ","))
		config.Framework.Name = "test"
		if config.DialContext == nil {
			config.DialContext = h.dial
		}
		if config.Logger == nil {
			config.Logger = slog.New(slog.DiscardHandler)
		}
		h.sched, err = scheduler.New(config)
		require.NoError(t, err)
		events := h.sched.Watch(ctx)
		services.Go(func() {
			for e := range events {
				h.mu.Lock()
				h.events = append(h.events, e)
				h.times = append(h.times, time.Since(h.began))
				h.mu.Unlock()
			}
		})
		f(ctx, h)
	})
}

func (h *harness) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if h.cut.Load() {
		return nil, errors.New("no route to host")
	}
	if h.dialing != nil {
		if err := h.dialing(ctx, address); err != nil {
			return nil, err
		}
	}
	return h.network.DialContext(ctx, network, address)
}

// lead runs the scheduler for a term, until that or the test ends.
func (h *harness) lead(ctx context.Context, t scheduler.Term) {
	ctx, h.stop = context.WithCancel(ctx)
	go func() { h.ended <- h.sched.Lead(ctx, t) }()
}

// at waits until that much time has passed since the beginning.
func (h *harness) at(d time.Duration) {
	time.Sleep(time.Until(h.began.Add(d)))
	synctest.Wait()
}

// end waits for the end of Run, an hour at most: a bubble's time would go on for ever. What it has sent has arrived then: a SUBSCRIBE
// that came later would evict the next scheduler.
func (h *harness) end() error {
	select {
	case err := <-h.ended:
		synctest.Wait()
		return err
	case <-time.After(time.Hour):
		require.FailNow(h, "Run did not end")
		return nil
	}
}

// connections returns the connection events with their times.
func (h *harness) connections() (events []scheduler.ConnectionEvent, times []time.Duration) {
	synctest.Wait() // for the watcher
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, e := range h.events {
		if c, ok := e.(scheduler.ConnectionEvent); ok {
			events, times = append(events, c), append(times, h.times[i])
		}
	}
	return events, times
}

// states returns the states that a task went through.
func (h *harness) states(id string) []task.State {
	synctest.Wait() // for the watcher
	h.mu.Lock()
	defer h.mu.Unlock()
	var states []task.State
	for _, e := range h.events {
		if e, ok := e.(scheduler.TaskEvent); ok && e.Task.Spec.ID == id {
			states = append(states, e.Task.State)
		}
	}
	return states
}

func sleeper(id string) task.Spec {
	return task.Spec{ID: id, CPUs: 1, Mem: 128, Command: task.Command{Shell: "sleep 3600"}}
}

func agents(n int) []mesostest.Agent { return make([]mesostest.Agent, n) }

// logs collects log lines, and can be read meanwhile.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// String returns all lines.
func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
