package controlapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

type boat struct {
	Name string `json:"name"`
}

// boats are routes of another package: one of each kind.
func boats(who string) []controlapi.Route {
	return []controlapi.Route{
		{
			Method: "PUT", Path: "/v1/boats/{id}", Status: 201, Kind: controlapi.Waits, Summary: "Builds a boat.", Body: boat{}, Answer: boat{},
			Handle: func(r *controlapi.Request) (any, error) {
				var b boat
				if err := r.Decode(&b); err != nil {
					return nil, err
				}
				switch r.ID {
				case "sunk":
					return nil, &controlapi.Error{Code: "sunk", Status: 410, Message: "it has sunk"}
				case "odd":
					return nil, errors.New("a leak")
				}
				return boat{who + " " + r.ID + " " + b.Name + r.Query.Get("sail")}, nil
			},
		},
		{Method: "DELETE", Path: "/v1/boats/{id}", Status: 204, Handle: func(*controlapi.Request) (any, error) { return nil, nil }},
		{
			Method: "GET", Path: "/v1/boats", Kind: controlapi.Streams, Query: map[string]string{"after": "What was seen."},
			Handle: func(r *controlapi.Request) (any, error) {
				if r.Query.Get("after") == "never" {
					return nil, scheduler.ErrUnknownTask
				}
				s := r.Stream("text/event-stream")
				for i := 1; ; i++ {
					if _, err := fmt.Fprintf(s, "data: %s %d\n\n", who, i); err != nil {
						return nil, nil
					}
					select {
					case <-time.After(time.Second):
					case <-r.Context().Done():
						return nil, nil
					}
				}
			},
		},
	}
}

// Routes of another package have all that those of this one have: limits, tokens, errors, and a place in the description.
func TestRoutesOfOthers(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Routes, c.Tokens = boats("me"), []string{"hush"} }, func(t *testing.T, w *world) {
		const token = "Authorization: Bearer hush"
		require.Equal(t, 401, w.request("PUT", "/v1/boats/a", `{"name":"Ann"}`).status)
		require.Equal(t, boat{"me a/b Ann!"}, decoded[boat](t, w.request("PUT", "/v1/boats/a%2Fb?sail=!", `{"name":"Ann"}`, token), 201))
		require.Equal(t, 204, w.request("DELETE", "/v1/boats/a", "", token).status)
		require.Equal(t, scheduler.CodeInvalid, problem(t, w.request("PUT", "/v1/boats/a", `{"mane":"Ann"}`, token), 400).Code)
		require.Equal(t, scheduler.Code("sunk"), problem(t, w.request("PUT", "/v1/boats/sunk", `{}`, token), 410).Code)
		require.Equal(t, scheduler.CodeInternal, problem(t, w.request("PUT", "/v1/boats/odd", `{}`, token), 500).Code)
		require.Equal(t, scheduler.CodeUnknownTask, problem(t, w.request("GET", "/v1/boats?after=never", "", token), 404).Code)
		require.Equal(t, "DELETE, PUT, OPTIONS", w.request("POST", "/v1/boats/a", "", token).header.Get("Allow"))

		d := w.openapi()
		require.Contains(t, d.Paths["/v1/boats/{id}"], "put")
		require.Contains(t, d.Components.Schemas, "boat")
		require.Contains(t, d.Paths["/v1/boats"], "get")
	})
}

// Whichever member is asked, the leader answers. An answer that goes on is passed on as it comes, and breaks off with the leader.
func TestRoutesOfOthersThroughAFollower(t *testing.T) {
	own := func(i int, c *controlapi.Config) { c.Routes = boats(fmt.Sprint("member ", i)) }
	inFleetWith(t, own, func(t *testing.T, f *fleet) {
		leader, follower := f.leader(), f.follower()
		require.Equal(t, 204, f.get(follower, "DELETE", "/v1/boats/a").status)
		require.Equal(t, 404, f.get(follower, "GET", "/v1/boats?after=never").status)

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+apiOf(follower.n)+"/v1/boats", nil)
		require.NoError(t, err)
		response, err := (&http.Client{Transport: &http.Transport{DialContext: f.host.DialContext, DisableKeepAlives: true}}).Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
		began, buffer, seen := time.Now(), make([]byte, 1000), ""
		for i := 1; i <= 3; i++ {
			n, err := response.Body.Read(buffer)
			require.NoError(t, err)
			seen += string(buffer[:n])
			require.Equal(t, time.Duration(i-1)*time.Second, time.Since(began).Round(time.Second))
		}
		require.Equal(t, fmt.Sprintf("data: member %d 1\n\ndata: member %[1]d 2\n\ndata: member %[1]d 3\n\n", leader.n), seen)
		leader.kill()
		for err == nil {
			_, err = response.Body.Read(buffer)
		}
		require.ErrorContains(t, err, "EOF")
		require.NotEqual(t, "EOF", err.Error(), "it broke off")
	})
}

// Without a framework there are only the routes of others, the page, and what it needs.
func TestRoutesWithoutAFramework(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Framework, c.Routes, c.Tokens = nil, boats("me"), []string{"hush"} }, func(t *testing.T, w *world) {
		const token = "Authorization: Bearer hush"
		require.Equal(t, 401, w.request("DELETE", "/v1/boats/a", "").status)
		require.Equal(t, 204, w.request("DELETE", "/v1/boats/a", "", token).status)
		for _, path := range []string{"/healthz", "/readyz", "/"} {
			require.Equal(t, 200, w.request("GET", path, "").status, path)
		}
		want := controlapi.Overview{Framework: "shop", Extensions: []string{"boats"}, NoTasks: true}
		require.Equal(t, want, decoded[controlapi.Overview](t, w.request("GET", "/v1/status", "", token), 200))
		for _, request := range []string{"GET /v1/tasks", "POST /v1/tasks", "GET /v1/tasks/a", "GET /v1/agents", "GET /v1/offers", "POST /v1/reconcile", "POST /v1/teardown"} {
			method, path, _ := strings.Cut(request, " ")
			require.Equal(t, controlapi.CodeNoRoute, problem(t, w.request(method, path, "", token), 404).Code, request)
		}
		d := w.openapi()
		require.Contains(t, d.Paths, "/v1/boats")
		require.NotContains(t, d.Paths, "/v1/tasks")

		frames := w.events("", token).take()
		require.Equal(t, want, parsed[controlapi.Overview](t, named(frames, "overview")[0]))
		require.Len(t, named(frames, "snapshot"), 1)
	})
}

func TestRoutesThatCannotBeAdded(t *testing.T) {
	handle := func(*controlapi.Request) (any, error) { return nil, nil }
	for want, rt := range map[string]controlapi.Route{
		"has no method, or nothing to handle it":              {Path: "/v1/a", Handle: handle},
		`has the path "/a", which does not begin with /v1/`:   {Method: "GET", Path: "/a", Handle: handle},
		"GET /v1/agents: there is such a route already":       {Method: "GET", Path: "/v1/agents", Handle: handle},
		"has the unknown kind 9":                              {Method: "GET", Path: "/v1/a", Kind: 9, Handle: handle},
		"DELETE /v1/tasks/all: there is such a route already": {Method: "DELETE", Path: "/v1/tasks/all", Handle: handle},
	} {
		_, err := controlapi.New(controlapi.Config{Framework: &scheduler.Scheduler{}, Routes: []controlapi.Route{rt}})
		require.EqualError(t, err, "controlapi: config: Routes[0]: "+want)
	}
	twice := controlapi.Route{Method: "GET", Path: "/v1/a", Handle: handle}
	_, err := controlapi.New(controlapi.Config{Framework: &scheduler.Scheduler{}, Routes: []controlapi.Route{twice, twice}})
	require.True(t, strings.HasPrefix(err.Error(), "controlapi: config: Routes[1]: "))
}

// The client of a program calls routes of others as it does those of this package.
func TestTheClientCallsRoutesOfOthers(t *testing.T) {
	own := func(i int, c *controlapi.Config) { c.Routes = boats(fmt.Sprint("member ", i)) }
	inFleetWith(t, own, func(t *testing.T, f *fleet) {
		leader, c := f.leader(), f.at(f.follower())
		defer c.Close()
		var built boat
		call := controlapi.RouteCall{Method: "PUT", Path: "/v1/boats/a%2Fb", Query: url.Values{"sail": {"!"}}, Body: boat{"Ann"}, Answer: &built}
		require.NoError(t, c.CallRoute(t.Context(), call))
		require.Equal(t, boat{fmt.Sprintf("member %d a/b Ann!", leader.n)}, built)
		require.NoError(t, c.CallRoute(t.Context(), controlapi.RouteCall{Method: "DELETE", Path: "/v1/boats/a", Wait: time.Hour}))
		call.Path = "/v1/boats/sunk"
		var e *controlapi.Error
		require.ErrorAs(t, c.CallRoute(t.Context(), call), &e)
		require.Equal(t, 410, e.Status)
		call.Path, call.Answer = "/v1/boats/a", new(int)
		require.ErrorContains(t, c.CallRoute(t.Context(), call), "not of this API")
		call.Body = func() {}
		require.ErrorContains(t, c.CallRoute(t.Context(), call), "unsupported type")
	})
}

// A call whose time ended at a member that is silent has the next call made at another one.
func TestAShortCallLeavesASilentMember(t *testing.T) {
	own := func(i int, c *controlapi.Config) { c.Routes = boats(fmt.Sprint("member ", i)) }
	inFleetWith(t, own, func(t *testing.T, f *fleet) {
		silent := f.follower()
		c := f.newClient(apiOf(silent.n), apiOf(f.leader().n))
		defer c.Close()
		silent.host.Pause()
		defer silent.host.Resume()
		for _, silence := range []bool{true, false} {
			ctx, cancel := within(time.Second)
			err := c.CallRoute(ctx, controlapi.RouteCall{Method: "DELETE", Path: "/v1/boats/a"})
			cancel()
			require.Equal(t, silence, err != nil)
		}
	})
}
