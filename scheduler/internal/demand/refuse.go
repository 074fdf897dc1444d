package demand

import "time"

// RefuseLimit is the most that Mesos takes: a year. What does not fit its clock it takes as the default.
const RefuseLimit = 365 * 24 * time.Hour

// refuseIdle is the least time for which offers are refused while no task is pending that could use them.
// A REVIVE lifts it when one comes; until then the master need not ask.
const refuseIdle = time.Hour

// Refuse returns for how long a DECLINE refuses offers for a role.
func (b *Book) Refuse(now time.Time, role string) time.Duration {
	e := b.entry(role)
	refuse := b.refusal(e)
	e.refused, b.standbyAt = true, now.Add(refuse)
	return refuse
}

// RefuseRest returns for how long an ACCEPT refuses what is left over of offers for a role. Not at all if that
// may still be of use: to a task that came after the ACCEPT was decided on, when there had been so many
// arrivals, or to those that wait for it.
func (b *Book) RefuseRest(role string, arrivals int) time.Duration {
	e := b.entry(role)
	refuse := b.refusal(e)
	if b.needs(e) && (e.arrivals > arrivals || b.config.WaitPreferred) {
		refuse = 0
	}
	e.refused = e.refused || refuse > 0
	return refuse
}

// MayBeRefused notes that there may be a refusal in force, for any role, of which nobody knows.
func (b *Book) MayBeRefused() {
	for _, e := range b.roles {
		e.refused = true
	}
}

// refusal returns for how long to refuse offers for a role: drawn anew each time, up to a quarter longer than
// the settings say, so that the refusals of many frameworks do not end in step.
func (b *Book) refusal(e *entry) time.Duration {
	least := b.config.Refuse
	if !b.needs(e) && !b.config.Standby {
		least = max(least, refuseIdle)
	}
	return min(least+time.Duration(b.config.Random()*float64(least/4)), RefuseLimit)
}
