package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// sessions returns the routes of [invoker.Control]. A session is renewed, and told of, however many requests wait for a container.
func (a *api) sessions() []controlapi.Route {
	const path = prefix + "sessions/{id}"
	return []controlapi.Route{
		{
			Method: http.MethodPut, Path: path, Handle: answer(a.renew),
			Summary: "Opens a session, or renews it. It ends when it was not renewed for as long as the answer says.", Body: renewal{}, Answer: renewed{},
		},
		{
			Method: http.MethodDelete, Path: path, Status: http.StatusNoContent, Handle: answer(a.end),
			Summary: "Ends a session: all that it holds is released. Its containers are removed, but those in which an action was initialised.",
		},
		{
			Method: http.MethodGet, Path: path + "/notices", Kind: controlapi.Waits, Handle: answer(a.notices),
			Summary: "Waits for what the session has to be told. None if nothing has happened in time.", Answer: noticeList{},
			Query: map[string]string{"after": "The number of the last notice that the session has acted on. Default 0."},
		},
		{
			Method: http.MethodPost, Path: path + "/acquire", Kind: controlapi.Waits, Handle: answer(a.acquire),
			Summary: "Waits for a container for activations of an action.", Body: demand{}, Answer: grant{},
		},
		{
			Method: http.MethodPost, Path: path + "/report", Status: http.StatusNoContent, Handle: answer(a.report),
			Summary: "Tells what has become of grants and demands.", Body: report{},
		},
	}
}

func (a *api) renew(r *controlapi.Request) (any, error) {
	var body renewal
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	answer, err := a.control.Renew(r.Context(), body.of(r.ID))
	if err != nil {
		return nil, renamed(err, "Renewal.Session", "session", "Renewal.Name", "name", "Renewal.Held", "held")
	}
	return renewed{answer.Epoch, answer.TTL.Seconds()}, nil
}

func (a *api) end(r *controlapi.Request) (any, error) { return nil, a.control.End(r.Context(), r.ID) }

func (a *api) notices(r *controlapi.Request) (any, error) {
	var after uint64
	if text := r.Query.Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, &task.FieldError{Field: "after", Value: text, Reason: "must be the number of a notice"}
		}
	}
	all, err := a.control.Notices(r.Context(), r.ID, after)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return noticesOf(all), nil
}

func (a *api) acquire(r *controlapi.Request) (any, error) {
	var body demand
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	g, err := a.control.Acquire(r.Context(), body.of(r.ID))
	if err != nil {
		return nil, renamed(
			err, "Action.Timeout", "timeout", "Action.Namespace", "key.namespace", "Action.Name", "key.action", "Action.", "key.",
			"Demand.Key.", "key.", "Namespace", "namespace", "Tenant", "tenant", "Revision", "revision", "Kind", "kind", "Image", "image", "Memory", "memory", "Concurrency", "concurrency",
		)
	}
	return grantOf(g), nil
}

func (a *api) report(r *controlapi.Request) (any, error) {
	var body report
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	return nil, a.control.Report(r.Context(), body.of(r.ID))
}
