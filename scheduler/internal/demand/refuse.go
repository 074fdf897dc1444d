package demand

import "time"

// RefuseLimit is the longest time for which Mesos refuses offers: 365 days. It takes a time that does not fit its
// clock for its default.
const RefuseLimit = 365 * 24 * time.Hour

// refuseIdle is the least time for which offers are refused while no task is pending that could use them.
// When such a task arrives a REVIVE lifts the refusal; until then the master need not offer them again.
const refuseIdle = time.Hour

// Refuse records that a DECLINE refuses offers for a role, and returns for how long it is to refuse them.
func (b *Book) Refuse(now time.Time, role string) time.Duration {
	d := b.offered(role)
	refuse := b.refusal(d)
	d.refused, b.standbyNotBefore = true, now.Add(refuse)
	return refuse
}

// RefuseRest does the same for an ACCEPT, which refuses what it leaves over. The time is 0 if pending
// tasks may need that: tasks that arrived after the ACCEPT was decided on, when [Book.Arrivals] returned
// arrivals, or tasks that wait for the preferred agent.
func (b *Book) RefuseRest(role string, arrivals int) time.Duration {
	d := b.offered(role)
	refuse := b.refusal(d)
	if b.hasPending(d) && (d.arrivals > arrivals || b.config.WaitPreferred) {
		refuse = 0
	}
	d.refused = d.refused || refuse > 0
	return refuse
}

// AssumeRefused notes that a refusal may be in force for any of the roles, since the outcome of a call is unclear.
func (b *Book) AssumeRefused() {
	for _, d := range b.roles {
		d.refused = true
	}
}

// refusal returns for how long to refuse offers for a role. It is random, up to a quarter longer than configured, so
// that the refusals of many frameworks do not end at the same time.
func (b *Book) refusal(d *roleDemand) time.Duration {
	least := b.config.Refuse
	if !b.hasPending(d) && !b.config.KeepsOffers {
		least = max(least, refuseIdle)
	}
	return min(least+time.Duration(b.config.Random()*float64(least/4)), RefuseLimit)
}
