package metrics

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Sources are what is exported of one framework. Those that are nil are left out.
type Sources struct {
	// Scheduler is the scheduler of the framework.
	Scheduler *scheduler.Scheduler
	// Elector is the elector of this process.
	Elector ha.Elector
	// Invoker is the invoker of this process.
	Invoker *invoker.Invoker
	// Framework is the value of the label framework, which tells several frameworks of one process apart. Default: the name
	// of the scheduler's framework.
	Framework string
}

// Register adds the metrics of a framework to a Registerer, such as a [prometheus.Registry]. It returns the Registerer's error,
// such as [prometheus.AlreadyRegisteredError] if it has a framework of that name already.
func Register(r prometheus.Registerer, s Sources) error {
	if s.Scheduler == nil && s.Elector == nil && s.Invoker == nil {
		return errors.New("metrics: neither a scheduler nor an elector nor an invoker is given")
	}
	return r.Register(NewCollector(s))
}

// NewCollector returns what [Register] registers, for those who want to unregister it later.
func NewCollector(s Sources) prometheus.Collector {
	c := &collector{}
	framework := s.Framework
	if s.Scheduler != nil {
		framework = cmp.Or(framework, s.Scheduler.Metrics().Framework)
	}
	labels := prometheus.Labels{"framework": strings.ToValidUTF8(framework, "�")}
	if s.Scheduler != nil {
		c.groups = append(c.groups, newGroup(schedulerMetrics(), labels, func() schedulerSnapshot {
			return schedulerSnapshot{s.Scheduler.Metrics(), time.Now()}
		}))
	}
	if s.Elector != nil {
		c.groups = append(c.groups, newGroup(electionMetrics(s.Elector), labels, func() electionSnapshot { return lookAt(s.Elector) }))
	}
	if s.Invoker != nil {
		c.groups = append(c.groups, newGroup(invokerMetrics(), labels, func() invokerSnapshot { return poolOf(s.Invoker) }))
	}
	return c
}

// collector is a prometheus.Collector of groups of metrics.
type collector struct{ groups []prometheus.Collector }

// Describe implements [prometheus.Collector].
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, g := range c.groups {
		g.Describe(to)
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(to chan<- prometheus.Metric) {
	for _, g := range c.groups {
		g.Collect(to)
	}
}
