package scheduler

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// seen checks each call when it arrives at the master, on the master's goroutine: what the call depends on must be
// durable by now.
func (c *chaos) seen(call *scheduler.Call) mesostest.Fault {
	c.history.add(line{mark: "~", what: call})
	switch call.GetType() {
	case scheduler.Call_ACCEPT:
		c.checkLaunch(call)
	case scheduler.Call_ACKNOWLEDGE:
		a := call.Acknowledge
		d := c.store.of(a.TaskID.Value)
		var seen record.UUIDs
		seen.Seen(a.UUID)
		u := seen[0]
		if d.there && !d.state.Terminal() && !d.uuids[u] {
			c.history.violate("acknowledged before store", a.TaskID.Value,
				"an update of %s is acknowledged, and on record it is %v without it", a.TaskID.Value, d.state)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fault, crash := c.faults.fate(call)
	if crash {
		c.crashSoon()
	}
	return fault
}

func (c *chaos) checkLaunch(call *scheduler.Call) {
	c.store.mu.Lock()
	framework := c.store.framework
	c.store.mu.Unlock()
	for _, t := range launchedBy(call) {
		id := t.TaskID.Value
		d := c.store.of(id)
		if !d.there || d.state != task.StateStaging {
			c.history.violate("launched before store", id, "%s is launched, and on record it is %v (%v)", id, d.state, d.there)
		}
		if d.states[task.StateRunning] {
			c.history.violate("launched again", id, "%s is launched after it ran", id)
		}
		if framework != call.GetFrameworkID().GetValue() {
			c.history.violate("launched before store", id, "%s is launched, and framework %q is on record", id, framework)
		}
	}
}

// look checks the invariants that hold at any time.
func (c *chaos) look() {
	state := c.master.Snapshot()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cluster.agents == nil {
		c.cluster.agents = map[string]string{}
	}
	for _, a := range state.Agents {
		c.cluster.agents[a.ID] = a.Hostname
	}
	seen := map[string]string{}
	for _, r := range state.Running {
		if other, twice := seen[r.ID]; twice {
			c.history.violate("runs twice", r.ID, "%s runs on %s and on %s", r.ID, other, r.Hostname)
		}
		seen[r.ID] = r.Hostname
		if w := c.wanted[r.ID]; w != nil && w.killed {
			c.history.violate("runs after its end", r.ID, "%s runs on %s after Kill has returned", r.ID, r.Hostname)
			w.killed = false // once is enough
		}
	}
}

// watch checks the events of a scheduler: the end of a task must be stored before its event.
func (c *chaos) watch(events iter.Seq[Event]) {
	for e := range events {
		e, ok := e.(TaskEvent)
		if !ok || !e.Task.State.Terminal() {
			continue
		}
		if d := c.store.of(e.Task.Spec.ID); d.there && !d.state.Terminal() {
			c.history.violate("told before store", e.Task.Spec.ID, "%v, and on record it is %v", e, d.state)
		}
	}
}

// compare compares the answers that users got, the scheduler's records and the state of the cluster.
func (c *chaos) compare(ctx context.Context) {
	c.mu.Lock()
	ended, leading := c.ended, c.leading
	c.mu.Unlock()
	if leading > 1 {
		c.history.violate("fenced", "", "%d processes still lead, as far as they know", leading)
	}
	if len(ended) > 0 {
		c.history.violate("run ended", "", "Run ended without a cause: %v", ended)
		return
	}
	short, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	known := map[string]task.Info{}
	tasks, err := c.current().Tasks(short)
	if err != nil {
		c.history.violate("no answer", "", "Tasks returned %v", err)
	}
	for _, info := range tasks {
		known[info.Spec.ID] = info
	}
	state := c.master.Snapshot()
	running := map[string]mesostest.RunningTask{}
	for _, r := range state.Running {
		running[r.ID] = r
		if _, ok := known[r.ID]; !ok {
			c.history.violate("task lost", r.ID, "%s runs and is not on record", r.ID)
		}
	}
	misfits := c.unplaceable(state, known)
	for _, w := range c.order {
		info, ok := known[w.id]
		_, runs := running[w.id]
		if info.State != task.StatePending || !misfits[w.id] {
			c.compareTask(w, info, ok, runs)
		}
	}
	c.checkRemembered(short, known)
	c.checkGroups(known)
	c.checkKept(short)
	c.compareWithMaster(state, known)
	c.checkOffers(short, state)
	for _, name := range c.waitingNow() {
		id := name[strings.IndexByte(name, ' ')+1:]
		if known[id].State != task.StateUnreachable && !misfits[id] {
			c.history.violate("no answer", id, "somebody still waits for: %s", name)
		}
	}
	_, err = c.current().Launch(short, task.Spec{ID: "last", CPUs: 1, Mem: 32, Command: task.Command{Shell: "sleep 100"}})
	if err != nil {
		c.history.violate("no launch", "last", "no task can be launched any more: %v", err)
	}
}

// compareTask does so for one task.
func (c *chaos) compareTask(w *wantedTask, info task.Info, known, runs bool) {
	d := c.store.of(w.id)
	switch {
	case !known && w.submitted && !c.forgets():
		c.history.violate("task lost", w.id, "%s was submitted and is not on record", w.id)
	case !known && w.submitted && w.excuse == "":
		c.history.violate("task lost", w.id, "%s has ended for no reason", w.id)
	case !known:
	case d.there && d.state != info.State:
		c.history.violate("state", w.id, "%s is %v in the store and %v on record", w.id, d.state, info.State)
	case info.State.Terminal() && runs:
		c.history.violate("state", w.id, "%s is %v on record and runs", w.id, info.State)
	case info.State.Terminal() && w.excuse == "":
		c.history.violate("task lost", w.id, "%s is %v for no reason", w.id, info.State)
	case info.State == task.StateRunning && !runs:
		c.history.violate("state", w.id, "%s is running on record only", w.id)
	case info.State == task.StateRunning && (d.ending || w.doomed):
		c.history.violate("state", w.id, "%s is to end and runs", w.id)
	case info.State == task.StateUnreachable && c.cluster.isUp(c.cluster.agents[info.AgentID]):
		c.history.violate("state", w.id, "%s is unreachable on record, on an agent that is not", w.id)
	case !info.State.Terminal() && info.State != task.StateRunning && info.State != task.StateUnreachable:
		c.history.violate("state", w.id, "%s is still %v on record", w.id, info.State)
	}
}

// unplaceable returns the tasks that may be pending: no agent has what they ask for.
func (c *chaos) unplaceable(state mesostest.Snapshot, known map[string]task.Info) map[string]bool {
	room := map[string]float64{}
	for _, h := range c.cluster.hosts {
		if !h.gone {
			room[h.name] = agentCPUs
		}
	}
	for _, r := range state.Running {
		if w := c.wanted[r.ID]; w != nil {
			room[r.Hostname] -= w.spec.CPUs + 0.1 // for the executor of a pod
		}
	}
	for _, o := range state.Offers {
		if c.faults.offers[o.ID] {
			room[c.cluster.agents[o.AgentID]] = 0
		}
	}
	taken := map[string]bool{} // hosts by group
	for _, info := range known {
		if info.State != task.StatePending && !info.State.Terminal() {
			taken[info.Spec.Group+" on "+c.cluster.agents[info.AgentID]] = true
		}
	}
	misfits := map[string]bool{}
	for _, w := range c.order {
		members := []task.Spec{w.spec}
		for _, mate := range w.mates {
			members = append(members, mate.spec)
		}
		misfits[w.id] = !slices.ContainsFunc(c.cluster.hosts, func(h host) bool {
			return room[h.name] >= 3 && !slices.ContainsFunc(members, func(s task.Spec) bool {
				return slices.ContainsFunc(s.Constraints, func(c task.Constraint) bool {
					return c.Operator == task.OpUnique && taken[s.Group+" on "+h.name] || c.Operator == task.OpLike && c.Value != "r["+h.rack[1:]+"]"
				})
			})
		})
	}
	return misfits
}

// checkGroups checks that no two tasks of a group with UNIQUE run on one agent, except for the members of a pod.
func (c *chaos) checkGroups(known map[string]task.Info) {
	on := map[string]task.Info{}
	for _, w := range c.order {
		info := known[w.id]
		if info.State != task.StateRunning || info.Spec.Group == "" {
			continue
		}
		at := info.Spec.Group + " on " + c.cluster.agents[info.AgentID]
		if other, taken := on[at]; taken && (other.Spec.Pod == "" || other.Spec.Pod != info.Spec.Pod) {
			c.history.violate("not unique", w.id, "%s and %s run on %s", w.id, other.Spec.ID, info.AgentID)
		}
		on[at] = info
	}
}

// compareWithMaster compares the tasks with those that the master knows, and looks for what is left over.
func (c *chaos) compareWithMaster(state mesostest.Snapshot, known map[string]task.Info) {
	for _, f := range state.Frameworks {
		for _, t := range f.Tasks {
			info := known[t.ID]
			if s, _ := info.State.Mesos(); s != t.State || info.AgentID != t.AgentID {
				c.history.violate("state", t.ID, "%s is %v on %s on record, for the master %v on %s", t.ID, info.State, info.AgentID, t.State, t.AgentID)
			}
			if t.State == mesos.TASK_RUNNING && t.Unacked == 0 {
				continue
			}
			c.history.violate("not acknowledged", t.ID, "%s is %v for the master, with %d updates to be acknowledged", t.ID, t.State, t.Unacked)
		}
	}
}

// checkOffers looks for offers of the master that the scheduler does not have, and that are not on their way.
func (c *chaos) checkOffers(ctx context.Context, state mesostest.Snapshot) {
	held := map[string]bool{}
	_, _ = c.current().ask(ctx, &request{read: func(m *machine) {
		for _, h := range m.pool.offers {
			held[h.ID] = true
		}
	}})
	time.Sleep(time.Second)
	for _, o := range c.master.Snapshot().Offers {
		same := func(other mesostest.OfferState) bool { return o.ID == other.ID }
		if !c.faults.offers[o.ID] && !held[o.ID] && slices.ContainsFunc(state.Offers, same) {
			c.history.violate("offer kept", "", "offer %s is kept", o.ID)
		}
	}
}

// kinds returns the kinds of the violations.
func (h *history) kinds() []string {
	kinds := map[string]bool{}
	for _, v := range h.violations {
		kinds[v.kind] = true
	}
	return slices.Sorted(maps.Keys(kinds))
}
