package controlapi_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

var chaosSeeds = flag.Int("seeds", 4, "how many seeds TestClientInChaos tries")

// callTime is the deadline of each call.
const callTime = 40 * time.Second

// chaosTime is for how long there are faults.
func chaosTime() time.Duration {
	if testing.Short() {
		return 20 * time.Second
	}
	return time.Minute
}

// chaos is a fleet that is disturbed, and users of its client.
type chaos struct {
	*fleet
	random *rand.Rand // of the faults

	mu     sync.Mutex
	broken []string
	wanted map[string]bool // tasks: whether they are to run in the end; those that are neither have been forgotten
	calls  int
	slow   time.Duration // the slowest answer
}

func (c *chaos) breaks(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = append(c.broken, fmt.Sprintf(format, args...))
}

// use makes calls until the faults are over.
func (c *chaos) use(user int, random *rand.Rand, until time.Time) {
	client := c.newClient(apiOf(random.IntN(3)), apiOf(user%3))
	defer client.Close()
	call := func(what string, f func(ctx context.Context) error) {
		ctx, cancel := within(callTime)
		defer cancel()
		began := time.Now()
		if err := f(ctx); err != nil {
			c.breaks("after %v: %s: %v", time.Since(began), what, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.calls, c.slow = c.calls+1, max(c.slow, time.Since(began))
	}
	for n := 0; time.Now().Before(until); n++ {
		id := fmt.Sprintf("u%d-%d", user, n)
		launch := random.IntN(2) == 0
		call("submit "+id, func(ctx context.Context) error {
			if launch {
				info, err := client.Launch(ctx, spec(id))
				if err == nil && info.State != task.StateRunning {
					return fmt.Errorf("it is %v", info.State)
				}
				return err
			}
			return client.Submit(ctx, spec(id))
		})
		c.want(id, true)
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		switch random.IntN(5) {
		case 0, 1:
			call("kill "+id, func(ctx context.Context) error { _, err := client.Kill(ctx, id); return err })
			c.want(id, false)
			if random.IntN(2) == 0 {
				call("forget "+id, func(ctx context.Context) error { return client.Forget(ctx, id) })
				c.forget(id)
			}
		case 2:
			call("wait for "+id, func(ctx context.Context) error { _, err := client.Wait(ctx, id, scheduler.UntilRunning); return err })
		case 3:
			call("list with "+id, func(ctx context.Context) error { return c.listed(ctx, client, id) })
		}
		time.Sleep(time.Duration(random.IntN(600)) * time.Millisecond)
	}
}

// listed returns an error if a task that was submitted is not in the list.
func (c *chaos) listed(ctx context.Context, client *controlapi.Client, id string) error {
	all, err := client.Tasks(ctx)
	if err != nil {
		return err
	}
	for _, i := range all {
		if i.Spec.ID == id {
			return nil
		}
	}
	return errors.New("it is missing")
}

func (c *chaos) want(id string, runs bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted[id] = runs
}

func (c *chaos) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.wanted, id)
}

// fault disturbs the fleet for a while, and leaves it whole.
func (c *chaos) fault() {
	long := time.Duration(500+c.random.IntN(4000)) * time.Millisecond
	p := c.members[c.random.IntN(3)]
	if c.random.IntN(2) == 0 {
		p = c.leader()
	}
	switch c.random.IntN(7) {
	case 0, 1:
		p.kill()
		time.Sleep(long)
		c.restart(p.n)
	case 2:
		c.election.HandOver()
	case 3:
		c.cutOff(p)
		time.Sleep(long)
		c.network.Restore()
		c.election.Heal(p.n)
	case 4:
		p.host.Reset()
	case 5:
		p.host.Pause()
		time.Sleep(long)
		p.host.Resume()
	default:
		for _, to := range []string{clientHost, hostOf((p.n + 1) % 3)} {
			c.network.SetLink(hostOf(p.n), to, virtualnet.Link{Delay: 50 * time.Millisecond, Jitter: 100 * time.Millisecond, Loss: 0.1})
			c.network.SetLink(to, hostOf(p.n), virtualnet.Link{Delay: 20 * time.Millisecond, Loss: 0.1})
		}
		time.Sleep(long)
		c.network.Restore()
	}
}

// inChaos disturbs a fleet, and returns what was broken.
func inChaos(t *testing.T, seed uint64, config func(int, *controlapi.Config)) (c *chaos) {
	inFleetWith(t, config, func(t *testing.T, f *fleet) {
		c = &chaos{fleet: f, random: rand.New(rand.NewPCG(seed, 0)), wanted: map[string]bool{}}
		f.network.Seed = seed
		until := time.Now().Add(chaosTime())
		var users sync.WaitGroup
		for user := range 3 {
			random := rand.New(rand.NewPCG(seed, uint64(user+1)))
			users.Go(func() { c.use(user, random, until) })
		}
		for time.Now().Before(until) {
			c.fault()
			time.Sleep(time.Duration(1+c.random.IntN(3000)) * time.Millisecond)
		}
		users.Wait()
		sleep(30 * time.Second)
		c.check()
	})
	return c
}

// check compares what runs with what is wanted.
func (c *chaos) check() {
	state := c.cluster.Snapshot()
	launches, running := map[string]int{}, map[string]bool{}
	for _, t := range state.Tasks {
		launches[t.ID]++
		running[t.ID] = running[t.ID] || t.Running
	}
	for id, n := range launches {
		if n > 1 {
			c.breaks("%s was launched %d times", id, n)
		}
	}
	for id, runs := range c.wanted {
		if runs != running[id] {
			c.breaks("%s is to run: %v, and does: %v", id, runs, running[id])
		}
	}
	synctest.Wait()
}

// While members die, are cut off, stand still and hand over, and their links are slow, each call of a client is answered without
// an error, and each task is launched once.
func TestClientInChaos(t *testing.T) {
	seeds, calls, slow := *chaosSeeds, 0, time.Duration(0)
	if testing.Short() {
		seeds = 1
	}
	for seed := range uint64(seeds) {
		c := inChaos(t, seed, nil)
		require.Empty(t, c.broken, "seed %d: go test ./controlapi -run TestClientInChaos", seed)
		calls, slow = calls+c.calls, max(slow, c.slow)
	}
	t.Logf("%d calls, the slowest took %v", calls, slow)
}

// forgetful is a framework that does not know that a submit is a repeated one.
type forgetful struct{ controlapi.Framework }

func (f forgetful) Submit(ctx context.Context, spec task.Spec) error {
	spec.RequestID = ""
	return f.Framework.Submit(ctx, spec)
}

func (f forgetful) Launch(ctx context.Context, spec task.Spec) (task.Info, error) {
	spec.RequestID = ""
	return f.Framework.Launch(ctx, spec)
}

// The negative test: without the names of requests, submits that are repeated are errors, and what is withdrawn is lost.
func TestClientInChaosControl(t *testing.T) {
	for seed := range uint64(20) {
		c := inChaos(t, seed, func(_ int, config *controlapi.Config) { config.Framework = forgetful{config.Framework} })
		if strings.Contains(strings.Join(c.broken, "\n"), "duplicate task ID") {
			return
		}
	}
	require.Fail(t, "nothing was noticed")
}
