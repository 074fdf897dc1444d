package invoker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// load is what the callers of a cluster do and see.
type load struct {
	*processes
	until  time.Time
	random *rand.Rand
	tag    string // of the IDs of activations

	mu       sync.Mutex
	numbers  int
	outcomes map[int]map[string]int // by process
	failures []string               // at each process that lives
	late     time.Duration          // the longest wait for a container since the last term began
}

func (l *load) upTo(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.random.IntN(n)
}

// callers run activations of a few actions on a process, and one starts cold ones.
func (l *load) callers(i, n int, all *sync.WaitGroup) {
	for range n {
		all.Go(func() {
			for time.Now().Before(l.until) {
				l.call(i, fmt.Sprint("warm-", l.upTo(5)))
				time.Sleep(time.Duration(20+l.upTo(150)) * ms)
			}
		})
	}
	all.Go(func() {
		for n := 0; time.Now().Before(l.until); n++ {
			all.Go(func() { l.call(i, fmt.Sprint("cold-", i, "-", n)) })
			time.Sleep(500 * ms)
		}
	})
}

func (l *load) call(i int, action string) {
	p := l.process(i)
	l.mu.Lock()
	l.numbers++
	act := activation(fakeCall{Sleep: time.Duration(10+l.random.IntN(100)) * ms})
	act.ID = fmt.Sprint(l.tag, l.numbers)
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	began := time.Now()
	r, err := p.dispatcher.Invoke(ctx, sample(action), act)
	l.count(p, began, r, err)
}

func (l *load) count(p *process, began time.Time, r *Result, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.processes.mu.Lock()
	led := l.led
	l.processes.mu.Unlock()
	how := "error"
	var lost *LostError
	switch {
	case err == nil:
		how = r.Start.String()
		if got := began.Add(r.Wait); got.After(led) {
			since := led
			if began.After(led) {
				since = began
			}
			l.late = max(l.late, got.Sub(since))
		}
	case errors.As(err, &lost):
		how = "lost"
	}
	if l.outcomes[p.i] == nil {
		l.outcomes[p.i] = map[string]int{}
	}
	l.outcomes[p.i][how]++
	select {
	case <-p.dead:
	default:
		if err != nil {
			l.failures = append(l.failures, fmt.Sprintf("%v at %d, called at %v: %v", time.Now().Format("05.000"), p.i, began.Format("05.000"), err))
		}
	}
}

// inProcesses runs a test with three processes and callers at each of them, for a time.
func inProcesses(t *testing.T, seed uint64, during time.Duration, disturb func(t *testing.T, l *load), check func(t *testing.T, l *load)) {
	synctest.Test(t, func(t *testing.T) {
		c := newProcesses(t, 3)
		defer c.end()
		time.Sleep(2 * time.Second) // one leads
		l := &load{
			processes: c, until: time.Now().Add(during), random: rand.New(rand.NewPCG(seed, 7)), tag: fmt.Sprint(seed, "-"),
			outcomes: map[int]map[string]int{},
		}
		var all sync.WaitGroup
		for i := range 3 {
			l.callers(i, 4, &all)
		}
		disturb(t, l)
		all.Wait()
		check(t, l)
		if t.Failed() {
			t.Logf("seed %d: %v", seed, l.outcomes)
		}
	})
}

// calm waits until nothing is in doubt any more, and requires that all containers are known, and can be used.
func (l *load) calm(t *testing.T) {
	t.Helper()
	time.Sleep(3 * time.Minute)
	leader := l.process(l.leader(0))
	var known []string
	for info := range leader.invoker.Containers(t.Context()) {
		known = append(known, info.ID)
		require.Zero(t, info.Active, "nobody holds it any more: %v", info)
	}
	slices.Sort(known)
	if running := l.engine.ids(); !slices.Equal(running, known) {
		for _, id := range append(without(running, known), without(known, running)...) {
			t.Logf("%v: %v", id, l.engine.callsOf(id))
		}
		require.Equal(t, running, known, "those that run, and those that are known")
	}
	for i := range 3 {
		l.call(i, "warm-0")
	}
	require.Empty(t, l.engine.faults())
}

// without returns what is in a and not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// TestLeaderIsKilledUnderLoad: the callers at the other processes see nothing of it but, for a container that has to be started, the
// time without a leader.
func TestLeaderIsKilledUnderLoad(t *testing.T) {
	first, last := seeds(t, 10)
	for seed := first; seed <= last; seed++ {
		inProcesses(t, seed, 30*time.Second, func(t *testing.T, l *load) {
			for range 3 {
				time.Sleep(time.Duration(3000+l.upTo(3000)) * ms)
				i := l.leader(0)
				l.kill(i)
				time.Sleep(2 * time.Second)
				l.restart(i)
			}
		}, func(t *testing.T, l *load) {
			require.Empty(t, l.failures)
			require.LessOrEqual(t, l.late, 400*ms, "a start takes 200 ms, a new leader 0.2 s more")
			l.calm(t)
			require.Empty(t, l.failures)
		})
	}
}

// disturbances are what may happen to a cluster.
func (l *load) disturbance() {
	i := l.upTo(3)
	pause := func() { time.Sleep(time.Duration(l.upTo(25_000)) * ms) }
	switch l.upTo(6) {
	case 0:
		l.kill(i)
		time.Sleep(2 * time.Second)
		l.restart(i)
	case 1:
		l.setCut(i, true)
		pause()
		l.setCut(i, false)
	case 2:
		l.setPaused(i, true)
		pause()
		l.setPaused(i, false)
	case 3:
		l.election.HandOver()
	case 4: // it goes on asking one that does not lead any more
		l.change(func() { l.stuck[i] = l.upTo(3) })
		pause()
		l.change(func() { delete(l.stuck, i) })
	case 5:
		if ids := l.engine.ids(); len(ids) > 0 {
			l.engine.end(ids[l.upTo(len(ids))], []error{nil, ErrMemory, ErrUnavailable}[l.upTo(3)], "ended by the test")
		}
	}
}

// TestAnythingHappensToACluster: no container gets the activations of two actions, or two at once, none is initialised twice, no activation
// is sent twice, and none is left behind.
func TestAnythingHappensToACluster(t *testing.T) {
	first, last := seeds(t, 10)
	for seed := first; seed <= last; seed++ {
		inProcesses(t, seed, 3*time.Minute, func(t *testing.T, l *load) {
			for time.Now().Before(l.until) {
				l.disturbance()
				time.Sleep(time.Duration(l.upTo(10_000)) * ms)
			}
		}, func(t *testing.T, l *load) { l.calm(t) })
	}
}

// TestBindingIsFenced: a leader that was stopped while a container started, and that does not know yet that another one leads, binds the
// container to its own caller. Without the fence of its term it does so after the other one has bound it to another key.
func TestBindingIsFenced(t *testing.T) {
	for _, unfenced := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := newProcesses(t, 3, func(c *processes) { c.late, c.unfenced = true, unfenced })
			defer c.end()
			time.Sleep(2 * time.Second)
			old := c.leader(0)
			other := (old + 1) % 3
			var all sync.WaitGroup
			run := func(i int, action string) {
				all.Go(func() { _, _ = c.process(i).dispatcher.Invoke(t.Context(), sample(action), activation(fakeCall{})) })
			}
			c.change(func() { c.stuck[old] = old }) // its own dispatcher believes it
			run(old, "a")
			time.Sleep(100 * ms) // the container is started
			c.setPaused(old, true)
			time.Sleep(1500 * ms) // another one leads
			require.Len(t, c.engine.ids(), 1)
			run(other, "b")
			time.Sleep(100 * ms)
			c.setPaused(old, false)
			time.Sleep(500 * ms)
			c.change(func() { delete(c.stuck, old) })
			all.Wait()
			faults := strings.Join(c.engine.faults(), "\n")
			if unfenced {
				require.Contains(t, faults, "initialised twice")
				return
			}
			require.Empty(t, faults)
		})
	}
}

// TestEndOfTheSessionIsNotChecked is a control: a dispatcher that believes that its session lasts goes on with a container that others use as well.
func TestEndOfTheSessionIsNotChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newProcesses(t, 3)
		defer c.end()
		c.ttl.Store(int64(time.Hour))
		time.Sleep(2 * time.Second)
		i := (c.leader(0) + 1) % 3
		run := func(i int) {
			_, _ = c.process(i).dispatcher.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 10 * time.Second}))
		}
		run(i)
		c.setCut(i, true)
		time.Sleep(30 * time.Second)
		go run(i) // it has no session
		time.Sleep(50 * time.Second)
		var both sync.WaitGroup
		both.Go(func() { run(i) })
		both.Go(func() { run(c.leader((i + 1) % 3)) })
		both.Wait()
		require.Contains(t, strings.Join(c.engine.faults(), "\n"), "two at once")
	})
}
