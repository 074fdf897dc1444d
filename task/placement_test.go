package task_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Reasons are said in words.
func TestReasonText(t *testing.T) {
	on := func(attribute string, missing bool) task.Reason {
		return task.Reason{Kind: task.ReasonConstraint, Constraint: task.Constraint{Attribute: attribute, Operator: task.OpLike, Value: "r[12]"}, Missing: missing, Agents: 3}
	}
	waiting := task.Reason{Kind: task.ReasonConstraint, Constraint: task.Constraint{Attribute: "rack", Operator: task.OpGroupBy}, Agents: 2, Awaited: "r2"}
	for _, c := range []struct {
		reason task.Reason
		want   string
	}{
		{task.Reason{Kind: task.ReasonShortage, Resource: "cpus", Agents: 3, Short: 0.1, Hostname: "10.0.0.7"}, "cpus: not enough on 3 agents; closest 10.0.0.7, 0.1 short"},
		{task.Reason{Kind: task.ReasonShortage, Resource: "mem", Agents: 1, Short: 112, Hostname: "a"}, "mem: not enough on 1 agent; closest a, 112 MiB short"},
		{task.Reason{Kind: task.ReasonShortage, Resource: "disk", Agents: 2, Short: 0.5, Hostname: "a"}, "disk: not enough on 2 agents; closest a, 0.5 MiB short"},
		{task.Reason{Kind: task.ReasonShortage, Resource: "gpus", Agents: 2, Short: 1}, "gpus: not enough on 2 agents; 1 short"},
		{task.Reason{Kind: task.ReasonShortage, Resource: "ports", Agents: 2, Short: 1, Hostname: "a"}, "ports: not enough on 2 agents; closest a, 1 short"},
		{task.Reason{Kind: task.ReasonShortage, Resource: "ports", Port: 8080, Agents: 3}, "port 8080: not free on 3 agents"},
		{task.Reason{Kind: task.ReasonShortage, Resource: "bandwidth", Agents: 1}, "bandwidth: not enough on 1 agent"},
		{on("rack", false), "rack LIKE r[12]: does not hold on 3 agents"},
		{on("rack", true), "no agent has the attribute rack"},
		{on(task.AttributeRegion, true), "no agent has a region"},
		{on(task.AttributeZone, true), "no agent has a zone"},
		{on("@hostname", true), "no agent has a hostname"},
		{waiting, "rack GROUP_BY: does not hold on 2 agents, waiting for an offer of r2"},
		{task.Reason{Kind: task.ReasonNoOffers}, "no offers"},
		{task.Reason{Kind: task.ReasonRole, Agents: 2}, "role: not the task's on 2 agents"},
		{task.Reason{Kind: task.ReasonGPUAgent, Agents: 1}, "gpus: kept for tasks that ask for some on 1 agent"},
		{task.Reason{Kind: task.ReasonMaintenance, Agents: 2}, "maintenance: too soon or under way on 2 agents"},
		{task.Reason{Kind: task.ReasonFilter, Agents: 1}, "filter: refuses 1 agent"},
		{task.Reason{Kind: "quota", Agents: 4}, "quota: 4 agents"},
	} {
		require.Equal(t, c.want, c.reason.String())
	}
}
