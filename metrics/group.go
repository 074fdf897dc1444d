package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// prefix begins all names: that of Mesos' own metrics in Prometheus is mesos_.
const prefix = "mesos_actor_"

// kind is the type of a metric.
type kind string

const (
	counter   kind = "counter"
	gauge     kind = "gauge"
	histogram kind = "histogram"
)

// metric is the description of one metric, and how its samples are read from a snapshot S.
type metric[S any] struct {
	name   string // without the prefix
	kind   kind
	help   string
	labels []string
	read   func(from *S, to *samples)
}

// count returns a counter without labels.
func count[S any](name, help string, value func(*S) uint64) metric[S] {
	return metric[S]{name, counter, help, nil, func(from *S, to *samples) { to.add(float64(value(from))) }}
}

// level returns a gauge without labels.
func level[S any](name, help string, value func(*S) float64) metric[S] {
	return metric[S]{name, gauge, help, nil, func(from *S, to *samples) { to.add(value(from)) }}
}

// durations returns a histogram without labels.
func durations[S any](name, help string, of func(*S) *scheduler.Histogram) metric[S] {
	return metric[S]{name, histogram, help, nil, func(from *S, to *samples) { to.addAll(of(from)) }}
}

// group is a collector of metrics that are read from the same snapshot.
type group[S any] struct {
	metrics  []metric[S]
	descs    []*prometheus.Desc
	snapshot func() S
}

func newGroup[S any](metrics []metric[S], labels prometheus.Labels, snapshot func() S) *group[S] {
	g := &group[S]{metrics, make([]*prometheus.Desc, len(metrics)), snapshot}
	for i, m := range metrics {
		g.descs[i] = prometheus.NewDesc(prefix+m.name, m.help, m.labels, labels)
	}
	return g
}

// Describe implements [prometheus.Collector].
func (g *group[S]) Describe(to chan<- *prometheus.Desc) {
	for _, d := range g.descs {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (g *group[S]) Collect(to chan<- prometheus.Metric) {
	from := g.snapshot()
	for i, m := range g.metrics {
		m.read(&from, &samples{g.descs[i], m.kind, to})
	}
}

// samples are those of one metric.
type samples struct {
	desc *prometheus.Desc
	kind kind
	to   chan<- prometheus.Metric
}

// add adds the value of a counter or gauge with these values of its labels.
func (s *samples) add(value float64, labels ...string) {
	kind := prometheus.GaugeValue
	if s.kind == counter {
		kind = prometheus.CounterValue
	}
	s.put(prometheus.NewConstMetric(s.desc, kind, value, labels...))
}

// addAll adds a histogram with these values of its labels.
func (s *samples) addAll(h *scheduler.Histogram, labels ...string) {
	buckets := make(map[float64]uint64, scheduler.HistogramBuckets)
	var sum uint64
	for i, bound := range scheduler.HistogramBounds() {
		sum += h.Buckets[i]
		buckets[bound.Seconds()] = sum
	}
	s.put(prometheus.NewConstHistogram(s.desc, h.Count, h.Sum.Seconds(), buckets, labels...))
}

func (s *samples) put(m prometheus.Metric, err error) {
	if err != nil {
		m = prometheus.NewInvalidMetric(s.desc, err)
	}
	s.to <- m
}
