package invoker

import (
	"slices"
	"time"
)

// book is what the machine of one run was told and has said: what it has to go by. It is kept by the world, so that the machine
// is compared with it, and not with itself.
type book struct {
	w       *simWorld
	adopted bool // the first listing has come
	since   time.Time

	callers map[ref]waits
	waiting []asking // in the order in which they came
	leases  map[GrantID]session
	number  uint64 // of the last grant

	creates                           map[string]func(error) // how a creation that is under way is answered
	probes, binds, destroys, freezes  map[string]int         // under way
	bound                             map[string]Key         // what is to be on record
	durable, inited, doomed           map[string]bool
	gone, unreachable, dying, adoptee map[string]bool
	answers                           map[string]bool // to creations, on their way
	placed                            map[string]bool // the machine knows on which agent it is

	startFailed, bindFailed time.Time       // last
	drained                 map[string]bool // agents
	revoked                 map[GrantID]bool
	memory                  map[string]int // MiB of agents, as told
	victims                 []string       // containers that were removed to make room, in this step
}

// asking is a caller that waits.
type asking struct {
	ref     ref
	session session
	key     Key
	since   time.Time
}

func newBook(w *simWorld) *book {
	return &book{
		w: w, callers: map[ref]waits{}, leases: map[GrantID]session{}, creates: map[string]func(error){},
		probes: map[string]int{}, binds: map[string]int{}, destroys: map[string]int{}, freezes: map[string]int{},
		bound: map[string]Key{}, durable: map[string]bool{}, inited: map[string]bool{}, doomed: map[string]bool{},
		gone: map[string]bool{}, unreachable: map[string]bool{}, dying: map[string]bool{}, adoptee: map[string]bool{},
		drained: map[string]bool{}, revoked: map[GrantID]bool{}, answers: map[string]bool{}, placed: map[string]bool{},
	}
}

// heard books what the machine is about to be told.
func (b *book) heard(in input) {
	switch in := in.(type) {
	case listed:
		b.listed(in)
	case acquire:
		b.waiting = append(b.waiting, asking{ref: in.ref, session: in.session, key: in.key, since: b.w.now})
	case cancel:
		b.leaves(in.ref)
	case release:
		if in.outcome != reuse && b.holds(in.grant.Container) > 0 {
			b.doomed[in.grant.Container] = true
		}
		delete(b.leases, in.grant)
	case initialised:
		if _, ok := b.leases[in.grant]; ok {
			b.inited[in.grant.Container] = true
		}
	case declared:
		for _, l := range in.grants {
			b.leases[l] = in.session
		}
	case closed:
		for l, s := range b.leases {
			if s == in.session {
				delete(b.leases, l)
			}
		}
	case changed:
		b.changed(in.change)
	case agentsSeen:
		b.memory = map[string]int{}
		for _, a := range in.agents { // what is listed can be reached
			b.drained[a.ID] = a.Draining
			b.memory[a.ID] = a.Memory
			b.agentChanged(a.ID, Reachable)
		}
	default:
		b.answered(in)
	}
}

// answered books that a command is answered.
func (b *book) answered(in input) {
	switch in := in.(type) {
	case created:
		delete(b.answers, in.id)
		if in.err == nil {
			b.placed[in.id] = true
		}
		if in.err != nil {
			b.startFailed = b.w.now
		}
	case probed:
		b.probes[in.id]--
		if in.err != nil {
			b.startFailed = b.w.now
		}
	case stored:
		b.binds[in.id]--
		if b.durable[in.id] = in.err == nil; in.err != nil {
			b.bindFailed = b.w.now
		}
	case destroyed:
		b.destroys[in.id]--
		if in.err == nil {
			b.gone[in.id] = true
			delete(b.placed, in.id)
		}
	case suspended:
		b.freezes[in.id]--
	case resumed:
		b.freezes[in.id]--
	}
}

// isDrained reports whether an agent is drained, by the engine or by the operator.
func (b *book) isDrained(agent string) bool {
	return b.drained[agent] || slices.Contains(b.w.orders.Drained, agent)
}

func (b *book) listed(in listed) {
	if in.err != nil || b.adopted {
		return
	}
	b.adopted, b.since = true, b.w.now
	for _, i := range in.instances {
		b.adoptee[i.ID], b.placed[i.ID] = true, true
	}
	for _, r := range in.records {
		b.bound[r.ID], b.durable[r.ID], b.inited[r.ID] = r.Key, true, r.Initialised
	}
}

func (b *book) changed(c Change) {
	switch {
	case c.State == Draining:
		b.drained[c.Agent] = true
	case c.State == Lagged:
		clear(b.unreachable)
		return
	}
	if c.ID != "" {
		b.containerChanged(c.ID, c.State)
		return
	}
	b.agentChanged(c.Agent, c.State)
}

func (b *book) agentChanged(agent string, state ChangeState) {
	for id := range b.placed { // each for itself
		if b.w.engine.byID[id].agent.id == agent {
			b.containerChanged(id, state)
		}
	}
}

func (b *book) containerChanged(id string, state ChangeState) {
	switch state {
	case Gone:
		b.gone[id] = true
		b.startFailed = b.w.now // callers may have to wait for that
	case Unreachable:
		b.unreachable[id] = true
	case Reachable:
		delete(b.unreachable, id)
	}
}

// leaves books that a caller does not wait any more, and reports whether it did.
func (b *book) leaves(r ref) bool {
	i := slices.IndexFunc(b.waiting, func(a asking) bool { return a.ref == r })
	if i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	}
	return i >= 0
}

// granted reports whether a grant has not ended.
func (b *book) granted(l GrantID) bool {
	_, ok := b.leases[l]
	return ok
}

// answering reports whether the answer to a creation is on its way.
func (b *book) answering(id string) bool { return b.answers[id] }

// holds returns how many grants of a container there are.
func (b *book) holds(id string) int {
	n := 0
	for l := range b.leases {
		if l.Container == id {
			n++
		}
	}
	return n
}

// keyOf returns the action of the key that a container is bound to.
func (b *book) keyOf(id string) simKey {
	i := slices.IndexFunc(b.w.scene.keys, func(k simKey) bool { return k.Key == b.bound[id] })
	return b.w.scene.keys[i]
}

// said checks and books a command.
func (b *book) said(c command) {
	w := b.w
	switch c := c.(type) {
	case create:
		if !b.adopted {
			w.violate("adoption", "%s is created before the first listing", c.id)
		}
	case bind:
		if k, ok := b.bound[c.record.ID]; ok && k != c.record.Key {
			w.violate("I1", "%s is bound a second time, to %v", c.record.ID, c.record.Key)
		}
	case note:
		if c.record.Key != b.bound[c.record.ID] {
			w.violate("I1", "%s gets another key on record: %v", c.record.ID, c.record.Key)
		}
	case forget:
		if known := w.engine.byID[c.id]; w.store.durable && known != nil && !known.ended {
			w.violate("I1", "%s may run, and its record is deleted", c.id)
		}
	case destroy:
		b.saidDestroy(c.id)
	case grant:
		b.saidGrant(&c)
	case *grant:
		b.saidGrant(c)
	case refuse:
		if !b.leaves(c.ref) {
			w.violate("answers", "caller %d is refused, and does not wait", c.ref)
		}
	case notify:
		if c.event.Kind == EventRemoving && c.event.Reason == "its memory is needed" {
			b.victims = append(b.victims, c.event.Container.ID)
		}
	case revoke:
		delete(b.leases, c.grant)
		b.revoked[c.grant] = true
	}
}

func (b *book) saidDestroy(id string) {
	w := b.w
	if !b.adopted {
		w.violate("adoption", "%s is destroyed before a complete listing", id)
	}
	if b.holds(id) > 0 && !b.gone[id] {
		w.violate("I6", "%s is destroyed while it is held", id)
	}
	b.dying[id] = true
}

func (b *book) saidGrant(g *grant) {
	w, id := b.w, g.id.Container
	i := slices.IndexFunc(b.waiting, func(a asking) bool { return a.ref == g.ref })
	c := w.engine.byID[id]
	if i < 0 || c == nil {
		w.violate("answers", "caller %d is granted %s, and does not wait for it", g.ref, id)
		return
	}
	a := b.waiting[i]
	b.leaves(g.ref)
	held, others := 0, 0
	for l, s := range b.leases {
		if l.Container == id {
			held++
			if s != 0 || a.session != 0 {
				others++
			}
		}
	}
	switch {
	case b.bound[id] != a.key:
		w.violate("I1", "%s of %v is granted to a caller of %v", id, b.bound[id], a.key)
	case !b.durable[id] || w.store.durable && w.store.records[id].Key != a.key && w.store.pending[id] == nil:
		w.violate("I1", "%s is granted, and its record is not durable", id)
	case others > 0 || held >= a.key.Concurrency:
		w.violate("I2", "%s is granted while it is held by %d", id, held)
	case g.id.Number <= b.number:
		w.violate("answers", "the number of a grant does not rise: %v", g.id)
	case b.gone[id] || b.unreachable[id] || b.dying[id]:
		w.violate("I6", "%s is granted: gone %v, unreachable %v, being destroyed %v", id, b.gone[id], b.unreachable[id], b.dying[id])
	case g.init && c.runtime.key != nil, !g.init && c.running && !c.runtime.inited:
		w.violate("init", "%s is granted with init %v", id, g.init)
	case g.to.ID != id || g.to.Address != c.instance.Address:
		w.violate("answers", "the grant of %s leads to %v", id, g.to)
	}
	for _, earlier := range b.waiting[:i] {
		if earlier.key == a.key && earlier.session == a.session {
			w.violate("I7", "caller %d of the key waits longer than %d", earlier.ref, a.ref)
		}
	}
	b.number = g.id.Number
	b.leases[g.id] = a.session
}

// checkSend checks that a holder may send to a container now.
func (b *book) checkSend(c *simContainer, lease GrantID, from session) {
	w := b.w
	if !c.running || !w.leading {
		return
	}
	if c.suspended {
		w.violate("I6", "session %d sends to %s, which is frozen", from, c.id)
	}
	if b.revoked[lease] && !b.gone[c.id] && !(b.adoptee[c.id] && !b.inited[c.id]) {
		w.violate("I6", "session %d sends to %s, which it holds no more", from, c.id)
	}
	if b.dying[c.id] && !(b.adoptee[c.id] && !b.inited[c.id]) {
		w.violate("I6", "session %d sends to %s, which is being destroyed", from, c.id)
	}
	for l, s := range b.leases {
		if l.Container == c.id && l != lease && (s != 0 || from != 0) {
			w.violate("I6", "session %d sends to %s, which session %d holds", from, c.id, s)
		}
	}
}
