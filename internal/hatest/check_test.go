package hatest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// seen checks each call when it arrives at the master, on the master's goroutine.
func (w *world) seen(c *calls.Call) mesostest.Fault {
	w.mu.Lock()
	w.count(c.GetType().String())
	refusing, seesLaunch := w.refusing, w.seesLaunch
	w.mu.Unlock()
	if refusing {
		return http.StatusServiceUnavailable
	}
	switch c.GetType() {
	case calls.Call_ACCEPT:
		if seesLaunch != nil {
			seesLaunch()
		}
		for _, op := range c.Accept.Operations {
			for _, t := range op.GetLaunch().GetTaskInfos() {
				if d := w.commits.of(t.TaskID.Value); !d.agents[t.AgentID.Value] {
					w.violate("I2", "%s is launched on %s, which is not committed: %+v", t.TaskID.Value, t.AgentID.Value, d)
				}
			}
		}
	case calls.Call_ACKNOWLEDGE:
		a := c.Acknowledge
		if d := w.commits.of(a.TaskID.Value); d.exists && !d.terminal && !d.uuids[fold(a.UUID)] {
			w.violate("I6", "an update of %s is acknowledged, which is not committed: %+v", a.TaskID.Value, d)
		}
	}
	return mesostest.Pass
}

func (w *world) count(kind string) {
	if w.calls == nil {
		w.calls = map[string]int{}
	}
	w.calls[kind]++
}

// look checks what holds at any time of what the cluster runs.
func (w *world) look() {
	seen := map[string]string{}
	frameworks := map[string]bool{}
	for _, r := range w.master.Snapshot().Running {
		if other, twice := seen[r.ID]; twice {
			w.violate("I3", "%s runs on %s and on %s", r.ID, other, r.Hostname)
		}
		seen[r.ID] = r.Hostname
		frameworks[r.FrameworkID] = true
		if d := w.commits.of(r.ID); len(d.agents) == 0 {
			w.violate("I4", "%s runs, and was never committed to be launched", r.ID)
		}
		w.users.mu.Lock()
		if u := w.users.wanted[r.ID]; u != nil && u.killed {
			w.violate("I3", "%s runs on %s after Kill has returned", r.ID, r.Hostname)
			u.killed = false // once is enough
		}
		w.users.mu.Unlock()
	}
	if len(frameworks) > 1 {
		w.violate("I3", "tasks run under %d frameworks", len(frameworks))
	}
	w.lookAtTable(seen)
}

// lookAtTable checks that a leader that has been subscribed for ten seconds knows what runs.
func (w *world) lookAtTable(running map[string]string) {
	leader, since := w.leader(), w.lastSubscription()
	if leader == nil || since.member != leader.n || time.Since(since.at) < 10*time.Second {
		return
	}
	asking, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	all, err := leader.sched.Tasks(asking)
	if err != nil || leader != w.leader() {
		return
	}
	for _, info := range all {
		delete(running, info.Spec.ID)
	}
	for id, host := range running {
		w.violate("I4", "%s runs on %s, and member %d, which leads, does not know it", id, host, leader.n)
	}
}

// unrest returns what is not as it has to be once nothing is disturbed any more, "" if nothing.
func (w *world) unrest(ctx context.Context) string {
	leader := w.leader()
	w.mu.Lock()
	leading := len(w.running)
	w.mu.Unlock()
	if leader == nil || leading != 1 {
		return fmt.Sprintf("%d members lead", leading)
	}
	self := leader.cluster.Status().Self
	for n := 1; n <= w.members; n++ {
		if s := w.process(n).cluster.Status(); s.Leader != self {
			return fmt.Sprintf("member %d holds %q for the leader, not %q: %s", n, s.Leader, self, s.Reason)
		}
	}
	asking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	all, err := leader.sched.Tasks(asking)
	if err != nil {
		return "the leader does not answer: " + err.Error()
	}
	table := map[string]task.Info{}
	for _, info := range all {
		table[info.Spec.ID] = info
	}
	snapshot := w.master.Snapshot()
	if len(snapshot.Frameworks) != 1 || !snapshot.Frameworks[0].Connected {
		return "the framework is not subscribed"
	}
	for _, t := range snapshot.Frameworks[0].Tasks {
		if t.Unacked > 0 {
			return fmt.Sprintf("%d updates of %s are not acknowledged", t.Unacked, t.ID)
		}
	}
	runs := map[string]bool{}
	for _, r := range snapshot.Running {
		runs[r.ID] = true
		if table[r.ID].State != task.StateRunning {
			return fmt.Sprintf("%s runs, and on record is %v", r.ID, table[r.ID].State)
		}
	}
	return w.users.unrest(table, runs)
}

// unrest returns what is not as users were told.
func (u *users) unrest(table map[string]task.Info, runs map[string]bool) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, w := range u.order {
		info, known := table[w.id]
		switch {
		case w.submitted && !known:
			return fmt.Sprintf("%s was submitted and is not on record", w.id)
		case w.submitted && w.excuse == "" && !runs[w.id]:
			return fmt.Sprintf("%s was submitted and does not run, on record it is %v", w.id, info.State)
		case known && !info.State.Terminal() && !runs[w.id]:
			return fmt.Sprintf("%s does not run, on record it is %v", w.id, info.State)
		case w.killed && runs[w.id]:
			return fmt.Sprintf("%s was killed and runs", w.id)
		}
	}
	return ""
}
