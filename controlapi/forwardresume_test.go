package controlapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// A follower goes on after the last version that it has passed on, and does not have the leader send all tasks again.
func TestEventsGoOnAfterTheLastVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const leader, follower = "127.0.0.1:1", "127.0.0.1:2"
		network := &virtualnet.Network{}
		asked := make(chan url.Values, 2)
		var streams atomic.Int32
		serve := func(address string, server *http.Server) {
			listener, err := network.Listen(address)
			require.NoError(t, err)
			go func() { _ = server.Serve(listener) }()
			t.Cleanup(func() { _ = server.Close() })
		}
		serve(leader, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- r.URL.Query()
			if streams.Add(1) == 1 { // this one breaks off, the next one stays
				_, _ = fmt.Fprint(w, "event: removed\nid: 7\ndata: {}\n\n")
				return
			}
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})})
		status := ha.Status{Self: "b", Leader: "a", Term: 1, Members: []ha.Member{{ID: "a", API: leader}, {ID: "b", API: follower}}}
		server, err := controlapi.New(controlapi.Config{
			Framework: struct{ controlapi.Framework }{}, Name: "shop", Elector: claims{status}, DialContext: network.DialContext,
		})
		require.NoError(t, err)
		serve(follower, &http.Server{Handler: server})

		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		transport := &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+follower+"/v1/events?view=summary&since=3", nil)
		require.NoError(t, err)
		response, err := transport.RoundTrip(r)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, url.Values{"view": {"summary"}, "since": {"3"}}, <-asked)
		require.Equal(t, url.Values{"view": {"summary"}, "since": {"7"}}, <-asked)
	})
}
