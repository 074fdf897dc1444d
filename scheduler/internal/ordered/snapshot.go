package ordered

import "iter"

// Snapshot is what a list had at a moment. Its zero value is empty. It may be read on any goroutine.
type Snapshot[T any] struct {
	chunks [][]T
	size   int
}

// Snapshot returns what the list has now, and begins another epoch.
func (l *List[T]) Snapshot() Snapshot[T] {
	s := Snapshot[T]{chunks: make([][]T, len(l.chunks)), size: l.size}
	for i := range l.chunks {
		s.chunks[i] = l.chunks[i].items
	}
	l.epoch = &Epoch[T]{l}
	return s
}

// Len returns how many values there are.
func (s Snapshot[T]) Len() int { return s.size }

// All yields the values in order.
func (s Snapshot[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, items := range s.chunks {
			for _, v := range items {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// Epoch returns the present epoch.
func (l *List[T]) Epoch() *Epoch[T] { return l.epoch }

// Over reports whether a snapshot was made since: it may have what was in the list then. It never is for nil, the epoch of what
// has been in no list.
func (e *Epoch[T]) Over() bool { return e != nil && e.list.epoch != e }

// Replace puts v, which no snapshot has, into the list in place of the value with its number, and returns the present epoch. If
// that value has left the list, it does nothing else.
func (e *Epoch[T]) Replace(v T) *Epoch[T] {
	e.list.Replace(v)
	return e.list.epoch
}
