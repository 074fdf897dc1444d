package httpapi

import (
	"strconv"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func reportOf(r invoker.Report) (w report) {
	w.Epoch = r.Epoch
	for _, g := range r.Initialised {
		w.Initialised = append(w.Initialised, grantID(g))
	}
	for _, g := range r.Released {
		w.Released = append(w.Released, released{grantID(g.GrantID), g.Outcome})
	}
	for _, n := range r.Withdrawn {
		w.Withdrawn = append(w.Withdrawn, strconv.FormatUint(n, 10))
	}
	return w
}

func (w report) of(session string) (invoker.Report, error) {
	r := invoker.Report{Session: session, Epoch: w.Epoch}
	for _, g := range w.Initialised {
		r.Initialised = append(r.Initialised, invoker.GrantID(g))
	}
	for _, g := range w.Released {
		r.Released = append(r.Released, invoker.Released{GrantID: invoker.GrantID(g.grantID), Outcome: g.Outcome})
	}
	for _, text := range w.Withdrawn {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return r, &task.FieldError{Field: "withdrawn", Value: text, Reason: "must be the number of a demand"}
		}
		r.Withdrawn = append(r.Withdrawn, n)
	}
	return r, nil
}
