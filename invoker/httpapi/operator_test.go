package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/httpapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

func TestStemCellsOverHTTP(t *testing.T) {
	setUp := func(w *world) {
		w.pool = invoker.PoolConfig{Memory: 1024, Stems: []invoker.StemCells{{Kind: "script", Memory: 128, Initial: 1}}}
	}
	inWorld(t, setUp, func(t *testing.T, w *world) {
		const configured = `{"stems":[{"kind":"script","memoryMB":128,"initial":1,"min":1,"max":1}]}`
		require.JSONEq(t, configured, w.request("GET", "stemcells", "").body)
		set := w.request("PUT", "stemcells", `{"stems":[{"kind":"script","memoryMB":128,"initial":2,"max":3,"ttl":3600.5},{"kind":"b","image":"<b>","initial":0}]}`)
		require.Equal(t, 200, set.status, set.body)
		const after = `{"stems":[{"kind":"script","memoryMB":128,"initial":2,"min":2,"max":3,"ttl":3600.5},{"kind":"b","image":"<b>","memoryMB":256,"initial":0}]}`
		require.JSONEq(t, after, set.body)
		time.Sleep(time.Second)
		require.Len(t, w.engine.ids(), 2)

		for body, field := range map[string]string{
			``:                       "",
			`{}`:                     "stems",
			`[]`:                     "",
			`{"stems":null}`:         "stems",
			`{"stems":[{}]}`:         "stems[0].kind",
			`{"stems":[{"kind":7}]}`: "",
			`{"stems":[{"kind":"a","memoryMB":99999999999999999999}]}`:             "",
			`{"stems":[{"kind":"a","memoryMB":9223372036854775807}]}`:              "stems[0].memoryMB",
			`{"stems":[{"kind":"a","initial":-1}]}`:                                "stems[0].initial",
			`{"stems":[{"kind":"a","ttl":-1e300}]}`:                                "stems[0].ttl",
			`{"stems":[{"kind":"a","tenant":"guest"}]}`:                            "",
			`{"stems":[{"kind":"a"}],"stems":[]}`:                                  "",
			`{"stems":[{"kind":"a"},{"kind":"a"}]}`:                                "stems[1]",
			`{"stems":[` + strings.Repeat(`{"kind":"a"},`, 200) + `{"kind":"b"}]}`: "stems",
			"{\"stems\":[{\"kind\":\"\xff\"}]}":                                    "",
		} {
			e := problem(t, w.request("PUT", "stemcells", body), 400)
			require.Equal(t, scheduler.CodeInvalid, e.Code, body)
			require.Equal(t, field, e.Details["field"], body)
			require.NotContains(t, e.Message, "\n")
		}
		require.JSONEq(t, after, w.request("GET", "stemcells", "").body, "nothing was lost")
		require.Equal(t, 204, w.request("DELETE", "stemcells", "").status)
		require.JSONEq(t, configured, w.request("GET", "stemcells", "").body)
		require.Equal(t, 200, w.request("PUT", "stemcells", `{"stems":[]}`).status)
		require.JSONEq(t, `{"stems":[]}`, w.request("GET", "stemcells", "").body)
	})
}

type agentList struct{ Agents []agent }

type agent struct {
	ID                             string
	UsedMB, MemoryMB, Containers   int
	Draining, Drained, Unreachable bool
}

func TestAnAgentIsDrainedOverHTTP(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		list := func() []agent { return decoded[agentList](t, w.request("GET", "agents", ""), 200).Agents }
		require.Equal(t, []agent{}, list())
		w.open(sessionA)
		c := w.create(sessionA, "1")
		require.Equal(t, []agent{{ID: "agent-1", UsedMB: 128, Containers: 1}}, list())
		for range 2 {
			require.Equal(t, 204, w.request("POST", "agents/agent-1/drain", "").status)
		}
		require.Equal(t, []agent{{ID: "agent-1", UsedMB: 128, Containers: 1, Draining: true, Drained: true}}, list(), "what is in use runs out")
		require.Equal(t, 204, w.request("DELETE", "containers/"+c.ID+"?session="+sessionA, "").status)
		synctest.Wait() // until it is destroyed
		require.Equal(t, []agent{{ID: "agent-1", Draining: true, Drained: true}}, list())
		require.Equal(t, 204, w.request("POST", "agents/agent-1/undrain", "").status)
		require.Equal(t, []agent{}, list())

		require.Equal(t, 204, w.request("POST", "agents/..%2F..%2Fetc%0A%22%3Cb%3E/drain", "").status, "the name of an agent that comes later")
		require.Equal(t, []agent{{ID: "../../etc\n\"<b>", Draining: true, Drained: true}}, list())
		for _, id := range []string{"%FF", strings.Repeat("a", 257)} {
			for _, verb := range []string{"drain", "undrain"} {
				e := problem(t, w.request("POST", "agents/"+id+"/"+verb, ""), 400)
				require.Equal(t, "id", e.Details["field"])
			}
		}
		require.Equal(t, 404, w.request("POST", "agents//drain", "").status)
		require.Equal(t, controlapi.CodeMethod, problem(t, w.request("DELETE", "agents/agent-1/drain", ""), 405).Code)
	})
}

// TestOrdersGoToTheLeader gives orders by a client of all members, of which one is asked that does not lead.
func TestOrdersGoToTheLeader(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		client := w.clientOf(apiOf(w.follower().n))
		call := controlapi.RouteCall{Method: "POST", Path: "/v1/invoker/agents/agent-9/drain"}
		require.NoError(t, client.CallRoute(t.Context(), call))
		now, err := w.leader().invoker.Snapshot(t.Context())
		require.NoError(t, err)
		require.Equal(t, []invoker.AgentInfo{{ID: "agent-9", Draining: true, Drained: true}}, now.Agents)
	})
}

// TestWhoWaitsOverHTTP is what the status page reads.
func TestWhoWaitsOverHTTP(t *testing.T) {
	inWorld(t, func(w *world) { w.pool = invoker.PoolConfig{Memory: 128} }, func(t *testing.T, w *world) {
		w.open(sessionA)
		w.create(sessionA, "1")
		c := w.leader().invoker.Control()
		go func() { _, _ = c.Acquire(t.Context(), demand(sessionA, 2, "<b>")) }()
		time.Sleep(time.Second)
		type wait struct {
			Namespace, Action, Kind, Reason string
			MemoryMB, Callers               int
			Since                           time.Time
		}
		stats := decoded[struct {
			Waiting int
			Oldest  time.Time
			Waits   []wait
		}](t, w.request("GET", "stats", ""), 200)
		require.Equal(t, 1, stats.Waiting)
		require.Equal(t, []wait{{
			Namespace: "guest", Action: "/guest/<b>", Kind: "script", Reason: "there is no room for 128 MiB", MemoryMB: 128, Callers: 1, Since: stats.Oldest,
		}}, stats.Waits)
		require.NoError(t, c.End(t.Context(), sessionA))
	})
}

func TestTooManySessionsOverHTTP(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		own := w.leader().invoker.Control()
		for i := range 1000 {
			open(t, own, fmt.Sprintf("session-%016d", i))
		}
		e := problem(t, w.request("PUT", "sessions/"+sessionA, `{}`), 503)
		require.Equal(t, httpapi.CodeSessions, e.Code)
		require.True(t, e.Retryable)
		_, err := httpapi.NewControl(w.clientOf(apiOf(w.follower().n))).Renew(t.Context(), invoker.Renewal{Session: sessionA, Open: true})
		require.ErrorIs(t, err, invoker.ErrTooManySessions)
	})
}
