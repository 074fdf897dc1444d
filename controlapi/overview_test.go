package controlapi_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// counting is a framework with an agent whose hostname is of any size, and that changes each time it is asked for.
type counting struct {
	controlapi.Framework
	asked *atomic.Int64
	size  int
}

func (c counting) Version() uint64 { return c.Framework.(*scheduler.Scheduler).Version() }

func (c counting) Agents(context.Context) ([]scheduler.AgentStats, error) {
	n := c.asked.Add(1)
	return []scheduler.AgentStats{{Agent: task.Agent{ID: "S0", Hostname: strings.Repeat("x", c.size)}, Tasks: int(n)}}, nil
}

func TestOverviewsComeSeldom(t *testing.T) {
	for name, row := range map[string]struct{ size, least, most int }{
		"small":                     {10, 30, 32},    // in 30 s, one each second
		"with a megabyte of agents": {1 << 20, 2, 3}, // one each 16 s
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			inWorld(t, func(c *controlapi.Config) { c.Framework = counting{c.Framework, &asked, row.size} }, func(t *testing.T, w *world) {
				sleep(time.Minute)
				require.Zero(t, asked.Load(), "nobody watches")
				r := w.events("?view=summary")
				sleep(30 * time.Second)
				got := len(named(r.take(), "overview"))
				require.GreaterOrEqual(t, got, row.least)
				require.LessOrEqual(t, got, row.most)
				r.stop()
				<-r.ended
				sleep(time.Second)
				before := asked.Load()
				sleep(time.Minute)
				require.Equal(t, before, asked.Load(), "nobody watches any more")
			})
		})
	}
}
