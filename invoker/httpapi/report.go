package httpapi

import "github.com/mesos-actor/mesos-actor-go/invoker"

func reportOf(r invoker.Report) (w report) {
	w.Epoch = r.Epoch
	for _, g := range r.Initialised {
		w.Initialised = append(w.Initialised, grantIDOf(g))
	}
	for _, g := range r.Released {
		w.Released = append(w.Released, released{g.Container, digits(g.Number), g.Outcome})
	}
	for _, n := range r.Withdrawn {
		w.Withdrawn = append(w.Withdrawn, digits(n))
	}
	return w
}

func (w report) of(session string) invoker.Report {
	r := invoker.Report{Session: session, Epoch: w.Epoch}
	for _, g := range w.Initialised {
		r.Initialised = append(r.Initialised, g.id())
	}
	for _, g := range w.Released {
		r.Released = append(r.Released, invoker.Released{GrantID: grantID{g.Container, g.Number}.id(), Outcome: g.Outcome})
	}
	for _, n := range w.Withdrawn {
		r.Withdrawn = append(r.Withdrawn, uint64(n))
	}
	return r
}
