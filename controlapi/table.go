package controlapi

import (
	"slices"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// table has the tasks on record. It is guarded by the mutex of the hub.
type table struct {
	byID   map[string]*item
	order  []*item // of submission
	serial int     // of the last one
	counts map[task.State]int
	keys   map[string]string // the ID of a task that was submitted with a RequestID
	base   uint64            // versions up to this one were there when the table was filled
}

func newTable(infos []task.Info, base uint64) *table {
	t := &table{byID: make(map[string]*item, len(infos)), counts: map[task.State]int{}, keys: map[string]string{}, base: base}
	for i := range infos {
		t.add(infos[i])
		t.base = max(t.base, infos[i].Version)
	}
	return t
}

func (t *table) add(info task.Info) *item {
	t.serial++
	it := newItem(info, t.serial)
	t.byID[info.Spec.ID] = it
	t.order = append(t.order, it)
	t.counts[info.State]++
	if key := info.Spec.RequestID; key != "" {
		t.keys[key] = info.Spec.ID
	}
	return it
}

// set takes a task after a change. It returns nil for a change that is older than what is known.
func (t *table) set(info task.Info) *item {
	old := t.byID[info.Spec.ID]
	switch {
	case old == nil && info.Version <= t.base:
		return nil // it was removed since
	case old == nil:
		return t.add(info)
	case info.Version <= old.info.Version:
		return nil
	}
	it := newItem(info, old.serial)
	t.byID[info.Spec.ID] = it
	t.order[t.position(old.serial)] = it
	t.count(old.info.State, -1)
	t.counts[info.State]++
	return it
}

// remove removes a task, unless it is a newer one with the same ID.
func (t *table) remove(id string, version uint64) {
	old := t.byID[id]
	if old == nil || old.info.Version > version {
		return
	}
	delete(t.byID, id)
	if key := old.info.Spec.RequestID; t.keys[key] == id {
		delete(t.keys, key)
	}
	at := t.position(old.serial)
	t.order = slices.Delete(t.order, at, at+1)
	t.count(old.info.State, -1)
}

func (t *table) count(s task.State, n int) {
	if t.counts[s] += n; t.counts[s] == 0 {
		delete(t.counts, s)
	}
}

// position returns where the item with a serial number is, or would be.
func (t *table) position(serial int) int {
	at, _ := slices.BinarySearchFunc(t.order, serial, func(it *item, serial int) int { return it.serial - serial })
	return at
}

// following returns up to n items that follow the one with a serial number.
func (t *table) following(serial, n int) []*item {
	at := t.position(serial + 1)
	return slices.Clone(t.order[at:min(at+n, len(t.order))])
}

func countsByName(counts map[task.State]int) map[string]int {
	byName := make(map[string]int, len(counts))
	for state, n := range counts {
		byName[state.String()] = n
	}
	return byName
}
