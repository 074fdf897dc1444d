package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// snapshots are some of the last snapshots of a machine's tasks and agents, with what was in them.
type snapshots struct {
	steps int
	kept  []keptSnapshot
}

type keptSnapshot struct {
	tasks  ordered.Snapshot[*record.Task]
	agents ordered.Snapshot[*agentFacts]
	then   string
}

func keepSnapshot(m *machine) keptSnapshot {
	return keptSnapshot{tasks: m.tasks.records.Snapshot(), agents: m.census.facts.Snapshot()}
}

// check takes a snapshot every other step, and then every tenth, so that there are changes of what one has and of what none has.
// It checks that it is what is on record, and that an earlier one is still what it was.
func (s *snapshots) check(t require.TestingT, m *machine) {
	if s.steps++; s.steps%2 == 1 && s.steps/100%2 == 0 || s.steps%10 != 0 && s.steps/100%2 == 1 {
		return
	}
	now := keepSnapshot(m)
	var want strings.Builder
	for _, e := range m.tasks.inOrder() {
		writeRecord(&want, e.Task)
	}
	for _, a := range slices.SortedFunc(maps.Values(m.census.agents), func(a, b *agent) int { return a.serial - b.serial }) {
		writeFacts(&want, a.agentFacts)
	}
	now.then = now.text()
	require.Equal(t, want.String(), now.then, "a snapshot, and the tasks and agents that are known")
	if s.kept = append(s.kept, now); len(s.kept) > 8 {
		require.Equal(t, s.kept[0].then, s.kept[0].text(), "a snapshot, later")
		s.kept = s.kept[1:]
	}
}

func (s keptSnapshot) text() string {
	var all strings.Builder
	for t := range s.tasks.All() {
		writeRecord(&all, t)
	}
	for f := range s.agents.All() {
		writeFacts(&all, f)
	}
	return all.String()
}

// writeFacts writes all that is known of an agent.
func writeFacts(to *strings.Builder, f *agentFacts) {
	fmt.Fprintf(to, "%d %v %d %v %q %v %v\n", f.serial, f.about, f.tasks, f.offeredAt, f.roles, f.offered, f.placed)
}

// writeRecord writes all of a record.
func writeRecord(to *strings.Builder, t *record.Task) {
	info := t.Info.Public()
	spec, err := record.EncodeSpec(&info.Spec)
	if err != nil {
		spec = []byte(err.Error())
	}
	state, err := record.EncodeTask(t)
	if err != nil {
		state = []byte(err.Error())
	}
	fmt.Fprintf(to, "%d %s %s %v %v %v %v\n", t.Serial, spec, state, info.Status, info.IPs, t.Agent, t.SpecStored)
}

// TestSnapshotsStay changes each field that an update, a kill, a requeue and the store change, after a snapshot.
func TestSnapshotsStay(t *testing.T) {
	s := newStage(t)
	for _, words := range []string{"start", "subscribed fw", "submit t1", "submit t2", "offers o1@a1:2:1024"} {
		s.play(strings.Fields(words))
	}
	m := s.machine
	states := []task.State{m.tasks.byID["t1"].Info.State, m.tasks.byID["t2"].Info.State}
	require.Equal(t, []task.State{task.StateStaging, task.StateStaging}, states)
	for _, change := range []func(*entry){
		func(e *entry) {
			e.recordStatus(mesos.TaskStatus{State: mesos.TASK_RUNNING.Enum(), Healthy: proto(true), AgentID: &mesos.AgentID{Value: "a9"}})
		},
		func(e *entry) { e.unknownFor(s.now) },
		func(e *entry) { e.unassign(s.now) },
		func(e *entry) { e.reassign() },
		func(e *entry) { e.noteAgent(&task.Agent{ID: "a9", Address: "a9:1"}) },
		func(e *entry) { e.remember("why") },
		func(e *entry) { m.killOne(s.now, e) },
		func(e *entry) { m.setState(s.now, e, task.StateUnreachable, nil) },
		func(e *entry) { e.edit().UUIDs.Seen([]byte("another")) },
	} {
		before := keptSnapshot{tasks: m.tasks.records.Snapshot()}
		before.then = before.text()
		e := m.tasks.byID["t1"]
		shared := e.Task
		change(e)
		require.Equal(t, before.then, before.text())
		require.NotSame(t, shared, e.Task)
		changed := e.Task
		e.remember("again")
		require.Same(t, changed, e.Task, "copied once")
		require.Same(t, m.tasks.byID["t2"].Task, lastOf(before.tasks), "what did not change is shared")
		now := keptSnapshot{tasks: m.tasks.records.Snapshot()}
		require.NotEqual(t, before.then, now.text())
	}
}

// TestSnapshotsOfAgentsStay changes what is known of an agent in each way, after a snapshot.
func TestSnapshotsOfAgentsStay(t *testing.T) {
	s := newStage(t)
	for _, words := range []string{"start", "subscribed fw", "submit t1 cpus=1", "submit t2 cpus=1", "submit t3 cpus=9", "offers o1@a1:2:1024", "offers o2@a2:1:64"} {
		s.play(strings.Fields(words))
	}
	m := s.machine
	amount := func(name string, n float64) mesos.Resource {
		return mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: n}}
	}
	offer := func(role string) task.Offer {
		return task.Offer{Role: role, Agent: task.Agent{ID: "a1", Hostname: "moved"}, Resources: []mesos.Resource{amount("cpus", 2), amount("licences", 5)}}
	}
	for name, change := range map[string]func(){
		"an offer":               func() { m.census.noteOffers(s.now, []task.Offer{offer("x"), offer("y")}) },
		"a scalar that is taken": func() { m.census.agents["a1"].edit().placed.addScalar("licences", 1) },
		"a task ends":            func() { m.setState(s.now, m.tasks.byID["t1"], task.StateFinished, nil) },
		"a task is there again":  func() { m.setState(s.now, m.tasks.byID["t2"], task.StateRunning, nil) },
		"the agent is lost":      func() { m.census.agentLost("a1") },
		"another one goes":       func() { m.census.agentLost("a2") },
	} {
		before, other := keepSnapshot(m), keepSnapshot(m)
		before.then = before.text()
		change()
		require.Equal(t, before.then, before.text(), name)
		require.Equal(t, before.then, other.text(), name)
		if name != "a task is there again" {
			require.NotEqual(t, before.then, keepSnapshot(m).text(), name)
		}
	}
}

func lastOf(s ordered.Snapshot[*record.Task]) (last *record.Task) {
	for t := range s.All() {
		last = t
	}
	return last
}

// TestRestoredSerials restores tasks that have the same numbers, which no store of ours has: they are in order of their IDs.
func TestRestoredSerials(t *testing.T) {
	m := newStage(t).machine
	var tasks []record.Task
	for id, serial := range map[string]int{"a": 5, "b": 5, "c": 0, "d": 0, "e": 6, "f": 9} {
		tasks = append(tasks, record.Task{Serial: serial, Info: record.NewInfo(task.Info{Spec: task.Spec{ID: id}, Submitted: time.Unix(1, 0)})})
	}
	m.restore(record.Framework{}, tasks, nil)
	order := ""
	for r := range m.tasks.records.Snapshot().All() {
		order += fmt.Sprint(r.Info.Spec.ID, r.Serial, " ")
	}
	require.Equal(t, "c1 d2 a5 b6 e7 f9 ", order)
	require.Equal(t, []string{"c", "d", "a", "b", "e", "f"}, ids(m.backlog.pending.All()))
	require.Equal(t, 9, m.tasks.serial)
}

// TestSnapshotsAreReadWhileTasksChange reads all of the tasks on other goroutines while updates about them arrive, tasks are
// killed, and others come: the race detector would report a record, or a part of one, that is changed in place.
func TestSnapshotsAreReadWhileTasksChange(t *testing.T) {
	s := newStage(t)
	s.play([]string{"start"})
	s.play([]string{"subscribed", "fw"})
	var readers sync.WaitGroup
	for round := range 20 {
		for i := range 10 {
			s.play([]string{"submit", fmt.Sprintf("t%d-%d", round, i)})
		}
		s.play([]string{"offers", fmt.Sprintf("o%d@a%d:8:4096", round, round)})
		tasks, agents := s.machine.tasks.records.Snapshot(), s.machine.census.facts.Snapshot()
		readers.Go(func() {
			before := keptSnapshot{tasks: tasks}.text()
			_ = infosOf(tasks)
			_ = agentStats(s.began, time.Hour, agents, tasks)
			require.Equal(t, before, keptSnapshot{tasks: tasks}.text())
		})
		for i := range 8 {
			s.play([]string{"update", fmt.Sprintf("t%d-%d", round, i), "RUNNING"})
			s.play([]string{"update", fmt.Sprintf("t%d-%d", round/2, i), "FAILED"})
		}
		s.play([]string{"kill", fmt.Sprintf("t%d-9", round)})
	}
	readers.Wait()
	require.Greater(t, s.machine.tasks.version, uint64(300))
}
