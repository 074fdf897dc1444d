package controlapi_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// claims is an elector that says whatever a test wants.
type claims struct{ status ha.Status }

func (c claims) Status() ha.Status { return c.status }

func (c claims) Watch(ctx context.Context) iter.Seq[ha.Status] {
	return func(yield func(ha.Status) bool) {
		if yield(c.status) {
			<-ctx.Done()
		}
	}
}

// get makes a request on the client's host.
func (f *fleet) get(p *peer, method, path string, headers ...string) answer {
	client := &http.Client{Transport: &http.Transport{DialContext: f.host.DialContext, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(context.Background(), method, "http://"+apiOf(p.n)+path, nil)
	require.NoError(f.t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	require.NoError(f.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	return answer{response.StatusCode, response.Header, string(body)}
}

// A leader without an API address is named in the error, after the time that gossip may need.
func TestLeaderWithoutAddress(t *testing.T) {
	status := ha.Status{Self: "a", Leader: "b", Term: 3, Members: []ha.Member{{ID: "a", API: apiOf(0)}, {ID: "b"}}}
	inFleetWith(t, func(_ int, c *controlapi.Config) { c.Elector = claims{status} }, func(t *testing.T, f *fleet) {
		got := f.get(f.members[0], "GET", "/v1/agents", "Request-Timeout: 10")
		e := problem(t, got, 503)
		require.Equal(t, controlapi.CodeLeaderUnreachable, e.Code)
		require.Contains(t, e.Message, "the leader, b, has no API address")
	})
}

// Without a leader a request ends with its time, and says why.
func TestNobodyLeads(t *testing.T) {
	status := ha.Status{Self: "a", Reason: "the votes were split"}
	inFleetWith(t, func(_ int, c *controlapi.Config) { c.Elector = claims{status} }, func(t *testing.T, f *fleet) {
		began := time.Now()
		e := problem(t, f.get(f.members[0], "GET", "/v1/agents", "Request-Timeout: 2.5"), 503)
		require.Equal(t, 2500*time.Millisecond, time.Since(began))
		require.Equal(t, controlapi.CodeLeaderUnreachable, e.Code)
		require.Contains(t, e.Message, "the votes were split")
	})
}

// Two members that take each other for the leader do not send a request back and forth.
func TestMembersThatTakeEachOtherForTheLeader(t *testing.T) {
	var asked atomic.Int32
	count := func(i int, c *controlapi.Config) {
		other := (i + 1) % 2
		c.Elector = claims{ha.Status{Self: fmt.Sprint(i), Leader: fmt.Sprint(other), Members: []ha.Member{{ID: "0", API: apiOf(0)}, {ID: "1", API: apiOf(1)}}}}
		dial := c.DialContext
		c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			asked.Add(1)
			return dial(ctx, network, address)
		}
	}
	inFleetWith(t, count, func(t *testing.T, f *fleet) {
		e := problem(t, f.get(f.members[0], "GET", "/v1/agents", "Request-Timeout: 5"), 503)
		require.Equal(t, controlapi.CodeLeaderUnreachable, e.Code)
		require.Contains(t, e.Message, "does not lead")
		require.Less(t, asked.Load(), int32(3), "connections: member 1 makes none")
		e = problem(t, f.get(f.members[0], "GET", "/v1/agents", "Forwarded-By-Member: x"), 503)
		require.Equal(t, scheduler.CodeNotLeading, e.Code, "at once")
	})
}

// The token of the client is passed on to the leader, which asks for it, and a follower asks for it first.
func TestTokenIsPassedOn(t *testing.T) {
	inFleetWith(t, func(_ int, c *controlapi.Config) { c.Tokens = []string{"hush"} }, func(t *testing.T, f *fleet) {
		require.Equal(t, 401, f.get(f.follower(), "GET", "/v1/agents").status)
		require.Equal(t, 401, f.get(f.follower(), "GET", "/v1/agents", "Authorization: Bearer push").status)
		got := f.get(f.follower(), "GET", "/v1/agents", "Authorization: Bearer hush")
		require.Equal(t, 200, got.status)
		require.Equal(t, strings.Join([]string{apiOf(0), apiOf(1), apiOf(2)}, ","), got.header.Get("Framework-Members"))
		require.Equal(t, 200, f.get(f.follower(), "GET", "/readyz").status, "without a token")
		o := decoded[controlapi.Overview](t, f.get(f.follower(), "GET", "/v1/status", "Authorization: Bearer hush"), 200)
		require.True(t, o.Connection.Connected)
		require.NotEqual(t, o.Election.Leader, o.Election.Self, "what the follower knows")
	})
}

// An answer of many tasks comes through a follower as it is.
func TestLargeAnswerThroughAFollower(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(time.Minute)
		defer cancel()
		large := spec("large")
		large.CPUs, large.Labels = 1000, map[string]string{"text": strings.Repeat("x", 200<<10)}
		for i := range 12 {
			large.ID = fmt.Sprint("large-", i)
			require.NoError(t, f.client.Submit(ctx, large))
		}
		want := f.get(f.leader(), "GET", "/v1/tasks?limit=all")
		require.Greater(t, len(want.body), 2<<20)
		require.Equal(t, want.body, f.get(f.follower(), "GET", "/v1/tasks?limit=all").body)
		all, err := f.at(f.follower()).Tasks(ctx)
		require.NoError(t, err)
		require.Len(t, all, 12)
	})
}
