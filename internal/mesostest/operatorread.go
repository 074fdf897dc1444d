package mesostest

import (
	"maps"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// inform answers the calls of the operator API that only ask, nil others. On the loop.
func (m *Master) inform(t master.Call_Type) *master.Response {
	switch t {
	case master.Call_GET_HEALTH:
		return &master.Response{Type: master.Response_GET_HEALTH, GetHealth: &master.Response_GetHealth{Healthy: true}}
	case master.Call_GET_VERSION:
		return &master.Response{Type: master.Response_GET_VERSION, GetVersion: &master.Response_GetVersion{VersionInfo: versionInfo()}}
	case master.Call_GET_MASTER:
		info := m.info
		return &master.Response{Type: master.Response_GET_MASTER, GetMaster: &master.Response_GetMaster{
			MasterInfo: &info, StartTime: timestamp(m.start), ElectedTime: timestamp(m.start),
		}}
	case master.Call_GET_FRAMEWORKS:
		return &master.Response{Type: master.Response_GET_FRAMEWORKS, GetFrameworks: m.frameworksMessage()}
	case master.Call_GET_TASKS:
		return &master.Response{Type: master.Response_GET_TASKS, GetTasks: m.tasksMessage()}
	case master.Call_GET_AGENTS:
		return m.agentsResponse()
	case master.Call_GET_MAINTENANCE_STATUS:
		return m.maintenanceStatus()
	case master.Call_GET_MAINTENANCE_SCHEDULE:
		return &master.Response{
			Type:                   master.Response_GET_MAINTENANCE_SCHEDULE,
			GetMaintenanceSchedule: &master.Response_GetMaintenanceSchedule{Schedule: m.schedule},
		}
	case master.Call_GET_EXECUTORS:
		return &master.Response{Type: master.Response_GET_EXECUTORS, GetExecutors: m.executorsMessage()}
	case master.Call_GET_STATE:
		return &master.Response{Type: master.Response_GET_STATE, GetState: &master.Response_GetState{
			GetTasks: m.tasksMessage(), GetExecutors: m.executorsMessage(), GetFrameworks: m.frameworksMessage(), GetAgents: m.agentsResponse().GetAgents,
		}}
	case master.Call_GET_OPERATIONS:
		return &master.Response{Type: master.Response_GET_OPERATIONS, GetOperations: m.operationsMessage()}
	}
	return m.informOfSettings(t)
}

// flagMessages returns flags in the form of the v1 APIs, by name.
func flagMessages(flags map[string]string) (list []mesos.Flag) {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		list = append(list, mesos.Flag{Name: name, Value: ptr(flags[name])})
	}
	return list
}

// informOfSettings answers the calls that ask for what operators have set, and for metrics.
func (m *Master) informOfSettings(t master.Call_Type) *master.Response {
	switch t {
	case master.Call_GET_FLAGS:
		return &master.Response{Type: master.Response_GET_FLAGS, GetFlags: &master.Response_GetFlags{Flags: flagMessages(m.flags())}}
	case master.Call_GET_METRICS:
		return &master.Response{Type: master.Response_GET_METRICS, GetMetrics: &master.Response_GetMetrics{Metrics: m.metricMessages()}}
	case master.Call_GET_ROLES:
		return &master.Response{Type: master.Response_GET_ROLES, GetRoles: &master.Response_GetRoles{Roles: m.roleMessages()}}
	case master.Call_GET_WEIGHTS:
		return &master.Response{Type: master.Response_GET_WEIGHTS, GetWeights: &master.Response_GetWeights{WeightInfos: m.weightMessages()}}
	case master.Call_GET_QUOTA:
		return &master.Response{Type: master.Response_GET_QUOTA, GetQuota: &master.Response_GetQuota{Status: m.quotaStatus()}}
	}
	return nil
}

func (m *Master) frameworksMessage() *master.Response_GetFrameworks {
	list := &master.Response_GetFrameworks{}
	for _, f := range m.order {
		list.Frameworks = append(list.Frameworks, m.frameworkMessage(f))
	}
	for _, f := range m.removed {
		list.CompletedFrameworks = append(list.CompletedFrameworks, m.frameworkMessage(f))
	}
	return list
}

// executorsMessage lists the executors that frameworks brought along; the master does not know those of command tasks.
func (m *Master) executorsMessage() *master.Response_GetExecutors {
	list := &master.Response_GetExecutors{}
	for _, a := range m.agents {
		for _, e := range a.running {
			if e.info != nil && m.frameworks[e.framework.id] == e.framework {
				list.Executors = append(list.Executors, master.Response_GetExecutors_Executor{ExecutorInfo: *e.info, AgentID: mesos.AgentID{Value: a.id}})
			}
		}
	}
	return list
}

// operationsMessage lists the operations that wait to be acknowledged.
func (m *Master) operationsMessage() *master.Response_GetOperations {
	list := &master.Response_GetOperations{}
	for _, f := range m.order {
		for _, op := range f.operations {
			list.Operations = append(list.Operations, mesos.Operation{
				FrameworkID: &mesos.FrameworkID{Value: f.id}, AgentID: &mesos.AgentID{Value: op.agent.id}, Info: op.info,
				LatestStatus: op.status, Statuses: []mesos.OperationStatus{op.status}, UUID: op.uuid,
			})
		}
	}
	return list
}

// operatorLists names the lists that an answer in JSON has even when they are empty.
func operatorLists(t master.Response_Type) []string {
	switch t {
	case master.Response_GET_FRAMEWORKS:
		return []string{"frameworks", "completed_frameworks"}
	case master.Response_GET_AGENTS:
		return []string{"agents", "recovered_agents"}
	case master.Response_GET_TASKS:
		return []string{"tasks", "unreachable_tasks", "completed_tasks"}
	case master.Response_GET_ROLES:
		return []string{"roles"}
	case master.Response_GET_EXECUTORS:
		return []string{"executors"}
	case master.Response_GET_STATE:
		return []string{
			"get_tasks.tasks", "get_tasks.unreachable_tasks", "get_tasks.completed_tasks", "get_executors.executors",
			"get_frameworks.frameworks", "get_frameworks.completed_frameworks", "get_agents.agents", "get_agents.recovered_agents",
		}
	}
	return nil
}

func (m *Master) tasksMessage() *master.Response_GetTasks {
	list := &master.Response_GetTasks{}
	for _, f := range m.order {
		for _, t := range f.byLaunch() {
			list.Tasks = append(list.Tasks, t.proto(t.state))
		}
		for _, t := range byLaunch(maps.Values(f.unreachable)) {
			list.UnreachableTasks = append(list.UnreachableTasks, t.proto(mesos.TASK_UNREACHABLE))
		}
	}
	for _, fs := range [][]*framework{m.order, m.removed} {
		for _, f := range fs {
			for _, t := range f.completedTasks {
				list.CompletedTasks = append(list.CompletedTasks, t.proto(t.state))
			}
		}
	}
	return list
}

// frameworkMessage returns a framework in the form of GET_FRAMEWORKS.
func (m *Master) frameworkMessage(f *framework) master.Response_GetFrameworks_Framework {
	moment := func(t time.Time) *mesos.TimeInfo {
		if t.IsZero() {
			t = f.registered
		}
		return &mesos.TimeInfo{Nanoseconds: t.UnixNano()}
	}
	p := master.Response_GetFrameworks_Framework{
		FrameworkInfo: f.info, Active: f.stream != nil, Connected: f.stream != nil,
		RegisteredTime: moment(f.registered), ReregisteredTime: moment(f.reregistered),
	}
	if !f.unregistered.IsZero() {
		p.UnregisteredTime = moment(f.unregistered)
		return p
	}
	for _, o := range m.offersOf(f) {
		p.Offers = append(p.Offers, o.proto())
	}
	used, offered := m.heldBy(f)
	p.AllocatedResources, p.OfferedResources = resources.Unrefined(used.Proto()), resources.Unrefined(offered.Proto())
	return p
}
