package mesostest

import (
	"maps"
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
		list := &master.Response_GetFrameworks{}
		for _, f := range m.order {
			list.Frameworks = append(list.Frameworks, m.frameworkMessage(f))
		}
		for _, f := range m.removed {
			list.CompletedFrameworks = append(list.CompletedFrameworks, m.frameworkMessage(f))
		}
		return &master.Response{Type: master.Response_GET_FRAMEWORKS, GetFrameworks: list}
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
	}
	return nil
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
