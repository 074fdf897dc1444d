package invoker

import "fmt"

// explain returns why a caller that waits has no container yet.
func (m *machine) explain(r ref) *CapacityError {
	return &CapacityError{Used: m.used, Limit: m.settings.Memory, Waiting: len(m.waiters), Reason: m.reason(m.waiters[r])}
}

func (m *machine) reason(w *waiter) string {
	switch {
	case w == nil || !m.listed:
		return "it is not known yet which containers there are"
	case m.store.paused():
		return "the store fails, so that no container can be bound"
	case m.engine.paused():
		return "the platform is not available"
	case w.key.guard.blocked:
		return "containers of the action died while they served"
	case w.key.coming > 0:
		return "a container is being bound, or resumed"
	case w.key.shape.guard.blocked:
		return fmt.Sprintf("starts fail: %v", w.key.shape.guard.reason)
	case w.key.shape.starting > 0:
		return "containers are starting"
	case m.starting >= m.settings.MaxStarts:
		return "as many containers are starting as may"
	}
	switch largest, known := m.largestAgent(); {
	case known && largest == 0:
		return "there is no agent on which containers may be started"
	case known && largest < w.key.Memory:
		return fmt.Sprintf("no agent has %d MiB: the largest has %d", w.key.Memory, largest)
	}
	return fmt.Sprintf("there is no room for %d MiB", w.key.Memory)
}
