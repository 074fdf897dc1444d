package scheduler

import (
	"cmp"
	"slices"
)

// caller waits for a task to run, or for its end.
type caller struct {
	ref   ref
	until Until
	owner bool // the task ends if this caller gives up, since nobody else knows of it
	gone  bool // it has given up
}

// callers wait for the same, in the order in which they came, which is that of their numbers. There may be very many, and any of
// them may give up: such a one stays where it is until others are, at the end of the list, or until the list would have to grow.
type callers []caller

// add adds a caller who has come after all others. Nobody waits with number 0.
func (cs *callers) add(c caller) {
	if c.ref == 0 {
		return
	}
	if len(*cs) == cap(*cs) {
		*cs = slices.DeleteFunc(*cs, func(c caller) bool { return c.gone })
		if 2*len(*cs) > cap(*cs) { // otherwise the next one that comes would do this again
			*cs = slices.Grow(*cs, len(*cs))
		}
	}
	*cs = append(*cs, c)
}

// forget removes a caller, and returns it if it was there.
func (cs *callers) forget(gone ref) (c caller, found bool) {
	all := *cs
	at, found := slices.BinarySearchFunc(all, gone, func(c caller, r ref) int { return cmp.Compare(c.ref, r) })
	if !found || all[at].gone {
		return caller{}, false
	}
	c = all[at]
	all[at].gone = true
	for len(all) > 0 && all[0].gone {
		all = all[1:]
	}
	for len(all) > 0 && all[len(all)-1].gone {
		all = all[:len(all)-1]
	}
	if *cs = all; len(all) == 0 {
		*cs = nil
	}
	return c, true
}

// take removes the callers that pick selects, and returns them.
func (cs *callers) take(pick func(caller) bool) []caller {
	var taken []caller
	*cs = slices.DeleteFunc(*cs, func(c caller) bool {
		picked := !c.gone && pick(c)
		if picked {
			taken = append(taken, c)
		}
		return picked || c.gone
	})
	if len(*cs) == 0 {
		*cs = nil
	}
	return taken
}

// takeAll removes all callers, and returns their numbers.
func (cs *callers) takeAll() []ref {
	var all []ref
	for _, c := range *cs {
		if !c.gone {
			all = append(all, c.ref)
		}
	}
	*cs = nil
	return all
}
