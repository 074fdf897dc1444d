package controlapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one thing that the API does.
type route struct {
	method string
	path   string // in which {id} stands for a segment
	status int    // of an answer without error
	kind   kind
	handle func(*call) (any, error)
}

// kind is how a route uses the server.
type kind int

const (
	local  kind = iota // any member answers at once, without a token
	member             // any member answers at once
	reads              // the leader answers at once
	waits              // the leader answers when something has happened
	output             // the leader answers, and goes on, also with the next one
	passed             // the leader answers, and goes on
	stream             // any member answers, and goes on
)

// routes returns all routes but those of the page and of other packages.
func routes() []route {
	return []route{
		{"GET", "/healthz", 200, local, (*call).health},
		{"GET", "/readyz", 200, local, (*call).ready},
		{"GET", "/metrics", 200, member, (*call).metrics},
		{"GET", "/v1/openapi.json", 200, local, (*call).openapi},
		{"GET", "/v1/status", 200, member, (*call).status},
		{"GET", "/v1/tasks", 200, reads, (*call).list},
		{"POST", "/v1/tasks", 201, waits, (*call).submit},
		{"GET", "/v1/tasks/{id}", 200, reads, (*call).task},
		{"PUT", "/v1/tasks/{id}", 200, waits, (*call).ensure},
		{"DELETE", "/v1/tasks/{id}", 204, waits, (*call).forget},
		{"GET", "/v1/tasks/{id}/wait", 200, waits, (*call).wait},
		{"POST", "/v1/tasks/{id}/kill", 200, waits, (*call).kill},
		{"GET", "/v1/tasks/{id}/explain", 200, reads, (*call).explain},
		{"GET", "/v1/tasks/{id}/logs", 200, output, (*call).logs},
		{"POST", "/v1/pods", 201, waits, (*call).submitPod},
		{"GET", "/v1/agents", 200, reads, (*call).agents},
		{"GET", "/v1/offers", 200, reads, (*call).offers},
		{"GET", "/v1/events", 200, stream, (*call).events},
		{"POST", "/v1/reconcile", 204, waits, (*call).reconcile},
		{"POST", "/v1/teardown", 204, waits, (*call).teardown},
	}
}

// routes returns those of a server: without a framework only those that need none.
func (c *Config) routes() []route {
	all := routes()
	if c.tasks() != nil {
		return all
	}
	return slices.DeleteFunc(all, func(rt route) bool {
		return strings.HasPrefix(rt.path, "/v1/") && !slices.Contains([]string{"/v1/openapi.json", "/v1/status", "/v1/events"}, rt.path)
	})
}

// leads reports whether the leader answers.
func (k kind) leads() bool { return k == reads || k == waits || k == output || k == passed }

// goesOn reports whether the answer has no end by itself.
func (k kind) goesOn() bool { return k == output || k == passed || k == stream }

// find returns the route of a request and the ID in its path. For a path that has other methods it returns these instead,
// and nothing for one that has none. Paths are taken as they are: none is cleaned or redirected.
func find(routes []route, method string, at *url.URL) (_ *route, id string, allow []string) {
	segments := strings.Split(at.EscapedPath(), "/")
	for i := range routes {
		named, ok := routes[i].match(segments)
		switch {
		case !ok:
			continue
		case method == routes[i].method, method == http.MethodHead && routes[i].method == http.MethodGet:
			return &routes[i], named, nil
		}
		allow = append(allow, routes[i].method)
		if routes[i].method == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	return nil, "", allow
}

// match reports whether the segments of a path are those of the route, and returns the one that is an ID.
func (rt *route) match(segments []string) (id string, ok bool) {
	pattern := strings.Split(rt.path, "/")
	if len(segments) != len(pattern) {
		return "", false
	}
	for i, p := range pattern {
		s := segments[i]
		if p == "{id}" {
			var err error
			if id, err = url.PathUnescape(s); err != nil || id == "" {
				return "", false
			}
		} else if s != p {
			return "", false
		}
	}
	return id, true
}
