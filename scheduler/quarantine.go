package scheduler

import (
	"slices"
	"time"
)

// quarantine has the host ports that are not to be used for a while, since a container could not be started with
// them: something else on the agent holds one of them. The first to be released come first.
type quarantine []quarantined

// quarantined is a set of ports of one agent.
type quarantined struct {
	agentID string
	ports   []uint16
	until   time.Time
}

// add begins the quarantine of ports.
func (q *quarantine) add(agentID string, ports []uint16, until time.Time) {
	*q = append(*q, quarantined{agentID, ports, until})
}

// ports ends what is over and returns the others by agent, ascending.
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
