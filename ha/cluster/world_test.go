package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// world is a cluster in a bubble, with what its leaders did.
type world struct {
	testing.TB
	net    virtualnet.Network
	config func(i int, c *Config) // of member i, from 1 on; nil: as it is
	log    lines                  // of all members
	// lead is what leaders do, after they are recorded; nil: they wait.
	lead func(ctx context.Context, i int, t scheduler.Term) error

	mu      sync.Mutex
	events  []event
	members map[int]*running
}

// event is that a leader's function began or ended.
type event struct {
	at     time.Time
	member int
	term   uint64
	began  bool
}

// running is a member that runs.
type running struct {
	*Member
	host  *virtualnet.Host
	stop  context.CancelCauseFunc
	ended chan error
	mu    sync.Mutex
	term  *scheduler.Term // while it leads
	ctx   context.Context // of that term
}

var errTestEnds = errors.New("the test stops the member")

// inBubble runs a test in a bubble with a world, and stops what still runs.
func inBubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{TB: t, members: map[int]*running{}}
		defer func() { // also when the test has failed
			w.net.Split()
			for i := range maps.Clone(w.members) {
				w.stop(i)
			}
			time.Sleep(2 * time.Minute) // memberlist ends its goroutines without waiting for them
		}()
		test(w)
	})
}

func ipOf(i int) string { return fmt.Sprintf("10.0.0.%d", i) }

// start starts member i. Its lead function records itself and waits.
func (w *world) start(i int) *running {
	host := w.net.Host(ipOf(i))
	c := Config{
		Name: "framework", Preset: PresetLAN, GossipBind: ipOf(i) + ":7946", RaftBind: ipOf(i) + ":7000", API: fmt.Sprintf("api-%d", i),
		Seeds: []string{ipOf(1) + ":7946", ipOf(2) + ":7946", ipOf(3) + ":7946"}, Network: host,
		Logger: w.log.logger(), noSync: true,
	}
	if w.config != nil {
		w.config(i, &c)
	}
	m, err := New(c)
	require.NoError(w, err)
	ctx, stop := context.WithCancelCause(context.Background())
	r := &running{Member: m, host: c.Network.(*virtualnet.Host), stop: stop, ended: make(chan error, 1)}
	w.members[i] = r
	go func() {
		r.ended <- m.Run(ctx, func(ctx context.Context, t scheduler.Term) error {
			w.record(r, i, ctx, &t)
			defer w.record(r, i, nil, &t)
			if w.lead != nil {
				return w.lead(ctx, i, t)
			}
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	return r
}

func (w *world) record(r *running, i int, ctx context.Context, t *scheduler.Term) {
	w.mu.Lock()
	w.events = append(w.events, event{time.Now(), i, t.Number, ctx != nil})
	w.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx = ctx; ctx != nil {
		r.term = t
	} else {
		r.term = nil
	}
}

// crash ends a member as if its process or host had died: nothing that it sends on its way out arrives. Its
// directory, if it has one, can be used again.
func (w *world) crash(i int) {
	var others []string
	for j := range 9 {
		if j != i {
			others = append(others, ipOf(j))
		}
	}
	w.net.Split([]string{ipOf(i)}, others)
	w.members[i].host.Kill()
	w.stop(i)
	w.net.Split()
}

// stop stops a member and waits until it has ended.
func (w *world) stop(i int) {
	r := w.members[i]
	delete(w.members, i)
	r.stop(errTestEnds)
	require.ErrorIs(w, <-r.ended, errTestEnds)
}

// leaders returns the members that lead.
func (w *world) leaders() (leaders []int) {
	for i, r := range w.members {
		if r.leading() != nil {
			leaders = append(leaders, i)
		}
	}
	return leaders
}

func (r *running) leading() *scheduler.Term {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.term
}

func (r *running) context() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ctx
}

// happened returns what the leaders did so far.
func (w *world) happened() []event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// leader waits until exactly one of the members other than some leads, and returns it; the test fails if none does within a
// time.
func (w *world) leader(within time.Duration, except ...int) int {
	w.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		synctest.Wait()
		for _, i := range w.leaders() {
			if !slices.Contains(except, i) {
				return i
			}
		}
		if time.Now().After(deadline) {
			for i, r := range w.members {
				w.Logf("member %d: %+v", i, r.Status())
			}
			require.Fail(w, "nobody leads", "within %v", within)
		}
	}
}

// check checks what holds for all histories: one leader at a time (I1), and terms that rise (I5).
func (w *world) check() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	leads, newest := 0, uint64(0)
	for _, e := range w.events {
		switch {
		case e.began && leads != 0:
			return fmt.Errorf("member %d leads beside member %d: %v", e.member, leads, w.events)
		case e.began && e.term <= newest:
			return fmt.Errorf("term %d follows term %d", e.term, newest)
		case e.began:
			leads, newest = e.member, e.term
		default:
			leads = 0
		}
	}
	return nil
}
