package record

import (
	"bytes"
	"context"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Cache has the tasks of a store decoded ahead of time. Its zero value is empty. One goroutine uses it at a time.
//
// It trusts nobody: a task that it has is used only for the very bytes that it was decoded from.
type Cache struct {
	agents  memo[*task.Agent]
	decoder *decoder           // of Update; nil: none yet
	tasks   map[string]*cached // by ID
}

// cached is a task with the records that it was decoded from.
type cached struct {
	source
	value *Task // nil: they are not decoded, or cannot be
}

// Update takes records that have changed, a nil value for one that was deleted, and decodes their tasks until ctx ends. It
// keeps the values, which must not change. What cannot be decoded is left for Decode to report.
func (c *Cache) Update(ctx context.Context, changes map[string][]byte) {
	if c.tasks == nil {
		c.tasks, c.decoder = make(map[string]*cached, len(changes)/2), newDecoder(&c.agents)
	}
	changed := make(map[*cached]*Spec, len(changes)) // with the decoded spec, if that is the same as before
	for key, value := range changes {
		id, ofTask := strings.CutPrefix(key, taskPrefix)
		if !ofTask {
			ofSpec := false
			if id, ofSpec = strings.CutPrefix(key, specPrefix); !ofSpec {
				continue
			}
		}
		t := c.tasks[id]
		if t == nil {
			t = &cached{source: source{id: id}}
			c.tasks[id] = t
		}
		if _, listed := changed[t]; !listed {
			changed[t] = nil
			if t.value != nil && t.value.SpecStored {
				changed[t] = &t.value.Info.Spec
			}
			t.value = nil
		}
		if ofTask {
			t.task = value
		} else {
			t.spec, changed[t] = value, nil
		}
	}
	for t, spec := range changed {
		if t.task == nil && t.spec == nil {
			delete(c.tasks, t.id)
		}
		if t.task == nil || ctx.Err() != nil {
			continue
		}
		value := &Task{}
		if c.decoder.decode(t.source, spec, value) == nil {
			t.value = value
		}
	}
}

// take copies a task that was decoded from the same records, and reports whether there was one.
func (c *Cache) take(from source, t *Task) bool {
	known := c.tasks[from.id]
	if known == nil || known.value == nil || !same(known.task, from.task) || !same(known.spec, from.spec) {
		return false
	}
	*t = *known.value
	return true
}

// same reports whether two records are the same, or both missing.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
