// Package ordered has a list that is in the order of numbers which its values have, such as the order in which they came.
//
// It is made for very many values: to add, find, replace or remove one takes about the same time in a list of a million as in
// one of a thousand, wherever in the order it is. A [Snapshot] of all values takes microseconds, whatever their number is, and
// never changes: it may be read on another goroutine while the list goes on.
//
// The values are in chunks of up to 256, and the list is a slice of chunks: what is moved to make or close a gap is a chunk, not
// all of the list. A snapshot shares the chunks with the list, which copies a chunk before it changes it for the first time
// since then.
//
// The package does not copy values. If these are pointers, who changes what they point to has to know whether a snapshot has it:
// that is what an [Epoch] is for. A list is not safe for concurrent use; its snapshots are.
package ordered

import (
	"cmp"
	"iter"
	"slices"
)

// chunkSize is how many values a chunk has at most: at 8 bytes each, to copy one takes as long as a few allocations.
const chunkSize = 256

// List is a list of values in the order of their numbers, of which each has another one.
type List[T any] struct {
	number func(T) int
	chunks []chunk[T] // none is empty
	size   int
	epoch  *Epoch[T]
}

// chunk is a part of a list.
type chunk[T any] struct {
	items []T
	from  int       // the numbers in it are at least this, and those before it are lower
	since *Epoch[T] // when the array of items was made: no snapshot has it if that is the present epoch
}

// Epoch is the time between two snapshots of a list.
type Epoch[T any] struct{ list *List[T] }

// New returns an empty list of values that have these numbers.
func New[T any](number func(T) int) *List[T] {
	l := &List[T]{number: number}
	l.epoch = &Epoch[T]{l}
	return l
}

// Len returns how many values there are.
func (l *List[T]) Len() int { return l.size }

// First returns the value with the lowest number, and false if there is none.
func (l *List[T]) First() (first T, ok bool) {
	if l.size == 0 {
		return first, false
	}
	return l.chunks[0].items[0], true
}

// Get returns the value with a number, and false if there is none.
func (l *List[T]) Get(number int) (v T, found bool) {
	c, at, found := l.lookUp(number)
	if !found {
		return v, false
	}
	return l.chunks[c].items[at], true
}

// All yields the values in order. The list must not be changed meanwhile.
func (l *List[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range l.chunks {
			for _, v := range l.chunks[i].items {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// Add adds a value, whose number no other one has, in its place.
func (l *List[T]) Add(v T) {
	n := l.number(v)
	l.size++
	c, at := l.chunkOf(n), 0
	if c >= 0 {
		at, _ = l.find(c, n)
	}
	switch last := len(l.chunks) - 1; {
	case c < 0:
		l.chunks = append(l.chunks, chunk[T]{items: []T{v}, from: n, since: l.epoch})
		return
	case c == last && at == chunkSize: // values that come in order fill their chunks
		l.chunks = append(l.chunks, chunk[T]{items: append(make([]T, 0, chunkSize), v), from: n, since: l.epoch})
		return
	case len(l.chunks[c].items) == chunkSize:
		l.split(c)
		if at > chunkSize/2 {
			c, at = c+1, at-chunkSize/2
		}
	}
	to := l.own(c, 1)
	to.items = slices.Insert(to.items, at, v)
	to.from = min(to.from, n)
}

// Replace puts v in the place of the value with its number, and reports whether there was one.
func (l *List[T]) Replace(v T) bool {
	c, at, found := l.lookUp(l.number(v))
	if found {
		l.own(c, 0).items[at] = v
	}
	return found
}

// Remove removes the value with a number, and reports whether there was one.
func (l *List[T]) Remove(number int) bool {
	c, at, found := l.lookUp(number)
	if !found {
		return false
	}
	l.size--
	if len(l.chunks[c].items) == 1 {
		l.chunks = slices.Delete(l.chunks, c, c+1)
		return true
	}
	of := l.own(c, 0)
	of.items = slices.Delete(of.items, at, at+1)
	l.join(c)
	l.join(c - 1)
	return true
}

// TakeFirst removes values from the front, as long as pick selects them, and returns them.
func (l *List[T]) TakeFirst(pick func(T) bool) []T {
	var taken []T
	chunks := 0 // that are taken as a whole
	for ; chunks < len(l.chunks); chunks++ {
		items := l.chunks[chunks].items
		n := slices.IndexFunc(items, func(v T) bool { return !pick(v) })
		if n < 0 {
			taken = append(taken, items...)
			continue
		}
		if n > 0 {
			taken = append(taken, items[:n]...)
			of := l.own(chunks, 0)
			of.items = slices.Delete(of.items, 0, n)
		}
		break
	}
	l.chunks = slices.Delete(l.chunks, 0, chunks)
	l.size -= len(taken)
	l.join(0)
	return taken
}

// RemoveAll removes the values that pick selects, in one pass.
func (l *List[T]) RemoveAll(pick func(T) bool) {
	stay := New(l.number)
	for v := range l.All() {
		if !pick(v) {
			stay.Add(v)
		}
	}
	if stay.size == l.size {
		return
	}
	l.chunks, l.size = stay.chunks, stay.size
	for i := range l.chunks {
		l.chunks[i].since = l.epoch
	}
}

// chunkOf returns the chunk in which the value with a number is if there is one, -1 if there are no chunks.
func (l *List[T]) chunkOf(number int) int {
	after, _ := slices.BinarySearchFunc(l.chunks, number, func(c chunk[T], n int) int {
		if c.from <= n {
			return -1
		}
		return 1
	})
	return max(after-1, min(0, len(l.chunks)-1))
}

// find returns where in a chunk the value with a number is, or would be.
func (l *List[T]) find(c, number int) (at int, found bool) {
	return slices.BinarySearchFunc(l.chunks[c].items, number, func(v T, n int) int { return cmp.Compare(l.number(v), n) })
}

func (l *List[T]) lookUp(number int) (c, at int, found bool) {
	if c = l.chunkOf(number); c < 0 {
		return 0, 0, false
	}
	at, found = l.find(c, number)
	return c, at, found
}

// own returns a chunk that may be changed, with room for that many more: no snapshot has its array.
func (l *List[T]) own(c, more int) *chunk[T] {
	of := &l.chunks[c]
	room, need := cap(of.items), len(of.items)+more
	if of.since != l.epoch || need > room {
		if need > room {
			room = min(max(need, 2*room), chunkSize)
		}
		of.items = append(make([]T, 0, room), of.items...)
		of.since = l.epoch
	}
	return of
}

// split makes two of a full chunk.
func (l *List[T]) split(c int) {
	of := l.own(c, 0)
	second := append(make([]T, 0, chunkSize), of.items[chunkSize/2:]...)
	clear(of.items[chunkSize/2:])
	of.items = of.items[:chunkSize/2]
	l.chunks = slices.Insert(l.chunks, c+1, chunk[T]{items: second, from: l.number(second[0]), since: l.epoch})
}

// join makes one of a chunk and the next one if both are small, so that a list that was long does not stay many chunks.
func (l *List[T]) join(c int) {
	if c < 0 || c+1 >= len(l.chunks) || len(l.chunks[c].items)+len(l.chunks[c+1].items) > chunkSize/2 {
		return
	}
	next := l.chunks[c+1].items
	to := l.own(c, len(next))
	to.items = append(to.items, next...)
	l.chunks = slices.Delete(l.chunks, c+1, c+2)
}
