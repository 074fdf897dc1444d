//go:build integration && linux

package killtest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

var (
	kills  = flag.Int("kills", 2, "how often the leader is killed, and how often another member")
	pauses = flag.Int("pauses", 1, "how often a member is stopped for longer than its lease")
	rate   = flag.Int("rate", 100, "how many activations a second are called at all members together")
)

// The leader is killed, again and again, and comes back.
func TestLeaderIsKilled(t *testing.T) {
	t.Parallel()
	killed(t, "SIGKILL of the leader, ha/cluster", "", *kills, true)
}

// A member that does not lead is killed: what dies is a dispatcher.
func TestDispatcherIsKilled(t *testing.T) {
	t.Parallel()
	killed(t, "SIGKILL of a dispatcher, ha/cluster", "", *kills, false)
}

// The same with an election and a store on ZooKeeper.
func TestKilledWithZooKeeper(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	n := max(1, *kills/10)
	killed(t, "SIGKILL of the leader, ZooKeeper, sessions of 2 s", "zk://"+server.Address+"/leader", n, true)
	killed(t, "SIGKILL of a dispatcher, ZooKeeper", "zk://"+server.Address+"/dispatcher", n, false)
}

// inOneFleet is how many times a fleet is disturbed: each new leader sets aside for 13 s what nobody declares to it, so that all memory is
// in use at last.
const inOneFleet = 25

// killed kills members under load, some time after everything is calm, and starts them again.
func killed(t *testing.T, what, zooKeeper string, times int, leader bool) {
	b := &book{}
	for n := 0; n < times; n += inOneFleet {
		if zooKeeper != "" {
			zooKeeper = fmt.Sprint(zooKeeper, "-", n)
		}
		f := newFleet(t, zooKeeper, b)
		for range min(times-n, inOneFleet) {
			f.killOne(leader)
		}
		f.close()
	}
	b.report(t, what, times)
}

func (f *fleet) killOne(leader bool) {
	victim := f.peers[f.calm()]
	if !leader {
		victim = f.others(victim)[rand.IntN(2)]
	}
	time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
	at := time.Now()
	victim.kill()
	f.cold(at, f.others(victim)...)
	time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
	victim.start(f.T)
	f.calm()
	f.check()
}

// A member is stopped in the midst of sending, for so long that its lease is over and others use its containers, and then goes on.
func TestStoppedPastTheLease(t *testing.T) {
	t.Parallel()
	b := &book{}
	taken, unsent := 0, 0
	for n := 0; n < *pauses; n += inOneFleet {
		f := newFleet(t, "", b)
		for k := range min(*pauses-n, inOneFleet) {
			i := f.calm() // each third time the leader
			if k%3 < 2 {
				i = (i + 1 + k%3) % 3
			}
			t, u := f.stopped(i)
			taken, unsent = taken+t, unsent+u
			f.check()
		}
		f.close()
	}
	what := fmt.Sprintf("SIGSTOP past the lease; meanwhile others used %d of its containers, and %d activations were half sent", taken, unsent)
	b.report(t, what, *pauses)
}

// stopped stops a member and lets it go on when others use its containers. It returns how many those were, and how many activations
// were sent in part when it was stopped.
func (f *fleet) stopped(i int) (taken, unsent int) {
	p := f.peers[i]
	run := p.current()
	half := f.sendLarge(p)
	at := time.Now()
	require.NoError(f, run.Process.Signal(syscall.SIGSTOP))
	f.shared[i].Store(true)
	half.stopped.Store(true)
	f.cold(at, f.others(p)...)
	// The leader waits for the lease and a second, and for the time limit of what may run.
	time.Sleep(time.Until(at.Add(invoker.SessionTTL + time.Second + timeLimit)))
	stop := f.takeOver(p)
	taken = f.awaitTaken(p)
	arrived := f.witness.arrived(half.id)
	require.NoError(f, run.Process.Signal(syscall.SIGCONT))
	half.calling.Wait()
	stop()
	if !arrived {
		unsent = 1
		require.False(f, f.witness.arrived(half.id), "%s was sent after the lease was over", half.id)
	}
	f.shared[i].Store(false)
	f.calm()
	return taken, unsent
}

// half is an activation whose parameters are sent when the member is stopped.
type half struct {
	id      string
	stopped atomic.Bool
	calling sync.WaitGroup
}

// sendLarge has a member send so many parameters that they do not fit into the buffers of a connection, and returns when the container
// has got the first of them.
func (f *fleet) sendLarge(p *peer) *half {
	h := &half{}
	action := "own-" + p.config.Name + "-large"
	first := request{ID: p.newID(), Action: action}
	a, alive := p.current().call(first)
	require.True(f, f.book.enter(first, a, alive, false))
	r := request{ID: p.newID(), Action: action, Pad: 16 << 20}
	h.id = r.ID
	h.calling.Go(func() {
		a, alive := p.current().call(r)
		if !h.stopped.Load() || f.witness.arrived(r.ID) {
			f.book.enter(r, a, alive, false)
		}
	})
	select {
	case <-f.witness.stalled:
	case <-time.After(wait):
		require.Fail(f, "nothing arrives")
	}
	time.Sleep(stallTime / 2) // the buffers are full
	return h
}

// takeOver calls the actions of a member at the others, without pauses, until the function is called that it returns.
func (f *fleet) takeOver(p *peer) (stop func()) {
	var over atomic.Bool
	var all sync.WaitGroup
	for n := range ownCallers + 1 {
		action := fmt.Sprintf("own-%s-%d", p.config.Name, n)
		if n == ownCallers {
			action = "own-" + p.config.Name + "-large"
		}
		all.Go(func() {
			for k := n; !over.Load(); k++ {
				at := f.others(p)[k/8%2]
				r := request{ID: at.newID(), Action: action, Millis: 5 + rand.IntN(10)}
				a, alive := at.current().call(r)
				f.book.enter(r, a, alive, false)
			}
		})
	}
	return func() { over.Store(true); all.Wait() }
}

// awaitTaken waits until others have used all containers of a member's own actions, and returns how many those are.
func (f *fleet) awaitTaken(p *peer) (taken int) {
	until(f.Context(), 5*time.Second, func() bool {
		all := f.witness.of("/guest/own-" + p.config.Name)
		taken = 0
		for _, last := range all {
			if !strings.HasPrefix(last, p.config.Name+"-") {
				taken++
			}
		}
		return taken >= ownCallers+1 && taken == len(all)
	})
	return taken
}

// TestControl does on purpose what must not happen: the witness sees it.
func TestControl(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "", &book{})
	f.check()

	// A client that does not know what has become of its activation calls it again.
	victim := f.peers[f.calm()]
	r := request{ID: victim.newID(), Action: "twice", Millis: 500}
	go func() { _, _ = victim.current().call(r) }()
	require.True(t, until(t.Context(), wait, func() bool { return f.witness.arrived(r.ID) }))
	victim.kill()
	a, alive := f.others(victim)[0].current().call(r)
	require.True(t, alive && a.Error == "", a.Error)
	found, _ := f.witness.faults()
	require.Len(t, found.doubled, 1)

	// Somebody sends to a container whose address they know, while it runs something.
	busy := request{ID: victim.newID(), Action: "busy", Millis: 500}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = f.others(victim)[0].current().call(busy)
	}()
	require.True(t, until(t.Context(), wait, func() bool { return f.witness.arrived(busy.ID) }))
	response, err := http.Post("http://"+f.witness.address("/guest/busy")+"/run", "application/json",
		strings.NewReader(`{"value": {}, "action_name": "/guest/other", "activation_id": "stranger"}`))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	<-done
	found, _ = f.witness.faults()
	require.Len(t, found.mixUps, 1)
	require.Len(t, found.overlapping, 1)

	// A container runs that nobody has started.
	victim.start(t)
	f.settle()
	f.witness.begin(&container{id: "stranger"})
	orphans, missing := f.orphans(2 * time.Second)
	require.Equal(t, []string{"stranger"}, orphans)
	require.Empty(t, missing)
}
