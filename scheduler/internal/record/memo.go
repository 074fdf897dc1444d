package record

import "sync"

// memo remembers what was decoded, by its bytes, so that equal records share the result and only the first
// of them costs something. Goroutines may share it.
type memo[T any] struct {
	limit int // of what is remembered; 0: none
	mu    sync.Mutex
	known map[string]T
}

func (m *memo[T]) decode(value []byte, decode func([]byte) (T, error)) (T, error) {
	m.mu.Lock()
	result, ok := m.known[string(value)]
	m.mu.Unlock()
	if ok {
		return result, nil
	}
	result, err := decode(value)
	if err != nil {
		return result, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if first, ok := m.known[string(value)]; ok {
		return first, nil // of another goroutine
	}
	if m.known == nil {
		m.known = map[string]T{}
	}
	if m.limit > 0 && len(m.known) >= m.limit {
		for key := range m.known { // any one: whatever goes in turns would never be found by age
			delete(m.known, key)
			break
		}
	}
	m.known[string(value)] = result
	return result, nil
}
