package controlapi

import (
	"context"
	"iter"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Watch is [scheduler.Scheduler.Watch].
func (c *Client) Watch(ctx context.Context) iter.Seq[scheduler.Event] {
	return func(func(scheduler.Event) bool) {}
}
