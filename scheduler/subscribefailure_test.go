package scheduler

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/detector"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

const (
	oldLeader = "http://m0:5050"
	newLeader = "http://m1:5050"
)

func unreached(master string, err error) error {
	return subscribeError(&mesoshttp.MasterError{URL: master, Err: err})
}

func answered(status int, body string) error {
	return unreached(newLeader, &mesoshttp.StatusError{Status: status, Body: body})
}

// ZooKeeper has named a leader that does not know it yet: it is asked again soon, also if it still redirects to the one
// before, which is dead or redirects back. Of a leader that is dead itself ZooKeeper will tell.
func TestLeaderThatDoesNotLeadYet(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	d, err := detector.New(detector.Config{Master: newLeader})
	require.NoError(t, err)
	for why, c := range map[string]struct {
		err  error
		soon bool
	}{
		"no leader is known to it":                {answered(503, "No leader elected at the moment"), true},
		"it redirects to a dead one":              {unreached(oldLeader, refused), true},
		"it redirects to one that dies":           {unreached(oldLeader, mesoshttp.ErrClosed), true},
		"it redirects to one that hangs":          {unreached(oldLeader, mesoshttp.ErrNoAnswer), true},
		"it redirects to one that redirects back": {subscribeError(&mesoshttp.RedirectError{Hops: []string{newLeader, oldLeader}, Err: mesoshttp.ErrRedirectLoop}), true},
		"it is dead":                     {unreached(newLeader, refused), false},
		"it hangs":                       {unreached(newLeader, mesoshttp.ErrNoAnswer), false},
		"it fails":                       {answered(500, ""), false},
		"it redirects to one that fails": {unreached(oldLeader, &mesoshttp.StatusError{Status: 500}), false},
		"it redirects to one that cannot be trusted": {unreached(oldLeader, errors.New("x509: certificate signed by unknown authority")), false},
	} {
		err := (&edges{detector: d}).withZooKeeper(newLeader, c.err)
		require.Equal(t, c.soon, isLeaderless(err), why)
		require.ErrorIs(t, err, c.err, why)
	}
}

// Without ZooKeeper the pauses stay short while a proxy or a container's port has no master behind it.
func TestNobodyLeads(t *testing.T) {
	for why, c := range map[string]struct {
		err  error
		want bool
	}{
		"nobody listens":                {unreached(oldLeader, &net.OpError{Op: "dial", Err: errors.New("connection refused")}), true},
		"somebody closes":               {unreached(oldLeader, errors.Join(mesoshttp.ErrClosed, io.EOF)), true},
		"a gateway finds nobody":        {answered(502, "<html><title>502 Bad Gateway</title>"), true},
		"a server that is no master":    {answered(404, ""), false},
		"a server with TLS that closes": {unreached(oldLeader, io.EOF), false},
	} {
		require.Equal(t, c.want, nobodyLeads(c.err), why)
	}
}

// The error of a refused subscription says which master, and the text without a page's tags.
func TestSubscribeErrorText(t *testing.T) {
	require.EqualError(t, answered(401, ""), "scheduler: subscription refused by http://m1:5050: status 401")
	require.EqualError(t, answered(403, "not you\n"), "scheduler: subscription refused by http://m1:5050: status 403: not you")
	require.EqualError(t, answered(403, "<html><title>403 Forbidden</title>"), "scheduler: SUBSCRIBE refused: status 403: http://m1:5050: 403 Forbidden")
	require.EqualError(t, answered(502, "<html>"), "scheduler: SUBSCRIBE refused: status 502: http://m1:5050")
	redirected := unreached(newLeader, &mesoshttp.StatusError{Status: 302, Location: "https://login.example/"})
	require.EqualError(t, redirected, "scheduler: SUBSCRIBE refused: status 302: http://m1:5050: location https://login.example/")
}
