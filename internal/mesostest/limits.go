package mesostest

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

// isolationFault is why an agent with these isolators does not run tasks, for the limits of one, or "".
func isolationFault(isolation string, tasks ...mesos.TaskInfo) string {
	for _, t := range tasks {
		for _, r := range []struct{ name, isolator, text string }{{"cpus", "cgroups/cpu", "CPU"}, {"mem", "cgroups/mem", "Memory"}} {
			_, limited := t.Limits[r.name]
			if limited && !isDocker(t.Container) && !strings.Contains(isolation, r.isolator) && !strings.Contains(isolation, "cgroups/all") {
				return r.text + " limits can only be set on tasks launched in Mesos containers when the agent has loaded the '" + r.isolator + "' isolator"
			}
		}
	}
	return ""
}

// limitsView is how a snapshot shows the limits of a task.
func limitsView(t *mesos.TaskInfo) map[string]float64 {
	if len(t.Limits) == 0 {
		return nil
	}
	view := make(map[string]float64, len(t.Limits))
	for name, limit := range t.Limits {
		view[name] = limit.Value
	}
	return view
}

// minimumView is how a snapshot shows the offer filters of a framework.
func minimumView(filters map[string]mesos.OfferFilters) map[string][]map[string]float64 {
	var view map[string][]map[string]float64
	for role, f := range filters {
		if f.MinAllocatableResources == nil {
			continue
		}
		if view == nil {
			view = make(map[string][]map[string]float64)
		}
		list := []map[string]float64{}
		for _, q := range f.MinAllocatableResources.Quantities {
			amounts := make(map[string]float64, len(q.Quantities))
			for name, scalar := range q.Quantities {
				amounts[name] = scalar.Value
			}
			list = append(list, amounts)
		}
		view[role] = list
	}
	return view
}
