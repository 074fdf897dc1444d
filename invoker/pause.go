package invoker

import "time"

// pause is a time in which something is not tried, since it failed: 1 s at first, then twice as long each time, up to 30 s.
type pause struct {
	until    time.Time // zero: it may be tried
	failures int       // in a row
}

// paused reports whether it must not be tried now.
func (p *pause) paused() bool { return !p.until.IsZero() }

// failed begins a pause, unless one is under way.
func (p *pause) failed(now time.Time) {
	if !p.paused() {
		p.until = now.Add(retryDelay(p.failures))
		p.failures++
	}
}

// worked ends the pause.
func (p *pause) worked() { *p = pause{} }

// over reports whether the pause has ended by now, and ends it.
func (p *pause) over(now time.Time) bool {
	if !due(p.until, now) {
		return false
	}
	p.until = time.Time{}
	return true
}

// retryDelay returns how long to wait after so many failures before the last one.
func retryDelay(failures int) time.Duration {
	return min(time.Second<<min(failures, 5), 30*time.Second)
}

// due reports whether at, if it is set, has come.
func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }
