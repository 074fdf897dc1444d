// Package metrics exports what a scheduler, its election and an invoker count to Prometheus.
//
// [Register] adds the metrics of one framework to a Registerer of the user's:
//
//	err := metrics.Register(registry, metrics.Sources{Scheduler: s, Elector: member})
//
// All names begin with mesos_actor_, and all metrics have the label framework. docs/metrics.md lists them, docs/alerts.yml has
// rules for alerts, and docs/dashboard.json is a dashboard for Grafana.
//
// What it promises: a scrape reads a snapshot, waits for nothing, and disturbs nobody, also while a matcher does not return.
// Counters go back only when the process ends, and that of an invoker when its run does. Labels have a bounded number of values: no
// IDs, no hosts, and no text of masters. All of them are there from the beginning, but the kinds of stem cells.
//
// What it does not: there is no global registry, and no server. The package has no goroutines.
package metrics
