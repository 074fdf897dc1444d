package controlapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Route is something that another package adds to a [Server], see [Config.Routes]: the leader answers it, whichever member is asked,
// to those who may use the rest of the API, within the same limits.
type Route struct {
	Method string
	// Path begins with "/v1/". {id} stands for one segment.
	Path string
	// Status is that of an answer without an error. 204 has no body. Default 200.
	Status int
	Kind   RouteKind
	// Handle returns the body of the answer, which is encoded as JSON, or an error: an [*Error] as it is, and any other by
	// [scheduler.ErrorCode]. It is called again if the leader changes before it has answered, and by more than one goroutine.
	Handle func(*Request) (any, error)

	// What the OpenAPI document says of it.
	Summary string
	// Query has the names of the parameters, each with what it means.
	Query map[string]string
	// Body and Answer are values of the types of the bodies. Nil: there is none, or it is not JSON.
	Body, Answer any
}

// RouteKind is how a [Route] is answered.
type RouteKind int

// The kinds of routes.
const (
	Reads   RouteKind = iota // at once
	Waits                    // when something has happened
	Streams                  // with [Request.Stream], for as long as the client likes
)

// Request is a request for a [Route].
type Request struct {
	ID     string // the segment {id} of the path
	Query  url.Values
	Header http.Header

	c *call
}

// Context ends when the client has gone, its time is over, or the server stops.
func (r *Request) Context() context.Context { return r.c.ctx }

// Decode decodes the body. Each field of it must be known.
func (r *Request) Decode(into any) error { return r.c.decode(into) }

// Stream begins an answer without an end, of a media type such as "text/event-stream". Handle returns an error that happens
// before; afterwards it writes what it has to say of one, and returns nil. If the leader changes the answer breaks off.
func (r *Request) Stream(mediaType string) *Stream {
	header := r.c.w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("X-Accel-Buffering", "no") // for nginx
	r.c.w.WriteHeader(http.StatusOK)
	return &Stream{r.c.w}
}

// Stream is an answer that goes on.
type Stream struct{ w http.ResponseWriter }

// Write sends a part. Its error says that the client has gone, or has not read for too long.
func (s *Stream) Write(part []byte) (int, error) {
	giveTime(s.w)
	n, err := s.w.Write(part)
	if err != nil {
		return n, err
	}
	return n, http.NewResponseController(s.w).Flush()
}

// own returns the route as the server has it.
func (rt Route) own() route {
	kinds := map[RouteKind]kind{Reads: reads, Waits: waits, Streams: passed}
	return route{rt.Method, rt.Path, cmp.Or(rt.Status, http.StatusOK), kinds[rt.Kind], func(c *call) (any, error) {
		body, err := rt.Handle(&Request{ID: c.id, Query: c.query, Header: c.r.Header, c: c})
		if rt.Kind == Streams && err == nil {
			return answered{}, nil
		}
		return body, err
	}}
}

// described returns what the OpenAPI document says of the route.
func (rt Route) described() described {
	d := described{summary: rt.Summary, body: rt.Body, answer: rt.Answer}
	for _, name := range slices.Sorted(maps.Keys(rt.Query)) {
		d.query = append(d.query, parameter{name, "string", rt.Query[name]})
	}
	if rt.Kind == Streams {
		d.media = []string{"text/event-stream", "application/x-ndjson"}
	}
	return d
}

// check returns what is wrong with the route, given those that there are.
func (rt Route) check(there []route) error {
	segments := strings.Split(rt.Path, "/")
	switch {
	case rt.Method == "" || rt.Handle == nil:
		return errors.New("has no method, or nothing to handle it")
	case !strings.HasPrefix(rt.Path, "/v1/"):
		return fmt.Errorf("has the path %q, which does not begin with /v1/", rt.Path)
	case rt.Kind < Reads || rt.Kind > Streams:
		return fmt.Errorf("has the unknown kind %d", rt.Kind)
	}
	for i := range there {
		if _, same := there[i].match(segments); same && there[i].method == rt.Method {
			return fmt.Errorf("%s %s: there is such a route already", rt.Method, rt.Path)
		}
	}
	return nil
}

// passOn gives the leader's answer, which goes on, to the client as it comes.
func (c *call) passOn(response *http.Response) {
	header := c.w.Header()
	for _, name := range []string{"Content-Type", "X-Accel-Buffering", "Trailer"} {
		if value := response.Header.Get(name); value != "" {
			header.Set(name, value)
		}
	}
	c.w.WriteHeader(response.StatusCode)
	part := make([]byte, 32<<10)
	for to := (&Stream{c.w}); ; {
		n, err := response.Body.Read(part)
		if n > 0 {
			if _, err := to.Write(part[:n]); err != nil {
				return // the client has gone
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return
		default:
			panic(http.ErrAbortHandler) // so that the client sees that it is not complete
		}
	}
}
