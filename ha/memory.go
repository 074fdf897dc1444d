package ha

import (
	"bytes"
	"context"
	"sync"
)

// Memory is a store in memory: its records end with the process. The zero value is an empty store.
type Memory struct {
	mu      sync.Mutex
	records map[string][]byte
}

// Load returns all records. The map and its values belong to the caller, and none is nil. Its only error is the cause
// of a ctx that has ended.
func (m *Memory) Load(ctx context.Context) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	records := make(map[string][]byte, len(m.records))
	for key, value := range m.records {
		records[key] = bytes.Clone(value)
	}
	return records, nil
}

// Apply writes the changes, all or none; a nil value deletes, an empty one does not. When it returns an error, a
// [*RecordError] or the cause of a ctx that has ended, it has changed nothing.
func (m *Memory) Apply(ctx context.Context, changes map[string][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := storable(changes); err != nil {
		return err
	}
	if m.records == nil {
		m.records = make(map[string][]byte, len(changes))
	}
	for key, value := range changes {
		if value == nil {
			delete(m.records, key)
		} else {
			m.records[key] = bytes.Clone(value)
		}
	}
	return nil
}
