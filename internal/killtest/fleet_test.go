//go:build integration && linux

package killtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
)

// fleet is three members on a fake cluster, and callers at each of them.
type fleet struct {
	*testing.T
	witness *witness
	peers   []*peer
	book    *book
	close   func() // ends everything

	calling sync.WaitGroup
	over    atomic.Bool // no more calls
	// shared says of each member that others call its own actions too, or did, so that their containers need not be warm.
	shared [3]atomic.Bool
	// warm is the process in which each caller of an action of its own has succeeded last.
	warm [3][ownCallers]atomic.Pointer[process]
}

const (
	// ownCallers call an action of their own each, sharedCallers those that all members have in common.
	ownCallers, sharedCallers = 4, 2
	// wait is how long something may take that the tests do not measure.
	wait = time.Minute
)

// newFleet starts a cluster, three members and the callers, whose calls go into the book.
func newFleet(t *testing.T, zooKeeper string, b *book) *fleet {
	f := &fleet{T: t, witness: newWitness(), book: b}
	dir := t.TempDir()
	cluster, err := mesosfake.New(mesosfake.Config{
		Listen: net.JoinHostPort(ownHost(), "0"), Programs: map[string]mesosfake.Program{image: f.witness.serve},
		Agents: []mesosfake.Agent{agent(31000), agent(33000), agent(35000)},
	})
	require.NoError(t, err)
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- cluster.Run(running) }()
	f.close = sync.OnceFunc(func() {
		f.over.Store(true)
		for _, p := range f.peers {
			p.kill()
		}
		f.calling.Wait()
		stop()
		require.NoError(t, <-ended)
		b.judge(f.witness)
		if t.Failed() {
			f.printLogs()
		}
	})
	t.Cleanup(f.close)
	host := ownHost()
	var seeds, apis []string
	for i := range 3 {
		c := memberConfig{
			Name: string(rune('a' + i)), Master: cluster.Master(), ZooKeeper: zooKeeper,
			Gossip: fmt.Sprintf("%s:%d", host, 7100+i), Raft: fmt.Sprintf("%s:%d", host, 7200+i), API: fmt.Sprintf("%s:%d", host, 7300+i),
		}
		c.Dir = filepath.Join(dir, c.Name)
		seeds, apis = append(seeds, c.Gossip), append(apis, c.API)
		f.peers = append(f.peers, &peer{config: c, log: c.Dir + ".log"})
	}
	for _, p := range f.peers {
		p.config.Seeds, p.config.APIs = seeds, apis
		p.start(t)
	}
	f.settle()
	f.call(*rate)
	f.calm()
	return f
}

// ownHost returns an address of loopback that nothing else uses, so that all its ports are free.
func ownHost() string {
	return net.IPv4(127, byte(1+rand.IntN(254)), byte(rand.IntN(256)), byte(1+rand.IntN(254))).String()
}

func agent(ports int) mesosfake.Agent {
	return mesosfake.Agent{Resources: fmt.Sprintf("cpus:32;mem:6400;disk:10000;ports:[%d-%d]", ports, ports+999)}
}

// printLogs prints the last lines of each member's log.
func (f *fleet) printLogs() {
	for _, p := range f.peers {
		all, _ := os.ReadFile(p.log)
		lines := strings.Split(strings.TrimSpace(string(all)), "\n")
		f.Logf("the last lines of %s:\n%s", p.config.Name, strings.Join(lines[max(0, len(lines)-30):], "\n"))
	}
}

// call starts the callers.
func (f *fleet) call(rate int) {
	callers := len(f.peers) * (ownCallers + sharedCallers)
	every := time.Duration(callers) * time.Second / time.Duration(rate)
	for i, p := range f.peers {
		for n := range ownCallers {
			f.calling.Go(func() { f.callAgain(i, fmt.Sprintf("own-%s-%d", p.config.Name, n), every, &f.warm[i][n]) })
		}
		for n := range sharedCallers {
			f.calling.Go(func() { f.callAgain(i, fmt.Sprint("shared-", n), every, nil) })
		}
	}
}

// callAgain calls an action at a member again and again, a call after the other. If it is the member's own, warm is not nil, and it has to
// be warm from the second time on.
func (f *fleet) callAgain(i int, action string, every time.Duration, warm *atomic.Pointer[process]) {
	for !f.over.Load() {
		run := f.peers[i].current()
		if run == nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		began := time.Now()
		r := request{ID: f.peers[i].newID(), Action: action, Millis: rand.IntN(15)}
		a, alive := run.call(r)
		if f.over.Load() {
			return
		}
		succeeded := f.book.enter(r, a, alive, warm != nil && warm.Load() == run && !f.shared[i].Load())
		switch {
		case warm == nil:
		case succeeded && !f.shared[i].Load():
			warm.Store(run)
		default:
			warm.Store(nil)
		}
		time.Sleep(time.Until(began.Add(every)))
	}
}

// calm waits until all is settled, and all callers have warm containers. It returns who leads.
func (f *fleet) calm() (leader int) {
	f.Helper()
	leader = f.settle()
	require.True(f, until(f.Context(), wait, func() bool {
		for i, p := range f.peers {
			for n := range f.warm[i] {
				if f.warm[i][n].Load() != p.current() {
					return false
				}
			}
		}
		return true
	}), "not all callers have warm containers")
	return leader
}

// status is what a member says of itself.
type status struct {
	answer
	alive bool
}

// statuses asks all members.
func (f *fleet) statuses() []status {
	all := make([]status, len(f.peers))
	for i, p := range f.peers {
		all[i].answer, all[i].alive = p.ask("status")
	}
	return all
}

// settle waits until all members see the same term, one of them leads it, and the dispatchers of all have their session there. It
// returns which one leads.
func (f *fleet) settle() (leader int) {
	f.Helper()
	var last []status
	for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		last = f.statuses()
		leads := slices.IndexFunc(last, func(s status) bool { return s.Leads })
		if leads >= 0 && !slices.ContainsFunc(last, func(s status) bool {
			return !s.alive || s.Term != last[leads].Term || s.Epoch == 0 || s.Epoch != last[leads].Epoch
		}) {
			return leads
		}
	}
	require.Fail(f, "the members do not settle", "%+v", last)
	return 0
}

// leader returns who leads, as far as one of the living says so.
func (f *fleet) leader() *peer {
	for {
		for i, s := range f.statuses() {
			if s.Leads {
				return f.peers[i]
			}
		}
		require.NoError(f, f.Context().Err())
		time.Sleep(10 * time.Millisecond)
	}
}

// orphans waits until the leader knows exactly the containers that run, and returns those that it does not know if that takes too long,
// and those that it knows and that do not run.
func (f *fleet) orphans(within time.Duration) (orphans, missing []string) {
	without := func(all, known []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(known, id) })
	}
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		before := f.witness.ids()
		a, alive := f.leader().ask("containers")
		after := f.witness.ids()
		if !alive {
			continue
		}
		orphans = without(without(before, without(before, after)), a.Containers) // that ran all the time
		missing = without(without(a.Containers, before), after)
		if len(orphans)+len(missing) == 0 || time.Now().After(end) {
			return orphans, missing
		}
	}
}

// check waits until the leader knows what runs.
func (f *fleet) check() {
	f.Helper()
	orphans, missing := f.orphans(wait)
	f.book.mu.Lock()
	defer f.book.mu.Unlock()
	f.book.orphans = append(f.book.orphans, orphans...)
	require.Empty(f, missing, "the leader knows them, and they do not run")
}

// cold calls an action that nobody has called, at members that live, and notes how long it takes since some time.
func (f *fleet) cold(since time.Time, at ...*peer) {
	var all sync.WaitGroup
	for _, p := range at {
		all.Go(func() {
			r := request{ID: p.newID(), Action: "once-" + p.newID()}
			if run := p.current(); run != nil {
				a, alive := run.call(r)
				took := time.Since(since)
				if f.book.enter(r, a, alive, false) {
					f.book.mu.Lock()
					defer f.book.mu.Unlock()
					f.book.cold = append(f.book.cold, took)
				}
			}
		})
	}
	all.Wait()
}

// others returns all members but one.
func (f *fleet) others(than *peer) []*peer {
	return slices.DeleteFunc(slices.Clone(f.peers), func(p *peer) bool { return p == than })
}

// until waits until something is so, at most for a time, and reports whether it is.
func until(ctx context.Context, within time.Duration, is func() bool) bool {
	for end := time.Now().Add(within); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) || ctx.Err() != nil {
			return false
		}
	}
	return true
}
