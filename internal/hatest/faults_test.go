package hatest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// faults disturbs a world.
type faults struct {
	*world
	random *rand.Rand
	lost   map[string]bool // agents that are away
	busy   map[int]bool    // members that are being stopped or started
	ended  chan int        // members that have started again
}

// disturb causes so many faults, one every two seconds or so, and then ends all of them.
func (w *world) disturb(times int) {
	f := &faults{world: w, random: w.source(1), lost: map[string]bool{}, busy: map[int]bool{}, ended: make(chan int, 9)}
	for range times {
		if f.enough != "" && slices.Contains(f.kinds(), f.enough) {
			break
		}
		f.act()
		f.pause(4 * time.Second)
		f.look()
		f.revive()
	}
	w.note("the faults end")
	f.calm()
	for len(f.busy) > 0 {
		delete(f.busy, <-f.ended)
	}
	f.revive()
	for agent := range f.lost {
		f.master.ReturnAgent(agent)
	}
}

// pause waits for up to a time.
func (f *faults) pause(most time.Duration) { time.Sleep(f.upTo(most)) }

func (f *faults) upTo(most time.Duration) time.Duration {
	return time.Duration(f.random.Int64N(int64(most)))
}

// calm ends all faults but those of agents and processes.
func (f *faults) calm() {
	f.restoreLinks()
	f.master.Silence(false)
	_ = f.master.Disturb(mesostest.Chances{})
	f.master.ReturnZooKeeper()
	for n := range f.masters {
		f.master.ReturnMaster(n)
	}
	f.mu.Lock()
	f.refusing = false
	f.mu.Unlock()
	for n := 1; n <= f.members; n++ {
		f.process(n).disk.set(0)
	}
}

// revive starts the processes that have ended without having been told to, as a supervisor does.
func (f *faults) revive() {
	for {
		select {
		case n := <-f.ended:
			delete(f.busy, n)
			continue
		default:
		}
		break
	}
	for n := 1; n <= f.members; n++ {
		m := f.process(n)
		select {
		case <-m.ended:
		default:
			continue
		}
		if f.busy[n] {
			continue
		}
		var foreign *ha.ForeignSchedulerError
		if !errors.As(m.err, &foreign) {
			f.violate("ended", "member %d has ended: %v", n, m.err)
		}
		f.alarms++
		f.start(n)
	}
}

// someone returns a member, often the one that leads.
func (f *faults) someone() *member {
	if m := f.leader(); m != nil && f.random.IntN(2) == 0 {
		return m
	}
	return f.process(1 + f.random.IntN(f.members))
}

func (f *faults) act() {
	switch n := f.random.IntN(100); {
	case n < 12:
		f.note("all links work")
		f.restoreLinks()
	case n < 18:
		f.note("no faults for now")
		f.calm()
	case n < 40:
		f.cutLinks()
	case n < 46:
		f.slowLinks()
	case n < 58:
		f.restart()
	case n < 74:
		f.pauseOne()
	case n < 78:
		m := f.someone()
		f.note("the connections of member %d break", m.n)
		m.host.Reset()
	case n < 82:
		m, p := f.someone(), []float64{0.1, 0.5}[f.random.IntN(2)]
		f.note("the store of member %d is slow, %v", m.n, p)
		m.disk.set(p)
	case n < 90:
		f.disturbMaster()
	default:
		f.disturbAgents()
	}
}

// cutLinks cuts links, in addition to those that are cut.
func (f *faults) cutLinks() {
	m := f.someone()
	self := []string{ip(m.n)}
	var others, masters []string
	for _, h := range f.hosts() {
		switch {
		case h == self[0]:
		case h[:7] == "10.0.1.":
			masters = append(masters, h)
		default:
			others = append(others, h)
		}
	}
	both := append(append([]string{}, others...), masters...)
	some := []string{others[f.random.IntN(len(others))]}
	in, out := true, true
	if way := f.random.IntN(4); way == 0 {
		in = false
	} else if way == 1 {
		out = false
	}
	to, what := [][]string{others, some, masters, both}[f.random.IntN(4)], ""
	if out {
		f.cut(self, to)
		what = "to "
	}
	if in {
		f.cut(to, self)
		what += "from "
	}
	f.note("links of member %d are cut: %s%v", m.n, what, to)
}

// slowLinks has the links of a member, or all of them, lose and delay what they carry.
func (f *faults) slowLinks() {
	l := virtualnet.Link{Loss: f.random.Float64() * 0.4, Delay: f.upTo(100 * time.Millisecond), Jitter: f.upTo(200 * time.Millisecond)}
	m, all := f.someone(), f.random.IntN(3) == 0
	f.note("slow links of member %d (all: %v): %+v", m.n, all, l)
	for _, from := range f.hosts() {
		for _, to := range f.hosts() {
			if (all || from == ip(m.n) || to == ip(m.n)) && !f.net.Link(from, to).Cut {
				f.net.SetLink(from, to, l)
			}
		}
	}
}

// restart kills or stops a process, and starts another one in its place some time later. Members without a directory
// have to keep their majority.
func (f *faults) restart() {
	m := f.someone()
	if f.busy[m.n] || f.folder == "" && !f.complete() {
		return
	}
	f.busy[m.n] = true
	planned, down := f.random.IntN(3) == 0, f.upTo(8*time.Second)
	go func() {
		if planned {
			m.end()
		} else {
			m.kill()
		}
		time.Sleep(down)
		f.start(m.n)
		f.ended <- m.n
	}()
}

// complete reports whether all members are there, vote, and know that of each other, so that one of them may be lost. A
// voter that does not know that another one votes would refuse it, see package cluster.
func (f *faults) complete() bool {
	if f.leader() == nil || len(f.busy) > 0 {
		return false
	}
	there := map[string]bool{}
	for n := 1; n <= f.members; n++ {
		there[f.process(n).cluster.Status().Self] = true
	}
	for n := 1; n <= f.members; n++ {
		voters := 0
		for _, m := range f.process(n).cluster.Status().Members {
			if m.Voter && !there[m.ID] {
				return false
			} else if m.Voter {
				voters++
			}
		}
		if voters != f.members {
			return false
		}
	}
	return true
}

func (f *faults) pauseOne() {
	m := f.someone()
	if f.busy[m.n] {
		return
	}
	d := f.upTo([]time.Duration{300 * time.Millisecond, 3 * time.Second, 20 * time.Second}[f.random.IntN(3)])
	if f.random.IntN(3) == 0 {
		f.note("member %d will be paused after its next proof", m.n)
		f.mu.Lock()
		m.afterProof = d
		f.mu.Unlock()
		f.master.CutStreams()
		return
	}
	m.pause(d, []time.Duration{0, 10 * time.Millisecond, 5 * time.Second}[f.random.IntN(3)])
}

func (f *faults) disturbMaster() {
	n := f.random.IntN(len(f.masters))
	switch f.random.IntN(8) {
	case 0:
		f.note("the streams are cut")
		f.master.CutStreams()
	case 1:
		f.note("the master is silent")
		f.master.Silence(true)
	case 2:
		f.note("the master answers 503")
		f.mu.Lock()
		f.refusing = true
		f.mu.Unlock()
	case 3:
		c := mesostest.Chances{
			Unavailable: 0.1, Hang: f.random.Float64() / 20, Cut: f.random.Float64() / 10, CutAfter: f.random.Float64() / 10,
			Delay: f.random.Float64() / 4, Duplicate: 0.1, Late: 0.1, Drop: 0.1, MaxDelay: 10 * time.Second,
		}
		f.note("faults of calls: %+v", c)
		_ = f.master.Disturb(c)
	case 4:
		f.note("ZooKeeper is lost")
		f.master.LoseZooKeeper()
	case 5:
		f.note("master %d is lost", n)
		f.master.LoseMaster(n)
	default:
		down := f.upTo(15 * time.Second)
		f.note("failover of the master, %v", down)
		f.master.Failover(down)
	}
}

func (f *faults) disturbAgents() {
	name := fmt.Sprintf("agent%d", f.random.IntN(agents))
	running := f.master.Snapshot().Running
	switch k := f.random.IntN(4); {
	case f.lost[name]:
		f.note("%s returns", name)
		delete(f.lost, name)
		f.master.ReturnAgent(name)
	case k == 0 && len(running) > 0:
		id := running[f.random.IntN(len(running))].ID
		f.users.excuse(id, "its executor was killed")
		f.note("the executor of %s is killed", id)
		f.master.KillExecutor(id)
	case len(f.lost) < agents/2 && k == 1:
		f.note("%s is frozen", name)
		f.lost[name] = true
		f.master.FreezeAgent(name)
	case len(f.lost) < agents/2:
		f.note("%s is lost", name)
		f.lost[name] = true
		f.master.LoseAgent(name)
	}
}

// rest waits until everything is as it has to be.
func (w *world) rest(ctx context.Context, within time.Duration) {
	began, why := time.Now(), ""
	if !await(within, 2*time.Second, func() bool { w.look(); why = w.unrest(ctx); return why == "" }) {
		w.violate("rest", "%v after the last fault: %s", within, why)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Logf("seed %d: %d members, term %d, %d evictions, %d alarms, %d tasks, calls %v, at rest after %v of %v", w.seed, w.members, w.newest, w.evictions,
		w.alarms, len(w.users.order), w.calls, time.Since(began), time.Since(w.history.began))
}
