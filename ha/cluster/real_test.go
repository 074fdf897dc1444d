package cluster

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// real is a cluster on loopback, in real time.
type real struct {
	testing.TB
	mu      sync.Mutex
	members []*Member
	stops   []context.CancelFunc
	running sync.WaitGroup
}

func startReal(t testing.TB, n int, config func(i int, c *Config), lead func(context.Context, scheduler.Term) error) *real {
	r := &real{TB: t}
	for i := range n {
		r.start(func(c *Config) {
			if config != nil {
				config(i, c)
			}
		}, lead)
	}
	return r
}

// start starts one more member.
func (r *real) start(config func(*Config), lead func(context.Context, scheduler.Term) error) *Member {
	c := Config{Name: "framework", Preset: Local, Discover: r.discover}
	config(&c)
	m, err := New(c)
	require.NoError(r, err)
	ctx, stop := context.WithCancel(context.Background())
	r.mu.Lock()
	r.members, r.stops = append(r.members, m), append(r.stops, stop)
	r.mu.Unlock()
	r.running.Go(func() { _ = m.Run(ctx, lead) })
	return m
}

// discover returns the addresses of all members that run.
func (r *real) discover(context.Context) (seeds []string, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		if a := m.Addresses().Gossip; a != "" {
			seeds = append(seeds, a)
		}
	}
	return seeds, nil
}

func (r *real) stop() {
	for _, stop := range r.stops {
		stop()
	}
	r.running.Wait()
}

// until waits for a status.
func until(t testing.TB, m *Member, is func(ha.Status) bool) ha.Status {
	for s := range m.Watch(t.Context()) {
		if is(s) {
			return s
		}
	}
	require.Fail(t, "the status never came")
	return ha.Status{}
}
