package victims

import (
	"cmp"
	"math"
	"slices"
)

// choice is a set of containers of one agent that suffices.
type choice[C any] struct {
	agent  *Agent[C]
	offers []offer
	value  float64
}

// cheapest returns some of x.offers that have at least the missing memory, none of which can be left out, and what they are worth: at
// most twice as much as the best such set. If that is more than limit, it may return +Inf. All offers together must suffice.
//
// It takes the offers in the order of their price, but not one with which the sum would suffice: that one is a way to complete
// the sum, and the best of these is the answer. To take it at once would be wrong: a big container may be cheap per MiB and dear
// as a whole, where a small one that comes later would do.
func (x *Index[C]) cheapest(missing int, limit float64) ([]offer, float64) {
	if missing <= 0 {
		return nil, 0
	}
	x.taken, x.found = x.taken[:0], x.found[:0]
	memory, value, foundValue := 0, 0.0, math.Inf(1)
	heap := x.offers
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	for len(heap) > 0 {
		o := heap[0]
		// What is missing costs at least the present price, the lowest that is left.
		if least := value + o.price*float64(missing-memory); least >= foundValue || least > limit {
			break
		}
		last := len(heap) - 1
		heap[0], heap = heap[last], heap[:last]
		sink(heap, 0)
		switch {
		case memory+o.memory < missing:
			x.taken = append(x.taken, o)
			memory += o.memory
			value += o.value
		case value+o.value < foundValue:
			x.found = append(append(x.found[:0], x.taken...), o)
			foundValue = value + o.value
		}
	}
	return needed(x.found, missing, foundValue)
}

// sink moves the offer at i down in a heap, the root of which comes before all others.
func sink(heap []offer, i int) {
	for {
		first := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(heap) && heap[child].before(&heap[first]) {
				first = child
			}
		}
		if first == i {
			return
		}
		heap[i], heap[first] = heap[first], heap[i]
		i = first
	}
}

// needed leaves out what is not needed, the dearest first, and returns the rest with its value.
func needed(offers []offer, missing int, value float64) ([]offer, float64) {
	slices.SortStableFunc(offers, func(o, p offer) int { return cmp.Compare(p.value, o.value) })
	memory := 0
	for _, o := range offers {
		memory += o.memory
	}
	kept := offers[:0]
	for _, o := range offers {
		if memory-o.memory >= missing {
			memory -= o.memory
			value -= o.value
			continue
		}
		kept = append(kept, o)
	}
	return kept, value
}
