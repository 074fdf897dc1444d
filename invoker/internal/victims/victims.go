// Package victims chooses which idle containers are removed to make room for one that is to be started.
//
// A container starts on one agent, so that memory which becomes free on several agents is of no use: all victims are on the
// same agent, where they, with what is free, suffice. Among the agents, the one is chosen on which they are worth least.
//
// An [Index] holds the idle containers by agent. Its owner puts a container in when it becomes idle, takes it out when it is
// used or removed, and says now and then what each is worth, since that changes with time. A choice reads nothing but the index.
//
// The package promises that what is chosen suffices, that each victim is needed, and that the victims are worth at most twice
// as much as the best set on any agent, among those that were not used lately. It does not promise the best set, which is a
// knapsack problem. It has no lock, clock or goroutine.
package victims

import (
	"math"
	"slices"
	"time"
)

// Index holds idle containers by agent. C is the owner's name for a container. The zero value is empty.
type Index[C any] struct {
	agents []*Agent[C]

	offers, taken, found []offer // of the agent that is looked at; kept for the next choice
}

// Agent is a machine on which containers run. Its owner keeps Free and Busy up to date.
type Agent[C any] struct {
	Free int // MiB that a further container can have; may be negative
	Busy int // containers that cannot be removed

	idle   []entry[C]
	memory int     // MiB of the idle ones
	lowest float64 // none of them has a lower price
}

// Slot is where a container is in an [Index]. It belongs to the container, and must not move while that is in the index. The zero
// value is in none.
type Slot[C any] struct {
	agent *Agent[C]
	at    int
}

// Candidate is an idle container that may be removed.
type Candidate[C any] struct {
	Container C
	Memory    int       // MiB, > 0
	Value     float64   // what removing it costs, in any unit, >= 0
	Used      time.Time // when it was last used
}

// entry is an idle container of an agent.
type entry[C any] struct {
	offer
	container C
	slot      *Slot[C]
}

// offer is what the choice looks at.
type offer struct {
	price  float64 // value per MiB
	value  float64
	used   int64 // nanoseconds since 1970
	memory int
	at     int // in the idle containers of the agent; set in a choice only
}

// before is the order in which containers are looked at: the lowest price first, of equals the one that was not used for
// longest, and then the biggest.
func (o *offer) before(p *offer) bool {
	switch {
	case o.price != p.price:
		return o.price < p.price
	case o.used != p.used:
		return o.used < p.used
	case o.memory != p.memory:
		return o.memory > p.memory
	}
	return o.at < p.at
}

// Add adds an agent without containers. Between agents that are equally good, the one that was added first is chosen.
func (x *Index[C]) Add() *Agent[C] {
	a := &Agent[C]{}
	x.agents = append(x.agents, a)
	return a
}

// Remove removes an agent, with all its containers.
func (x *Index[C]) Remove(a *Agent[C]) {
	for _, e := range a.idle {
		*e.slot = Slot[C]{}
	}
	a.idle, a.memory = nil, 0
	x.agents = slices.DeleteFunc(x.agents, func(b *Agent[C]) bool { return a == b })
}

// Len returns how many idle containers are on the agent.
func (a *Agent[C]) Len() int { return len(a.idle) }

// Put puts a container in, which must not be in an index.
func (a *Agent[C]) Put(s *Slot[C], c Candidate[C]) {
	*s = Slot[C]{agent: a, at: len(a.idle)}
	price := c.Value / float64(c.Memory)
	if len(a.idle) == 0 || price < a.lowest {
		a.lowest = price
	}
	a.idle = append(a.idle, entry[C]{container: c.Container, slot: s, offer: offer{
		price: price, value: c.Value, used: c.Used.UnixNano(), memory: c.Memory,
	}})
	a.memory += c.Memory
}

// Take takes a container out. It does nothing if the container is not in an index.
func (s *Slot[C]) Take() {
	a := s.agent
	if a == nil {
		return
	}
	last := len(a.idle) - 1
	a.memory -= a.idle[s.at].memory
	a.idle[s.at] = a.idle[last]
	a.idle[s.at].slot.at = s.at
	a.idle[last] = entry[C]{}
	a.idle = a.idle[:last]
	*s = Slot[C]{}
}

// Revalue asks for the value of each container anew.
func (x *Index[C]) Revalue(value func(C) float64) {
	for _, a := range x.agents {
		a.lowest = math.Inf(1)
		for i := range a.idle {
			e := &a.idle[i]
			e.value = value(e.container)
			e.price = e.value / float64(e.memory)
			a.lowest = min(a.lowest, e.price)
		}
	}
}

// Value returns what the idle containers of an agent are worth together.
func (a *Agent[C]) Value() float64 {
	value := 0.0
	for i := range a.idle {
		value += a.idle[i].value
	}
	return value
}

// Choose returns the agent on which room for a container of so many MiB is made, and the containers that have to be removed
// for that, none if there is room already. Containers that were used after the time spare are chosen only if the others
// suffice on no agent. Without a solution the agent is nil.
func (x *Index[C]) Choose(need int, spare time.Time) (*Agent[C], []C) {
	best := x.best(need, spare.UnixNano())
	if best.agent == nil {
		best = x.best(need, math.MaxInt64)
	}
	if best.agent == nil {
		return nil, nil
	}
	chosen := make([]C, len(best.offers))
	for i, o := range best.offers {
		chosen[i] = best.agent.idle[o.at].container
	}
	return best.agent, chosen
}

// ChooseAnywhere returns containers to be removed, on whatever agents, so that so many MiB become free in all. Nil: all together
// are not enough.
func (x *Index[C]) ChooseAnywhere(missing int, spare time.Time) []C {
	all := Agent[C]{}
	for _, a := range x.agents {
		all.idle = append(all.idle, a.idle...)
		all.memory += a.memory
	}
	one := Index[C]{agents: []*Agent[C]{&all}}
	_, chosen := one.Choose(missing, spare)
	return chosen
}

// best returns the best choice among containers that were not used after spare.
func (x *Index[C]) best(need int, spare int64) choice[C] {
	best := choice[C]{value: math.Inf(1)}
	for _, a := range x.agents {
		missing := need - a.Free
		if missing > a.memory || !best.canBeBeaten(a, missing) || a.collect(missing, spare, &x.offers) < missing {
			continue
		}
		offers, value := x.cheapest(missing, best.value)
		if value < best.value || value == best.value && best.agent != nil && a.Busy < best.agent.Busy {
			best = choice[C]{agent: a, offers: append(best.offers[:0], offers...), value: value}
		}
	}
	return best
}

// canBeBeaten reports whether an agent may have something better: nothing there is worth less than what is missing at the lowest
// price. Most agents need not be looked at further.
func (c *choice[C]) canBeBeaten(a *Agent[C], missing int) bool {
	least := a.lowest * float64(max(missing, 0))
	return least < c.value || least == c.value && c.agent != nil && a.Busy < c.agent.Busy
}

// collect replaces what is in offers by the containers of the agent that were not used after spare, none if there is room
// already, and returns how much memory they have.
func (a *Agent[C]) collect(missing int, spare int64, offers *[]offer) (memory int) {
	*offers = (*offers)[:0]
	for i := range a.idle {
		if e := &a.idle[i]; missing > 0 && e.used <= spare {
			o := e.offer
			o.at = i
			*offers = append(*offers, o)
			memory += e.memory
		}
	}
	return memory
}
