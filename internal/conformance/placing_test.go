package conformance

import (
	"fmt"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func placing() []behaviour {
	attributes := document("attributes-resources", "Attributes")
	conventions := document("attributes-resources", "Predefined Uses & Conventions")
	return []behaviour{
		{
			name:    "tasks that must not share a host do not, also when they come one after the other",
			sources: []source{attributes},
			run: func(w *world) {
				for host, tasks := range w.constrained(4, task.Constraint{Attribute: task.AttributeHostname, Operator: task.OpUnique}) {
					require.Len(w, tasks, 1, host)
				}
			},
		},
		{
			name:    "no more tasks of a group run on a host than it may have",
			sources: []source{attributes},
			run: func(w *world) {
				for host, tasks := range w.constrained(8, task.Constraint{Attribute: task.AttributeHostname, Operator: task.OpMaxPer, Value: "2"}) {
					require.LessOrEqual(w, len(tasks), 2, host)
				}
			},
		},
		{
			name:    "a group that is spread over hosts is spread evenly",
			sources: []source{attributes},
			run: func(w *world) {
				least, most := 1000, 0
				for _, tasks := range w.constrained(7, task.Constraint{Attribute: task.AttributeHostname, Operator: task.OpGroupBy}) {
					least, most = min(least, len(tasks)), max(most, len(tasks))
				}
				require.LessOrEqual(w, most-least, 1)
			},
		},
		{
			name:    "hosts that may not run a task do not hold back a group that is spread",
			sources: []source{attributes},
			run: func(w *world) {
				first := w.launch(sleeper("first"))
				for i := range 3 {
					spec := sleeper(fmt.Sprint(i))
					spec.Group = "group"
					spec.Constraints = []task.Constraint{
						{Attribute: task.AttributeHostname, Operator: task.OpIs, Value: first.Hostname}, {Attribute: task.AttributeHostname, Operator: task.OpGroupBy},
					}
					require.Equal(w, first.Hostname, w.launch(spec).Hostname)
				}
			},
		},
		{
			name:    "a group that must stay together runs where its first task does",
			sources: []source{attributes},
			run: func(w *world) {
				require.Len(w, w.constrained(3, task.Constraint{Attribute: task.AttributeHostname, Operator: task.OpCluster}), 1)
			},
		},
		{
			name:    "a task that names a host runs there",
			sources: []source{attributes, document("scheduler-http-api", "OFFERS")},
			run: func(w *world) {
				first := w.launch(sleeper("first"))
				second := sleeper("second")
				second.Constraints = []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpIs, Value: first.Hostname}}
				require.Equal(w, first.Hostname, w.launch(second).Hostname)
			},
		},
		{
			name:    "a task that must not run on a host runs on another one",
			sources: []source{attributes, document("scheduler-http-api", "OFFERS")},
			needs:   twoAgents,
			run: func(w *world) {
				first := w.launch(sleeper("first"))
				second := sleeper("second")
				second.Constraints = []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpIsNot, Value: first.Hostname}}
				require.NotEqual(w, first.Hostname, w.launch(second).Hostname)
			},
		},
		{
			name:    "a task that names a host port gets this one and no other",
			sources: []source{conventions, recording("launch_errors")},
			run: func(w *world) {
				w.launch(sleeper("first"))
				port := w.offeredPort()
				spec := sleeper("second")
				spec.Ports = []task.Port{{}, {Host: port}}
				info := w.launch(spec)
				require.Equal(w, port, info.HostPorts[1])
				require.NotEqual(w, port, info.HostPorts[0])
				w.withinOffers()
			},
		},
		{
			name:    "resources reserved for the role are used before those that others could use",
			sources: []source{document("roles", "Roles and resource allocation"), recording("capabilities_offer_format")},
			needs:   "needs resources that are reserved for a role",
			config:  scheduler.Config{Framework: scheduler.Framework{Roles: []string{"prod"}}},
			cluster: mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:4;mem:4096;disk:1000;cpus(prod):0.05;mem(prod):512"}}},
			run: func(w *world) {
				w.launch(sleeper("a"))
				taken := map[string]float64{}
				for _, r := range launches(w.made(calls.Call_ACCEPT)[0])[0].Resources {
					taken[fmt.Sprint(r.Name, " ", len(r.Reservations))] += r.GetScalar().GetValue()
				}
				require.Equal(w, map[string]float64{"cpus 1": 0.05, "cpus 0": 0.05, "mem 1": 32}, taken)
			},
		},
	}
}

// constrained submits tasks of a group and returns those that run in the end, by host: at least one does.
func (w *world) constrained(n int, c task.Constraint) map[string][]string {
	w.Helper()
	spec := sleeper("0")
	spec.Group, spec.Constraints = "group", []task.Constraint{c}
	w.launch(spec)
	for i := 1; i < n; i++ {
		spec.ID = fmt.Sprint(i)
		w.submit(spec)
	}
	w.calm()
	byHost := map[string][]string{}
	for i := range n {
		if info := w.task(fmt.Sprint(i)); info.State == task.StateRunning {
			byHost[info.Hostname] = append(byHost[info.Hostname], fmt.Sprint(i))
		}
	}
	require.NotEmpty(w, byHost)
	return byHost
}

// offeredPort returns the last host port of an offer.
func (w *world) offeredPort() uint16 {
	w.Helper()
	for _, o := range w.offers() {
		for _, r := range o.Resources {
			if ranges := r.GetRanges().GetRange(); r.Name == "ports" && len(ranges) > 0 {
				return uint16(ranges[len(ranges)-1].End)
			}
		}
	}
	w.Skipf("left out: no agent offers ports")
	return 0
}
