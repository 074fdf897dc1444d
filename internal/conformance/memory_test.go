package conformance

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"
)

// memory is a store that can be made to fail, and whose records can be read.
type memory struct {
	mu      sync.Mutex
	records map[string][]byte
	broken  bool
	slow    time.Duration // how long Apply takes
	late    time.Duration // how long after Apply has returned the records change
}

var errBroken = errors.New("conformance: the store is broken")

func newMemory() *memory { return &memory{records: map[string][]byte{}} }

func (m *memory) Load(context.Context) (map[string][]byte, error) { return m.snapshot(), nil }

func (m *memory) Apply(ctx context.Context, changes map[string][]byte) error {
	select {
	case <-time.After(m.slow):
	case <-ctx.Done():
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errBroken
	}
	if m.late > 0 {
		time.AfterFunc(m.late, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.write(changes)
		})
		return nil
	}
	m.write(changes)
	return nil
}

func (m *memory) write(changes map[string][]byte) {
	for key, value := range changes {
		if value == nil {
			delete(m.records, key)
		} else {
			m.records[key] = value
		}
	}
}

func (m *memory) snapshot() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.records)
}

func (m *memory) setBroken(broken bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = broken
}
