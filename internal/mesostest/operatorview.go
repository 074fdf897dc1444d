package mesostest

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// agentsResponse returns what GET_AGENTS answers: the registered agents, for operators who wait for
// one to be drained.
func (m *Master) agentsResponse() *master.Response {
	list := &master.Response_GetAgents{}
	for _, a := range m.agents {
		list.Agents = append(list.Agents, m.agentView(a))
	}
	return &master.Response{Type: master.Response_GET_AGENTS, GetAgents: list}
}

func (m *Master) agentView(a *agent) master.Response_GetAgents_Agent {
	var offered, used resources.List
	for _, o := range a.offers {
		offered = offered.Add(o.resources)
	}
	for _, t := range m.tasksOn(a) {
		used = used.Add(t.resources)
	}
	for _, e := range a.running {
		used = used.Add(e.resources)
	}
	port := int32(a.config.Port)
	view := master.Response_GetAgents_Agent{
		AgentInfo: mesos.AgentInfo{
			Hostname: a.config.Hostname, Port: &port, ID: &mesos.AgentID{Value: a.id},
			Resources: a.total.Proto(), Attributes: a.attributes, Domain: a.domain,
		},
		Active:             a.offerable(),
		Deactivated:        ptr(a.deactivated),
		Version:            mesosVersion,
		PID:                ptr(a.pid()),
		RegisteredTime:     timeInfo(a.registered),
		ReregisteredTime:   timeInfo(a.reregistered),
		TotalResources:     resources.Unrefined(a.total.Proto()),
		AllocatedResources: resources.Unrefined(used.Proto()),
		OfferedResources:   resources.Unrefined(offered.Proto()),
	}
	if a.drain != nil {
		view.DrainInfo = ptr(*a.drain) // it changes, and the view is written outside of the loop
		view.EstimatedDrainStartTime = timeInfo(a.drainStart.Truncate(time.Second))
	}
	for c := mesos.AgentInfo_Capability_MULTI_ROLE; c <= mesos.AgentInfo_Capability_TASK_RESOURCE_LIMITS; c++ {
		view.Capabilities = append(view.Capabilities, mesos.AgentInfo_Capability{Type: c})
	}
	return view
}

// timeInfo returns a time as a message, nil for the zero time.
func timeInfo(t time.Time) *mesos.TimeInfo {
	if t.IsZero() {
		return nil
	}
	return &mesos.TimeInfo{Nanoseconds: t.UnixNano()}
}
