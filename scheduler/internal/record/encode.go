package record

import (
	"encoding/json"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// storedSpec is the record of a spec. The spec has no ID, so that the records of alike tasks are equal byte for byte.
type storedSpec struct {
	Version int        `json:"version"`
	Spec    *task.Spec `json:"spec"`
}

// storedTask is the record of a task's state. A is the type of its agent: a struct when encoding, the raw bytes when
// decoding, since an agent that is known already need not be decoded again.
type storedTask[A any] struct {
	Version int    `json:"version"`
	State   string `json:"state"`
	Agent   A      `json:"agent,omitzero"`
	// AgentID and Hostname are set if they differ from those of Agent.
	AgentID      *string   `json:"agentID,omitzero"`
	Hostname     *string   `json:"hostname,omitzero"`
	HostPorts    []uint16  `json:"hostPorts,omitzero"`
	Healthy      *bool     `json:"healthy,omitzero"`
	Status       []byte    `json:"status,omitempty"` // mesos.TaskStatus, see shorten
	Submitted    time.Time `json:"submitted,omitzero"`
	Updated      time.Time `json:"updated,omitzero"`
	Serial       int       `json:"serial,omitzero"`
	Lost         int32     `json:"lost,omitzero"`
	Confirmed    bool      `json:"confirmed,omitzero"`
	Killing      bool      `json:"killing,omitzero"`
	UUIDs        UUIDs     `json:"uuids,omitzero"`
	UnknownSince time.Time `json:"unknownSince,omitzero"`
}

// storedAgent is the agent in the record of a task's state. The constraints of other tasks may depend on it.
type storedAgent struct {
	ID         string   `json:"id,omitzero"`
	Hostname   string   `json:"hostname,omitzero"`
	Region     string   `json:"region,omitzero"`
	Zone       string   `json:"zone,omitzero"`
	Attributes [][]byte `json:"attributes,omitempty"` // mesos.Attribute
}

// EncodeSpec returns the record of a spec, which does not have the spec's ID.
func EncodeSpec(s *task.Spec) ([]byte, error) {
	anonymous := *s
	anonymous.ID = ""
	return encode(SpecKey(s.ID), storedSpec{Version: version, Spec: &anonymous})
}

// EncodeTask returns the record of a task's state. Of its spec only the ID is used.
func EncodeTask(t *Task) ([]byte, error) {
	info := &t.Info
	s := storedTask[*storedAgent]{
		Version: version, State: info.State.String(),
		AgentID: unlessEqual(info.AgentID, ""), Hostname: unlessEqual(info.Hostname, ""),
		HostPorts: info.HostPorts, Healthy: info.Healthy,
		Submitted: info.Submitted.UTC(), Updated: info.Updated.UTC(),
		Serial: t.Serial, Lost: t.Lost, Confirmed: t.Confirmed, Killing: t.Killing,
		UUIDs: t.UUIDs, UnknownSince: t.UnknownSince.UTC(),
	}
	key := TaskKey(info.Spec.ID)
	if a := t.Agent; a != nil {
		s.AgentID, s.Hostname = unlessEqual(info.AgentID, a.ID), unlessEqual(info.Hostname, a.Hostname)
		s.Agent = &storedAgent{ID: a.ID, Hostname: a.Hostname, Region: a.Region, Zone: a.Zone}
		for i := range a.Attributes {
			wire, err := a.Attributes[i].Marshal()
			if err != nil {
				return nil, &Error{Key: key, Err: err}
			}
			s.Agent.Attributes = append(s.Agent.Attributes, wire)
		}
	}
	if info.Status != nil && info.Status.Size() <= maxMessage { // a larger one could not be read again; the task is kept without it
		status := shorten(*info.Status, info)
		var err error
		if s.Status, err = status.Marshal(); err != nil {
			return nil, &Error{Key: key, Err: err}
		}
	}
	return encode(key, s)
}

func encode(key string, record any) ([]byte, error) {
	value, err := json.Marshal(record)
	if err != nil {
		return nil, &Error{Key: key, Err: err}
	}
	return value, nil
}

// unlessEqual returns nil for a text that need not be stored because it is the default.
func unlessEqual(text, byDefault string) *string {
	if text == byDefault {
		return nil
	}
	return &text
}

// shorten returns a status without the IDs that the record has elsewhere, which are a third of its bytes. Mesos
// has no empty IDs, so that lengthen can restore them.
func shorten(s mesos.TaskStatus, info *task.Info) mesos.TaskStatus {
	if s.TaskID.Value == info.Spec.ID {
		s.TaskID.Value = ""
	}
	if s.ExecutorID != nil && s.ExecutorID.Value == info.Spec.ID {
		s.ExecutorID = &mesos.ExecutorID{}
	}
	if s.AgentID != nil && s.AgentID.Value == info.AgentID {
		s.AgentID = &mesos.AgentID{}
	}
	return s
}

// lengthen is the reverse of shorten.
func lengthen(s *mesos.TaskStatus, info *task.Info) {
	if s.TaskID.Value == "" {
		s.TaskID.Value = info.Spec.ID
	}
	if s.ExecutorID != nil && s.ExecutorID.Value == "" {
		s.ExecutorID.Value = info.Spec.ID
	}
	if s.AgentID != nil && s.AgentID.Value == "" {
		s.AgentID.Value = info.AgentID
	}
}
