package task

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
)

// Shape is a key that is equal for specs that are alike to a matcher: they agree in role, group, amounts,
// ports, constraints, preferences, time limit and image. A matcher must not look at anything else,
// since tasks of one shape share a Spec in a [Cycle].
func (s *Spec) Shape() string { return string(s.AppendShape(make([]byte, 0, 128))) }

// AppendShape appends what [Spec.Shape] gives, for those who look at many specs.
func (s *Spec) AppendShape(b []byte) []byte {
	b = text(b, s.Role)
	b = text(b, s.Group)
	for _, amount := range [...]float64{s.CPUs, s.Mem, s.Disk, s.GPUs} {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(amount))
	}
	b = binary.AppendUvarint(b, uint64(len(s.Scalars)))
	if len(s.Scalars) > 0 { // sorting nothing costs an allocation
		for _, name := range slices.Sorted(maps.Keys(s.Scalars)) {
			b = text(b, name)
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(s.Scalars[name]))
		}
	}
	b = binary.AppendUvarint(b, uint64(s.MaxCompletionTime))
	if s.Revocable {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Ports)))
	for _, p := range s.Ports {
		b = binary.BigEndian.AppendUint16(b, p.Host)
		b = binary.BigEndian.AppendUint16(b, p.Container)
		b = text(b, p.Protocol)
		b = text(b, p.Name)
	}
	for _, all := range [...][]Constraint{s.Constraints, s.Preferences} {
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

// text appends a string so that no two sequences of strings look alike.
func text(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}
