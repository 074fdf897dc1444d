package scheduler

import (
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/taskclass"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/journal"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// recount computes from the tasks on record what a machine keeps up to date step by step, and compares the two.
func recount(t require.TestingT, m *machine) {
	type groupOnAgent struct{ group, agent string }
	classes, waiting := map[string]int{}, map[string]int{}
	counts, groups, onAgent := map[groupOnAgent]int{}, map[string]int{}, map[string]int{}
	require.Zero(t, m.tasks.illegal, "steps of launches that the diagram does not have")
	var states [taskStates]int
	heads := map[*entry]bool{} // a head may have been dropped from the history before other members of its pod
	var pending []string
	for _, e := range m.tasks.inOrder() {
		key, group := taskclass.Key(e.Info.Spec.Base()), e.Info.Spec.Base().Group
		if e.pod != nil {
			key = e.head().class.key // that of all members together
		}
		require.True(t, e.class == m.backlog.classes[key], "the class of %s", e.Info.Spec.ID)
		classes[key]++
		states[e.Info.State]++
		checkLaunch(t, e)
		checkHistory(t, e)
		switch s := e.Info.State; {
		case s == task.StatePending:
			waiting[key]++
			groups[group]++
			if e == e.head() {
				pending = append(pending, e.Info.Spec.ID)
			}
			require.Equal(t, task.StatePending, e.head().Info.State, "%s waits for nothing", e.Info.Spec.ID)
		case e.agentID() != "":
			require.Equal(t, e.Info.AgentID, e.Agent.ID, "the stored agent of %s", e.Info.Spec.ID)
		}
		heads[e.head()] = true
		require.True(t, e == e.head() || e.counted == nil, "%s is counted with its pod", e.Info.Spec.ID)
	}
	require.Equal(t, states, m.tasks.counts.states, "tasks by state")
	for e := range heads {
		at := slices.IndexFunc(e.members(), func(e *entry) bool { return e.agentID() != "" })
		if at < 0 {
			require.Nil(t, e.counted, "%s is on no agent", e.Info.Spec.ID)
			continue
		}
		here := e.members()[at].Info.AgentID
		counts[groupOnAgent{e.Info.Spec.Base().Group, here}]++
		onAgent[here]++
		require.NotNil(t, e.counted, "%s is on %s", e.Info.Spec.ID, here)
		require.Equal(t, here, e.counted.agent.about.ID, "where %s is counted", e.Info.Spec.ID)
	}
	require.Equal(t, pending, ids(m.backlog.pending.All()), "the pending tasks")
	require.Len(t, m.backlog.classes, len(classes))
	for key, s := range m.backlog.classes {
		require.Equal(t, [2]int{classes[key], waiting[key]}, [2]int{s.tasks, s.pending}, "tasks of a class, and pending ones")
		require.True(t, len(s.findings) == 0 || s.pending > 0 && len(s.findings) <= findingsPerClass, "%d findings", len(s.findings))
	}
	var present []task.Presence
	for _, name := range slices.Sorted(keysOf(m.census.groups)) {
		g := m.census.groups[name]
		require.Equal(t, groups[name], g.pending, "pending tasks of group %q", name)
		for i, s := range g.counts {
			at := groupOnAgent{name, s.agent.about.ID}
			require.Equal(t, counts[at], s.tasks, "tasks at %v", at)
			require.True(t, i == 0 || strings.Compare(g.counts[i-1].agent.about.ID, at.agent) < 0, "the order of the counts")
			delete(counts, at)
			if g.pending > 0 {
				present = append(present, task.Presence{Group: name, Agent: *s.agent.about, Tasks: s.tasks})
			}
		}
	}
	require.Empty(t, counts, "tasks that are not counted")
	require.Equal(t, present, append([]task.Presence(nil), m.census.running()...), "the presence of running tasks for a matcher")
	for id, a := range m.census.agents {
		require.Equal(t, onAgent[id], a.tasks, "tasks on %s", id)
		require.True(t, a.tasks > 0 || !a.offeredAt.IsZero(), "agent %s has no tasks and was not offered", id)
	}
	recountOnAgents(t, m)
	recountBacklog(t, m)
	recountRemembered(t, m)
	recountLaunches(t, m)
	recountLists(t, m)
}

// recountOnAgents checks which tasks are on each agent, as an inverse offer says it.
func recountOnAgents(t require.TestingT, m *machine) {
	kept := &m.census.onAgents
	if kept.tasks == nil {
		return
	}
	want := map[string][]string{}
	var all []string
	for _, e := range m.tasks.inOrder() {
		if here := e.agentID(); here != "" {
			want[here] = append(want[here], e.Info.Spec.ID)
		}
		if occupies(e.Info.State) {
			all = append(all, e.Info.Spec.ID)
		}
	}
	require.Len(t, kept.tasks, len(want), "agents with tasks")
	for agentID, ids := range want {
		require.Equal(t, ids, m.census.onAgents.ids(&m.tasks, agentID), "the tasks on agent %q", agentID)
	}
	require.Equal(t, all, m.census.onAgents.ids(&m.tasks, ""), "the tasks on all agents")
	require.Empty(t, m.census.onAgents.ids(&m.tasks, "an agent without tasks"))
	require.LessOrEqual(t, len(kept.told), len(want)+1, "agents without tasks are not kept")
}

// recountLists checks the tasks that have ended, and those that the master does not know, by agent.
func recountLists(t require.TestingT, m *machine) {
	filed := map[*entry]*question{}
	for agentID, there := range m.unknown.onAgent {
		require.NotEmpty(t, there)
		for e, q := range there {
			require.Equal(t, agentID, e.Info.AgentID, "the agent of %s, which the master does not know", e.Info.Spec.ID)
			require.Same(t, m.tasks.byID[e.Info.Spec.ID], e)
			filed[e] = q
		}
	}
	require.Equal(t, len(m.unknown.questions), len(filed), "tasks that the master does not know")
	for e, q := range m.unknown.questions {
		require.Same(t, q, filed[e])
	}
	ended, gaps := map[string]bool{}, 0
	for _, e := range m.tasks.ended {
		if e.gone {
			gaps++
			continue
		}
		require.Same(t, m.tasks.byID[e.Info.Spec.ID], e)
		require.False(t, ended[e.Info.Spec.ID])
		ended[e.Info.Spec.ID] = true
	}
	require.Equal(t, gaps, m.tasks.gaps, "tasks that have ended and were forgotten")
	for id, e := range m.tasks.byID {
		require.False(t, e.gone)
		require.Equal(t, e.Info.State.Terminal(), ended[id], "whether %s has ended", id)
	}
}

// recountLaunches checks that storage knows which launches wait, and for each offer the one that uses it.
func recountLaunches(t require.TestingT, m *machine) {
	var want, launches []heldLaunch
	offers := map[string]int{}
	m.storage.journal.Take(func(w journal.Waiting[action]) bool {
		if accept, is := asAccept(w.Action); is {
			want = append(want, heldLaunch{w.Number, w.Since, accept})
			for _, o := range accept.call.Accept.OfferIDs {
				offers[o.Value] = w.Number
			}
		}
		return false
	})
	for h := range m.storage.launches.All() {
		launches = append(launches, h)
	}
	require.Equal(t, want, launches, "launches that wait")
	require.Equal(t, offers, m.storage.held, "offers of launches that wait")
}

// recountRemembered checks what is left of ended tasks.
func recountRemembered(t require.TestingT, m *machine) {
	r := &m.tasks.remembered
	for id := range r.tasks {
		require.NotContains(t, m.tasks.byID, id, "on record, and only remembered")
	}
	members := 0
	for pod, ids := range r.pods {
		members += len(ids)
		for _, id := range ids {
			require.Equal(t, pod, r.podOf[id])
			require.Contains(t, r.tasks, id)
		}
	}
	require.Len(t, r.podOf, members)
	if r.keep.Count != 0 {
		require.LessOrEqual(t, len(r.tasks), max(0, r.keep.Count))
	}
}

// checkLaunch checks that the state of a launch is possible for the state of its task.
func checkLaunch(t require.TestingT, e *entry) {
	var want []launch
	switch e.Info.State {
	case task.StatePending:
		want = []launch{launchNone}
	case task.StateStaging:
		want = []launch{launchHeld, launchSent, launchAnswered, launchAsked, launchConfirmed, launchVoid}
	case task.StateStarting, task.StateRunning, task.StateKilling:
		want = []launch{launchConfirmed}
	default: // unreachable, or ended
		return
	}
	require.Contains(t, want, e.launch, "the launch of %s, which is %s", e.Info.Spec.ID, e.Info.State)
	require.True(t, e.launch != launchVoid || e.pod != nil, "%s waits for the members of a pod", e.Info.Spec.ID)
}

// checkHistory checks that a task's history begins with its submission and ends with its state, and that its launch is timed
// only until it runs.
func checkHistory(t require.TestingT, e *entry) {
	all, err := e.History.Transitions(e.Info.Submitted, e.place())
	require.NoError(t, err)
	require.NotEmpty(t, all, "the history of %s", e.Info.Spec.ID)
	require.Equal(t, e.Info.Submitted.UTC(), all[0].At, "the history of %s", e.Info.Spec.ID)
	last := all[len(all)-1]
	require.Equal(t, e.Info.State, last.State, "the history of %s", e.Info.Spec.ID)
	require.False(t, last.At.After(e.Info.Updated), "the history of %s", e.Info.Spec.ID)
	if s := e.Info.State; s == task.StatePending || s == task.StateRunning || s.Terminal() {
		require.Nil(t, e.times, "%s is %v, and its launch is timed", e.Info.Spec.ID, s)
	}
}

// recountBacklog checks that demands has each pending task that a cycle has looked at, once, and that tasks whose
// waiting is limited are in the wait lists for that.
func recountBacklog(t require.TestingT, m *machine) {
	demands, waits, looked := map[string]int{}, map[string]int{}, map[string]int{}
	for _, d := range m.backlog.demands {
		demands[d.ID]++
	}
	for _, w := range m.backlog.waits {
		if w.waits() {
			waits[w.Info.Spec.ID]++
		}
	}
	for _, w := range m.backlog.looked {
		if w.waits() {
			looked[w.Info.Spec.ID]++
		}
	}
	for e := range m.backlog.pending.All() {
		id := e.Info.Spec.ID
		if e.firstCycle != 0 && !m.backlog.stale {
			require.Equal(t, 1, demands[id], "%s in demands", id)
			delete(demands, id)
		}
		if m.settings.maxWait > 0 {
			require.Positive(t, waits[id], "%s fails after a time", id)
		}
		if m.settings.maxCycles > 0 && e.firstCycle != 0 {
			require.Positive(t, looked[id], "%s fails after some cycles", id)
		}
	}
	if !m.backlog.stale {
		require.Empty(t, demands, "tasks in demands that do not wait")
	}
}

func ids(entries iter.Seq[*entry]) []string {
	var all []string
	for e := range entries {
		all = append(all, e.Info.Spec.ID)
	}
	return all
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// TestRecountControl is the negative test of recount: each row is something that a machine might forget.
func TestRecountControl(t *testing.T) {
	for reason, forget := range map[string]func(m *machine, ran, waits *entry){
		"nothing":                       nil,
		"that a launch was made":        func(_ *machine, ran, _ *entry) { ran.launch = launchNone },
		"that a launch was lost":        func(_ *machine, _, waits *entry) { waits.launch = launchAnswered },
		"a step of a launch":            func(m *machine, ran, _ *entry) { m.tasks.advanceLaunch(ran, eventPlaced) },
		"what became of a task":         func(_ *machine, ran, _ *entry) { ran.History = "" },
		"the last change of a task":     func(_ *machine, ran, _ *entry) { ran.Info.State = task.StateUnreachable },
		"to end the timing of a launch": func(_ *machine, _, waits *entry) { waits.times = &LaunchTimes{} },
		"a task of a class":             func(_ *machine, ran, _ *entry) { ran.class.tasks-- },
		"a pending task of a class":     func(_ *machine, _, waits *entry) { waits.class.pending-- },
		"a pending task of a group":     func(_ *machine, _, waits *entry) { waits.class.group.pending++ },
		"a task on an agent":            func(_ *machine, ran, _ *entry) { ran.counted.agent.edit().tasks++ },
		"which tasks are on an agent": func(m *machine, ran, _ *entry) {
			m.census.onAgents.ids(&m.tasks, "")
			m.census.onAgents.move(ran, ran.Agent, nil)
		},
		"which tasks were told of":                       func(m *machine, _, _ *entry) { m.census.onAgents.ids(&m.tasks, "a1")[0] = "?" },
		"a task of a group on an agent":                  func(_ *machine, ran, _ *entry) { ran.counted.tasks++ },
		"that a task is on an agent":                     func(_ *machine, ran, _ *entry) { ran.counted = nil },
		"that a task has left":                           func(_ *machine, ran, waits *entry) { waits.counted = ran.counted },
		"all counts of a group":                          func(_ *machine, ran, _ *entry) { ran.class.group.counts = nil },
		"that the presence changed":                      func(m *machine, _, _ *entry) { m.census.running(); m.census.presence.tasks[0].Tasks++ },
		"to look at a task":                              func(m *machine, _, _ *entry) { m.backlog.demands = nil },
		"that a task is looked at already":               func(m *machine, _, _ *entry) { m.backlog.demands = append(m.backlog.demands, m.backlog.demands...) },
		"to end a task after its time":                   func(m *machine, _, _ *entry) { m.backlog.waits = nil },
		"to end a task after its cycles":                 func(m *machine, _, _ *entry) { m.backlog.looked = nil },
		"to forget what was found":                       func(_ *machine, ran, _ *entry) { ran.class.findings = make([]Finding, 1) },
		"where a task was that the master does not know": func(m *machine, ran, _ *entry) { m.unknown.add(ran); m.unknown.onAgent["?"] = m.unknown.onAgent["a1"] },
		"that a task has ended":                          func(m *machine, ran, _ *entry) { m.tasks.ended = append(m.tasks.ended, ran) },
		"that a task was forgotten":                      func(m *machine, _, _ *entry) { m.tasks.gaps++ },
		"that a launch waits":                            func(m *machine, _, _ *entry) { m.storage.held["o1"] = 1 },
		"a class of which there is no task":              func(m *machine, _, _ *entry) { m.backlog.classes["?"] = &class{} },
	} {
		s := newStage(t)
		s.configure(func(set *settings) { set.maxCycles, set.maxWait = 100, 1e12 })
		for _, words := range []string{"start", "subscribed fw", "submit ran", "offers o1@a1:2:1024", "submit waits cpus=4", "wait 1s", "offers o2@a2:2:1024"} {
			s.play(strings.Fields(words))
		}
		m, recorder := s.machine, &recorder{}
		require.False(t, m.backlog.stale)
		if forget != nil {
			forget(m, m.tasks.byID["ran"], m.tasks.byID["waits"])
		}
		func() {
			defer func() { _ = recover() }()
			recount(recorder, m)
		}()
		require.Equal(t, forget != nil, recorder.failed, reason)
	}
}
