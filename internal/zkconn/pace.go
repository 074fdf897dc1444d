package zkconn

import "time"

// Pace bounds how often something is done that others cause: as often as Burst at once, and then once in each Interval.
type Pace struct {
	Burst    int
	Interval time.Duration

	paid time.Time // each time takes an Interval of it; it may be up to Burst of them ahead of now
}

// Next returns how long to wait before the next time, and counts it.
func (p *Pace) Next(now time.Time) time.Duration {
	wait := p.wait(now)
	p.paid = p.paid.Add(p.Interval)
	return wait
}

// Take reports whether it may be done now, and counts it if so.
func (p *Pace) Take(now time.Time) bool {
	return p.wait(now) == 0 && p.Next(now) == 0
}

func (p *Pace) wait(now time.Time) time.Duration {
	if p.paid.Before(now) {
		p.paid = now
	}
	return max(0, p.paid.Sub(now)-time.Duration(p.Burst-1)*p.Interval)
}
