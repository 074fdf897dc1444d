package mesosfake

import (
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// This file has what happens to agents, by accident or by an operator.

// AddAgent starts another agent. With the hostname of a lost agent it is a new agent on the same machine, without the
// tasks of the old one; the hostname then names the new one. It returns an error if a is invalid.
func (c *Cluster) AddAgent(a Agent) error { return operated(c.master.AddAgent(c.agent(a))) }

// LoseAgent kills the process of an agent. After Config.AgentTimeout the master declares it unreachable, and its tasks with it:
// frameworks are sent TASK_UNREACHABLE. To them it looks the same if the whole machine is lost. The tasks run on, and
// [Cluster.ReturnAgent] brings the agent back with them.
func (c *Cluster) LoseAgent(hostname string) error {
	return found(c.master.LoseAgent(hostname), "agent", hostname)
}

// FreezeAgent stops an agent without closing its connections, as a broken network does. Nobody notices before
// Config.AgentTimeout; launches and kills that are sent to it meanwhile arrive when it is back, or never.
func (c *Cluster) FreezeAgent(hostname string) error {
	return found(c.master.FreezeAgent(hostname), "agent", hostname)
}

// ReturnAgent brings an agent back that was lost or frozen, with its tasks, and one that was down for maintenance without.
func (c *Cluster) ReturnAgent(hostname string) error {
	return found(c.master.ReturnAgent(hostname), "agent", hostname)
}

// StopAgent shuts an agent down for good, as SIGUSR1 does: its tasks are lost at once.
func (c *Cluster) StopAgent(hostname string) error {
	return found(c.master.RemoveAgent(hostname), "agent", hostname)
}

// DrainAgent makes no more offers of an agent and kills its tasks, with a grace period of maxGrace at most; negative: that of
// each task.
func (c *Cluster) DrainAgent(hostname string, maxGrace time.Duration) error {
	return operated(c.master.DrainAgent(hostname, maxGrace, false))
}

// DeactivateAgent makes no more offers of an agent. Its tasks run on.
func (c *Cluster) DeactivateAgent(hostname string) error {
	return operated(c.master.DeactivateAgent(hostname))
}

// ReactivateAgent ends what DrainAgent or DeactivateAgent began.
func (c *Cluster) ReactivateAgent(hostname string) error {
	return operated(c.master.ReactivateAgent(hostname))
}

// MarkAgentGone removes an agent and its tasks for good: frameworks are sent TASK_GONE_BY_OPERATOR.
func (c *Cluster) MarkAgentGone(hostname string) error {
	return operated(c.master.MarkAgentGone(hostname))
}

// Window is a time in which agents will be under maintenance.
type Window struct {
	Hostnames []string
	Start     time.Time
	Duration  time.Duration // 0: without end
}

// ScheduleMaintenance replaces the maintenance schedule. Offers of its agents say from when on they will be unavailable, and
// frameworks that hold something there are sent inverse offers. Nothing else happens when the time has come.
func (c *Cluster) ScheduleMaintenance(windows ...Window) error {
	schedule := make([]mesostest.Window, len(windows))
	for i, w := range windows {
		schedule[i] = mesostest.Window(w)
	}
	return operated(c.master.UpdateMaintenanceSchedule(schedule...))
}

// StartMaintenance takes agents of the schedule down: their tasks are lost, and they cannot come back before
// [Cluster.StopMaintenance].
func (c *Cluster) StartMaintenance(hostnames ...string) error {
	return operated(c.master.StartMaintenance(hostnames...))
}

// StopMaintenance ends the maintenance of agents that are down. They come back by [Cluster.ReturnAgent].
func (c *Cluster) StopMaintenance(hostnames ...string) error {
	return operated(c.master.StopMaintenance(hostnames...))
}

// found returns nil, or an error for what was not found.
func found(is bool, what, name string) error {
	if !is {
		return fmt.Errorf("mesosfake: %s %q: %w", what, name, ErrNotFound)
	}
	return nil
}
