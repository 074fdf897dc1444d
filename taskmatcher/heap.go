package taskmatcher

import "slices"

// rank is how good a candidate is: a lower key is better, then fewer preferences that do not hold, then a lower score, then
// an earlier position in the cluster's order.
type rank struct {
	key       int64 // of a partition, see heap; 0: none
	score     float64
	penalty   int32 // number of preferences that do not hold
	candidate int32
}

// before reports whether r is better than other.
func (r rank) before(other rank) bool {
	if r.key != other.key {
		return r.key < other.key
	}
	if r.penalty != other.penalty {
		return r.penalty < other.penalty
	}
	if r.score != other.score {
		return r.score < other.score
	}
	return r.candidate < other.candidate
}

// heap is a binary heap of entries whose ranks may change; the best one is entries[0]. IDs are small numbers. Entries may
// have keys of several numbers, which are compared before their ranks. The first number, mostly the only one, is rank.key.
type heap struct {
	entries   []entry
	positions []int32 // by id: 1 + its index in entries; 0 or out of range: not on the heap
	width     int     // of a key; 0: there are none
	keys      []int64 // by id: those of all IDs, one after the other
}

type entry struct {
	rank
	id int32
}

// set adds an entry, or changes its rank.
func (h *heap) set(id int32, r rank) {
	for int(id) >= len(h.positions) {
		h.positions = append(h.positions, 0)
	}
	i := int(h.positions[id]) - 1
	if i < 0 {
		h.entries = append(h.entries, entry{r, id})
		h.up(len(h.entries) - 1)
		return
	}
	if h.entries[i].rank == r {
		return
	}
	worse := h.entries[i].before(r)
	h.entries[i].rank = r
	if worse {
		h.down(i)
	} else {
		h.up(i)
	}
}

// setKeyed adds an entry with a key, or changes its key and rank.
func (h *heap) setKeyed(id int32, key []int64, r rank) {
	if missing := (int(id)+1)*h.width - len(h.keys); missing > 0 {
		h.keys = append(h.keys, make([]int64, missing)...)
	}
	if h.width > 0 {
		r.key = key[0]
	}
	same := slices.Equal(h.key(id), key)
	copy(h.key(id), key)
	if h.set(id, r); !same && h.width > 1 {
		h.down(int(h.positions[id]) - 1)
		h.up(int(h.positions[id]) - 1)
	}
}

// key returns the key of an entry.
func (h *heap) key(id int32) []int64 { return h.keys[int(id)*h.width:][:h.width] }

// before reports whether an entry is better than another one.
func (h *heap) before(a, b *entry) bool {
	if h.width > 1 && a.rank.key == b.rank.key {
		if order := slices.Compare(h.key(a.id), h.key(b.id)); order != 0 {
			return order < 0
		}
	}
	return a.rank.before(b.rank)
}

// remove removes an entry, if it is there.
func (h *heap) remove(id int32) {
	if int(id) >= len(h.positions) || h.positions[id] == 0 {
		return
	}
	i, last := int(h.positions[id])-1, len(h.entries)-1
	h.positions[id] = 0
	moved := h.entries[last]
	h.entries = h.entries[:last]
	if i == last {
		return
	}
	h.entries[i] = moved
	h.down(i)
	h.up(int(h.positions[moved.id]) - 1)
}

// build makes a heap of entries that were appended in any order.
func (h *heap) build() {
	for i := range h.entries {
		h.positions[h.entries[i].id] = int32(i + 1)
	}
	for i := len(h.entries)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *heap) up(i int) {
	e := h.entries[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !h.before(&e, &h.entries[parent]) {
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
		if child+1 < len(h.entries) && h.before(&h.entries[child+1], &h.entries[child]) {
			child++
		}
		if !h.before(&h.entries[child], &e) {
			break
		}
		h.put(i, h.entries[child])
		i = child
	}
	h.put(i, e)
}

func (h *heap) put(i int, e entry) {
	h.entries[i] = e
	h.positions[e.id] = int32(i + 1)
}
