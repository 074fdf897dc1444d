package invoker

import "time"

// reviewEvery is how often the machine looks at all that does not change by itself: what idle containers are worth, how many stem
// cells are wanted, and which agents can become empty.
const reviewEvery = 10 * time.Second

// review looks at everything once in a while, as long as there are containers.
func (m *machine) review(now time.Time) {
	m.nextReview = time.Time{}
	if len(m.containers) > 0 {
		m.nextReview = now.Add(reviewEvery)
	}
	m.reviewStems(now)
	m.idle.Revalue(func(c *container) float64 {
		if c.key != nil {
			m.reviewKey(now, c.key)
			m.arm(c)
		}
		return m.value(now, c)
	})
	m.forgetUnused(now)
}

// forgetUnused forgets keys and shapes that nobody has used for long, once there are twice as many as at the last time.
func (m *machine) forgetUnused(now time.Time) {
	if len(m.keys) <= m.manyKeys {
		return
	}
	for key, k := range m.keys {
		if k.bound == 0 && k.waiters.size == 0 && !k.breaker.Open() && !now.Before(k.used.Add(keepHistory)) {
			delete(m.keys, key)
		}
	}
	m.manyKeys = max(minKeys, 2*len(m.keys))
}

const (
	keepHistory = 4 * time.Hour // how long a key that is not used is remembered
	minKeys     = 1000          // so many are not looked through
)
