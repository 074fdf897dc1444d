package mesostest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// What operators see of agents, tasks and frameworks that are in trouble.
func TestStateOfTheLost(t *testing.T) {
	info := frameworkInfo("test", "prod")
	info.Checkpoint = ptr(true)
	config := Config{
		Agents:           []Agent{{Hostname: lostAgent, Attributes: "rack:r1;n:[1-3];x:1.5", Resources: "cpus:2;cpus(prod):1;mem:1024"}},
		AgentPingTimeout: time.Second,
	}
	inBubble(t, config, func(c *cluster) {
		view := func(path string) any {
			_, body := c.fetch(path)
			v, err := wirejson.Parse([]byte(body))
			require.NoError(t, err)
			return v
		}
		s := c.subscribe(info)
		c.at(100 * time.Millisecond)
		for _, o := range s.offers() {
			if resources.New(o.Resources).Quantity("mem") > 0 { // the seed decides whose they are
				s.accept(o, 1e6, taskInfo(o, "t", "sleep 600"))
			}
		}
		c.at(200 * time.Millisecond)
		s.ackAll()
		agents := view("/slaves").(map[string]any)["slaves"].([]any)
		require.Equal(t, map[string]any{"rack": "r1", "n": "[1-3]", "x": json.Number("1.5")}, at(agents[0], "attributes"))
		require.Equal(t, json.Number("1"), at(agents[0], "reserved_resources", "prod", "cpus"))
		require.Len(t, at(agents[0], "reserved_resources_full", "prod"), 1)
		require.Equal(t, json.Number("1"), at(view("/state"), "activated_slaves"))
		require.Equal(t, json.Number("1"), at(view("/state-summary").(map[string]any)["frameworks"].([]any)[0], "TASK_RUNNING"))

		require.True(t, c.master.LoseAgent(lostAgent))
		require.Equal(t, json.Number("1"), at(view("/state"), "deactivated_slaves"))
		c.at(5 * time.Second)
		require.Equal(t, json.Number("1"), at(view("/state"), "unreachable_slaves"))
		require.Equal(t, json.Number("0"), at(view("/state"), "deactivated_slaves"))
		f := view("/frameworks").(map[string]any)["frameworks"].([]any)[0]
		require.Equal(t, "TASK_UNREACHABLE", at(at(f, "unreachable_tasks").([]any)[0], "state"))
		require.Empty(t, at(f, "tasks"))
	})
}
