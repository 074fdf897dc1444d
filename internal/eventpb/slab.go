package eventpb

// slab hands out the elements of one slice.
type slab[T any] struct {
	all  []T
	used int
}

// newSlab returns a slab of n elements.
func newSlab[T any](n uint32) slab[T] {
	if n == 0 {
		return slab[T]{}
	}
	return slab[T]{all: make([]T, n)}
}

// one returns the next element.
func (s *slab[T]) one() *T {
	s.used++
	return &s.all[s.used-1]
}

// add appends the next element to a list and returns it. The list must be empty, or nothing may have been taken since the list's
// last element: so no message may have two lists of one type. The list has no room: who appends to it gets a copy, and does not
// write into what comes behind it.
func (s *slab[T]) add(list *[]T) *T {
	s.used++
	*list = s.all[s.used-1-len(*list) : s.used : s.used]
	return &s.all[s.used-1]
}
