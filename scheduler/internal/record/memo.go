package record

import "sync"

// memo caches decoded values by their bytes, so that equal records are decoded once and share the result. It is safe
// for concurrent use.
type memo[T any] struct {
	mu    sync.Mutex
	known map[string]T
}

// decode returns what decode returns for value, and remembers it among at most limit others.
func (m *memo[T]) decode(value []byte, limit int, decode func([]byte) (T, error)) (T, error) {
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
		return first, nil // decoded by another goroutine meanwhile
	}
	if m.known == nil {
		m.known = map[string]T{}
	}
	if len(m.known) >= limit {
		for key := range m.known { // any one: with records that repeat in a cycle, dropping the oldest would never hit
			delete(m.known, key)
			break
		}
	}
	m.known[string(value)] = result
	return result, nil
}
