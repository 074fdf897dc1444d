package taskmatcher

// key says how good a place is: fewer unsatisfied preferences, then a lower score, then the room
// that comes first in the cluster's order.
type key struct {
	score   float64
	penalty int32
	room    int32
}

func (k key) before(other key) bool {
	if k.penalty != other.penalty {
		return k.penalty < other.penalty
	}
	if k.score != other.score {
		return k.score < other.score
	}
	return k.room < other.room
}

// heap gives the best of things that go by small numbers and whose keys change.
type heap struct {
	entries []entry
	at      []int32 // by id: 1 + its place in entries; 0, or out of range: it is not there
}

type entry struct {
	key
	id int32
}

// set puts a thing in, or changes its key.
func (h *heap) set(id int32, k key) {
	for int(id) >= len(h.at) {
		h.at = append(h.at, 0)
	}
	i := int(h.at[id]) - 1
	if i < 0 {
		h.entries = append(h.entries, entry{k, id})
		h.up(len(h.entries) - 1)
		return
	}
	worse := h.entries[i].before(k)
	h.entries[i].key = k
	if worse {
		h.down(i)
	} else {
		h.up(i)
	}
}

// remove takes a thing out, if it is there.
func (h *heap) remove(id int32) {
	if int(id) >= len(h.at) || h.at[id] == 0 {
		return
	}
	i, last := int(h.at[id])-1, len(h.entries)-1
	h.at[id] = 0
	moved := h.entries[last]
	h.entries = h.entries[:last]
	if i == last {
		return
	}
	h.entries[i] = moved
	h.down(i)
	h.up(int(h.at[moved.id]) - 1)
}

// order makes a heap of entries that were appended in any order.
func (h *heap) order() {
	for i := range h.entries {
		h.at[h.entries[i].id] = int32(i + 1)
	}
	for i := len(h.entries)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *heap) up(i int) {
	e := h.entries[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !e.before(h.entries[parent].key) {
			break
		}
		h.put(i, h.entries[parent])
		i = parent
	}
	h.put(i, e)
}

func (h *heap) down(i int) {
	e := h.entries[i]
	for {
		child := 2*i + 1
		if child >= len(h.entries) {
			break
		}
		if child+1 < len(h.entries) && h.entries[child+1].before(h.entries[child].key) {
			child++
		}
		if !h.entries[child].before(e.key) {
			break
		}
		h.put(i, h.entries[child])
		i = child
	}
	h.put(i, e)
}

func (h *heap) put(i int, e entry) {
	h.entries[i] = e
	h.at[e.id] = int32(i + 1)
}
