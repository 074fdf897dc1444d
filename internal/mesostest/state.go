package mesostest

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// This file is what operators see of frameworks and tasks: /frameworks and /tasks. The words are
// those of Mesos' older API, in which an agent is a slave.

// maxCompletedTasks is --max_completed_tasks_per_framework.
const maxCompletedTasks = 1000

// remember keeps the last status of each state that the task went through.
func (t *task) remember(s mesos.TaskStatus) {
	if n := len(t.statuses); n > 0 && t.statuses[n-1].GetState() == s.GetState() {
		t.statuses = t.statuses[:n-1]
	}
	t.statuses = append(t.statuses, s)
}

// complete keeps a task that the master no longer knows for its framework's history.
func (f *framework) complete(t *task) {
	f.completedTasks = append(f.completedTasks, t)
	if len(f.completedTasks) > maxCompletedTasks {
		f.completedTasks = f.completedTasks[1:]
	}
}

// retire keeps a removed framework for the history. What still ran counts as killed.
func (m *Master) retire(f *framework) {
	for _, t := range f.byLaunch() {
		if !terminal(t.state) {
			t.state = mesos.TASK_KILLED
			t.remember(mesos.TaskStatus{State: mesos.TASK_KILLED.Enum(), Timestamp: timestamp(time.Now())})
		}
	}
	f.unregistered = time.Now()
	m.removed = append(m.removed, f)
	if len(m.removed) > m.config.MaxCompletedFrameworks {
		m.removed = m.removed[1:]
	}
}

// serveState answers with the JSON of what view returns on the loop.
func (m *Master) serveState(w http.ResponseWriter, r *http.Request, view func() any) {
	var body []byte
	var err error
	if m.do(r.Context(), func() { body, err = json.Marshal(view()) }) != nil || err != nil {
		cutter(r)()
		return
	}
	answerBody(w, r, string(codecJSON), body)
}

func (m *Master) frameworksView() any {
	return map[string]any{
		"frameworks":              viewAll(m.order, m.frameworkView),
		"completed_frameworks":    viewAll(m.removed, m.frameworkView),
		"unregistered_frameworks": []any{},
	}
}

// tasksView returns /tasks: by the time of the first news of them the latest first, or the oldest with order=asc, and no
// more than limit, which is 100 unless the query says so.
func (m *Master) tasksView(query url.Values) any {
	var tasks []*task
	for _, f := range slices.Concat(m.order, m.removed) {
		if id := query.Get("framework_id"); id != "" && id != f.id {
			continue
		}
		if f.unregistered.IsZero() {
			tasks = append(tasks, slices.Concat(f.byLaunch(), byLaunch(maps.Values(f.unreachable)))...)
		}
		tasks = append(tasks, f.completedTasks...)
	}
	if id := query.Get("task_id"); id != "" {
		tasks = slices.DeleteFunc(tasks, func(t *task) bool { return t.info.TaskID.Value != id })
	}
	slices.SortStableFunc(tasks, func(a, b *task) int { return cmp.Compare(a.firstNews(), b.firstNews()) })
	if query.Get("order") != "asc" {
		slices.Reverse(tasks)
	}
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(query.Get(name)); err == nil {
			otherwise = n
		}
		if otherwise < 0 || otherwise > len(tasks) { // Mesos takes negative ones for very large
			return len(tasks)
		}
		return otherwise
	}
	tasks = tasks[number("offset", 0):]
	return map[string]any{"tasks": viewAll(tasks[:number("limit", 100)], taskView)}
}

// firstNews returns the time of the first status of the task; those without come first.
func (t *task) firstNews() float64 {
	if len(t.statuses) == 0 {
		return 0
	}
	return t.statuses[0].GetTimestamp()
}

func viewAll[T any](items []T, view func(T) any) []any {
	list := make([]any, 0, len(items))
	for _, item := range items {
		list = append(list, view(item))
	}
	return list
}

func (m *Master) frameworkView(f *framework) any {
	used, offered := m.heldBy(f)
	tasks := f.byLaunch()
	if !f.unregistered.IsZero() {
		tasks = nil
	}
	offers := m.offersOf(f)
	capabilities := []string{}
	for _, c := range f.info.Capabilities {
		capabilities = append(capabilities, c.Type.String())
	}
	view := map[string]any{
		"id": f.id, "name": f.info.Name, "user": f.info.User,
		"hostname": f.info.GetHostname(), "webui_url": f.info.GetWebUiURL(),
		"active": f.stream != nil, "connected": f.stream != nil, "recovered": f.recovered,
		"failover_timeout": f.info.GetFailoverTimeout(), "checkpoint": f.info.GetCheckpoint(),
		"registered_time": epoch(f.registered), "unregistered_time": epoch(f.unregistered),
		"capabilities": capabilities,
		"resources":    amounts(used.Add(offered)), "used_resources": amounts(used), "offered_resources": amounts(offered),
		"tasks": viewAll(tasks, taskView), "completed_tasks": viewAll(f.completedTasks, taskView),
		"unreachable_tasks": viewAll(byLaunch(maps.Values(f.unreachable)), taskView), "executors": []any{},
		"offers": viewAll(offers, offerView), "offer_constraints": json.RawMessage("{}"),
	}
	if f.constraints != nil {
		view["offer_constraints"] = json.RawMessage(wirejson.Encode(f.constraints))
	}
	if f.can(mesos.FrameworkInfo_Capability_MULTI_ROLE) {
		view["roles"] = validate.Roles(&f.info)
	} else {
		view["role"] = f.info.GetRole()
	}
	if f.info.Principal != nil {
		view["principal"] = *f.info.Principal
	}
	if f.info.Labels != nil {
		view["labels"] = f.info.Labels.Labels
	}
	if !f.reregistered.IsZero() {
		view["reregistered_time"] = epoch(f.reregistered)
	}
	return view
}

// heldBy returns the resources that a framework's tasks and executors use, and those that it is offered.
func (m *Master) heldBy(f *framework) (used, offered resources.List) {
	for _, a := range m.agents {
		for _, e := range a.running {
			if e.framework == f {
				used = used.Add(e.resources)
			}
		}
	}
	if f.unregistered.IsZero() {
		for _, t := range f.byLaunch() {
			used = used.Add(t.resources)
		}
	}
	for _, o := range m.offersOf(f) {
		offered = offered.Add(o.resources)
	}
	return used, offered
}

// shown returns the state of the task in the master's eyes, who counts those of unreachable agents as such
// even if the framework was told that they are lost.
func (t *task) shown() mesos.TaskState {
	if t.framework.unreachable[t.info.TaskID.Value] == t {
		return mesos.TASK_UNREACHABLE
	}
	return t.state
}

func taskView(t *task) any {
	statuses := []any{}
	for i := range t.statuses {
		s := &t.statuses[i]
		view := map[string]any{"state": s.GetState().String(), "timestamp": s.GetTimestamp()}
		if s.ContainerStatus != nil {
			view["container_status"] = json.RawMessage(wirejson.Encode(s.ContainerStatus))
		}
		if s.Healthy != nil {
			view["healthy"] = *s.Healthy
		}
		statuses = append(statuses, view)
	}
	own := resources.New(t.info.Resources)
	executor := ""
	if t.executor.info != nil {
		executor = t.executor.id
	}
	view := map[string]any{
		"id": t.info.TaskID.Value, "name": t.info.Name, "framework_id": t.framework.id,
		"executor_id": executor, "slave_id": t.agent.id, "state": t.shown().String(),
		"resources": amounts(own), "statuses": statuses,
	}
	if len(own) > 0 {
		view["role"] = own[0].AllocatedTo()
	}
	if t.info.Labels != nil {
		view["labels"] = t.info.Labels.Labels
	}
	return view
}

func offerView(o *offer) any {
	return map[string]any{
		"id": o.id, "framework_id": o.framework.id, "slave_id": o.agent.id,
		"allocation_info": map[string]any{"role": o.role}, "resources": amounts(o.resources),
	}
}

// amounts sums resources up by name; the four usual scalars are always there.
func amounts(rs resources.List) map[string]any {
	view := map[string]any{"cpus": 0.0, "mem": 0.0, "disk": 0.0, "gpus": 0.0}
	for _, e := range rs {
		name := e.Shape.Name
		if e.Shape.GetType() == mesos.SCALAR {
			view[name] = float64(rs.Milli(name)) / 1000
			continue
		}
		r := e.Proto()
		view[name] = resources.FormatValue(&r)
	}
	return view
}

// epoch returns a time as Mesos prints it: seconds, 0 for never.
func epoch(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}
