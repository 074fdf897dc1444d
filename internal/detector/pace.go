package detector

import "time"

const (
	// lookBurst is how many changes of the election are looked at at once. Masters that are restarted one after the other
	// cause a few.
	lookBurst = 10
	// lookInterval is the time between two looks after that, while changes are reported without end: 30 a minute. A leader
	// is then known so much later.
	lookInterval = 2 * time.Second
)

// pace bounds how often the election is looked at. It is kept from session to session.
type pace struct {
	paid time.Time // each look takes lookInterval of it, which may be up to lookBurst of them ahead
}

// next returns how long to wait before the next look, and counts it.
func (p *pace) next(now time.Time) time.Duration {
	if p.paid.Before(now) {
		p.paid = now
	}
	wait := max(0, p.paid.Sub(now)-(lookBurst-1)*lookInterval)
	p.paid = p.paid.Add(lookInterval)
	return wait
}
