package scheduler

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// Does anything that the machine does cost more, each time, the more there is of something? For each input that it can get there
// is a workload of n of them, about n tasks or so many agents: the time that all of them take should be n times that of one. If it
// is n² times that, 10,000 agents that are lost at once stop a scheduler for minutes.

// workload is n inputs of a kind.
type workload struct {
	name string
	most int // inputs, if more would take too long to prepare; 0: any number
	// prepare makes what the inputs meet, and returns a function that gives them to the machine.
	prepare func(w *workbench, n int) (run func())
}

// workbench is a machine in a world without faults: each call is accepted, each write is stored, at once, unless it is told otherwise.
type workbench struct {
	tb         testing.TB
	m          *machine
	now        time.Time
	took       outcome // of calls
	silent     bool    // calls are not answered
	storeHangs bool
	part       int // how many records of a write are stored at a time; 0: all
	lastRef    ref
	seen       map[string]bool // kinds of inputs and events, calls and outcomes; nil: not kept
}

func newWorkbench(tb testing.TB, changes ...func(*settings)) *workbench {
	w := &workbench{tb: tb, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), took: accepted}
	w.begin(changes...)
	return w
}

// begin replaces the machine by one with other settings, and subscribes.
func (w *workbench) begin(changes ...func(*settings)) {
	w.restored(nil, changes...)
}

// restored does so with tasks that are on record.
func (w *workbench) restored(tasks []record.Task, changes ...func(*settings)) {
	set := settings{
		framework: mesos.FrameworkInfo{Name: "workload", Roles: []string{"*"}}, matcher: taskmatcher.FirstFit{}, builder: taskbuilder.Standard{},
		refuse: time.Second, reviveInterval: time.Second, hold: defaultHold, holdPerAgent: defaultHoldPerAgent, holdMax: defaultHoldMax,
		missed: 5, backoffMin: time.Second, backoffMax: time.Second, history: 1 << 30, launchTimeout: time.Hour, maxLaunches: 10,
		statsTTL: time.Hour, quarantine: time.Minute, unknown: ReportUnknown, limits: defaultLimits(), random: func() float64 { return 0.5 },
	}
	set.limits.offers, set.limits.offersBytes, set.limits.agents, set.limits.agentsBytes = 1<<30, 1<<40, 1<<30, 1<<40
	set.limits.acksBytes, set.limits.eventsBytes, set.limits.declined, set.limits.adopted, set.limits.vacated = 1<<40, 1<<40, 1<<30, 1<<30, 1<<30
	set.limits.calls = [callKinds]int{}
	for _, change := range changes {
		change(&set)
	}
	w.m = newMachine(set)
	if tasks != nil {
		w.m.restore(record.Framework{State: record.Active, ID: "fw"}, tasks, nil)
	}
	w.feed(start{})
	require.True(w.tb, w.m.conn.connected())
}

// running replaces the machine by one with n running tasks, t0 and those that follow, each on the next of so many agents.
func (w *workbench) running(n, agents int, changes ...func(*settings)) {
	tasks := make([]record.Task, n)
	for i := range tasks {
		agent := fmt.Sprint("a", i%agents)
		tasks[i] = record.Task{Serial: i + 1, Confirmed: true, SpecStored: true, Info: record.NewInfo(task.Info{
			Spec: task.Spec{ID: fmt.Sprint("t", i), CPUs: 0.1, Mem: 32}, State: task.StateRunning, AgentID: agent, Hostname: agent,
			Version: uint64(i + 1), Submitted: w.now, Updated: w.now,
		})}
	}
	w.restored(tasks, changes...)
}

// submitted submits n tasks, t0 and those that follow.
func (w *workbench) submitted(n int, options map[string]string) {
	for i := range n {
		w.feed(submit{spec: specOf(fmt.Sprint("t", i), options)})
	}
}

// launched launches n tasks that are submitted, 100 on each agent.
func (w *workbench) launched(n int) {
	w.submitted(n, nil)
	w.now = w.now.Add(time.Second)
	w.event(offersEvent(offersOf(w.offers((n+99)/100, 100))))
	w.wait(time.Second)
	require.Zero(w.tb, w.m.backlog.pending.Len())
}

// offers returns the words for n offers, each of the next agent, with room for so many tasks.
func (w *workbench) offers(n, room int) []string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf("o%d@a%d:%d:%d", i, i, room, 32*room)
	}
	return words
}

func (w *workbench) ref() ref {
	w.lastRef++
	return w.lastRef
}

func (w *workbench) event(e *scheduler.Event) {
	w.now = w.now.Add(5 * time.Microsecond)
	w.feed(streamEvent{stream: w.m.conn.stream, event: e})
	if w.m.due(w.now) {
		w.feed(wake{})
	}
}

// wait lets time pass.
func (w *workbench) wait(d time.Duration) {
	end := w.now.Add(d)
	for at := w.m.deadline(); !at.IsZero() && !at.After(end); at = w.m.deadline() {
		if at.After(w.now) {
			w.now = at
		}
		w.feed(wake{})
	}
	w.now = end
}

// feed passes an input to the machine, and those that its actions cause.
func (w *workbench) feed(in input) {
	if w.seen != nil {
		w.note(in)
	}
	var caused []input
	for _, a := range w.m.step(w.now, in) {
		caused = append(caused, w.perform(a)...)
	}
	for _, in := range caused {
		w.feed(in)
	}
}

func (w *workbench) perform(a action) (caused []input) {
	switch a := a.(type) {
	case subscribe:
		return subscribedTo(a.stream, 1e6)
	case send:
		if !w.silent {
			return []input{callDone{stream: a.stream, call: a.call, ref: a.ref, outcome: w.took}}
		}
	case store:
		for left := len(a.changes); left > 0 && !w.storeHangs; {
			n := left
			if w.part > 0 {
				n = min(w.part, left)
			}
			caused, left = append(caused, stored{records: n}), left-n
		}
	}
	return caused
}

// note notes what kind of an input it is.
func (w *workbench) note(in input) {
	w.seen[kindOfInput(in)] = true
	switch in := in.(type) {
	case streamEvent:
		w.seen["event "+in.event.GetType().String()] = true
	case callDone:
		w.seen["call "+in.call.GetType().String()], w.seen["outcome "+in.outcome.String()] = true, true
	}
}

func kindOfInput(in input) string {
	return "input " + strings.TrimPrefix(reflect.TypeOf(in).String(), "scheduler.")
}

// TestEachInputHasAWorkload runs all workloads with a few inputs, and requires that each input, each event of the master, each call
// and each outcome of one is among what the machine was given.
func TestEachInputHasAWorkload(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range workloads() {
		l.trace(t, seen)
	}
	require.Empty(t, missingWorkloads(t, seen))
	for _, kind := range []string{"input forget", "event RESCIND", "call KILL", "outcome unclear"} { // a control
		delete(seen, kind)
		require.Equal(t, []string{kind}, missingWorkloads(t, seen))
		seen[kind] = true
	}
}

// trace runs a workload with few inputs, and adds what kinds of inputs they were.
func (l workload) trace(t *testing.T, seen map[string]bool) {
	w := newWorkbench(t)
	w.seen = seen
	l.prepare(w, 200)()
}

// withoutWorkload is what there is no workload for.
var withoutWorkload = map[string]string{
	"call SUBSCRIBE":                    "is the action subscribe, and its outcome another input",
	"call SHUTDOWN":                     "users make it, as REQUEST",
	"call MESSAGE":                      "users make it, as REQUEST",
	"call ACKNOWLEDGE_OPERATION_STATUS": "users make it, as REQUEST",
	"call RECONCILE_OPERATIONS":         "users make it, as REQUEST",
	"call UNKNOWN":                      "nobody makes it",
}

// missingWorkloads returns what is neither seen nor excused.
func missingWorkloads(t *testing.T, seen map[string]bool) []string {
	var all, missing []string
	file, err := parser.ParseFile(token.NewFileSet(), "input.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "isInput" {
			all = append(all, "input "+f.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	require.Greater(t, len(all), 20)
	for name := range scheduler.Event_Type_value {
		all = append(all, "event "+name)
	}
	for name := range scheduler.Call_Type_value {
		all = append(all, "call "+name)
	}
	for o := accepted; o <= stale; o++ {
		all = append(all, "outcome "+o.String())
	}
	for _, kind := range all {
		if !seen[kind] && withoutWorkload[kind] == "" {
			missing = append(missing, kind)
		}
	}
	slices.Sort(missing)
	return missing
}
