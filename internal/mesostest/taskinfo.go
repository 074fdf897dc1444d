package mesostest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// launchSite is what the validation of a task must know beside the task. The resources of tasks
// and executors are expected to carry their allocation (see allocate).
type launchSite struct {
	frameworkID string
	agentID     string
	offered     resources.List // what is left of the offers at this point of the ACCEPT

	known       func(taskID string) bool                    // the master knows a task of this ID
	unreachable func(taskID string) bool                    // a task of this ID is on an unreachable agent
	executor    func(executorID string) *mesos.ExecutorInfo // the framework's executor on the agent, nil if none
}

// validateTask checks one task of a LAUNCH in Mesos' order. It returns the message of the
// TASK_ERROR, or "".
func validateTask(t *mesos.TaskInfo, site launchSite) string {
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
		if site.executor(e.ExecutorID.Value) == nil {
			total = total.Add(resources.New(e.Resources))
		}
	}
	if !site.offered.Contains(total) {
		return "Total resources " + total.String() + " required by task and its executor is more than available " + site.offered.String()
	}
	return ""
}

// validateGroup checks a LAUNCH_GROUP: any fault refuses all its tasks. A task without an executor
// is given that of the group, as the master does.
func validateGroup(g *mesos.Offer_Operation_LaunchGroup, site launchSite) string {
	e := &g.Executor
	var total resources.List
	for i := range g.TaskGroup.Tasks {
		t := &g.TaskGroup.Tasks[i]
		fault := taskFault(t, site)
		if fault == "" && isDocker(t.Container) {
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
	if isDocker(e.Container) {
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
	if site.executor(e.ExecutorID.Value) == nil {
		total = total.Add(own)
	}
	if !site.offered.Contains(total) {
		return "Total resources " + total.String() + " required by task group and its executor are more than available " + site.offered.String()
	}
	return ""
}

// The least that the executor of a group must have, in thousandths.
const (
	minExecutorCPUs = 10        // 0.01
	minExecutorMem  = 32 * 1000 // 32 MB
)

func groupExecutorFault(id string, own resources.List) string {
	has := func(name string) bool {
		return !own.Named(name).Empty()
	}
	amount := func(name, unit string) string {
		if !has(name) {
			return "None"
		}
		return strconv.FormatFloat(float64(own.Milli(name))/1000, 'g', 6, 64) + unit
	}
	switch {
	case own.Milli("cpus") < minExecutorCPUs:
		return "Executor '" + id + "' uses less CPUs (" + amount("cpus", "") + ") than the minimum required (0.01)"
	case own.Milli("mem") < minExecutorMem:
		return "Executor '" + id + "' uses less memory (" + amount("mem", "MB") + ") than the minimum required (32MB)"
	case !has("disk"):
		return "Executor '" + id + "' uses no disk"
	}
	return ""
}

// taskFault checks a task without its executor.
func taskFault(t *mesos.TaskInfo, site launchSite) string {
	id := t.TaskID.Value
	if fault := idFault(id); fault != "" {
		return fault
	}
	switch {
	case site.known(id):
		return "Task has duplicate ID: " + id
	case site.unreachable(id):
		return "Task reuses the ID of an unreachable task: " + id
	case t.AgentID.Value != site.agentID:
		return "Task uses invalid agent " + t.AgentID.Value + " while agent " + site.agentID + " is expected"
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

// ownResourcesFault checks what is asked of the resources of one Task or Executor.
func ownResourcesFault(list []mesos.Resource, owner string) string {
	invalid := owner + " uses invalid resources: "
	if fault := resources.Fault(list); fault != "" {
		return invalid + "Invalid resources: " + fault
	}
	rs := resources.New(list)
	if rs.Milli("gpus")%1000 != 0 {
		return invalid + "Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"
	}
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

// mixedRevocable is the first name, by the alphabet, of which there are revocable and other
// resources, or "".
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

func executorFault(e *mesos.ExecutorInfo, site launchSite) string {
	switch {
	case e.Type == mesos.ExecutorInfo_DEFAULT && e.Command != nil:
		return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"
	case e.Type == mesos.ExecutorInfo_CUSTOM && e.Command == nil:
		return "'ExecutorInfo.command' must be set for 'CUSTOM' executor"
	}
	if fault := idFault(e.ExecutorID.Value); fault != "" {
		return fault
	}
	if e.GetShutdownGracePeriod().GetNanoseconds() < 0 {
		return "ExecutorInfo's 'shutdown_grace_period' must be non-negative"
	}
	if fault := commandFault(e.Command); fault != "" {
		return "Executor's `CommandInfo` is invalid: " + fault
	}
	if fault := containerFault(e.Container); fault != "" {
		return "Executor's `ContainerInfo` is invalid: " + fault
	}
	switch {
	case e.FrameworkID == nil:
		return "'ExecutorInfo.framework_id' must be set"
	case e.FrameworkID.Value != site.frameworkID:
		return "ExecutorInfo has an invalid FrameworkID (Actual: " + e.FrameworkID.Value + " vs Expected: " + site.frameworkID + ")"
	}
	if fault := ownResourcesFault(e.Resources, "Executor"); fault != "" {
		return fault
	}
	if have := site.executor(e.ExecutorID.Value); have != nil && !sameExecutor(have, e) {
		const rule = "------------------------------------------------------------\n"
		return "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n" +
			rule + "Existing ExecutorInfo:\n" + wirejson.DebugString(have) + "\n" +
			rule + "ExecutorInfo:\n" + wirejson.DebugString(e) + "\n" + rule
	}
	return ""
}

// sameExecutor compares without regard to the format of reservations.
func sameExecutor(a, b *mesos.ExecutorInfo) bool {
	x, y := *a, *b
	x.Resources, y.Resources = nil, nil
	have, want := resources.New(a.Resources), resources.New(b.Resources)
	return proto.Equal(&x, &y) && have.Contains(want) && want.Contains(have)
}

func commandFault(c *mesos.CommandInfo) string {
	for _, v := range c.GetEnvironment().GetVariables() {
		name := "Environment variable '" + v.Name + "' of type "
		secret := v.Type != nil && *v.Type == mesos.Environment_Variable_SECRET
		switch {
		case v.Type != nil && *v.Type == mesos.Environment_Variable_UNKNOWN:
			return "Environment variable of type 'UNKNOWN' is not allowed"
		case secret && v.Secret == nil:
			return name + "'SECRET' must have a secret set"
		case secret && v.Value != nil:
			return name + "'SECRET' must not have a value set"
		case !secret && v.Value == nil:
			return name + "'VALUE' must have a value set"
		case !secret && v.Secret != nil:
			return name + "'VALUE' must not have a secret set"
		}
	}
	return ""
}

func containerFault(c *mesos.ContainerInfo) string {
	if c == nil {
		return ""
	}
	for _, v := range c.Volumes {
		count := 0
		for _, set := range []bool{v.HostPath != nil, v.Image != nil, v.Source != nil} {
			if set {
				count++
			}
		}
		if count != 1 {
			return "Invalid volume: Only one of them should be set: 'host_path', 'image' and 'source'"
		}
	}
	if !isDocker(c) {
		return ""
	}
	if c.Docker == nil {
		return "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"
	}
	for _, p := range c.Docker.Parameters {
		if p.Key == "name" {
			return "Parameter in DockerInfo must not be 'name'"
		}
	}
	return ""
}

// isDocker is not GetType: that of no container is DOCKER, the first of its values.
func isDocker(c *mesos.ContainerInfo) bool {
	return c != nil && c.Type != nil && *c.Type == mesos.ContainerInfo_DOCKER
}

func healthCheckFault(h *mesos.HealthCheck) string {
	if h == nil {
		return ""
	}
	switch h.Type {
	case mesos.HealthCheck_UNKNOWN:
		return "HealthCheck must specify 'type'"
	case mesos.HealthCheck_COMMAND:
		if h.Command == nil {
			return "Expecting 'command' to be set for COMMAND health check"
		}
		if fault := probeFault(h.Command, "Command health check", "Health check's"); fault != "" {
			return fault
		}
	case mesos.HealthCheck_HTTP:
		if h.HTTP == nil {
			return "Expecting 'http' to be set for HTTP health check"
		}
		if s := h.HTTP.Scheme; s != nil && *s != "http" && *s != "https" {
			return "Unsupported HTTP health check scheme: '" + *s + "'"
		}
		if p := h.HTTP.Path; p != nil && !strings.HasPrefix(*p, "/") {
			return "The path '" + *p + "' of HTTP health check must start with '/'"
		}
	case mesos.HealthCheck_TCP:
		if h.TCP == nil {
			return "Expecting 'tcp' to be set for TCP health check"
		}
	}
	return negativeFault(
		seconds{"delay_seconds", h.DelaySeconds}, seconds{"grace_period_seconds", h.GracePeriodSeconds},
		seconds{"interval_seconds", h.IntervalSeconds}, seconds{"timeout_seconds", h.TimeoutSeconds})
}

func checkFault(c *mesos.CheckInfo) string {
	if c == nil {
		return ""
	}
	switch c.Type {
	case mesos.CheckInfo_UNKNOWN:
		return "CheckInfo must specify 'type'"
	case mesos.CheckInfo_COMMAND:
		if c.Command == nil {
			return "Expecting 'command' to be set for COMMAND check"
		}
		if fault := probeFault(&c.Command.Command, "Command check", "Check's"); fault != "" {
			return fault
		}
	case mesos.CheckInfo_HTTP:
		if c.HTTP == nil {
			return "Expecting 'http' to be set for HTTP check"
		}
		if p := c.HTTP.Path; p != nil && !strings.HasPrefix(*p, "/") {
			return "The path '" + *p + "' of HTTP check must start with '/'"
		}
	case mesos.CheckInfo_TCP:
		if c.TCP == nil {
			return "Expecting 'tcp' to be set for TCP check"
		}
	}
	return negativeFault(
		seconds{"delay_seconds", c.DelaySeconds},
		seconds{"interval_seconds", c.IntervalSeconds}, seconds{"timeout_seconds", c.TimeoutSeconds})
}

// probeFault checks the command of a check.
func probeFault(c *mesos.CommandInfo, what, whose string) string {
	if c.Value == nil {
		if c.GetShell() {
			return what + " must contain 'shell command'"
		}
		return what + " must contain 'executable path'"
	}
	if fault := commandFault(c); fault != "" {
		return whose + " `CommandInfo` is invalid: " + fault
	}
	return ""
}

type seconds struct {
	name  string
	value *float64
}

func negativeFault(list ...seconds) string {
	for _, s := range list {
		if s.value != nil && *s.value < 0 {
			return "Expecting '" + s.name + "' to be non-negative"
		}
	}
	return ""
}
