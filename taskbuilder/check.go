package taskbuilder

import (
	"cmp"
	"slices"
	"time"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// The defaults of mesos-actor. They are shorter than those of Mesos, so that a launch that waits for a healthy task
// returns soon.
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
	info := &mesos.HealthCheck{
		DelaySeconds:        seconds(h.Delay, 0),
		IntervalSeconds:     seconds(h.Interval, defaultInterval),
		TimeoutSeconds:      seconds(h.Timeout, defaultTimeout),
		GracePeriodSeconds:  seconds(h.GracePeriod, defaultGracePeriod),
		ConsecutiveFailures: proto.Uint32(uint32(cmp.Or(h.ConsecutiveFailures, defaultFailures))),
	}
	switch {
	case h.Command != nil:
		info.Type, info.Command = mesos.HealthCheck_COMMAND, checkCommand(s, *h.Command)
	case h.HTTP != nil:
		info.Type, info.HTTP = mesos.HealthCheck_HTTP, &mesos.HealthCheck_HTTPCheckInfo{
			Scheme: proto.String(cmp.Or(h.HTTP.Scheme, "http")),
			Port:   innerPort(s, p, h.Port),
			Path:   proto.String(cmp.Or(h.HTTP.Path, "/")),
		}
	default:
		info.Type, info.TCP = mesos.HealthCheck_TCP, &mesos.HealthCheck_TCPCheckInfo{Port: innerPort(s, p, h.Port)}
	}
	return info
}

func check(s task.Spec, p task.Placement) *mesos.CheckInfo {
	c := s.Check
	if c == nil {
		return nil
	}
	info := &mesos.CheckInfo{
		DelaySeconds:    seconds(c.Delay, 0),
		IntervalSeconds: seconds(c.Interval, defaultInterval),
		TimeoutSeconds:  seconds(c.Timeout, defaultTimeout),
	}
	switch {
	case c.Command != nil:
		info.Type, info.Command = mesos.CheckInfo_COMMAND, &mesos.CheckInfo_Command{Command: *checkCommand(s, *c.Command)}
	case c.HTTP != nil:
		info.Type, info.HTTP = mesos.CheckInfo_HTTP, &mesos.CheckInfo_Http{
			Port: innerPort(s, p, c.Port),
			Path: proto.String(cmp.Or(c.HTTP.Path, "/")),
		}
	default:
		info.Type, info.TCP = mesos.CheckInfo_TCP, &mesos.CheckInfo_Tcp{Port: innerPort(s, p, c.Port)}
	}
	return info
}

func seconds(d, defaultDuration time.Duration) *float64 {
	return proto.Float64(cmp.Or(d, defaultDuration).Seconds())
}

func checkCommand(s task.Spec, c task.CheckCommand) *mesos.CommandInfo {
	info := &mesos.CommandInfo{Shell: proto.Bool(c.Shell != "")}
	if len(c.Env) > 0 {
		info.Environment = &mesos.Environment{Variables: sorted(appendPlain(nil, c.Env))}
	}
	switch argv := slices.Clone(c.Argv); {
	case c.Shell != "":
		info.Value = proto.String(c.Shell)
	case s.Container.RunBy() == task.ContainerizerDocker:
		info.Value, info.Arguments = proto.String(argv[0]), argv[1:] // the executor passes both to docker exec, one after the other
	default:
		info.Value, info.Arguments = proto.String(argv[0]), argv // with the program as first argument, as in command
	}
	return info
}
