package scheduler

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// recount holds what a machine keeps up to date step by step to what its records say.
func recount(t require.TestingT, m *machine) {
	type place struct{ group, agent string }
	shapes, waiting := map[string]int{}, map[string]int{}
	seats, groups, onAgent := map[place]int{}, map[string]int{}, map[string]int{}
	require.Zero(t, m.tasks.illegal, "steps of launches that the diagram does not have")
	heads := map[*entry]bool{} // which may have been forgotten before other members of their pods
	var pending []string
	for _, r := range m.tasks.inOrder() {
		key, group := r.info.Spec.Class(), r.info.Spec.Group
		if r.pod != nil {
			key = r.head().class.key // that of all members together
		}
		require.True(t, r.class == m.backlog.classes[key], "the shape of %s", r.info.Spec.ID)
		shapes[key]++
		checkLaunch(t, r)
		switch s := r.info.State; {
		case s == task.Pending:
			waiting[key]++
			groups[group]++
			if r == r.head() {
				pending = append(pending, r.info.Spec.ID)
			}
			require.Equal(t, task.Pending, r.head().info.State, "%s waits for nothing", r.info.Spec.ID)
		case r.agentID() != "":
			require.Equal(t, r.info.AgentID, r.agent.ID, "what is stored of where %s is", r.info.Spec.ID)
		}
		heads[r.head()] = true
		require.True(t, r == r.head() || r.counted == nil, "%s is counted with its pod", r.info.Spec.ID)
	}
	for r := range heads {
		at := slices.IndexFunc(r.members(), func(r *entry) bool { return r.agentID() != "" })
		if at < 0 {
			require.Nil(t, r.counted, "%s is on no agent", r.info.Spec.ID)
			continue
		}
		here := r.members()[at].info.AgentID
		seats[place{r.info.Spec.Group, here}]++
		onAgent[here]++
		require.NotNil(t, r.counted, "%s is on %s", r.info.Spec.ID, here)
		require.Equal(t, here, r.counted.agent.about.ID, "where %s is counted", r.info.Spec.ID)
	}
	require.Equal(t, pending, ids(m.backlog.pending), "the pending tasks")
	require.Len(t, m.backlog.classes, len(shapes))
	for key, s := range m.backlog.classes {
		require.Equal(t, [2]int{shapes[key], waiting[key]}, [2]int{s.tasks, s.pending}, "tasks of a shape, and pending ones")
		require.True(t, len(s.findings) == 0 || s.pending > 0 && len(s.findings) <= findingsPerClass, "%d findings", len(s.findings))
	}
	var present []task.Presence
	for _, name := range slices.Sorted(keysOf(m.census.groups)) {
		g := m.census.groups[name]
		require.Equal(t, groups[name], g.pending, "pending tasks of group %q", name)
		for i, s := range g.counts {
			at := place{name, s.agent.about.ID}
			require.Equal(t, seats[at], s.tasks, "tasks at %v", at)
			require.True(t, i == 0 || strings.Compare(g.counts[i-1].agent.about.ID, at.agent) < 0, "the order of seats")
			delete(seats, at)
			if g.pending > 0 {
				present = append(present, task.Presence{Group: name, Agent: *s.agent.about, Tasks: s.tasks})
			}
		}
	}
	require.Empty(t, seats, "places that are not counted")
	require.Equal(t, present, append([]task.Presence(nil), m.census.running()...), "what a matcher is told of what runs")
	for id, a := range m.census.agents {
		require.Equal(t, onAgent[id], a.tasks, "tasks on %s", id)
		require.True(t, a.tasks > 0 || !a.offeredAt.IsZero(), "why agent %s is known", id)
	}
	recountQueue(t, m)
}

// checkLaunch holds how far a launch has got to the state of its task.
func checkLaunch(t require.TestingT, r *entry) {
	var want []launch
	switch r.info.State {
	case task.Pending:
		want = []launch{launchNone}
	case task.Staging:
		want = []launch{launchHeld, launchSent, launchAnswered, launchAsked, launchConfirmed, launchVoid}
	case task.Starting, task.Running, task.Killing:
		want = []launch{launchConfirmed}
	default: // out of reach, or over
		return
	}
	require.Contains(t, want, r.launch, "the launch of %s, which is %s", r.info.Spec.ID, r.info.State)
	require.True(t, r.launch != launchVoid || r.pod != nil, "%s waits for the members of a pod", r.info.Spec.ID)
}

// recountQueue: whatever was looked at is in the queue, once, and whatever may end for want of a place is
// in the lineup for that.
func recountQueue(t require.TestingT, m *machine) {
	queued, waits, looked := map[string]int{}, map[string]int{}, map[string]int{}
	for _, d := range m.backlog.demands {
		queued[d.ID]++
	}
	for _, w := range m.backlog.waits {
		if w.waits() {
			waits[w.info.Spec.ID]++
		}
	}
	for _, w := range m.backlog.looked {
		if w.waits() {
			looked[w.info.Spec.ID]++
		}
	}
	for _, r := range m.backlog.pending {
		id := r.info.Spec.ID
		if r.firstCycle != 0 && !m.backlog.stale {
			require.Equal(t, 1, queued[id], "%s in the queue", id)
			delete(queued, id)
		}
		if m.settings.maxWait > 0 {
			require.Positive(t, waits[id], "%s is to be given up some time", id)
		}
		if m.settings.maxCycles > 0 && r.firstCycle != 0 {
			require.Positive(t, looked[id], "%s is to be given up some round", id)
		}
	}
	if !m.backlog.stale {
		require.Empty(t, queued, "the queue has what does not wait")
	}
}

func ids(records []*entry) []string {
	var all []string
	for _, r := range records {
		all = append(all, r.info.Spec.ID)
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

// TestRecountControl: each row is what a machine might forget.
func TestRecountControl(t *testing.T) {
	for reason, forget := range map[string]func(m *machine, ran, waits *entry){
		"nothing":                           nil,
		"that a launch was made":            func(_ *machine, ran, _ *entry) { ran.launch = launchNone },
		"that a launch was lost":            func(_ *machine, _, waits *entry) { waits.launch = launchAnswered },
		"a step of a launch":                func(m *machine, ran, _ *entry) { m.tasks.moves(ran, eventPlaced) },
		"a task of a shape":                 func(_ *machine, ran, _ *entry) { ran.class.tasks-- },
		"a pending task of a shape":         func(_ *machine, _, waits *entry) { waits.class.pending-- },
		"a pending task of a group":         func(_ *machine, _, waits *entry) { waits.class.group.pending++ },
		"a task on an agent":                func(_ *machine, ran, _ *entry) { ran.counted.agent.tasks++ },
		"a task of a group on an agent":     func(_ *machine, ran, _ *entry) { ran.counted.tasks++ },
		"that a task is on an agent":        func(_ *machine, ran, _ *entry) { ran.counted = nil },
		"that a task has left":              func(_ *machine, ran, waits *entry) { waits.counted = ran.counted },
		"a whole place":                     func(_ *machine, ran, _ *entry) { ran.class.group.counts = nil },
		"that the presence changed":         func(m *machine, _, _ *entry) { m.census.running(); m.census.presence.tasks[0].Tasks++ },
		"to look at a task":                 func(m *machine, _, _ *entry) { m.backlog.demands = nil },
		"that a task is looked at already":  func(m *machine, _, _ *entry) { m.backlog.demands = append(m.backlog.demands, m.backlog.demands...) },
		"to end a task after its time":      func(m *machine, _, _ *entry) { m.backlog.waits = nil },
		"to end a task after its cycles":    func(m *machine, _, _ *entry) { m.backlog.looked = nil },
		"to forget what was found":          func(_ *machine, ran, _ *entry) { ran.class.findings = make([]Finding, 1) },
		"a shape of which there is no task": func(m *machine, _, _ *entry) { m.backlog.classes["?"] = &class{} },
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
