package hatest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// row is a test of one fault: tasks run, and no promise may be broken.
func row(t *testing.T, s setup, test func(w *world)) {
	t.Helper()
	t.Parallel()
	h := inWorld(t, s, func(w *world) {
		w.mustLead(time.Minute)
		test(w)
		w.look()
	})
	if len(h.broken) > 0 {
		require.Fail(t, h.report())
	}
}

// mustLead waits until another member than some leads and is subscribed, and returns it.
func (w *world) mustLead(within time.Duration, except ...*member) *member {
	w.Helper()
	var leader *member
	leads := func() bool {
		leader = w.leader()
		for _, m := range except {
			if leader == m {
				return false
			}
		}
		return leader != nil && w.lastSubscription().member == leader.n
	}
	if !await(within, 5*time.Millisecond, leads) {
		require.Fail(w, fmt.Sprintf("nobody leads within %v\n%s", within, w.report()))
	}
	return leader
}

func (w *world) lastSubscription() subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.subscribed) == 0 {
		return subscription{}
	}
	return w.subscribed[len(w.subscribed)-1]
}

// launch has so many more tasks run.
func (w *world) launch(n int) {
	w.Helper()
	for range n {
		u := w.users.want(false)
		_, err := w.leader().sched.Launch(w.Context(), u.spec())
		require.NoError(w, err)
		u.submitted = true
	}
}

// mustRest waits until everything is as it has to be.
func (w *world) mustRest(within time.Duration) {
	w.Helper()
	why := ""
	if !await(within, 100*time.Millisecond, func() bool { why = w.unrest(context.Background()); return why == "" }) {
		require.Fail(w, fmt.Sprintf("after %v %s\n%s", within, why, w.report()))
	}
}

func (w *world) othersOf(m *member) (hosts []string) {
	for n := 1; n <= w.members; n++ {
		if n != m.n {
			hosts = append(hosts, ip(n))
		}
	}
	return hosts
}

// The leader is cut off from the other members, in one direction or both, and reaches the master all the time.
func TestLeaderReachesOnlyMesos(t *testing.T) {
	for name, way := range map[string]struct{ in, out bool }{"in": {in: true}, "out": {out: true}, "both": {true, true}} {
		t.Run(name, func(t *testing.T) {
			row(t, setup{}, func(w *world) {
				w.launch(5)
				old := w.leader()
				if way.out {
					w.cut([]string{ip(old.n)}, w.othersOf(old))
				}
				if way.in {
					w.cut(w.othersOf(old), []string{ip(old.n)})
				}
				began := time.Now()
				next := w.mustLead(5*time.Second, old)
				w.Logf("another one is subscribed after %v", time.Since(began))
				w.launch(5)
				time.Sleep(time.Minute)
				w.restoreLinks()
				w.mustRest(30 * time.Second)
				require.Equal(w, next, w.leader(), "who comes back does not disturb")
				require.Zero(w, w.evicted())
			})
		})
	}
}

// The leader's process stands still for a while. What it then still sends does no harm.
func TestLeaderIsPaused(t *testing.T) {
	for pause, changes := range map[time.Duration]bool{100 * time.Millisecond: false, 3 * time.Second: true, time.Minute: true} {
		t.Run(pause.String(), func(t *testing.T) {
			row(t, setup{}, func(w *world) {
				w.launch(5)
				old := w.leader()
				for i := range 3 {
					require.NoError(w, old.sched.Submit(w.Context(), task.Spec{ID: fmt.Sprint("under way ", i), CPUs: 1, Mem: 32, Command: task.Command{Shell: "sleep 100000"}}))
				}
				old.pause(pause, 5*time.Second)
				time.Sleep(pause + 10*time.Second)
				require.Equal(w, changes, w.mustLead(time.Second) != old)
				w.launch(5)
				w.mustRest(30 * time.Second)
			})
		})
	}
}

// A leader that stands still between its proof and its SUBSCRIBE evicts the next one, once.
func TestPausedBetweenProofAndSubscribe(t *testing.T) {
	row(t, setup{}, func(w *world) {
		w.launch(5)
		rounds := 3
		if testing.Short() {
			rounds = 1
		}
		for range rounds {
			old, was := w.leader(), w.evicted()
			w.mu.Lock()
			old.afterProof = 5 * time.Second
			w.mu.Unlock()
			w.master.CutStreams()
			w.mustLead(5*time.Second, old)
			resumed := old.pausedUntil()
			time.Sleep(time.Until(resumed) + 20*time.Second)
			w.mustRest(0)
			w.Logf("subscribed for the last time %v after the pause, %d evictions", w.lastSubscription().at.Sub(resumed), w.evicted()-was)
			require.LessOrEqual(w, w.evicted()-was, 1)
			term := w.newestTerm()
			time.Sleep(6 * time.Minute) // of three evictions within ten minutes a foreign scheduler is suspected
			require.Equal(w, term, w.newestTerm())
		}
		require.NotZero(w, w.evicted())
	})
}

// The leader is killed at any instant of the way of a launch, from the user's call to the master's answer, or when the launch
// arrives at the master. Nothing is launched twice, nothing is unknown.
func TestKilledAroundLaunch(t *testing.T) {
	times := 100
	if testing.Short() {
		times = 4
	}
	row(t, setup{durable: true, preset: cluster.PresetLocal, heartbeat: 5 * time.Second, missed: 2}, func(w *world) {
		random := w.source(3)
		for i := range times {
			leader, arrived := w.mustLead(time.Minute), make(chan struct{})
			w.mu.Lock()
			w.seesLaunch = sync.OnceFunc(func() { close(arrived) })
			w.mu.Unlock()
			for range 2 {
				u := w.users.want(true)
				w.users.calls.Go(func() { w.users.submit(context.Background(), u) })
			}
			if i%2 == 0 {
				time.Sleep(time.Duration(random.Int64N(int64(15 * time.Millisecond))))
			} else {
				select {
				case <-arrived:
				case <-time.After(2 * time.Second): // offers are late
				}
			}
			leader.kill()
			w.users.calls.Wait()
			w.look()
			w.start(leader.n)
		}
		w.mustRest(45 * time.Minute)
		for _, u := range w.users.order {
			require.True(w, u.submitted, u.id)
		}
	})
}

// The members are restarted one after the other, the leader first.
func TestRollingRestart(t *testing.T) {
	row(t, setup{durable: true}, func(w *world) {
		w.launch(10)
		for range 2 * w.members {
			was, old := w.lastSubscription(), w.leader()
			asked := time.Now()
			go old.end()
			w.mustLead(500*time.Millisecond, old)
			w.Logf("the next one is subscribed after %v", time.Since(asked))
			require.Equal(w, was.frameworkID, w.lastSubscription().frameworkID)
			<-old.ended
			w.start(old.n)
			time.Sleep(20 * time.Second)
			w.mustRest(time.Second)
		}
		require.Zero(w, w.evicted())
	})
}

func TestFiveMembers(t *testing.T) {
	row(t, setup{members: 5, durable: true}, func(w *world) {
		w.launch(5)
		for range 2 {
			time.Sleep(10 * time.Second)
			old := w.leader()
			old.kill()
			w.mustLead(5*time.Second, old)
			w.launch(1)
		}
		third := w.leader()
		third.kill()
		time.Sleep(2 * time.Minute)
		require.Nil(w, w.leader(), "two of five are no majority")
		require.Len(w, w.master.Snapshot().Running, 7)
		w.start(third.n)
		began := time.Now()
		w.mustLead(10 * time.Second)
		w.Logf("leads %v after a majority is there", time.Since(began))
		w.launch(1)
		for n := 1; n <= 5; n++ {
			select {
			case <-w.process(n).ended:
				w.start(n)
			default:
			}
		}
		w.mustRest(time.Minute)
	})
}

// The master answers nothing, with Mesos' own times.
func TestMasterBlackhole(t *testing.T) {
	row(t, setup{masters: 3}, func(w *world) {
		w.launch(5)
		leader := w.leader()
		w.cut(w.hosts()[:w.members], []string{masterIP(0)})
		w.cut([]string{masterIP(0)}, w.hosts()[:w.members])
		w.master.FreezeMaster(0)
		began := time.Now()
		require.True(w, await(2*time.Minute, 100*time.Millisecond, func() bool { return w.lastSubscription().at.After(began) }))
		w.Logf("subscribed with another master after %v", time.Since(began))
		require.LessOrEqual(w, time.Since(began), 90*time.Second)
		require.Equal(w, leader, w.leader())
		w.restoreLinks()
		w.master.ReturnMaster(0)
		w.mustRest(time.Minute)
	})
}

// The leader reaches the other members, and no master: that the master is silent it notices after 75 s, and after two minutes
// more another member leads.
func TestLeaderReachesNoMaster(t *testing.T) {
	row(t, setup{}, func(w *world) {
		w.launch(5)
		old := w.leader()
		w.cut([]string{ip(old.n)}, []string{masterIP(0)})
		w.cut([]string{masterIP(0)}, []string{ip(old.n)})
		began := time.Now()
		w.mustLead(4*time.Minute, old)
		w.Logf("another one is subscribed after %v", time.Since(began))
		require.LessOrEqual(w, time.Since(began), 200*time.Second)
		w.launch(5)
		w.restoreLinks()
		w.mustRest(30 * time.Second)
	})
}

// The leading master dies, then another one, and redirects lead to the third; then all answer 503 for a minute.
func TestMasterFailover(t *testing.T) {
	row(t, setup{masters: 3}, func(w *world) {
		w.launch(5)
		term := w.newestTerm()
		back := func(what string) {
			w.Helper()
			require.True(w, await(time.Minute, 50*time.Millisecond, func() bool { return w.master.Leader() >= 0 && !w.isRefusing() }))
			serves := time.Now()
			require.True(w, await(15*time.Second, 50*time.Millisecond, func() bool {
				f := w.master.Snapshot().Frameworks
				return len(f) == 1 && f[0].Connected
			}), what)
			w.Logf("%s: subscribed %v after a master serves", what, time.Since(serves))
			w.mustRest(30 * time.Second)
		}
		for range 2 {
			lost := w.master.Leader()
			require.True(w, w.master.LoseMaster(lost))
			time.Sleep(time.Second)
			back("failover")
			w.master.ReturnMaster(lost)
		}
		w.setRefusing(true)
		w.master.CutStreams()
		time.Sleep(time.Minute)
		w.setRefusing(false)
		back("503 for a minute")
		require.Equal(w, term, w.newestTerm(), "the members have nothing to do with it")
	})
}

func (w *world) isRefusing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refusing
}

func (w *world) setRefusing(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refusing = on
}

// After its failover the master waits ten minutes for an agent, and says nothing of the tasks there. So do the members,
// whichever leads.
func TestNothingIsLostWhileAnAgentIsRecovered(t *testing.T) {
	row(t, setup{}, func(w *world) {
		w.launch(10)
		away := w.master.Snapshot().Running[0].Hostname
		w.master.LoseAgent(away)
		w.master.Failover(5 * time.Second)
		for range 3 {
			time.Sleep(3 * time.Minute)
			old := w.mustLead(time.Second)
			old.kill()
			w.mustLead(5*time.Second, old)
			w.start(old.n)
			time.Sleep(10 * time.Second)
			all, err := w.leader().sched.Tasks(w.Context())
			require.NoError(w, err)
			require.Len(w, all, 10)
			for _, info := range all {
				require.Equal(w, task.StateRunning, info.State, info.Spec.ID)
			}
		}
		w.master.ReturnAgent(away)
		w.mustRest(time.Minute)
	})
}

// One packet of five is lost, and the others take up to 200 ms longer, each way.
func TestLossyLinks(t *testing.T) {
	long := time.Hour
	if testing.Short() {
		long = 5 * time.Minute
	}
	row(t, setup{preset: cluster.PresetWAN}, func(w *world) {
		w.launch(5)
		term := w.newestTerm()
		for _, from := range w.hosts() {
			for _, to := range w.hosts() {
				l := usual()
				l.Loss, l.Jitter = 0.2, 200*time.Millisecond
				w.net.SetLink(from, to, l)
			}
		}
		time.Sleep(long)
		w.Logf("%d changes of the leader in %v", w.newestTerm()-term, long)
		require.LessOrEqual(w, w.newestTerm()-term, uint64(3), "more than one is rare")
		w.restoreLinks()
		w.mustRest(time.Minute)
	})
}
