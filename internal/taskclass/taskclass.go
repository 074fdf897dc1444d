// Package taskclass gives the tasks that a matcher cannot tell apart the same key, see [task.Demand]. It has no goroutines.
package taskclass

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Key returns the key of a spec's class: the fields that a matcher may look at.
func Key(s *task.Spec) string { return string(AppendKey(make([]byte, 0, 128), s)) }

// AppendKey appends the result of [Key] to b and returns the extended slice. It saves allocations where many specs
// are classified.
func AppendKey(b []byte, s *task.Spec) []byte {
	b = text(b, s.Role)
	b = text(b, s.Group)
	for _, amount := range [...]float64{s.CPUs, s.Mem, s.Disk, s.GPUs} {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(amount))
	}
	if b = flag(b, s.Executor != nil); s.Executor != nil {
		for _, amount := range [...]float64{s.Executor.CPUs, s.Executor.Mem, s.Executor.Disk} {
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(amount))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(s.Scalars)))
	if len(s.Scalars) > 0 { // sorting an empty map would allocate
		for _, name := range slices.Sorted(maps.Keys(s.Scalars)) {
			b = text(b, name)
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(s.Scalars[name]))
		}
	}
	b = binary.AppendUvarint(b, uint64(s.MaxCompletionTime))
	b = flag(b, s.Revocable)
	b = binary.AppendUvarint(b, uint64(len(s.Ports)))
	for _, p := range s.Ports {
		b = binary.BigEndian.AppendUint16(b, p.Host)
		b = binary.BigEndian.AppendUint16(b, p.Container)
		b = flag(b, p.NoHost)
		b = text(b, p.Protocol)
		b = text(b, p.Name)
	}
	for _, all := range [...][]task.Constraint{s.Constraints, s.Preferences} {
		b = binary.AppendUvarint(b, uint64(len(all)))
		for _, c := range all {
			b = text(b, c.Attribute)
			b = text(b, string(c.Operator))
			b = text(b, c.Value)
		}
	}
	if s.Container != nil {
		b = text(b, s.Container.Image)
	} else {
		b = text(b, "")
	}
	return b
}

// GroupsBy reports whether a spec has GROUP_BY among its constraints or preferences.
func GroupsBy(s *task.Spec) bool {
	isGroupBy := func(c task.Constraint) bool { return c.Operator == task.OpGroupBy }
	return slices.ContainsFunc(s.Constraints, isGroupBy) || slices.ContainsFunc(s.Preferences, isGroupBy)
}

// text appends a string behind its length, so that different sequences of strings are encoded differently.
func text(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func flag(b []byte, set bool) []byte {
	if set {
		return append(b, 1)
	}
	return append(b, 0)
}
