package validate

import (
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// Site is what the validation of a task must know beside the task. The resources of tasks and executors are expected
// to carry their allocation (see resources.Allocate).
type Site struct {
	FrameworkID string
	AgentID     string
	Offered     resources.List // what is left of the offers at this point of the ACCEPT

	Known       func(taskID string) bool                    // the master knows a task of this ID
	Unreachable func(taskID string) bool                    // a task of this ID is on an unreachable agent
	Executor    func(executorID string) *mesos.ExecutorInfo // the framework's executor on the agent, nil if none
}

// Task checks one task of a LAUNCH. It returns the message of the TASK_ERROR, or "".
func Task(t *mesos.TaskInfo, site Site) string {
	if fault := taskFault(t, site); fault != "" {
		return fault
	}
	if (t.Executor == nil) == (t.Command == nil) {
		return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
	}
	total := resources.New(t.Resources)
	if e := t.Executor; e != nil {
		if fault := executorFault(e, site); fault != "" {
			return fault
		}
		if e.Type != mesos.ExecutorInfo_UNKNOWN && e.Type != mesos.ExecutorInfo_CUSTOM {
			return "'ExecutorInfo.type' must be 'CUSTOM'"
		}
		if e.Command == nil {
			return "'ExecutorInfo.command' must be set"
		}
		if site.Executor(e.ExecutorID.Value) == nil {
			total = total.Add(resources.New(e.Resources))
		}
	}
	if !site.Offered.Contains(total) {
		return "Total resources " + total.String() + " required by task and its executor is more than available " + site.Offered.String()
	}
	return ""
}

// Group checks a LAUNCH_GROUP, of which any fault refuses all tasks. It returns the message of their TASK_ERRORs, or "".
func Group(g *mesos.Offer_Operation_LaunchGroup, site Site) string {
	e := &g.Executor
	var total resources.List
	for i := range g.TaskGroup.Tasks {
		t := &g.TaskGroup.Tasks[i]
		fault := taskFault(t, site)
		if fault == "" && IsDocker(t.Container) {
			fault = "Docker ContainerInfo is not supported on the task"
		}
		if fault == "" {
			fault = groupLimitsFault(t)
		}
		if fault != "" {
			return "Task '" + t.TaskID.Value + "' is invalid: " + fault
		}
		total = total.Add(resources.New(t.Resources))
	}
	if fault := executorFault(e, site); fault != "" {
		return fault
	}
	if e.Type == mesos.ExecutorInfo_UNKNOWN {
		return "'ExecutorInfo.type' must be set"
	}
	if IsDocker(e.Container) {
		return "Docker ContainerInfo is not supported on the executor"
	}
	for i := range g.TaskGroup.Tasks {
		t := &g.TaskGroup.Tasks[i]
		if t.Executor != nil && !sameExecutor(t.Executor, e) {
			return "The `ExecutorInfo` of task '" + t.TaskID.Value + "' is different from executor '" + e.ExecutorID.Value + "'"
		}
	}
	own := resources.New(e.Resources)
	if fault := groupExecutorFault(e.ExecutorID.Value, own); fault != "" {
		return fault
	}
	if site.Executor(e.ExecutorID.Value) == nil {
		total = total.Add(own)
	}
	if !site.Offered.Contains(total) {
		return "Total resources " + total.String() + " required by task group and its executor are more than available " + site.Offered.String()
	}
	return ""
}

// taskFault checks a task without its executor.
func taskFault(t *mesos.TaskInfo, site Site) string {
	id := t.TaskID.Value
	if fault := idFault(id); fault != "" {
		return fault
	}
	switch {
	case site.Known(id):
		return "Task has duplicate ID: " + id
	case site.Unreachable(id):
		return "Task reuses the ID of an unreachable task: " + id
	case t.AgentID.Value != site.AgentID:
		return "Task uses invalid agent " + t.AgentID.Value + " while agent " + site.AgentID + " is expected"
	case t.GetKillPolicy().GetGracePeriod().GetNanoseconds() < 0:
		return "Task's 'kill_policy.grace_period' must be non-negative"
	case t.GetMaxCompletionTime().GetNanoseconds() < 0:
		return "Task's `max_completion_time` must be non-negative"
	}
	if fault := checkFault(t.Check); fault != "" {
		return "Task uses invalid check: " + fault
	}
	if fault := healthCheckFault(t.HealthCheck); fault != "" {
		return "Task uses invalid health check: " + fault
	}
	if len(t.Resources) == 0 {
		return "Task uses no resources"
	}
	if fault := ownResourcesFault(t.Resources, "Task"); fault != "" {
		return fault
	}
	if fault := commandFault(t.Command); fault != "" {
		return "Task's `CommandInfo` is invalid: " + fault
	}
	if fault := containerFault(t.Container); fault != "" {
		return "Task's `ContainerInfo` is invalid: " + fault
	}
	return limitsFault(t)
}

// ownResourcesFault checks the resources of one owner, a "Task" or an "Executor".
func ownResourcesFault(list []mesos.Resource, owner string) string {
	if fault := listFault(list); fault != "" {
		return owner + " uses invalid resources: " + fault
	}
	rs := resources.New(list)
	for _, e := range rs {
		if e.AllocatedTo() != rs[0].AllocatedTo() {
			return "Invalid " + strings.ToLower(owner) + " resources: The resources have multiple allocation roles ('" + e.AllocatedTo() + "' and '" +
				rs[0].AllocatedTo() + "') but only one allocation role is allowed"
		}
	}
	if name := mixedRevocable(rs); name != "" {
		return owner + " mixes revocable and non-revocable resources: Cannot use both revocable and non-revocable '" +
			name + "' at the same time"
	}
	return ""
}

// mixedRevocable returns the first name, in alphabetical order, of which there are revocable and other resources, or "".
func mixedRevocable(rs resources.List) string {
	revocable, mixed := map[string]bool{}, []string{}
	for _, e := range rs {
		is := e.Shape.Revocable != nil
		if was, seen := revocable[e.Shape.Name]; seen && was != is {
			mixed = append(mixed, e.Shape.Name)
		}
		revocable[e.Shape.Name] = is
	}
	if len(mixed) == 0 {
		return ""
	}
	return slices.Min(mixed)
}
