package mesostest

import (
	"fmt"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// The observer learns which stream replaced which, and what became of each one's calls; a snapshot counts launches.
func TestObserve(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		var seen []string
		streams := map[string]int{}
		c.master.Observe(func(h Handled) {
			if _, known := streams[h.StreamID]; !known {
				streams[h.StreamID] = len(streams) + 1
			}
			seen = append(seen, fmt.Sprint(h.At.Sub(c.start), " ", h.Call.Type, " on stream ", streams[h.StreamID], " of ", h.FrameworkID, ": ", h.Status))
		})
		info := withFailoverTimeout(time.Minute)
		first := c.subscribe(info)
		o := first.offers()[0]
		first.accept(o, 0, taskInfo(o, "t", "sleep 600"))
		c.at(time.Second)
		info.ID = first.fid
		second := c.subscribe(info)
		first.call(400, &scheduler.Call{Type: scheduler.Call_REVIVE})
		second.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE})
		c.master.Intercept(func(*scheduler.Call) Fault { return Swallow })
		second.call(202, &scheduler.Call{Type: scheduler.Call_SUPPRESS})
		id := first.fid.Value
		require.Equal(t, []string{
			"0s SUBSCRIBE on stream 1 of " + id + ": 200", "0s ACCEPT on stream 1 of " + id + ": 202",
			"1s SUBSCRIBE on stream 2 of " + id + ": 200", "1s REVIVE on stream 1 of " + id + ": 400", "1s REVIVE on stream 2 of " + id + ": 202",
		}, seen)
		require.Equal(t, map[string]int{"t": 1}, c.master.Snapshot().Launches)
	})
}
