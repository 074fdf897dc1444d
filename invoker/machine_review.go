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
}
