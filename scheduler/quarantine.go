package scheduler

import (
	"slices"
	"time"
)

// quarantine holds the host ports that are not to be used for a while, since a container could not be started with
// them: most likely something else on the agent uses one of them. They are in the order in which they are released.
type quarantine []quarantined

// quarantined is a set of ports of one agent.
type quarantined struct {
	agentID string
	ports   []uint16
	until   time.Time
}

// add puts ports in quarantine, and releases the oldest ones if there are more than limit. A 0 stands for a port without a
// host port.
func (q *quarantine) add(limit int, agentID string, ports []uint16, until time.Time) {
	ports = slices.DeleteFunc(slices.Clone(ports), func(port uint16) bool { return port == 0 })
	if len(ports) == 0 {
		return
	}
	*q = append(*q, quarantined{agentID, ports, until})
	if extra := len(*q) - limit; extra > 0 {
		*q = (*q)[extra:]
	}
}

// ports removes the ports whose quarantine is over, and returns the others by agent, in ascending order.
func (q *quarantine) ports(now time.Time) map[string][]uint16 {
	*q = slices.DeleteFunc(*q, func(q quarantined) bool { return !now.Before(q.until) })
	ports := make(map[string][]uint16, len(*q))
	for _, q := range *q {
		ports[q.agentID] = append(ports[q.agentID], q.ports...)
	}
	for id, all := range ports {
		slices.Sort(all)
		ports[id] = slices.Compact(all)
	}
	return ports
}
