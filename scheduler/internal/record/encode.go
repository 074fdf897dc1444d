package record

import (
	"encoding/json"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// storedSpec is the record of a spec. The spec has no ID and no RequestID, so that the records of alike tasks are equal byte
// for byte.
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
	AgentID   *string  `json:"agentID,omitzero"`
	Hostname  *string  `json:"hostname,omitzero"`
	HostPorts []uint16 `json:"hostPorts,omitzero"`
	Healthy   *bool    `json:"healthy,omitzero"`
	Status    []byte   `json:"status,omitempty"` // mesos.TaskStatus, see shorten
	// Address and IPs are set if they differ from those of Agent and Status.
	Address      *string   `json:"address,omitzero"`
	IPs          *[]string `json:"ips,omitzero"`
	ExitStatus   *int      `json:"exitStatus,omitzero"`
	Err          string    `json:"err,omitzero"`
	InfoVersion  uint64    `json:"infoVersion,omitzero"`
	Submitted    time.Time `json:"submitted,omitzero"`
	Updated      time.Time `json:"updated,omitzero"`
	Serial       int       `json:"serial,omitzero"`
	Lost         int32     `json:"lost,omitzero"`
	Confirmed    bool      `json:"confirmed,omitzero"`
	Killing      bool      `json:"killing,omitzero"`
	UUIDs        UUIDs     `json:"uuids,omitzero"`
	UnknownSince time.Time `json:"unknownSince,omitzero"`
	RequestID    string    `json:"requestID,omitzero"` // of the spec, which is otherwise that of alike tasks
	History      []byte    `json:"history,omitempty"`
}

// storedAgent is the agent in the record of a task's state. The constraints of other tasks may depend on it.
type storedAgent struct {
	ID         string   `json:"id,omitzero"`
	Hostname   string   `json:"hostname,omitzero"`
	Address    string   `json:"address,omitzero"`
	Region     string   `json:"region,omitzero"`
	Zone       string   `json:"zone,omitzero"`
	Attributes [][]byte `json:"attributes,omitempty"` // mesos.Attribute
}

// EncodeSpec returns the record of a spec, which does not have the spec's ID and RequestID.
func EncodeSpec(s *task.Spec) ([]byte, error) {
	anonymous := *s
	anonymous.ID, anonymous.RequestID = "", ""
	return encode(SpecKey(s.ID), storedSpec{Version: version, Spec: &anonymous})
}

// EncodeTask returns the record of a task's state. Of its spec only ID and RequestID are used.
func EncodeTask(t *Task) ([]byte, error) {
	info := &t.Info
	s := storedTask[*storedAgent]{
		Version: version, State: info.State.String(),
		AgentID: unlessEqual(info.AgentID, ""), Hostname: unlessEqual(info.Hostname, ""),
		HostPorts: info.HostPorts, Healthy: info.Health.public(), Status: []byte(info.status), IPs: info.ips, ExitStatus: info.ExitStatus, InfoVersion: info.Version,
		Submitted: info.Submitted.UTC(), Updated: info.Updated.UTC(),
		Serial: t.Serial, Lost: t.Lost, Confirmed: t.Confirmed, Killing: t.Killing,
		UUIDs: t.UUIDs, UnknownSince: t.UnknownSince.UTC(),
		RequestID: info.Spec.RequestID, History: []byte(t.History),
	}
	if info.Err != nil {
		s.Err = shortText(info.Err.Error())
	}
	key, address := TaskKey(info.Spec.ID), ""
	if a := t.Agent; a != nil {
		s.AgentID, s.Hostname = unlessEqual(info.AgentID, a.ID), unlessEqual(info.Hostname, a.Hostname)
		s.Agent = &storedAgent{ID: a.ID, Hostname: a.Hostname, Address: a.Address, Region: a.Region, Zone: a.Zone}
		address = a.Address
		for i := range a.Attributes {
			wire, err := a.Attributes[i].Marshal()
			if err != nil {
				return nil, &Error{Key: key, Err: err}
			}
			s.Agent.Attributes = append(s.Agent.Attributes, wire)
		}
	}
	s.Address = unlessEqual(info.AgentAddress, address)
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

// textLimit is the number of bytes that are stored of an error's text. The stack of a panic, which takes the most, is of
// no use to another process.
const textLimit = 1 << 10

// shortText returns the first line of a text, or the first textLimit bytes of it.
func shortText(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.ToValidUTF8(s[:min(len(s), textLimit)], "")
}

// IPs returns the addresses of a task's container that a status lists, in order.
func IPs(s *mesos.TaskStatus) []string {
	var all []string
	for _, network := range s.GetContainerStatus().GetNetworkInfos() {
		for i := range network.IPAddresses {
			if ip := network.IPAddresses[i].GetIPAddress(); ip != "" {
				all = append(all, ip)
			}
		}
	}
	return all
}

// shorten returns a status without the IDs that the record has elsewhere, which are a third of its bytes. Mesos
// has no empty IDs, so that lengthen can restore them.
func shorten(s mesos.TaskStatus, info *Info) mesos.TaskStatus {
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
func lengthen(s *mesos.TaskStatus, info *Info) {
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
