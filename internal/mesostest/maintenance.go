package mesostest

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// Window is a time in which machines will be unavailable. The master does nothing when it comes:
// it is for frameworks to act upon, and for the operator to call StartMaintenance.
type Window struct {
	Hostnames []string // of agents; a hostname without an agent is a machine at 127.0.0.1
	Start     time.Time
	Duration  time.Duration // 0: without end
}

// UpdateMaintenanceSchedule replaces the schedule by the windows. The offers of every agent are
// rescinded and made anew, those of machines in the schedule with their unavailability; frameworks that
// hold something there get inverse offers. The error is a *OperatorError, 400 for a window without
// hostnames, a negative duration, a machine that is named twice, or a machine that is down and left out.
func (m *Master) UpdateMaintenanceSchedule(windows ...Window) error {
	return m.asOperator(func() error {
		var schedule maintenance.Schedule
		for _, w := range windows {
			u := mesos.Unavailability{Start: mesos.TimeInfo{Nanoseconds: w.Start.UnixNano()}}
			if w.Duration != 0 {
				u.Duration = &mesos.DurationInfo{Nanoseconds: int64(w.Duration)}
			}
			schedule.Windows = append(schedule.Windows, maintenance.Window{MachineIDs: m.machineIDs(w.Hostnames), Unavailability: u})
		}
		return m.updateSchedule(schedule)
	})
}

// StartMaintenance brings machines of the schedule down: their agents are removed and their tasks
// lost. No agent registers there before StopMaintenance; then ReturnAgent brings those back, without
// tasks. The error is a *OperatorError, 400 when one of them is not in the schedule or is down.
func (m *Master) StartMaintenance(hostnames ...string) error {
	return m.asOperator(func() error { return m.startMaintenance(m.machineIDs(hostnames)) })
}

// StopMaintenance takes machines that are down out of the schedule. The error is a *OperatorError,
// 400 when one of them is not down.
func (m *Master) StopMaintenance(hostnames ...string) error {
	return m.asOperator(func() error { return m.stopMaintenance(m.machineIDs(hostnames)) })
}

func (a *agent) machineID() mesos.MachineID {
	return mesos.MachineID{Hostname: &a.config.Hostname, IP: &a.config.IP}
}

// machineIDs returns the IDs of the machines with the hostnames.
func (m *Master) machineIDs(hostnames []string) []mesos.MachineID {
	var ids []mesos.MachineID
	for _, name := range hostnames {
		id := mesos.MachineID{Hostname: &name, IP: ptr("127.0.0.1")}
		for _, a := range m.everRegistered {
			if a.config.Hostname == name {
				id = a.machineID()
			}
		}
		ids = append(ids, id)
	}
	return ids
}

func sameMachine(a, b mesos.MachineID) bool {
	return (a.Hostname == nil) == (b.Hostname == nil) && strings.EqualFold(a.GetHostname(), b.GetHostname()) &&
		(a.IP == nil) == (b.IP == nil) && a.GetIP() == b.GetIP()
}

// machine returns one that the master knows: an agent was there, or it is in the schedule.
func (m *Master) machine(id mesos.MachineID) *mesos.MachineInfo {
	for _, info := range m.machines {
		if sameMachine(info.ID, id) {
			return info
		}
	}
	return nil
}

// addMachine adds it unless it is known.
func (m *Master) addMachine(id mesos.MachineID) *mesos.MachineInfo {
	info := m.machine(id)
	if info == nil {
		info = &mesos.MachineInfo{ID: id, Mode: mesos.UP.Enum()}
		m.machines = append(m.machines, info)
	}
	return info
}

// isDown reports whether the agent's machine is down, so that it cannot register.
func (m *Master) isDown(a *agent) bool {
	info := m.machine(a.machineID())
	return info != nil && info.GetMode() == mesos.DOWN
}

// unavailability returns that of the agent's machine, nil for none.
func (m *Master) unavailability(a *agent) *mesos.Unavailability {
	if len(m.schedule.Windows) == 0 {
		return nil
	}
	return m.machine(a.machineID()).GetUnavailability()
}

// agentsOf returns the registered agents of a machine.
func (m *Master) agentsOf(id mesos.MachineID) []*agent {
	var list []*agent
	for _, a := range m.agents {
		if sameMachine(a.machineID(), id) {
			list = append(list, a)
		}
	}
	return list
}

func machineFault(id mesos.MachineID, what string) error {
	return refused(http.StatusBadRequest, "Machine '"+string(wirejson.Encode(&id))+"' "+what)
}

// checkMachines refuses malformed IDs, and those that were seen before.
func checkMachines(seen, ids []mesos.MachineID) error {
	for i, id := range ids {
		if id.GetHostname() == "" && id.GetIP() == "" {
			return refused(http.StatusBadRequest, "Both 'hostname' and 'ip' for a machine are empty")
		}
		if ip, err := netip.ParseAddr(id.GetIP()); id.GetIP() != "" && (err != nil || !ip.Is4()) {
			return refused(http.StatusBadRequest, "Failed to parse IPv4: "+id.GetIP())
		}
		same := func(other mesos.MachineID) bool { return sameMachine(id, other) }
		if slices.ContainsFunc(seen, same) || slices.ContainsFunc(ids[:i], same) {
			return machineFault(id, "appears more than once in the schedule")
		}
	}
	return nil
}

func (m *Master) checkSchedule(schedule maintenance.Schedule) error {
	var seen []mesos.MachineID
	for _, w := range schedule.Windows {
		if len(w.MachineIDs) == 0 {
			return refused(http.StatusBadRequest, "List of machines in the maintenance window is empty")
		}
		if w.Unavailability.GetDuration().GetNanoseconds() < 0 {
			return refused(http.StatusBadRequest, "Unavailability 'duration' is negative")
		}
		if err := checkMachines(seen, w.MachineIDs); err != nil {
			return err
		}
		seen = append(seen, w.MachineIDs...)
	}
	for _, info := range m.machines {
		if info.GetMode() == mesos.DOWN &&
			!slices.ContainsFunc(seen, func(id mesos.MachineID) bool { return sameMachine(id, info.ID) }) {
			return machineFault(info.ID, "is deactivated and cannot be removed from the schedule")
		}
	}
	return nil
}

// updateSchedule takes a new schedule. Like a real master it makes the offers of all agents anew,
// also of those that it does not concern.
func (m *Master) updateSchedule(schedule maintenance.Schedule) error {
	if err := m.checkSchedule(schedule); err != nil {
		return err
	}
	for _, info := range m.machines {
		info.Unavailability = nil
	}
	for _, w := range schedule.Windows {
		for _, id := range w.MachineIDs {
			info := m.addMachine(id)
			info.Unavailability = &w.Unavailability
			if info.GetMode() == mesos.UP {
				info.Mode = mesos.DRAINING.Enum()
			}
		}
	}
	for _, info := range m.machines {
		if info.Unavailability == nil {
			info.Mode = mesos.UP.Enum()
		}
	}
	m.schedule = schedule
	for _, a := range m.agents {
		m.rescindAll(a)
		a.forgetAnswers(m)
	}
	m.allocate(m.agents)
	return nil
}

// checkMode refuses machines that are not in the mode.
func (m *Master) checkMode(ids []mesos.MachineID, mode mesos.MachineInfo_Mode, otherwise string) error {
	if len(ids) == 0 {
		return refused(http.StatusBadRequest, "List of machines is empty")
	}
	if err := checkMachines(nil, ids); err != nil {
		return err
	}
	for _, id := range ids {
		switch info := m.machine(id); {
		case info == nil:
			return machineFault(id, "is not part of a maintenance schedule")
		case info.GetMode() != mode:
			return machineFault(id, "is not in "+mode.String()+" mode and cannot be "+otherwise)
		}
	}
	return nil
}

func (m *Master) startMaintenance(ids []mesos.MachineID) error {
	if err := m.checkMode(ids, mesos.DRAINING, "brought down"); err != nil {
		return err
	}
	for _, id := range ids {
		for _, a := range m.agentsOf(id) {
			m.discard(a, "Operator initiated 'Machine DOWN'")
			a.discarded = false // it may come back
		}
		m.machine(id).Mode = mesos.DOWN.Enum()
	}
	return nil
}

func (m *Master) stopMaintenance(ids []mesos.MachineID) error {
	if err := m.checkMode(ids, mesos.DOWN, "brought up"); err != nil {
		return err
	}
	for _, id := range ids {
		info := m.machine(id)
		info.Mode, info.Unavailability = mesos.UP.Enum(), nil
	}
	var left []maintenance.Window
	for _, w := range m.schedule.Windows {
		w.MachineIDs = slices.DeleteFunc(slices.Clone(w.MachineIDs), func(id mesos.MachineID) bool {
			return m.machine(id).GetMode() == mesos.UP
		})
		if len(w.MachineIDs) > 0 {
			left = append(left, w)
		}
	}
	m.schedule.Windows = left
	return nil
}

// maintenanceStatus returns what GET_MAINTENANCE_STATUS answers.
func (m *Master) maintenanceStatus() *master.Response {
	var status maintenance.ClusterStatus
	for _, info := range m.machines {
		switch info.GetMode() {
		case mesos.DRAINING:
			draining := maintenance.ClusterStatus_DrainingMachine{ID: info.ID}
			for _, a := range m.agentsOf(info.ID) {
				draining.Statuses = append(draining.Statuses, a.answers...)
			}
			status.DrainingMachines = append(status.DrainingMachines, draining)
		case mesos.DOWN:
			status.DownMachines = append(status.DownMachines, info.ID)
		}
	}
	return &master.Response{
		Type:                 master.Response_GET_MAINTENANCE_STATUS,
		GetMaintenanceStatus: &master.Response_GetMaintenanceStatus{Status: status},
	}
}
