package mesostest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// operator sends a call in protobuf and asks for the answer in it.
func (c *cluster) operator(call *master.Call) (int, []byte) {
	c.t.Helper()
	body, err := proto.Marshal(call)
	require.NoError(c.t, err)
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "http://"+masterAddress+"/api/v1", bytes.NewReader(body))
	require.NoError(c.t, err)
	request.Header.Set("Content-Type", string(codecProtobuf))
	request.Header.Set("Accept", string(codecProtobuf))
	response, err := c.client.Do(request)
	require.NoError(c.t, err)
	body, err = io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	return response.StatusCode, body
}

func TestOperatorInProtobuf(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		agent := s.offers()[0].AgentID
		status, body := c.operator(&master.Call{Type: master.Call_DRAIN_AGENT, DrainAgent: &master.Call_DrainAgent{AgentID: agent, MarkGone: ptr(false)}})
		require.Equal(t, 200, status)
		require.Empty(t, body)
		var response master.Response
		status, body = c.operator(&master.Call{Type: master.Call_GET_AGENTS})
		require.Equal(t, 200, status)
		require.NoError(t, proto.Unmarshal(body, &response))
		require.Len(t, response.GetAgents.Agents, 1)
		got := response.GetAgents.Agents[0]
		require.False(t, got.Active)
		require.True(t, got.GetDeactivated())
		require.Equal(t, mesos.DrainState_DRAINING, got.GetDrainInfo().State)
		c.at(time.Second)
		s.ackAll()
		_, body = c.operator(&master.Call{Type: master.Call_GET_AGENTS})
		require.NoError(t, proto.Unmarshal(body, &response))
		require.Equal(t, mesos.DrainState_DRAINED, response.GetAgents.Agents[0].GetDrainInfo().State)
		status, body = c.operator(&master.Call{Type: master.Call_GET_LOGGING_LEVEL})
		require.Equal(t, 501, status)
		require.Equal(t, "501 Not Implemented.", string(body))
	})
}

func TestOperatorTeardown(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		requireRefused(t, 400, "No framework found with specified ID", c.master.Teardown("nope"))
		require.NoError(t, c.master.Teardown(s.fid.Value))
		c.at(0)
		require.Equal(t, "0 end: EOF", s.log()[2])
		requireRefused(t, 400, "No framework found with specified ID", c.master.Teardown(s.fid.Value))
	})
}

// What a test does as the operator may be done at any time, also when the master has ended.
func TestOperatorAfterTheEnd(t *testing.T) {
	m, err := New(Config{Agents: oneAgent()})
	require.NoError(t, err)
	var network virtualnet.Network
	l, err := network.Listen(masterAddress)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, m.Run(ctx, l))
	require.NoError(t, m.DeactivateAgent(lostAgent))
	require.NoError(t, m.ReactivateAgent(lostAgent))
	require.NoError(t, m.MarkAgentGone(lostAgent))
}

// FuzzOperator: no body panics; one that is refused gets an HTTP error, and neither it nor one that
// only asks changes anything; what an agent has is conserved.
func FuzzOperator(f *testing.F) {
	for _, name := range []string{"operator_refused", "drain_agent", "maintenance", "quota_limits"} {
		rec, err := loadRecording(filepath.Join("testdata", "recordings", name+".jsonl"))
		require.NoError(f, err)
		for _, l := range rec.lines {
			if l.Send != nil && l.Send.Path == "/api/v1" {
				f.Add([]byte(l.Send.Call))
				f.Add([]byte(l.Send.Body))
				f.Add(l.Send.Bytes)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, language := range []codec{codecJSON, codecProtobuf} {
			call, err := language.decodeOperator(body)
			if err != nil {
				continue
			}
			m, err := New(Config{Agents: oneAgent()})
			require.NoError(t, err)
			a, err := m.newAgent(m.config.Agents[0])
			require.NoError(t, err)
			m.register(a)
			before := stateOf(m)
			_, err = m.operate(call)
			var refusal *OperatorError
			if err != nil {
				require.True(t, errors.As(err, &refusal))
				require.GreaterOrEqual(t, refusal.Status, 400)
				require.Equal(t, before, stateOf(m))
			}
			require.Equal(t, a.total.String(), a.free.String())
		}
	})
}

// stateOf returns the part of the state that operators change.
func stateOf(m *Master) []any {
	return []any{string(wirejson.Encode(m.agentsResponse())), string(wirejson.Encode(m.maintenanceStatus())), m.schedule, m.quotas, m.weights}
}

// The registry keeps what operators did, unless it is in memory. Offers and questions of the old
// leader are gone.
func TestOperatorAndFailover(t *testing.T) {
	for _, test := range []struct {
		reason   string
		inMemory bool
		offers   int
		want     []string
	}{
		{"registry", false, 1, []string{"3 OFFERS", "3 INVERSE_OFFERS", "10 x TASK_GONE_BY_OPERATOR: Reconciliation: Task is gone"}},
		{"in memory: the drained agent is offered too", true, 2, []string{"3 OFFERS", "10 x TASK_UNKNOWN: Reconciliation: Task is unknown"}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			config := Config{
				Agents: make([]Agent, 3), InMemoryRegistry: test.inMemory, Recovery: -1, Reregistration: -1, HeartbeatInterval: time.Hour,
			}
			inBubble(t, config, func(c *cluster) {
				s := c.subscribe(withFailoverTimeout(time.Minute))
				var gone mesos.AgentID
				for _, o := range s.offers() {
					if o.Hostname == "agent3.example" {
						gone = o.AgentID
					}
				}
				require.NoError(t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
				require.NoError(t, c.master.DrainAgent("agent2.example", -1, false))
				require.NoError(t, c.master.MarkAgentGone("agent3.example"))
				require.NoError(t, c.master.UpdateQuota("test", nil, some{"cpus": 1000}))
				c.at(time.Second)
				require.True(t, c.master.Failover(time.Second))
				requireRefused(t, 503, "No leader elected", c.master.UpdateMaintenanceSchedule())
				requireRefused(t, 503, "No leader elected", c.master.MarkAgentGone(lostAgent))
				c.at(2 * time.Second)
				info := withFailoverTimeout(time.Minute)
				info.ID = s.fid
				c.at(3 * time.Second)
				again := c.subscribe(info)
				c.at(10 * time.Second)
				reconcileTask(again, "x", &gone)
				require.Equal(t, test.want, withoutAgents(again.log()[2:]))
				require.Len(t, again.offers(), test.offers)
				require.Equal(t, test.inMemory, again.offers()[0].Unavailability == nil)
				require.Equal(t, test.inMemory, c.master.ReactivateAgent("agent2.example") != nil)
				c.master.must(func() { require.Equal(t, test.inMemory, len(c.master.quotas) == 0) })
			})
		})
	}
}
