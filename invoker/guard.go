package invoker

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/breaker"
)

// guard slows down what keeps failing: the starts of a shape, or a key whose containers die while they serve.
type guard struct {
	breaker breaker.Breaker
	blocked bool      // nothing may be begun at present
	until   time.Time // when that ends; zero: with the trial that is under way
	reason  error     // of the last failure, if it is that of a shape
	shape   *shapeState
	key     *keyState // nil: it is that of the shape

	number        uint64 // in which order they were first blocked
	timerPosition int
}

func (g *guard) position() *int { return &g.timerPosition }

// before orders guards by when the machine has to look at them.
func (g *guard) before(o *guard) bool {
	if !g.until.Equal(o.until) {
		return g.until.Before(o.until)
	}
	return g.number < o.number
}
