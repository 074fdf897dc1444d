package mesostest

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
)

// agentsResponse is what GET_AGENTS answers: the registered agents, for operators who wait for
// one to be drained.
func (m *Master) agentsResponse() *master.Response {
	list := &master.Response_GetAgents{}
	for _, a := range m.agents {
		list.Agents = append(list.Agents, m.agentView(a))
	}
	return &master.Response{Type: master.Response_GET_AGENTS, GetAgents: list}
}

func (m *Master) agentView(a *agent) master.Response_GetAgents_Agent {
	var offered, used resources
	for _, o := range a.offers {
		offered = offered.add(o.resources)
	}
	for _, t := range m.tasksOn(a) {
		used = used.add(t.resources)
	}
	for _, e := range a.running {
		used = used.add(e.resources)
	}
	port := int32(a.config.Port)
	view := master.Response_GetAgents_Agent{
		AgentInfo: mesos.AgentInfo{
			Hostname: a.config.Hostname, Port: &port, ID: &mesos.AgentID{Value: a.id},
			Resources: a.total.proto(), Attributes: a.attributes, Domain: a.domain,
		},
		Active:             a.offerable(),
		Deactivated:        ptr(a.deactivated),
		Version:            mesosVersion,
		PID:                ptr(a.pid()),
		RegisteredTime:     timeInfo(a.registered),
		ReregisteredTime:   timeInfo(a.reregistered),
		TotalResources:     unrefined(a.total.proto()),
		AllocatedResources: unrefined(used.proto()),
		OfferedResources:   unrefined(offered.proto()),
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

// timeInfo is nil for the zero time.
func timeInfo(t time.Time) *mesos.TimeInfo {
	if t.IsZero() {
		return nil
	}
	return &mesos.TimeInfo{Nanoseconds: t.UnixNano()}
}
