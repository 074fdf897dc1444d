package validate

import (
	"math"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// limitsFault checks the resource limits of a task, which came with Mesos 1.10.
func limitsFault(t *mesos.TaskInfo) string {
	names := 0
	for _, name := range []string{"cpus", "mem"} {
		if _, ok := t.Limits[name]; ok {
			names++
		}
	}
	if len(t.Limits) > names {
		return "Only cpus and mem may be included in a task's resource limits"
	}
	rs := resources.New(t.Resources)
	for _, r := range []struct{ name, request, limit string }{{"cpus", "CPU", "cpu"}, {"mem", "memory", "memory"}} {
		limit, ok := t.Limits[r.name]
		has := !rs.Named(r.name).Empty()
		switch {
		case !ok:
		case !has:
			return "When a " + r.request + " limit is specified, a " + r.request + " request must also be specified"
		case !math.IsInf(limit.Value, 0) && resources.Milli(limit.Value) < rs.Milli(r.name):
			return "The " + r.limit + " limit must be greater than or equal to the " + r.limit + " request"
		}
	}
	return ""
}

// groupLimitsFault checks what a task group needs for the limits of a task.
func groupLimitsFault(t *mesos.TaskInfo) string {
	if info := t.GetContainer().GetLinuxInfo(); len(t.Limits) > 0 && (info == nil || info.GetShareCgroups()) {
		return "Resource limits may only be set for tasks within a task group when the 'share_cgroups' field is set to 'false'."
	}
	return ""
}

// Isolation returns why an agent with these isolators, as in its flag, does not run tasks: it cannot keep one to its
// limits. It returns "" when it runs them.
func Isolation(isolation string, tasks ...mesos.TaskInfo) string {
	for _, t := range tasks {
		for _, r := range []struct{ name, isolator, text string }{{"cpus", "cgroups/cpu", "CPU"}, {"mem", "cgroups/mem", "Memory"}} {
			_, limited := t.Limits[r.name]
			if limited && !IsDocker(t.Container) && !strings.Contains(isolation, r.isolator) && !strings.Contains(isolation, "cgroups/all") {
				return r.text + " limits can only be set on tasks launched in Mesos containers when the agent has loaded the '" + r.isolator + "' isolator"
			}
		}
	}
	return ""
}
