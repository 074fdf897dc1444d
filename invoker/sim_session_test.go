package invoker

import (
	"fmt"
	"slices"
	"time"
)

// simSession is a process of its own that holds containers: a dispatcher. It lives on when the leader dies.
type simSession struct {
	w       *simWorld
	number  session
	ended   bool      // the process
	cut     bool      // it reaches no leader any more
	paused  time.Time // until then it does not get on
	lease   time.Time // by its own clock, which may be slow
	with    int       // the run of the leader that it is connected with; 0: none
	lastOut time.Time // when its last message arrives: messages keep their order
	lastIn  time.Time

	held    []*holding
	backlog []*simActivation
	asked   map[ref]simKey
}

// holding is a container that a session holds.
type holding struct {
	lease    GrantID
	key      simKey
	init     bool // /init is to be sent first
	busy     bool // /init is under way
	active   int
	recalled bool
	over     bool // it was revoked, or given back
	outcome  outcome
	used     time.Time
}

const (
	simTTL   = 10 * time.Second
	simRenew = 3 * time.Second
	simKeep  = 2 * time.Second
)

// newSession lets a process begin.
func (w *simWorld) newSession() {
	s := &simSession{w: w, number: session(len(w.sessions) + 1), asked: map[ref]simKey{}}
	w.sessions = append(w.sessions, s)
	s.connect()
	s.renewAgain()
	s.arrive()
}

// asks lets an activation come.
func (s *simSession) asks(k simKey) *simActivation {
	s.w.calls++
	a := &simActivation{number: s.w.calls, key: k}
	s.backlog = append(s.backlog, a)
	s.pump()
	return a
}

// session returns a session of this number, or nil.
func (w *simWorld) session(n session) *simSession {
	if n == 0 || int(n) > len(w.sessions) {
		return nil
	}
	return w.sessions[n-1]
}

// do lets something happen in the process after d, if it lives then and as soon as it is not paused.
func (s *simSession) do(d time.Duration, what func()) {
	var try func()
	try = func() {
		switch {
		case s.ended:
		case s.w.now.Before(s.paused):
			s.w.at(s.paused, try)
		default:
			what()
		}
	}
	s.w.after(d, try)
}

// transit returns when a message arrives that follows one which arrives at last.
func (s *simSession) transit(last *time.Time) time.Duration {
	d := s.w.between(100*time.Microsecond, 5*time.Millisecond)
	if s.w.fault(linkSlow, 50) {
		d = s.w.between(0, 8*time.Second)
	}
	if at := s.w.now.Add(d); at.After(*last) {
		*last = at
	}
	return last.Sub(s.w.now)
}

// say brings something to the leader that the session is connected with.
func (s *simSession) say(what func()) {
	w := s.w
	if s.cut || s.with == 0 || s.with != w.run {
		return
	}
	w.inLane(fmt.Sprintf("from session %d", s.number), func() { w.inLeader(s.transit(&s.lastOut), what) })
}

// tell brings an input to the leader.
func (s *simSession) tell(in input) { s.say(func() { s.w.step(in) }) }

// hear brings something from the leader.
func (s *simSession) hear(what func()) {
	with := s.with
	if s.cut || with == 0 || with != s.w.run {
		return
	}
	s.w.inLane(fmt.Sprintf("to session %d", s.number), func() {
		s.do(s.transit(&s.lastIn), func() {
			if with == s.with && !s.cut {
				what()
			}
		})
	})
}

// connect turns to the present leader, and says what the session holds, if its lease has not ended.
func (s *simSession) connect() {
	w := s.w
	if s.ended || s.cut || !w.leading || s.with == w.run {
		return
	}
	if w.now.Before(s.paused) {
		w.at(s.paused, s.connect)
		return
	}
	if w.run > 1 && w.fault(undeclared, 300) {
		s.cut = true
		return
	}
	s.with, s.lastIn, s.lastOut = w.run, w.now, w.now
	if !s.valid() {
		s.dropAll()
	}
	s.renew(true)
	s.pump()
}

// disconnected is what the session sees of the leader's end. It asks the next one again.
func (s *simSession) disconnected() {
	s.with = 0
	clear(s.asked)
}

// renew renews the lease. Right behind the first renewal at a leader comes what the session holds.
func (s *simSession) renew(first bool) {
	w, sent := s.w, s.w.now
	var leases []GrantID
	for _, h := range s.held {
		leases = append(leases, h.lease)
	}
	s.say(func() {
		w.step(opened{session: s.number, name: "dispatcher", ttl: simTTL})
		if first && w.leading {
			w.step(declared{session: s.number, grants: leases})
		}
		if w.leading {
			s.hear(func() { s.renewed(sent) })
		}
	})
}

// renewed is the answer to a renewal. The lease counts from before that was sent.
func (s *simSession) renewed(sent time.Time) {
	if end := sent.Add(simTTL); end.After(s.lease) {
		s.lease = end
	}
	s.pump()
}

func (s *simSession) renewAgain() {
	if s.w.timeless {
		return
	}
	s.do(simRenew, func() {
		s.renew(false)
		s.renewAgain()
	})
}

// valid reports whether the session may send: its lease has not ended, by its own clock.
func (s *simSession) valid() bool { return s.w.mutation.noLeaseCheck || s.w.now.Before(s.lease) }

func (s *simSession) dropAll() {
	for _, h := range s.held {
		h.over = true
	}
	s.held = nil
}

// arrive lets activations come.
func (s *simSession) arrive() {
	w := s.w
	s.do(w.between(0, 4*w.scene.pause), func() {
		if w.calm {
			return
		}
		a := s.asks(w.scene.keys[w.random.IntN(len(w.scene.keys))])
		s.do(w.between(time.Second, 30*time.Second), func() { s.giveUp(a) })
		s.arrive()
	})
}

// giveUp lets the caller of an activation leave.
func (s *simSession) giveUp(a *simActivation) {
	if i := slices.Index(s.backlog, a); i >= 0 {
		s.backlog = slices.Delete(s.backlog, i, i+1)
		s.unask(a.key)
	}
}

// pump sends what can be sent, and asks the leader for the rest.
func (s *simSession) pump() {
	if !s.valid() {
		return // until it is renewed
	}
	need := map[Key]int{}
	for _, a := range slices.Clone(s.backlog) {
		if h := s.holdingFor(a.key.Key); h != nil {
			s.backlog = slices.DeleteFunc(s.backlog, func(b *simActivation) bool { return b == a })
			s.use(h, a)
			continue
		}
		need[a.key.Key]++
		asked := 0
		for _, k := range s.asked {
			if k.Key == a.key.Key {
				asked++
			}
		}
		if asked < need[a.key.Key] {
			s.ask(a.key)
		}
	}
}

// ask asks the leader for a container.
func (s *simSession) ask(k simKey) {
	w := s.w
	if s.cut || s.with == 0 || s.with != w.run {
		return
	}
	w.refs++
	r := w.refs
	s.asked[r] = k
	s.say(func() {
		w.book.callers[r] = simAsk{s: s, ref: r}
		w.step(acquire{ref: r, session: s.number, key: k.Key, timeout: k.timeout})
	})
}

// unask takes one question of a key back, the latest. A grant may be on its way all the same.
func (s *simSession) unask(k simKey) {
	var latest ref
	for r, asked := range s.asked {
		if asked.Key == k.Key && r > latest {
			latest = r
		}
	}
	if latest == 0 {
		return
	}
	w := s.w
	s.say(func() {
		if w.book.callers[latest] != nil {
			delete(w.book.callers, latest)
			w.step(cancel{ref: latest})
		}
	})
	delete(s.asked, latest)
}

// simAsk is a question of a session that the leader has.
type simAsk struct {
	s   *simSession
	ref ref
}

func (q simAsk) granted(g *grant) {
	lease, init := g.id, g.init
	key := q.s.w.book.keyOf(lease.Container)
	q.s.hear(func() { q.s.granted(q.ref, lease, key, init) })
}

func (q simAsk) refused() {
	q.s.w.refused++
	q.s.hear(func() {
		k, ok := q.s.asked[q.ref]
		delete(q.s.asked, q.ref)
		if i := slices.IndexFunc(q.s.backlog, func(a *simActivation) bool { return a.key.Key == k.Key }); ok && i >= 0 {
			q.s.backlog = slices.Delete(q.s.backlog, i, i+1)
		}
	})
}

func (s *simSession) granted(r ref, lease GrantID, key simKey, init bool) {
	delete(s.asked, r)
	h := &holding{lease: lease, key: key, init: init, used: s.w.now}
	s.held = append(s.held, h)
	s.pump()
	s.tidy(h)
}

// holdingFor returns a container that can take an activation of the key.
func (s *simSession) holdingFor(k Key) *holding {
	for _, h := range s.held {
		if h.key.Key == k && !h.busy && !h.recalled && h.outcome == reuse && h.active < max(1, k.Concurrency) {
			return h
		}
	}
	return nil
}

// use sends an activation to a container that the session holds.
func (s *simSession) use(h *holding, a *simActivation) {
	c := s.w.engine.byID[h.lease.Container]
	from := sender{session: s.number, lease: h.lease, transit: s.w.between(0, 50*time.Millisecond)}
	h.active++
	h.used = s.w.now
	if !h.init {
		c.send(a, false, from, s.back(func(answer simAnswer) { s.ran(h, a, answer) }))
		return
	}
	h.busy = true
	c.send(a, true, from, s.back(func(answer simAnswer) {
		h.busy = false
		if answer != answerFine {
			s.ran(h, a, answer)
			return
		}
		h.init = false
		s.tell(initialised{grant: h.lease})
		if h.over || !s.valid() {
			s.ran(h, a, answerFine)
			return
		}
		c.send(a, false, from, s.back(func(answer simAnswer) { s.ran(h, a, answer) }))
		s.pump()
	}))
}

// back has the answer arrive in the process.
func (s *simSession) back(then func(simAnswer)) func(simAnswer) {
	return func(answer simAnswer) { s.do(0, func() { then(answer) }) }
}

// ran is what follows the end of a run, or of an /init that failed.
func (s *simSession) ran(h *holding, a *simActivation, answer simAnswer) {
	h.active--
	h.used = s.w.now
	if o := simOutcome(s.w, answer); o != reuse {
		h.outcome = o
	}
	if answer == answerRefused { // nothing was sent: another container, once
		s.backlog = append(s.backlog, a)
		s.do(time.Second, func() { s.giveUp(a) })
	}
	s.tidy(h)
	s.pump()
}

// tidy gives a container back that must not be kept, or is not used any more.
func (s *simSession) tidy(h *holding) {
	switch {
	case h.over || h.active > 0:
	case h.recalled || h.outcome != reuse || s.w.now.Sub(h.used) >= simKeep:
		h.over = true
		s.held = slices.DeleteFunc(s.held, func(o *holding) bool { return o == h })
		s.tell(release{grant: h.lease, outcome: h.outcome})
	default:
		s.do(simKeep, func() { s.tidy(h) })
	}
}

func (s *simSession) recalled(lease GrantID) {
	for _, h := range s.held {
		if h.lease == lease {
			h.recalled = true
			s.tidy(h)
			return
		}
	}
}

func (s *simSession) revoked(lease GrantID) {
	s.held = slices.DeleteFunc(s.held, func(h *holding) bool {
		h.over = h.over || h.lease == lease
		return h.lease == lease
	})
}

// disturb lets something happen to the process.
func (s *simSession) disturb() {
	w := s.w
	switch {
	case s.ended || w.now.Before(s.paused):
	case w.fault(sessionDies, 60):
		s.ended = true
		w.after(w.between(0, 3*time.Second), w.newSession)
	case s.cut:
		if w.random.IntN(10) == 0 { // its operator ends it
			s.ended = true
			w.newSession()
		}
	case w.fault(sessionCut, 60):
		s.cut = true
	case w.fault(sessionPaused, 100):
		s.paused = w.now.Add(w.between(0, 25*time.Second))
	}
}
