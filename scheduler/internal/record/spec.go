package record

import (
	"slices"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Spec is a spec in a form that takes little memory: what tasks have in common they share. Whole returns it as it was.
type Spec struct {
	ID, RequestID string
	base          *task.Spec // the spec, or one like it, without ID and RequestID; shared, so that it is never changed; nil: an empty one
	own           string     // in what the spec differs from base, see difference; "": in nothing
}

// Base returns a spec that says the same but for ID, RequestID, Name, Pod, labels, and of its command all but secrets, URIs and
// user. It must not be changed.
func (s Spec) Base() *task.Spec {
	if s.base == nil {
		return &task.Spec{}
	}
	return s.base
}

// Pod returns Spec.Pod.
func (s Spec) Pod() string {
	if s.own != "" && s.own[0] == podDiffers {
		pod, _ := cutText(s.own[1:])
		return pod
	}
	return s.Base().Pod
}

// Whole returns the spec. What it points to must not be changed.
func (s Spec) Whole() task.Spec {
	whole := *s.Base()
	whole.ID, whole.RequestID = s.ID, s.RequestID
	if s.own != "" {
		applyDifference(&whole, s.own)
	}
	return whole
}

// NewSpec returns a spec that shares nothing. The argument must not be changed afterwards.
func NewSpec(s task.Spec) Spec {
	compact := Spec{ID: s.ID, RequestID: s.RequestID, base: &s}
	s.ID, s.RequestID = "", ""
	// Who appends to a list gets a copy, and does not write into the room behind one that others share.
	s.Ports, s.Constraints, s.Preferences = slices.Clip(s.Ports), slices.Clip(s.Constraints), slices.Clip(s.Preferences)
	s.Command.Argv, s.Command.URIs = slices.Clip(s.Command.Argv), slices.Clip(s.Command.URIs)
	return compact
}

// basesKnown is how many specs of a class are remembered for others to share them.
const basesKnown = 4

// Bases are the last specs of a class of tasks that were unlike all others before. Its zero value has none.
type Bases struct {
	known [basesKnown]*task.Spec
	next  int // to be replaced
}

// Share returns a spec that says the same as s, which shares nothing yet, and shares what it can with earlier ones.
func (b *Bases) Share(s Spec) Spec {
	if shared, found := b.find(s.base); found {
		shared.ID, shared.RequestID = s.ID, s.RequestID
		return shared
	}
	if like := b.known[0]; like != nil {
		shareParts(s.base, like)
	}
	b.Add(&s)
	return s
}

// find returns a spec that says the same as s but for ID and RequestID, if an earlier one is like it. It does not keep s.
func (b *Bases) find(s *task.Spec) (Spec, bool) {
	for _, base := range b.known {
		if base != nil && alike(base, s) {
			return Spec{base: base, own: difference(base, s)}, true
		}
	}
	return Spec{}, false
}

// Add lets others share the base of a spec.
func (b *Bases) Add(s *Spec) {
	if s.base == nil || slices.Contains(b.known[:], s.base) {
		return
	}
	b.known[b.next] = s.base
	b.next = (b.next + 1) % basesKnown
}
