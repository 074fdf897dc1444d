package mesostest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// This file is what operators see of the master and its agents: /state, /slaves, /state-summary and
// /version, in the words of Mesos' older API.

// buildInfo returns how the recorded master was built.
func buildInfo() map[string]any {
	return map[string]any{
		"version": mesosVersion, "build_date": "2024-08-23 18:59:00 UTC", "build_time": 1724439540.0, "build_user": "mesos-user",
		"git_branch": "refs/heads/master", "git_sha": "c1b42f79d157aa900be5cbb0c1023f1479962aa7",
	}
}

// zippedFrom is the size of bodies that are worth to be compressed.
const zippedFrom = 1024

// answerJSON writes a value, compressed if it is long and the client can read it.
func answerJSON(w http.ResponseWriter, r *http.Request, view any) {
	body, err := json.Marshal(view)
	if err != nil {
		answer(w, http.StatusInternalServerError, err.Error())
		return
	}
	answerBody(w, r, string(codecJSON), body)
}

func answerBody(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	if len(body) >= zippedFrom && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, _ = z.Write(body) // a buffer takes everything
		_ = z.Close()
		body = zipped.Bytes()
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// stateView returns /state. Of the flags only those are there that Config has.
func (m *Master) stateView() any {
	view := buildInfo()
	maps.Copy(view, m.frameworksView().(map[string]any))
	maps.Copy(view, map[string]any{
		"id": m.info.ID, "pid": m.info.GetPID(), "hostname": m.info.GetHostname(),
		"start_time": epoch(m.start), "elected_time": epoch(m.start),
		"capabilities": []string{"AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"},
		"leader":       m.info.GetPID(),
		"leader_info": map[string]any{
			"id": m.info.ID, "pid": m.info.GetPID(), "port": m.info.GetPort(), "hostname": m.info.GetHostname(),
		},
		"flags":  m.flags(),
		"slaves": viewAll(m.agents, func(a *agent) any { return m.agentSummary(a) }), "recovered_slaves": m.recoveredView(), "orphan_tasks": []any{},
	})
	active, unreachable := 0, 0
	for _, a := range m.everRegistered {
		if m.agentByID[a.id] == a && !a.lostAt.IsZero() {
			unreachable++
		}
	}
	for _, a := range m.agents {
		if a.offerable() {
			active++
		}
	}
	view["activated_slaves"], view["deactivated_slaves"], view["unreachable_slaves"] = active, len(m.agents)-active, unreachable
	return view
}

// flags returns the flags of the master that Config has. It needs no loop.
func (m *Master) flags() map[string]string {
	registry := "replicated_log"
	if m.config.InMemoryRegistry {
		registry = "in_memory"
	}
	flags := map[string]string{
		"agent_ping_timeout":       durationText(m.config.AgentPingTimeout / time.Duration(max(m.config.MaxAgentPingTimeouts, 1))),
		"agent_reregister_timeout": durationText(m.config.AgentReregisterTimeout), "allocation_interval": durationText(m.config.AllocationInterval),
		"max_agent_ping_timeouts": strconv.Itoa(m.config.MaxAgentPingTimeouts), "max_completed_frameworks": strconv.Itoa(m.config.MaxCompletedFrameworks),
		"max_completed_tasks_per_framework": strconv.Itoa(maxCompletedTasks), "registry": registry,
		"root_submissions": strconv.FormatBool(!m.config.NoRootSubmissions), "zk_session_timeout": durationText(m.config.SessionTimeout),
	}
	if m.config.Hostname != "" {
		flags["hostname"] = m.config.Hostname
	}
	if m.config.OfferTimeout > 0 {
		flags["offer_timeout"] = durationText(m.config.OfferTimeout)
	}
	if m.config.Roles != nil {
		flags["roles"] = strings.Join(m.config.Roles, ",")
	}
	return flags
}

// agentsView returns /slaves, which has more about each agent than /state.
func (m *Master) agentsView() any {
	full := func(a *agent) any {
		view := m.agentSummary(a)
		used, offered := m.inUse(a), a.offered()
		reserved := map[string]any{}
		for role, rs := range a.reserved() {
			reserved[role] = fullView(rs)
		}
		view["reserved_resources_full"] = reserved
		view["unreserved_resources_full"] = fullView(a.total.Unreserved())
		view["used_resources_full"] = fullView(used)
		view["offered_resources_full"] = fullView(offered)
		return view
	}
	return map[string]any{"slaves": viewAll(m.agents, full), "recovered_slaves": m.recoveredView()}
}

// recoveredView returns the agents that are known from the registry alone.
func (m *Master) recoveredView() any {
	list := []any{}
	for _, a := range m.everRegistered {
		if a.recovered {
			list = append(list, map[string]any{
				"id": a.id, "hostname": a.config.Hostname, "port": a.config.Port,
				"attributes": a.attributesView(), "resources": amounts(a.total),
			})
		}
	}
	return list
}

func (m *Master) agentSummary(a *agent) map[string]any {
	offered := a.offered()
	used := a.total.Subtract(a.free).Subtract(offered.Unallocated())
	view := map[string]any{
		"id": a.id, "hostname": a.config.Hostname, "port": a.config.Port, "pid": a.pid(),
		"attributes": a.attributesView(), "registered_time": epoch(a.registered), "version": mesosVersion,
		"active": a.offerable(), "deactivated": a.deactivated, "capabilities": agentCapabilities(),
		"used_resources": amounts(used), "offered_resources": amounts(offered),
	}
	if !a.reregistered.IsZero() {
		view["reregistered_time"] = epoch(a.reregistered)
	}
	maps.Copy(view, a.resourcesView())
	return view
}

func agentCapabilities() []string {
	return []string{
		"MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT", "RESOURCE_PROVIDER", "RESIZE_VOLUME",
		"AGENT_OPERATION_FEEDBACK", "AGENT_DRAINING", "TASK_RESOURCE_LIMITS",
	}
}

func (a *agent) pid() string { return "slave(1)@" + a.address() }

// resourcesView returns what an agent has, of which nothing changes.
func (a *agent) resourcesView() map[string]any {
	reserved := map[string]any{}
	for role, rs := range a.reserved() {
		reserved[role] = amounts(rs)
	}
	return map[string]any{
		"resources": amounts(a.total), "reserved_resources": reserved, "unreserved_resources": amounts(a.total.Unreserved()),
	}
}

// reserved returns the agent's reserved resources by role.
func (a *agent) reserved() map[string]resources.List {
	byRole := map[string]resources.List{}
	for _, e := range a.total {
		if role := e.ReservedFor(); role != "" {
			byRole[role] = append(byRole[role], e)
		}
	}
	return byRole
}

func (a *agent) attributesView() map[string]any {
	view := map[string]any{}
	for i := range a.attributes {
		attribute := &a.attributes[i]
		switch {
		case attribute.Text != nil:
			view[attribute.Name] = attribute.Text.Value
		case attribute.Scalar != nil:
			view[attribute.Name] = attribute.Scalar.Value
		default:
			view[attribute.Name] = resources.FormatValue(&mesos.Resource{Type: &attribute.Type, Ranges: attribute.Ranges, Set: attribute.Set})
		}
	}
	return view
}

// inUse returns the resources of an agent that tasks and executors hold.
func (m *Master) inUse(a *agent) resources.List {
	var used resources.List
	for _, e := range a.running {
		used = used.Add(e.resources)
	}
	for _, t := range m.tasksOn(a) {
		used = used.Add(t.resources)
	}
	return used
}

func (a *agent) offered() resources.List {
	var offered resources.List
	for _, o := range a.offers {
		offered = offered.Add(o.resources)
	}
	return offered
}

// fullView lists resources one by one, in their older form.
func fullView(rs resources.List) []any {
	return viewAll(resources.Unrefined(rs.Proto()), func(r mesos.Resource) any { return json.RawMessage(wirejson.Encode(&r)) })
}

// summaryView returns /state-summary.
func (m *Master) summaryView() any {
	tasks := map[*agent][]*task{}
	frameworks := map[*agent][]string{}
	of := func(f *framework) any {
		whole := m.frameworkView(f).(map[string]any)
		view := map[string]any{}
		for _, key := range []string{
			"id", "name", "used_resources", "offered_resources", "capabilities", "hostname", "webui_url", "active", "connected", "recovered",
		} {
			view[key] = whole[key]
		}
		known := slices.Concat(f.byLaunch(), f.completedTasks, byLaunch(maps.Values(f.unreachable)))
		agents := []string{}
		for _, t := range known {
			tasks[t.agent] = append(tasks[t.agent], t)
			if !slices.Contains(agents, t.agent.id) {
				agents = append(agents, t.agent.id)
				frameworks[t.agent] = append(frameworks[t.agent], f.id)
			}
		}
		view["slave_ids"] = agents
		maps.Copy(view, countStates(known))
		return view
	}
	summary := map[string]any{"hostname": m.info.GetHostname(), "frameworks": viewAll(m.order, of)}
	summary["slaves"] = viewAll(m.agents, func(a *agent) any {
		view := m.agentSummary(a)
		view["framework_ids"] = append([]string{}, frameworks[a]...)
		maps.Copy(view, countStates(tasks[a]))
		return view
	})
	return summary
}

func countStates(tasks []*task) map[string]any {
	view := map[string]any{}
	for _, s := range []mesos.TaskState{
		mesos.TASK_STAGING, mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_KILLING, mesos.TASK_FINISHED,
		mesos.TASK_KILLED, mesos.TASK_FAILED, mesos.TASK_LOST, mesos.TASK_ERROR, mesos.TASK_UNREACHABLE,
	} {
		n := 0
		for _, t := range tasks {
			if t.shown() == s {
				n++
			}
		}
		view[s.String()] = n
	}
	return view
}
