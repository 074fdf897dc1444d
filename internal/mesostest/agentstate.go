package mesostest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	pb "github.com/mesos/mesos-go/api/v1/lib/agent"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// agentState returns /state of an agent. Of the flags only those are there that Agent has.
func (m *Master) agentState(a *agent) any {
	view := buildInfo()
	maps.Copy(view, a.resourcesView())
	reserved := map[string]any{}
	for role, rs := range a.reserved() {
		reserved[role] = fullView(rs)
	}
	var held resources.List
	for _, e := range a.running {
		held = held.Add(e.held())
	}
	heldReserved := map[string]any{}
	for _, e := range held {
		if role := e.ReservedFor(); role != "" {
			heldReserved[role] = amounts(held.Filter(func(other resources.Entry) bool { return other.ReservedFor() == role }))
		}
	}
	active, completed := m.agentFrameworks(a)
	maps.Copy(view, map[string]any{
		"id": a.id, "pid": a.pid(), "hostname": a.config.Hostname, "start_time": epoch(a.registered),
		"capabilities": agentCapabilities(), "attributes": a.attributesView(), "master_hostname": "localhost",
		"reserved_resources_full": reserved, "unreserved_resources_full": fullView(a.total.Unreserved()),
		"reserved_resources_allocated": heldReserved, "unreserved_resources_allocated": amounts(held.Unreserved()),
		"resource_providers": []any{}, "frameworks": active, "completed_frameworks": completed,
		"flags": a.flags(),
	})
	return view
}

// flags returns those that Agent has.
func (a *agent) flags() map[string]string {
	return map[string]string{
		"hostname": a.config.Hostname, "ip": a.config.IP, "port": strconv.Itoa(a.config.Port), "work_dir": a.config.WorkDir,
		"attributes": a.config.Attributes, "resources": a.config.Resources, "containerizers": a.config.Containerizers,
		"executor_registration_timeout": durationText(a.config.ExecutorRegistrationTimeout),
	}
}

// agentFrameworks lists the frameworks that the agent knows: those with executors, and others.
func (m *Master) agentFrameworks(a *agent) (active, completed []any) {
	active, completed = []any{}, []any{}
	var seen []*framework
	for _, e := range a.everyExecutor() {
		if slices.Contains(seen, e.framework) {
			continue
		}
		seen = append(seen, e.framework)
		same := func(list []*executor) []any {
			found := []any{}
			for _, other := range list {
				if other.framework == e.framework {
					found = append(found, other.view())
				}
			}
			return found
		}
		info := &e.framework.info
		view := map[string]any{
			"id": e.framework.id, "name": info.Name, "user": info.User, "hostname": info.GetHostname(),
			"failover_timeout": info.GetFailoverTimeout(), "checkpoint": info.GetCheckpoint(),
			"executors": same(a.running), "completed_executors": same(a.ended),
		}
		if e.framework.can(mesos.FrameworkInfo_Capability_MULTI_ROLE) {
			view["roles"] = validate.Roles(info)
		} else {
			view["role"] = info.GetRole()
		}
		if info.Principal != nil {
			view["principal"] = *info.Principal
		}
		if slices.ContainsFunc(a.running, func(other *executor) bool { return other.framework == e.framework }) {
			active = append(active, view)
		} else {
			completed = append(completed, view)
		}
	}
	return active, completed
}

// view returns the executor in /state of its agent.
func (e *executor) view() any {
	var launched, ended []any = []any{}, []any{}
	for _, t := range e.history {
		view := taskView(t).(map[string]any)
		view["state"] = t.latest.String()
		if terminal(t.latest) {
			ended = append(ended, view)
		} else {
			launched = append(launched, view)
		}
	}
	held := e.held()
	info := e.describe()
	view := map[string]any{
		"id": e.id, "name": info.GetName(), "source": info.GetSource(), "container": e.containerID, "directory": e.directory(),
		"resources": amounts(held), "tasks": launched, "queued_tasks": []any{}, "completed_tasks": ended,
	}
	if len(held) > 0 {
		view["role"] = held[0].AllocatedTo()
	}
	if e.info != nil && e.info.Type != mesos.ExecutorInfo_UNKNOWN {
		view["type"] = e.info.Type.String()
	}
	return view
}

// held returns the resources of the executor and of its tasks that have not ended.
func (e *executor) held() resources.List {
	held := resources.New(e.describe().Resources)
	for _, t := range e.history {
		if !terminal(t.latest) {
			held = held.Add(resources.New(t.info.Resources))
		}
	}
	return held
}

// describe returns the info of the executor. That of a command task is made up by the agent, with an
// allowance of 0.1 cpus and 32 MB that nobody has accounted for.
func (e *executor) describe() *mesos.ExecutorInfo {
	if e.info != nil {
		return e.info
	}
	info := &mesos.ExecutorInfo{
		ExecutorID:  mesos.ExecutorID{Value: e.id},
		FrameworkID: &mesos.FrameworkID{Value: e.framework.id},
		Source:      &e.id,
		Command: &mesos.CommandInfo{
			Shell: ptr(false), Value: ptr("/usr/local/mesos/libexec/mesos/mesos-executor"),
			Arguments: []string{"mesos-executor", "--launcher_dir=/usr/local/mesos/libexec/mesos"},
		},
	}
	if len(e.history) == 0 {
		return info
	}
	t := e.history[0].info
	info.Name = ptr("Command Executor (Task: " + e.id + ") (Command: " + commandText(t.Command) + ")")
	allowance, err := resources.Parse("cpus:0.1;mem:32")
	if own := resources.New(t.Resources); err == nil && len(own) > 0 {
		info.Resources = allowance.Allocated(own[0].AllocatedTo()).Proto()
	}
	return info
}

// commandText returns a command in the name of its executor, of which only the beginning is there.
func commandText(c *mesos.CommandInfo) string {
	text, before, after := c.GetValue(), "sh -c '", "'"
	switch {
	case c.GetShell() && c.Value == nil:
		return "NO COMMAND"
	case !c.GetShell() && c.GetValue() == "":
		return "NO EXECUTABLE"
	case !c.GetShell():
		text, before, after = text+", "+strings.Join(c.Arguments, ", "), "[", "]"
	}
	if len(text) > 15 {
		text = text[:12] + "..."
	}
	return before + text + after
}

// containers returns those that run on the agent: of executors, and if asked for of tasks in groups.
func (a *agent) containers(nested bool) []pb.Response_GetContainers_Container {
	var list []pb.Response_GetContainers_Container
	for _, e := range a.running {
		id := mesos.ContainerID{Value: e.containerID}
		name := e.describe().GetName()
		list = append(list, pb.Response_GetContainers_Container{
			FrameworkID: &mesos.FrameworkID{Value: e.framework.id}, ExecutorID: &mesos.ExecutorID{Value: e.id}, ExecutorName: &name,
			ContainerID: id, ContainerStatus: &mesos.ContainerStatus{ContainerID: &id, ExecutorPID: &e.pid},
			ResourceStatistics: statistics(e.held()),
		})
		for _, t := range e.history {
			if !nested || t.containerID == "" || terminal(t.latest) {
				continue
			}
			status := t.containerStatus()
			status.NetworkInfos = nil
			list = append(list, pb.Response_GetContainers_Container{
				ContainerID: mesos.ContainerID{Value: t.containerID}, ContainerStatus: status, ResourceStatistics: statistics(resources.New(t.info.Resources)),
			})
		}
	}
	return list
}

// statistics returns the limits of a container; the fake measures nothing.
func statistics(rs resources.List) *mesos.ResourceStatistics {
	bytes := uint64(rs.Milli("mem")) << 20 / 1000
	return &mesos.ResourceStatistics{
		Timestamp: float64(time.Now().UnixNano()) / 1e9, CPUsSoftLimit: ptr(float64(rs.Milli("cpus")) / 1000),
		MemLimitBytes: &bytes, MemSoftLimitBytes: &bytes,
	}
}

// containerView returns a container as the older /containers shows it.
func containerView(c pb.Response_GetContainers_Container) any {
	return map[string]any{
		"framework_id": c.FrameworkID.Value, "executor_id": c.ExecutorID.Value, "executor_name": *c.ExecutorName,
		"source": c.ExecutorID.Value, "container_id": c.ContainerID.Value,
	}
}
