package controlapi

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// described is what the OpenAPI document says of a route.
type described struct {
	summary string
	query   []parameter
	header  []parameter
	body    any // a value of the type of the body; nil: none
	answer  any // of the type of the answer; nil: none, or not JSON
	media   []string
	codes   []scheduler.Code // of errors, beside those that each route has
}

type parameter struct{ name, kind, about string }

// descriptions returns those of all routes, by method and path.
func descriptions() map[string]described {
	key := []parameter{{keyHeader, "string", "Names the request, so that it can be repeated: the RequestID of the tasks. Default: one that the server makes up."}}
	running := []parameter{{"wait", "string", `"running": answer when all tasks run, and those with a health check are healthy.`}}
	all := map[string]described{
		"GET /healthz":         {summary: "Reports whether the process serves.", answer: Health{}},
		"GET /readyz":          {summary: "Reports whether a leader is known and subscribed.", answer: Health{}},
		"GET /metrics":         {summary: "Returns the metrics of this member, if it was configured with any.", media: []string{"text/plain"}},
		"GET /v1/openapi.json": {summary: "Returns this document.", media: []string{"application/json"}},
		"GET /v1/status":       {summary: "Returns the state of the election, the connection and the tasks.", answer: Overview{}},
		"GET /v1/agents":       {summary: "Returns what is known of agents.", answer: []scheduler.AgentStats{}},
		"GET /v1/offers":       {summary: "Returns the offers at hand.", answer: []scheduler.OfferAtHand{}},
		"POST /v1/reconcile":   {summary: "Asks the master about all tasks, and waits for its answers."},
		"POST /v1/teardown": {summary: "Ends the framework and all its tasks, for ever.", body: TeardownRequest{},
			codes: []scheduler.Code{CodeOtherFramework}},
	}
	maps.Copy(all, map[string]described{
		"POST /v1/tasks": {summary: "Submits a task. Repeated with the same key and body, it answers as the first time.", query: running, header: key,
			body: task.Spec{}, answer: task.Info{},
			codes: []scheduler.Code{scheduler.CodeDuplicateTask, CodeKeyReused, scheduler.CodeTaskEnded, scheduler.CodeNoCapacity}},
		"POST /v1/pods": {summary: "Submits the members of a pod.", query: running, header: key, body: []task.Spec{}, answer: []task.Info{},
			codes: []scheduler.Code{scheduler.CodeDuplicateTask, CodeKeyReused, scheduler.CodeTaskEnded, scheduler.CodeNoCapacity}},
		"GET /v1/tasks": {summary: "Lists tasks. With view=full the elements are of the type Info, with view=summary of the type Summary.",
			query: listParameters(), answer: TaskPage[task.Info]{}},
		"GET /v1/tasks/{id}": {summary: "Returns a task and its history.", answer: TaskDetail{}, codes: unknownTask()},
		"PUT /v1/tasks/{id}": {summary: "Submits a task unless it is on record with an equal spec.", body: task.Spec{}, answer: task.Info{},
			codes: []scheduler.Code{scheduler.CodeSpecDiffers}},
		"DELETE /v1/tasks/{id}": {summary: "Takes a task that has ended off the record.", codes: append(unknownTask(), scheduler.CodeTaskActive)},
		"GET /v1/tasks/{id}/wait": {summary: "Waits until a task runs, or has ended.", query: []parameter{{"until", "string", `"running" (default), "ended", or "running-any-health", for which the health check does not count`}},
			answer: task.Info{}, codes: append(unknownTask(), scheduler.CodeTaskEnded, scheduler.CodeNoCapacity)},
		"POST /v1/tasks/{id}/kill":   {summary: "Kills a task and waits until it has ended.", answer: task.Info{}, codes: unknownTask()},
		"GET /v1/tasks/{id}/explain": {summary: "Returns why a task is not launched.", answer: scheduler.Explanation{}, codes: unknownTask()},
		"GET /v1/tasks/{id}/logs": {summary: "Returns the output of a task: a LogChunk in each line or, for those who accept text/event-stream, in each event \"log\". " +
			"If it breaks off, the last line or the event \"error\" is a LogFailure.", query: logParameters(), answer: scheduler.LogChunk{},
			media: []string{"application/x-ndjson", "text/event-stream"},
			codes: append(unknownTask(), scheduler.CodeNotStarted, scheduler.CodeAgentAway, scheduler.CodeOutputGone, scheduler.CodeRefused)},
		"GET /v1/events": {summary: "Returns events as they happen, after a snapshot of all tasks or from a version on.", query: eventParameters(), media: []string{"text/event-stream"}},
	})
	return all
}

func unknownTask() []scheduler.Code { return []scheduler.Code{scheduler.CodeUnknownTask} }

func listParameters() []parameter {
	return []parameter{
		{"state", "string", "Names of states, with commas in between."}, {"group", "string", ""}, {"role", "string", ""}, {"pod", "string", ""},
		{"agent", "string", "The ID or the hostname of an agent."}, {"q", "string", "A part of the ID, name, group or hostname; upper case makes no difference."},
		{"label", "string", "name or name=value. May come several times: all must hold."},
		{"sort", "string", "submitted (default), updated, id, state, group or agent; -id and so on for descending order."},
		{"limit", "string", "The most tasks on a page: 1 to 1000, or all. Default 100."}, {"after", "string", "The next of the page before."},
		{"view", "string", "full (default) or summary."},
	}
}

func logParameters() []parameter {
	return []parameter{
		{"stream", "string", "stdout (default) or stderr."}, {"offset", "integer", "Where to begin, in bytes. Negative: so many before the end."},
		{"limit", "integer", "The most bytes. Default: to the end."}, {"follow", "boolean", "Go on with what the task writes, until it has ended."},
	}
}

func eventParameters() []parameter {
	return []parameter{
		{"since", "integer", "The version up to which the reader has seen all: that of a list, or the id of an event. Default: it gets a snapshot."},
		{"view", "string", "full (default): events have the type TaskEvent, and snapshots Infos. summary: SummaryEvent, and Summaries."},
	}
}

// object is a JSON object of the document.
type object = map[string]any

// openapi returns the description of the API: of routes, of which it says what is in about.
func openapi(routes []route, about map[string]described) json.RawMessage {
	s := schemas{}
	paths := object{}
	for i := range routes {
		rt := &routes[i]
		item, _ := paths[rt.path].(object)
		if item == nil {
			item = object{}
			paths[rt.path] = item
		}
		item[strings.ToLower(rt.method)] = rt.describe(about[rt.method+" "+rt.path], s)
	}
	for _, v := range []any{Error{}, Summary{}, SummaryEvent{}, Snapshot[task.Info]{}, Snapshot[Summary]{}, LogFailure{}, scheduler.TaskEvent{}, scheduler.RemovedEvent{},
		scheduler.ConnectionEvent{}, scheduler.OfferEvent{}, scheduler.InverseOfferEvent{}, scheduler.FailureEvent{}, scheduler.UnknownTaskEvent{},
		scheduler.NeverOfferedEvent{}, scheduler.StoreEvent{}, scheduler.LagEvent{}, TaskPage[Summary]{}} {
		s.of(reflect.TypeOf(v))
	}
	return mustEncode(object{
		"openapi": "3.1.0",
		"info": object{"title": "mesos-actor-go control API", "version": "1",
			"description": "A framework on Apache Mesos, served by each of its members. Errors have the body {\"error\": Error}."},
		"paths": paths,
		"components": object{
			"schemas":         s,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
		},
	})
}

// describe returns what the document says of a route.
func (rt *route) describe(d described, s schemas) object {
	operation := object{"summary": d.summary, "responses": rt.responses(d, s)}
	if rt.kind != local {
		operation["security"] = []any{object{"token": []any{}}, object{}} // {}: servers without tokens
	}
	var parameters []any
	add := func(in string, required bool, all ...parameter) {
		for _, p := range all {
			one := object{"name": p.name, "in": in, "schema": object{"type": p.kind}}
			if p.about != "" {
				one["description"] = p.about
			}
			if required {
				one["required"] = true
			}
			parameters = append(parameters, one)
		}
	}
	if strings.Contains(rt.path, "{id}") {
		add("path", true, parameter{"id", "string", "The ID of the task."})
	}
	add("query", false, d.query...)
	add("header", false, d.header...)
	if rt.kind.leads() {
		add("header", false, parameter{timeoutHeader, "number", "How many seconds the client waits: up to 600. Default 30; for output no limit."})
	}
	if parameters != nil {
		operation["parameters"] = parameters
	}
	if d.body != nil {
		operation["requestBody"] = object{"required": true, "content": content(s.of(reflect.TypeOf(d.body)), "application/json")}
	}
	return operation
}

// responses returns what a route may answer.
func (rt *route) responses(d described, s schemas) object {
	done := object{"description": "Done."}
	switch {
	case d.answer != nil && d.media == nil:
		done["content"] = content(s.of(reflect.TypeOf(d.answer)), "application/json")
	case d.answer != nil:
		done["content"] = content(s.of(reflect.TypeOf(d.answer)), d.media...)
	case d.media != nil:
		done["content"] = content(object{}, d.media...)
	}
	all := object{strconv.Itoa(rt.status): done}
	byStatus := map[int][]string{}
	for _, code := range append(rt.errorCodes(d), d.codes...) {
		byStatus[statusOf(code)] = append(byStatus[statusOf(code)], string(code))
	}
	body := object{"type": "object", "required": []string{"error"}, "properties": object{"error": s.of(reflect.TypeFor[Error]())}}
	for status, codes := range byStatus {
		slices.Sort(codes)
		all[strconv.Itoa(status)] = object{"description": strings.Join(slices.Compact(codes), ", "), "content": content(body, "application/json")}
	}
	return all
}

// errorCodes returns the codes of errors that routes of this kind have.
func (rt *route) errorCodes(d described) []scheduler.Code {
	codes := []scheduler.Code{CodeForbidden, CodeBusy, scheduler.CodePanic, scheduler.CodeInternal, scheduler.CodeInvalid}
	if rt.path == "/metrics" {
		codes = append(codes, CodeNoRoute)
	}
	if rt.path == "/readyz" {
		codes = append(codes, scheduler.CodeNotLeading, scheduler.CodeNotSubscribed)
	}
	if rt.kind != local {
		codes = append(codes, CodeUnauthorized)
	}
	if rt.kind.leads() {
		codes = append(codes, scheduler.CodeNotRunning, scheduler.CodeNotLeading, CodeLeaderUnreachable, scheduler.CodeFrameworkRemoved, scheduler.CodeTimeout, scheduler.CodeCanceled)
	}
	if d.body != nil {
		codes = append(codes, CodeTooLarge, CodeMediaType)
	}
	return codes
}

func content(schema any, media ...string) object {
	all := object{}
	for _, m := range media {
		all[m] = object{"schema": schema}
	}
	return all
}
