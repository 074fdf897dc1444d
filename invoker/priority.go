package invoker

// ordered is an element of a [priority] queue, which keeps the element's position there, counted from 1. 0: it is in none.
type ordered[T any] interface {
	before(T) bool
	position() *int
}

// priority is a queue that has the element before all others first. An element is in at most one queue of its kind.
type priority[T ordered[T]] struct{ elements []T }

// first returns the first element.
func (q *priority[T]) first() (T, bool) {
	if len(q.elements) == 0 {
		var none T
		return none, false
	}
	return q.elements[0], true
}

// put adds an element, or moves it to where it belongs by now.
func (q *priority[T]) put(x T) {
	p := x.position()
	if *p == 0 {
		q.elements = append(q.elements, x)
		*p = len(q.elements)
	}
	q.up(*p - 1)
	q.down(*p - 1)
}

// remove takes an element out, if it is in.
func (q *priority[T]) remove(x T) {
	p := x.position()
	if *p == 0 {
		return
	}
	i, last := *p-1, len(q.elements)-1
	q.swap(i, last)
	var none T
	q.elements[last] = none
	q.elements = q.elements[:last]
	*p = 0
	if i < last {
		q.up(i)
		q.down(i)
	}
}

func (q *priority[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q.elements[i].before(q.elements[parent]) {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q *priority[T]) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(q.elements) {
			return
		}
		if right := child + 1; right < len(q.elements) && q.elements[right].before(q.elements[child]) {
			child = right
		}
		if !q.elements[child].before(q.elements[i]) {
			return
		}
		q.swap(i, child)
		i = child
	}
}

func (q *priority[T]) swap(i, j int) {
	q.elements[i], q.elements[j] = q.elements[j], q.elements[i]
	*q.elements[i].position(), *q.elements[j].position() = i+1, j+1
}
