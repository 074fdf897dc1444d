package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Tasks that come one by one would each go to another agent, as that of the last one has used up its
// offer. So a policy may have them wait a moment for the next offer of the agent that is fullest.

// preferred is the agent that tasks wait for; "": none.
type preferred struct {
	agentID string
	until   time.Time
}

// preferAgent picks the agent with the least memory left among those of a cycle's launches. One without
// memory is full, whatever else it has, and not waited for.
func (m *machine) preferAgent(now time.Time, launches []*use) {
	m.preferred = preferred{}
	if m.settings.waitPreferred == 0 {
		return
	}
	offered := map[string]float64{}
	for _, o := range m.offered {
		offered[o.ID.Value] = memOf(o.Resources)
	}
	least := 0.0
	for _, u := range launches {
		left := 0.0
		for _, id := range u.offers {
			left += offered[id]
		}
		for i := range u.operations {
			for _, t := range launchedIn(&u.operations[i]) {
				left -= memOf(t.Resources)
			}
		}
		if left >= leastOffered && (m.preferred.agentID == "" || left < least) {
			least, m.preferred = left, preferred{u.agentID, m.waitUntil(now)}
		}
	}
}

// waitUntil is until when tasks wait at most: not for so long that one of them is given up meanwhile.
func (m *machine) waitUntil(now time.Time) time.Time {
	until := now.Add(m.settings.waitPreferred)
	if m.settings.maxWait == 0 {
		return until
	}
	m.waits.take(func(waiter) bool { return false }) // those at the head that wait no longer
	first := now
	if len(m.waits) > 0 {
		first = m.waits[0].since
	}
	if last := first.Add(m.settings.maxWait - cyclePause); last.Before(until) {
		return last
	}
	return until
}

// leastOffered is the memory in MB for which alone a master makes an offer, by default.
const leastOffered = 32

func memOf(resources []mesos.Resource) (sum float64) {
	for i := range resources {
		if resources[i].Name == "mem" {
			sum += resources[i].GetScalar().GetValue()
		}
	}
	return sum
}

// awaitsAgent tells whether what is pending waits for the preferred agent.
func (m *machine) awaitsAgent() bool { return m.preferred.agentID != "" && len(m.pending) > 0 }

// matchAt is when the next cycle may be.
func (m *machine) matchAt() time.Time {
	if m.awaitsAgent() {
		return latest(m.cycleAt, m.preferred.until)
	}
	return m.cycleAt
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }
