package controlapi

import (
	"encoding/json"
	"sync/atomic"
	"unicode/utf8"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// maxKept is up to how many bytes of JSON are kept of a task: some specs are a megabyte.
const maxKept = 4 << 10

// item is a task at one version. It is not changed, so that many goroutines may use it. It is encoded once for all of them.
type item struct {
	info   task.Info // without the values of secrets
	serial int       // in order of submission
	full   atomic.Pointer[json.RawMessage]
	short  atomic.Pointer[json.RawMessage]
}

func newItem(info task.Info, serial int) *item { return &item{info: redacted(info), serial: serial} }

// encoded returns the task as JSON: a Summary, or a task.Info.
func (it *item) encoded(summary bool) json.RawMessage {
	at := &it.full
	if summary {
		at = &it.short
	}
	if have := at.Load(); have != nil {
		return *have
	}
	var encoded json.RawMessage
	if summary {
		encoded = mustEncode(summaryOf(&it.info))
	} else {
		encoded = mustEncode(&it.info)
	}
	if len(encoded) <= maxKept {
		at.Store(&encoded)
	}
	return encoded
}

// summaryOf returns the summary of a task.
func summaryOf(i *task.Info) Summary {
	return Summary{
		ID: i.Spec.ID, State: i.State, Healthy: i.Healthy, Group: i.Spec.Group, Pod: i.Spec.Pod, Role: i.Spec.Role,
		AgentID: i.AgentID, Hostname: i.Hostname, CPUs: i.Spec.CPUs, Mem: i.Spec.Mem,
		Message: messageOf(i), Submitted: i.Submitted, Updated: i.Updated, Version: i.Version,
	}
}

// messageOf returns why a task is in its state, cut at 256 bytes.
func messageOf(i *task.Info) string {
	const longest = 256
	text := i.Status.GetMessage()
	if i.Err != nil {
		text = i.Err.Error()
	}
	if len(text) <= longest {
		return text
	}
	end := longest
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// mustEncode returns v as JSON. What cannot be encoded, such as a year beyond 9999, is an error in its place.
func mustEncode(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		encoded, _ = json.Marshal(errorBody{asError(err)})
	}
	return encoded
}
