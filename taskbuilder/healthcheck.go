package taskbuilder

import (
	"cmp"
	"time"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// The defaults of mesos-actor, not those of Mesos: whoever waits for a task to be healthy wants
// to know soon.
const (
	defaultInterval    = time.Second
	defaultTimeout     = time.Second
	defaultGracePeriod = 25 * time.Second
	defaultFailures    = 3
)

func healthCheck(s task.Spec, p task.Placement) *mesos.HealthCheck {
	h := s.HealthCheck
	if h == nil {
		return nil
	}
	seconds := func(d, byDefault time.Duration) *float64 {
		return proto.Float64(cmp.Or(d, byDefault).Seconds())
	}
	return &mesos.HealthCheck{
		Type:                mesos.HealthCheck_TCP,
		TCP:                 &mesos.HealthCheck_TCPCheckInfo{Port: innerPort(s, p, h.Port)},
		DelaySeconds:        seconds(h.Delay, 0),
		IntervalSeconds:     seconds(h.Interval, defaultInterval),
		TimeoutSeconds:      seconds(h.Timeout, defaultTimeout),
		GracePeriodSeconds:  seconds(h.GracePeriod, defaultGracePeriod),
		ConsecutiveFailures: proto.Uint32(uint32(cmp.Or(h.ConsecutiveFailures, defaultFailures))),
	}
}
