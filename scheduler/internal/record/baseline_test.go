package record

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unsafe"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// The baseline is the code that wrote and read version 1. Benchmarks compare with it, and tests read what it writes.

// baselineRecord is the stored form of a task in version 1.
type baselineRecord struct {
	Version      int
	Spec         any // a task.Spec without tags, see untagged
	State        string
	AgentID      string    `json:",omitempty"`
	Hostname     string    `json:",omitempty"`
	HostPorts    []uint16  `json:",omitempty"`
	Healthy      *bool     `json:",omitempty"`
	Status       []byte    `json:",omitempty"`
	Submitted    time.Time `json:",omitzero"`
	Updated      time.Time `json:",omitzero"`
	Serial       int
	Launches     int       `json:",omitempty"`
	Confirmed    bool      `json:",omitempty"`
	Doubtful     bool      `json:",omitempty"`
	Killing      bool      `json:",omitempty"`
	UUIDs        []uint64  `json:",omitempty"`
	UnknownSince time.Time `json:",omitzero"`
	Region       string    `json:",omitempty"`
	Zone         string    `json:",omitempty"`
	Attributes   [][]byte  `json:",omitempty"`
}

// baseline encodes and decodes with the types of that time.
type baseline struct {
	spec reflect.Type
}

func newBaseline() baseline { return baseline{spec: untagged(reflect.TypeFor[task.Spec]())} }

// newer reports whether a field of a spec came after version 1.
func newer(of reflect.Type, field string) bool {
	return of == reflect.TypeFor[task.Port]() && field == "NoHost" || of == reflect.TypeFor[task.Spec]() && (field == "Executor" || field == "RequestID")
}

// untagged returns a type of the same layout whose structs have no tags. Fields that version 1 did not have are left out of
// JSON.
func untagged(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Struct:
		fields := make([]reflect.StructField, t.NumField())
		for i := range fields {
			fields[i] = reflect.StructField{Name: t.Field(i).Name, Type: untagged(t.Field(i).Type)}
			if newer(t, t.Field(i).Name) {
				fields[i].Tag = `json:"-"`
			}
		}
		return reflect.StructOf(fields)
	case reflect.Pointer:
		return reflect.PointerTo(untagged(t.Elem()))
	case reflect.Slice:
		return reflect.SliceOf(untagged(t.Elem()))
	case reflect.Map:
		return reflect.MapOf(untagged(t.Key()), untagged(t.Elem()))
	default:
		return t
	}
}

func (b baseline) untagged(s *task.Spec) any {
	return reflect.NewAt(b.spec, unsafe.Pointer(s)).Interface()
}

// encode returns the record of a task in version 1. A task with lost launches is doubtful.
func (b baseline) encode(t *plainTask, launches int) ([]byte, error) {
	r := baselineRecord{
		Version: 1,
		Spec:    b.untagged(&t.Info.Spec), State: strings.ReplaceAll(t.Info.State.String(), "_", " "),
		AgentID: t.Info.AgentID, Hostname: t.Info.Hostname, HostPorts: t.Info.HostPorts,
		Healthy: t.Info.Healthy, Submitted: t.Info.Submitted, Updated: t.Info.Updated,
		Serial: t.Serial, Launches: launches, Confirmed: t.Confirmed, Doubtful: t.Lost > 0,
		Killing: t.Killing, UnknownSince: t.UnknownSince,
	}
	for _, u := range t.UUIDs {
		if u != 0 {
			r.UUIDs = append(r.UUIDs, u)
		}
	}
	if a := t.Agent; a != nil {
		r.Region, r.Zone = a.Region, a.Zone
		for _, attribute := range a.Attributes {
			wire, err := attribute.Marshal()
			if err != nil {
				return nil, err
			}
			r.Attributes = append(r.Attributes, wire)
		}
	}
	if t.Info.Status != nil {
		var err error
		if r.Status, err = t.Info.Status.Marshal(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(r)
}

// decode is the reverse.
func (b baseline) decode(value []byte) (plainTask, error) {
	var spec task.Spec
	r := baselineRecord{Spec: b.untagged(&spec)}
	if err := json.Unmarshal(value, &r); err != nil {
		return plainTask{}, err
	}
	if r.Version != 1 {
		return plainTask{}, fmt.Errorf("version %d instead of 1", r.Version)
	}
	state, err := task.ParseState(r.State)
	if err != nil {
		return plainTask{}, err
	}
	t := plainTask{
		Info: task.Info{
			Spec: spec, State: state,
			AgentID: r.AgentID, Hostname: r.Hostname, HostPorts: r.HostPorts,
			Healthy: r.Healthy, Submitted: r.Submitted, Updated: r.Updated,
		},
		Task: Task{
			Serial: r.Serial, Lost: int32(r.Launches), Confirmed: r.Confirmed,
			Killing: r.Killing, UnknownSince: r.UnknownSince,
		},
	}
	copy(t.UUIDs[:], r.UUIDs)
	if state != task.StatePending && !state.Terminal() && r.AgentID != "" {
		t.Agent = &task.Agent{ID: r.AgentID, Hostname: r.Hostname, Region: r.Region, Zone: r.Zone}
		for _, wire := range r.Attributes {
			var attribute mesos.Attribute
			if err := attribute.Unmarshal(wire); err != nil {
				return plainTask{}, err
			}
			t.Agent.Attributes = append(t.Agent.Attributes, attribute)
		}
	}
	if len(r.Status) > 0 {
		t.Info.Status = &mesos.TaskStatus{}
		if err := t.Info.Status.Unmarshal(r.Status); err != nil {
			return plainTask{}, err
		}
	}
	return t, nil
}
