package scheduler

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/demand"
)

// newDemand returns the book of the demand for offers, without pending tasks.
func (m *machine) newDemand() *demand.Book {
	return demand.New(demand.Config{
		ReviveInterval: m.settings.reviveInterval,
		Refuse:         m.settings.refuse,
		KeepsOffers:    m.pool.standby(),
		WaitPreferred:  m.settings.waitPreferred > 0,
		Random:         func() float64 { return m.settings.random() },
	})
}

// conditions returns the present conditions for the demand. While a cycle is wanted no call is made, since the cycle
// may change the demand, unless that cycle waits for the preferred agent, which may take seconds. While no offer may be
// accepted none is asked for.
func (m *machine) conditions() demand.Conditions {
	return demand.Conditions{
		Stalled:       m.storage.failing(),
		RoomForOffers: m.pool.wantsMore(),
		MayCall:       m.conn.connected() && !m.teardown.wanted && !m.backoff.closed(acceptCalls) && !m.backoff.closed(demandCalls) && (!m.wantsCycle() || m.awaitsAgent()),
	}
}

// beginDemand begins a subscription. No offers are wanted if it only registers the framework.
func (m *machine) beginDemand(now time.Time) {
	c := m.conditions()
	c.Stalled = c.Stalled || m.unregistered()
	m.demand.Subscribing(now, c)
}

// followDemand sends the SUPPRESS and REVIVE calls that are due.
func (m *machine) followDemand(now time.Time) {
	for _, c := range m.demand.Follow(now, m.conditions()) {
		if c.Revive {
			m.census.asked(now, c.Roles, m.pool.agents())
			m.call(&scheduler.Call{Type: scheduler.Call_REVIVE, Revive: &scheduler.Call_Revive{Roles: c.Roles}})
		} else {
			m.call(&scheduler.Call{Type: scheduler.Call_SUPPRESS, Suppress: &scheduler.Call_Suppress{Roles: c.Roles}})
		}
	}
}
