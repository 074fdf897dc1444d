package mesostest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// view returns the JSON at a path.
func (c *cluster) view(path string) map[string]any {
	c.t.Helper()
	_, body := c.show(path)
	var v map[string]any
	require.NoError(c.t, json.Unmarshal([]byte(body), &v), "%s", body)
	return v
}

// ask returns the answer to a call of the operator API, in protobuf and as the parts of its JSON.
func (c *cluster) ask(call master.Call_Type) (master.Response, map[string]any) {
	c.t.Helper()
	status, body := c.operator(&master.Call{Type: call, GetMetrics: &master.Call_GetMetrics{}})
	require.Equal(c.t, 200, status, "%s", body)
	var response master.Response
	require.NoError(c.t, proto.Unmarshal(body, &response))
	_, text := c.send(http.MethodPost, "/api/v1", `{"type":"`+call.String()+`","get_metrics":{}}`)
	var parts map[string]any
	require.NoError(c.t, json.Unmarshal([]byte(text), &parts))
	return response, parts
}

func (c *cluster) send(method, path, body string) (status int, text string) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.address+path, bytes.NewBufferString(body))
	require.NoError(c.t, err)
	request.Header.Set("Content-Type", string(codecJSON))
	response, err := c.client.Do(request)
	require.NoError(c.t, err)
	b, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	return response.StatusCode, string(b)
}

func (c *cluster) show(path string) (status int, text string) {
	c.t.Helper()
	return c.send(http.MethodGet, path, "")
}

func TestRootIsThere(t *testing.T) {
	inBubble(t, Config{Credentials: map[string]string{"p": "s"}}, func(c *cluster) {
		status, _ := c.show("/")
		require.Equal(t, 200, status, "without credentials")
		status, _ = c.show("/nope")
		require.Equal(t, 404, status)
		status, _ = c.show("/metrics/snapshot")
		require.Equal(t, 401, status)
	})
}

func TestFlags(t *testing.T) {
	inBubble(t, Config{AgentPingTimeout: 10 * time.Second, MaxAgentPingTimeouts: 2, Roles: []string{"a", "b"}}, func(c *cluster) {
		flags := c.view("/flags")["flags"].(map[string]any)
		require.Equal(t, "5secs", flags["agent_ping_timeout"])
		require.Equal(t, "2", flags["max_agent_ping_timeouts"])
		require.Equal(t, "a,b", flags["roles"])
		require.Equal(t, "replicated_log", flags["registry"])
		response, _ := c.ask(master.Call_GET_FLAGS)
		require.Len(t, response.GetFlags.Flags, len(flags))
	})
}

func TestRolesWeightsAndQuota(t *testing.T) {
	agents := []Agent{{Resources: "cpus:4;cpus(prod):1;mem:1024;disk:100;ports:[1-9]"}}
	inBubble(t, Config{Agents: agents}, func(c *cluster) {
		_, parts := c.ask(master.Call_GET_ROLES)
		require.Equal(t, map[string]any{"roles": []any{map[string]any{"name": "prod", "weight": 1.0}}}, parts["get_roles"])
		s := launched(c, frameworkInfo("a/b"), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		c.send(http.MethodPut, "/weights", `[{"role":"w","weight":2.5}]`)
		require.NoError(t, c.master.UpdateQuota("a", map[string]float64{"cpus": 1}, map[string]float64{"cpus": 2}))
		roles := c.view("/roles")["roles"].([]any)
		byName := map[string]map[string]any{}
		for _, r := range roles {
			byName[r.(map[string]any)["name"].(string)] = r.(map[string]any)
		}
		require.Len(t, byName, 4)
		require.Equal(t, 2.5, byName["w"]["weight"])
		require.Equal(t, map[string]any{"cpus": 1.0}, byName["prod"]["reserved"])
		require.Equal(t, []any{s.fid.Value}, byName["a/b"]["frameworks"])
		require.Empty(t, byName["a"]["frameworks"])
		require.Equal(t, map[string]any{"cpus": 0.1, "mem": 32.0}, byName["a"]["allocated"], "also what its subroles have")
		require.Equal(t, map[string]any{
			"role": "a", "guarantee": map[string]any{"cpus": 1.0}, "limit": map[string]any{"cpus": 2.0}, "consumed": map[string]any{"cpus": 0.1, "mem": 32.0},
		}, byName["a"]["quota"])

		response, _ := c.ask(master.Call_GET_ROLES)
		require.Len(t, response.GetRoles.Roles, 4)
		response, _ = c.ask(master.Call_GET_WEIGHTS)
		require.Equal(t, []mesos.WeightInfo{{Role: ptr("w"), Weight: 2.5}}, response.GetWeights.WeightInfos)
		_, weights := c.show("/weights")
		require.JSONEq(t, `[{"role":"w","weight":2.5}]`, weights)
		const quota = `{"infos":[{"role":"a","guarantee":[{"name":"cpus","type":"SCALAR","scalar":{"value":1.0}}]}],` +
			`"configs":[{"role":"a","guarantees":{"cpus":{"value":1.0}},"limits":{"cpus":{"value":2.0}}}]}`
		_, text := c.show("/quota")
		require.JSONEq(t, quota, text)
		_, parts = c.ask(master.Call_GET_QUOTA)
		status, err := json.Marshal(parts["get_quota"].(map[string]any)["status"])
		require.NoError(t, err)
		require.JSONEq(t, quota, string(status))
	})
}

func TestSettingsAreChanged(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		status, _ := c.send(http.MethodPut, "/weights", `[{"role":"w","weight":3}]`)
		require.Equal(t, 200, status)
		_, weights := c.show("/weights")
		require.JSONEq(t, `[{"role":"w","weight":3.0}]`, weights)
		status, text := c.send(http.MethodDelete, "/weights", "")
		require.Equal(t, 405, status)
		require.Equal(t, "405 Method Not Allowed. Expecting one of { 'GET', 'PUT' }, but received 'DELETE'.", text)

		const machine = `{"hostname":"agent1.example","ip":"127.0.0.1"}`
		const schedule = `{"windows":[{"machine_ids":[` + machine + `],"unavailability":{"start":{"nanoseconds":1}}}]}`
		status, text = c.send(http.MethodPost, "/master/maintenance/schedule", schedule)
		require.Equal(t, 200, status, text)
		_, text = c.show("/maintenance/schedule")
		require.JSONEq(t, schedule, text)
		require.Len(t, c.view("/maintenance/status")["draining_machines"], 1)
		status, text = c.send(http.MethodPost, "/machine/down", "["+machine+"]")
		require.Equal(t, 200, status, text)
		require.Len(t, c.view("/maintenance/status")["down_machines"], 1)
		status, text = c.send(http.MethodPost, "/machine/up", "["+machine+"]")
		require.Equal(t, 200, status, text)
		_, text = c.show("/maintenance/status")
		require.JSONEq(t, "{}", text)
		for _, bad := range []string{"", "{", "{}", `[{"ip":1}]`, "[1]"} {
			status, _ = c.send(http.MethodPost, "/machine/up", bad)
			require.Equal(t, 400, status, bad)
		}
	})
}

func TestMetrics(t *testing.T) {
	inBubble(t, Config{Agents: append(oneAgent(), Agent{})}, func(c *cluster) {
		s := launched(c, checkpointing(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		c.at(1500 * time.Millisecond)
		expect := func(want map[string]float64) {
			t.Helper()
			got := c.view("/metrics/snapshot")
			for name, value := range want {
				require.InDelta(t, value, got["master/"+name], 1e-9, name)
			}
		}
		expect(map[string]float64{
			"elected": 1, "uptime_secs": 1.5, "slaves_active": 2, "slaves_connected": 2, "slaves_disconnected": 0, "frameworks_active": 1,
			"frameworks_inactive": 0, "outstanding_offers": 1, "tasks_running": 1, "tasks_finished": 0, "cpus_total": 8, "cpus_used": 0.1,
			"cpus_percent": 0.1 / 8, "mem_used": 32, "gpus_total": 0, "gpus_percent": 0,
		})
		agent := s.lastStatus().AgentID.Value
		for _, a := range c.master.Snapshot().Agents {
			if a.ID == agent {
				c.master.LoseAgent(a.Hostname)
			}
		}
		expect(map[string]float64{"slaves_active": 1, "slaves_inactive": 1, "slaves_connected": 1, "slaves_disconnected": 1, "tasks_running": 1})
		c.at(2 * time.Minute)
		expect(map[string]float64{"slaves_unreachable": 1, "slaves_disconnected": 0, "tasks_running": 0, "tasks_unreachable": 1, "cpus_total": 4, "cpus_used": 0})
		response, _ := c.ask(master.Call_GET_METRICS)
		require.Len(t, response.GetMetrics.Metrics, len(c.view("/metrics/snapshot")))
		require.NoError(t, c.master.Teardown(s.fid.Value))
		expect(map[string]float64{"frameworks_active": 0, "tasks_unreachable": 0})
	})
}

// Every master tells of itself; of the cluster only the leader does.
func TestWhatAMasterTellsThatDoesNotLead(t *testing.T) {
	inBubbleOf(t, Config{Hostname: "m.example"}, []string{"127.0.0.1:5050", "127.0.0.2:5050"}, func(c *cluster) {
		c.address = "127.0.0.2:5050"
		c.at(3 * time.Second)
		require.Equal(t, map[string]any{"master/elected": 0.0, "master/uptime_secs": 3.0}, c.view("/metrics/snapshot"))
		require.Contains(t, c.view("/flags"), "flags")
		status, _ := c.show("/")
		require.Equal(t, 200, status)
		for _, path := range []string{"/roles", "/quota", "/weights", "/maintenance/schedule", "/maintenance/status", "/machine/up"} {
			require.Equal(t, "307 //m.example:5050/master"+path, c.get(c.address, path))
		}
	})
}

// GET_STATE is the answers to four other calls together.
func TestGetState(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		_, parts := c.ask(master.Call_GET_STATE)
		state := parts["get_state"].(map[string]any)
		require.Equal(t, map[string]any{"tasks": []any{}, "unreachable_tasks": []any{}, "completed_tasks": []any{}}, state["get_tasks"])
		require.Equal(t, map[string]any{"executors": []any{}}, state["get_executors"])
		require.Len(t, state["get_agents"].(map[string]any)["agents"], 1)
		s := launchedGroup(c, frameworkInfo(), "sleep 600", "sleep 600")
		response, _ := c.ask(master.Call_GET_STATE)
		require.Len(t, response.GetState.GetTasks.Tasks, 2)
		require.Len(t, response.GetState.GetFrameworks.Frameworks, 1)
		executors := response.GetState.GetExecutors.Executors
		require.Len(t, executors, 1)
		require.Equal(t, "e", executors[0].ExecutorInfo.ExecutorID.Value)
		require.Equal(t, s.offers()[0].AgentID, executors[0].AgentID)
		response, _ = c.ask(master.Call_GET_EXECUTORS)
		require.Equal(t, executors, response.GetExecutors.Executors)
	})
}

func TestGetOperations(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		status := reserve(s)
		response, _ := c.ask(master.Call_GET_OPERATIONS)
		require.Len(t, response.GetOperations.Operations, 1)
		op := response.GetOperations.Operations[0]
		require.Equal(t, s.fid, op.FrameworkID)
		require.Equal(t, mesos.Offer_Operation_RESERVE, op.Info.Type)
		require.Equal(t, status, op.LatestStatus)
		s.ackOperation(status)
		response, _ = c.ask(master.Call_GET_OPERATIONS)
		require.Empty(t, response.GetOperations.Operations)
	})
}

func TestTasksByQuery(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "a", "sleep 1"), 2)
		for i, id := range []string{"b", "c"} {
			s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE})
			s.accept(s.offers()[i+1], 1e6, taskInfo(s.offers()[i+1], id, "sleep 600"))
			c.at(time.Duration(i+2) * time.Second)
			s.ackAll()
		}
		for query, want := range map[string][]any{
			"": {"c", "b", "a"}, "?order=asc": {"a", "b", "c"}, "?limit=0": {}, "?limit=2": {"c", "b"}, "?limit=x": {"c", "b", "a"},
			"?limit=-1": {"c", "b", "a"}, "?offset=1&limit=1": {"b"}, "?offset=9": {}, "?task_id=a": {"a"}, "?framework_id=nobody": {},
			"?framework_id=" + s.fid.Value + "&task_id=b": {"b"},
		} {
			got := []any{}
			for _, v := range c.view("/tasks" + query)["tasks"].([]any) {
				got = append(got, v.(map[string]any)["id"])
			}
			require.Equal(t, want, got, query)
		}
		require.True(t, c.master.FreezeAgent(lostAgent))
		c.at(2 * time.Minute)
		require.Equal(t, "TASK_UNREACHABLE", c.view("/tasks?task_id=b")["tasks"].([]any)[0].(map[string]any)["state"])
	})
}
