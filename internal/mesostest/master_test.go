package mesostest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSubscribeAndHeartbeat(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(31 * time.Second)
		require.Equal(t, []string{"0 SUBSCRIBED", "0 HEARTBEAT", "15 HEARTBEAT", "30 HEARTBEAT"}, s.log())
	})
}

func TestTaskLife(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(200 * time.Millisecond)
		o := s.offers()[0]
		s.accept(o, -1, taskInfo(o, "t1", "sleep 1"))
		c.at(300 * time.Millisecond)
		s.ack(s.lastStatus())
		s.ack(s.lastStatus())
		c.at(2 * time.Second)
		s.ack(s.lastStatus())
		c.at(10 * time.Second)
		require.Equal(t, []string{
			"0 SUBSCRIBED",
			"0 HEARTBEAT",
			"0 OFFERS agent1.example=ports:[31000-31999]; cpus:4; mem:4096; disk:10000",
			"0.3 t1 TASK_STARTING",
			"0.3 t1 TASK_RUNNING",
			"1.35 t1 TASK_FINISHED: Command exited with status 0",
			"2 OFFERS agent1.example=ports:[31000-31999]; cpus:4; mem:4096; disk:10000",
		}, s.log())
	})
}
