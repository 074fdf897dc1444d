package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/stretchr/testify/require"
)

// counter is what members do that lead: they count on from what is on record. It checks that no two lead at a time, that
// terms grow, and that nothing is lost that was written.
type counter struct {
	mu      sync.Mutex
	leads   context.Context // the last lead's
	leader  int
	terms   []uint64
	written int
	errs    []error
}

func (c *counter) begin(ctx context.Context, member int, term uint64) (written int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leads != nil && c.leads.Err() == nil {
		c.errs = append(c.errs, fmt.Errorf("term %d begins before the one before has ended", term))
	}
	if n := len(c.terms); n > 0 && c.terms[n-1] >= term {
		c.errs = append(c.errs, fmt.Errorf("term %d follows term %d", term, c.terms[n-1]))
	}
	c.leads, c.leader, c.terms = ctx, member, append(c.terms, term)
	return c.written
}

func (c *counter) wrote(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = max(c.written, n)
}

func (c *counter) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
}

// lead counts until its context ends, or end says so.
func (c *counter) lead(ctx context.Context, member int, t scheduler.Term, end <-chan struct{}) error {
	written := c.begin(ctx, member, t.Number)
	var n int
	for {
		records, err := t.Store.Load(ctx)
		if err == nil {
			n, _ = strconv.Atoi(string(records["n"]))
			break
		}
		if fenced := (*FencedError)(nil); ctx.Err() != nil || errors.As(err, &fenced) {
			return err
		}
	}
	if n < written {
		c.fail(fmt.Errorf("term %d finds %d, and %d was written", t.Number, n, written))
	}
	for {
		err := t.Store.Apply(ctx, map[string][]byte{"n": []byte(strconv.Itoa(n + 1)), fmt.Sprint("n", n%50): {}, fmt.Sprint("n", (n+25)%50): nil})
		if err == nil {
			n++
			c.wrote(n)
		}
		if fenced := (*FencedError)(nil); ctx.Err() != nil || errors.As(err, &fenced) {
			return errTest
		}
		select {
		case <-end:
			return errTest
		default:
		}
	}
}

// The links of three members fail at random.
func faults(t *testing.T, s *zktest.Server, path string) {
	const (
		timeout = short / 2
		lasts   = 5 * timeout
	)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var (
		c       = new(counter)
		relays  []*relay
		end     = make(chan struct{})
		running sync.WaitGroup
	)
	for i := range 3 {
		r := newRelay(t, s.Address)
		relays = append(relays, r)
		e, err := New(Config{Address: address(path, r.address), ID: fmt.Sprint(i), SessionTimeout: timeout, Logger: quiet()})
		require.NoError(t, err)
		running.Go(func() {
			_ = e.Run(ctx, func(ctx context.Context, t scheduler.Term) error { return c.lead(ctx, i, t, end) })
		})
	}
	fault := time.NewTicker(timeout / 4)
	defer fault.Stop()
	end <- struct{}{}
	for over := time.After(lasts); over != nil; {
		select {
		case <-over:
			over = nil
		case <-fault.C:
			r := relays[rand.IntN(3)]
			if rand.IntN(2) == 0 {
				r = relays[c.last()]
			}
			switch rand.IntN(6) {
			case 0:
				r.cut()
			case 1, 2:
				r.close()
			case 3, 4:
				r.open()
			default:
				select {
				case end <- struct{}{}:
				default:
				}
			}
		}
	}
	for _, r := range relays {
		r.open()
	}
	before := len(c.all())
	for begun := time.Now(); len(c.all()) == before && c.quiet(); { // one leads again, or still
		require.Less(t, time.Since(begun), deadline)
		<-fault.C
	}
	stop()
	running.Wait()
	t.Logf("%d terms, %d written", len(c.all()), c.written)
	require.NoError(t, errors.Join(c.errs...))
	require.Greater(t, len(c.all()), 1)
	require.Positive(t, c.written)
}

// last returns the member that leads, or did last.
func (c *counter) last() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader
}

func (c *counter) all() []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.terms
}

// quiet reports whether no lead is under way.
func (c *counter) quiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leads == nil || c.leads.Err() != nil
}
