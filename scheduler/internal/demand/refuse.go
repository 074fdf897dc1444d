package demand

import "time"

// RefuseLimit is the longest time for which Mesos refuses offers: 365 days. It takes a time that does not fit its
// clock for its default.
const RefuseLimit = 365 * 24 * time.Hour

// refuseIdle is the least time for which offers are refused while no task is pending that could use them.
// When such a task arrives a REVIVE lifts the refusal; until then the master need not offer them again.
const refuseIdle = time.Hour

// Refuse returns for how long a DECLINE refuses offers for a role.
func (b *Book) Refuse(now time.Time, role string) time.Duration {
	e := b.entry(role)
	refuse := b.refusal(e)
	e.refused, b.standbyAt = true, now.Add(refuse)
	return refuse
}

// RefuseRest returns for how long an ACCEPT refuses what it leaves over of the offers for a role. It is 0 if pending
// tasks may need that: tasks that arrived after the ACCEPT was decided on, when [Book.Arrivals] returned
// arrivals, or tasks that wait for the preferred agent.
func (b *Book) RefuseRest(role string, arrivals int) time.Duration {
	e := b.entry(role)
	refuse := b.refusal(e)
	if b.needs(e) && (e.arrivals > arrivals || b.config.WaitPreferred) {
		refuse = 0
	}
	e.refused = e.refused || refuse > 0
	return refuse
}

// AssumeRefused notes that a refusal may be in force for any of the roles, since the outcome of a call is unclear.
func (b *Book) AssumeRefused() {
	for _, e := range b.roles {
		e.refused = true
	}
}

// refusal returns for how long to refuse offers for a role. It is random, up to a quarter longer than configured, so
// that the refusals of many frameworks do not end at the same time.
func (b *Book) refusal(e *entry) time.Duration {
	least := b.config.Refuse
	if !b.needs(e) && !b.config.Standby {
		least = max(least, refuseIdle)
	}
	return min(least+time.Duration(b.config.Random()*float64(least/4)), RefuseLimit)
}
