package mesostest

import (
	"maps"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// uptime is all that a master which does not lead has to tell: /metrics/snapshot is its own.
func (p *incarnation) uptime(elected float64) map[string]float64 {
	return map[string]float64{"master/elected": elected, "master/uptime_secs": time.Since(p.started).Seconds()}
}

// metrics returns those of /metrics/snapshot that tell of the state: agents, frameworks, offers, tasks and resources.
// What a real master counts of messages and measures of itself is missing.
func (m *Master) metrics() map[string]float64 {
	metrics := map[string]float64{"master/elected": 0}
	if m.leading != nil {
		metrics = m.leading.uptime(1)
	}
	for _, name := range []string{
		"frameworks_active", "frameworks_inactive", "frameworks_connected", "frameworks_disconnected", "outstanding_offers",
		"slaves_active", "slaves_inactive", "slaves_connected", "slaves_disconnected", "slaves_unreachable",
	} {
		metrics["master/"+name] = 0
	}
	count := func(name string, yes bool, otherwise string) {
		if !yes {
			name = otherwise
		}
		metrics["master/"+name]++
	}
	for _, f := range m.order {
		count("frameworks_active", f.stream != nil, "frameworks_inactive")
		count("frameworks_connected", f.stream != nil, "frameworks_disconnected")
	}
	for _, a := range m.agents {
		count("slaves_active", a.offerable(), "slaves_inactive")
		count("slaves_connected", a.connected, "slaves_disconnected")
		metrics["master/outstanding_offers"] += float64(len(a.offers))
	}
	for _, a := range m.everRegistered {
		if m.agentByID[a.id] == a && !a.lostAt.IsZero() {
			metrics["master/slaves_unreachable"]++
		}
	}
	m.countTasks(metrics)
	m.countResources(metrics)
	return metrics
}

// countTasks counts the tasks by their state: of those that go on how many there are, of ended ones how many there were.
func (m *Master) countTasks(metrics map[string]float64) {
	name := func(s mesos.TaskState) string {
		return "master/" + strings.ToLower(strings.Replace(s.String(), "TASK_", "tasks_", 1))
	}
	for _, state := range []mesos.TaskState{
		mesos.TASK_STAGING, mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_KILLING, mesos.TASK_UNREACHABLE,
		mesos.TASK_FINISHED, mesos.TASK_FAILED, mesos.TASK_KILLED, mesos.TASK_LOST, mesos.TASK_ERROR, mesos.TASK_DROPPED,
		mesos.TASK_GONE, mesos.TASK_GONE_BY_OPERATOR,
	} {
		metrics[name(state)] = 0
	}
	for _, f := range slices.Concat(m.order, m.removed) {
		tasks := slices.Clone(f.completedTasks)
		if f.unregistered.IsZero() {
			tasks = append(tasks, f.byLaunch()...)
			metrics[name(mesos.TASK_UNREACHABLE)] += float64(len(f.unreachable))
		}
		for _, t := range tasks {
			metrics[name(t.state)]++
		}
	}
}

func (m *Master) countResources(metrics map[string]float64) {
	for _, name := range []string{"cpus", "gpus", "mem", "disk"} {
		var total, used int64
		for _, a := range m.agents {
			total += a.total.Milli(name)
			used += m.inUse(a).Milli(name)
		}
		metrics["master/"+name+"_total"], metrics["master/"+name+"_used"] = float64(total)/1000, float64(used)/1000
		metrics["master/"+name+"_percent"] = 0
		if total > 0 {
			metrics["master/"+name+"_percent"] = float64(used) / float64(total)
		}
	}
}

// metricMessages returns what GET_METRICS answers.
func (m *Master) metricMessages() []mesos.Metric {
	metrics := m.metrics()
	var list []mesos.Metric
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		list = append(list, mesos.Metric{Name: name, Value: ptr(metrics[name])})
	}
	return list
}
