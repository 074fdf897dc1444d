package mesoshttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// encode returns the encoded call with offer constraints, which most calls do not have.
func (c Codec) encode(call *scheduler.Call, constraints OfferConstraints) ([]byte, error) {
	var (
		field   uint64
		payload interface{ Marshal() ([]byte, error) }
	)
	switch {
	case len(constraints) == 0:
	case call.Type == scheduler.Call_SUBSCRIBE && call.Subscribe != nil:
		field, payload = fieldSubscribe, call.Subscribe
	case call.Type == scheduler.Call_UPDATE_FRAMEWORK && call.UpdateFramework != nil:
		field, payload = fieldUpdateFramework, call.UpdateFramework
	default:
		return nil, errors.New("only SUBSCRIBE and UPDATE_FRAMEWORK have offer constraints")
	}
	switch {
	case c == JSON:
		return encodeJSON(call, constraints)
	case payload == nil:
		return call.Marshal()
	}
	// They are the last field of the payload, and the payload is the last of the call. (Protobuf would also merge
	// a second payload into the first, but mesos-go's decoder does not take one without its required fields.)
	without := *call
	without.Subscribe, without.UpdateFramework = nil, nil
	head, err := without.Marshal()
	if err != nil {
		return nil, err
	}
	message, err := payload.Marshal()
	if err != nil {
		return nil, err
	}
	return appendField(head, field, appendField(message, fieldOfferConstraints, constraints.protobuf())), nil
}

// encodeJSON adds to the JSON of mesos-go what mesos-go cannot encode: offer constraints, and infinity, which JSON has
// no number for and Mesos accepts as a string.
func encodeJSON(call *scheduler.Call, constraints OfferConstraints) ([]byte, error) {
	call, unlimited := withoutInfinity(call)
	body, err := json.Marshal(call)
	if err != nil || len(constraints) == 0 && len(unlimited) == 0 {
		return body, err
	}
	var message map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // float64 would round large integers
	if err := d.Decode(&message); err != nil {
		return nil, err
	}
	for _, name := range [...]string{"subscribe", "update_framework"} {
		if payload, ok := message[name].(map[string]any); ok && len(constraints) > 0 {
			payload["offer_constraints"] = constraints.json()
		}
	}
	for _, limit := range unlimited {
		limit.insert(message)
	}
	return json.Marshal(message)
}

// place is the position of an infinite limit in an ACCEPT.
type place struct {
	operation, task int
	group           bool // of a LAUNCH_GROUP
	resource        string
}

// withoutInfinity returns the call without infinite limits, and the places of those. It copies what it changes.
func withoutInfinity(call *scheduler.Call) (*scheduler.Call, []place) {
	var unlimited []place
	for i, o := range call.GetAccept().GetOperations() {
		for _, group := range [...]bool{false, true} {
			for j, t := range tasksOf(&o, group) {
				for _, name := range slices.Sorted(maps.Keys(t.Limits)) {
					if math.IsInf(t.Limits[name].Value, 1) {
						unlimited = append(unlimited, place{i, j, group, name})
					}
				}
			}
		}
	}
	if len(unlimited) == 0 {
		return call, nil
	}
	copied, accept := *call, *call.Accept
	copied.Accept, accept.Operations = &accept, slices.Clone(accept.Operations)
	for _, p := range unlimited {
		o := &accept.Operations[p.operation]
		tasks := slices.Clone(tasksOf(o, p.group))
		tasks[p.task].Limits = maps.Clone(tasks[p.task].Limits)
		delete(tasks[p.task].Limits, p.resource)
		if p.group {
			launch := *o.LaunchGroup
			launch.TaskGroup.Tasks, o.LaunchGroup = tasks, &launch
		} else {
			o.Launch = &mesos.Offer_Operation_Launch{TaskInfos: tasks}
		}
	}
	return &copied, unlimited
}

func tasksOf(o *mesos.Offer_Operation, group bool) []mesos.TaskInfo {
	if group {
		return o.GetLaunchGroup().GetTaskGroup().Tasks
	}
	return o.GetLaunch().GetTaskInfos()
}

// insert puts infinity at its place in the JSON form of the call. Everything on the way there was written by mesos-go.
func (p place) insert(call map[string]any) {
	object := func(value any, name string) map[string]any {
		child, _ := value.(map[string]any)[name].(map[string]any)
		return child
	}
	element := func(value any, name string, i int) map[string]any {
		list, _ := value.(map[string]any)[name].([]any)
		child, _ := list[i].(map[string]any)
		return child
	}
	operation := element(object(call, "accept"), "operations", p.operation)
	var task map[string]any
	if p.group {
		task = element(object(object(operation, "launch_group"), "task_group"), "tasks", p.task)
	} else {
		task = element(object(operation, "launch"), "task_infos", p.task)
	}
	limits := object(task, "limits")
	if limits == nil {
		limits = map[string]any{}
		task["limits"] = limits
	}
	limits[p.resource] = map[string]any{"value": "Infinity"}
}
