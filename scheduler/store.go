package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Keys of a store. What else is in it is left alone.
const (
	frameworkKey = "framework"
	taskPrefix   = "task/"
)

// recordVersion is that of the records' form. One of a later version is not understood, and is not
// overwritten either.
const recordVersion = 1

// frameworkRecord is the stored form of what is known of the framework.
type frameworkRecord struct {
	Version int
	ID      string
}

// taskRecord is the stored form of a task.
type taskRecord struct {
	Version      int
	Spec         task.Spec
	State        string
	AgentID      string    `json:",omitempty"`
	Hostname     string    `json:",omitempty"`
	HostPorts    []uint16  `json:",omitempty"`
	Healthy      *bool     `json:",omitempty"`
	Status       []byte    `json:",omitempty"` // mesos.TaskStatus
	Submitted    time.Time `json:",omitzero"`
	Updated      time.Time `json:",omitzero"`
	Serial       int
	Launches     int       `json:",omitempty"`
	Confirmed    bool      `json:",omitempty"`
	Doubtful     bool      `json:",omitempty"`
	Killing      bool      `json:",omitempty"`
	UUIDs        []uint64  `json:",omitempty"`
	UnknownSince time.Time `json:",omitzero"`
	// Region, Zone and Attributes are those of the agent, for the constraints of other tasks. Earlier
	// versions did not write them.
	Region     string   `json:",omitempty"`
	Zone       string   `json:",omitempty"`
	Attributes [][]byte `json:",omitempty"` // mesos.Attribute
}

// RecordError ends Run when its store holds a record that this version does not understand. Nothing
// in the store was changed.
type RecordError struct {
	Key string
	Err error
}

// Error names the record.
func (e *RecordError) Error() string {
	return fmt.Sprintf("scheduler: record %q in the store: %v", e.Key, e.Err)
}

// Unwrap gives Err.
func (e *RecordError) Unwrap() error { return e.Err }

// encodeChanges gives changes the form that a store takes.
func encodeChanges(changes []change) (map[string][]byte, error) {
	records := make(map[string][]byte, len(changes))
	for _, c := range changes {
		key, value, err := encodeChange(c)
		if err != nil {
			return nil, &RecordError{Key: key, Err: err}
		}
		records[key] = value
	}
	return records, nil
}

func encodeChange(c change) (key string, value []byte, err error) {
	switch {
	case c.id != "":
		key = taskPrefix + c.id
		if c.task != nil {
			value, err = encodeTask(c.task)
		}
	default:
		key = frameworkKey
		if c.framework != "" {
			value, err = json.Marshal(frameworkRecord{Version: recordVersion, ID: c.framework})
		}
	}
	return key, value, err
}

func encodeTask(s *saved) ([]byte, error) {
	r := taskRecord{
		Version: recordVersion,
		Spec:    s.info.Spec, State: s.info.State.String(),
		AgentID: s.info.AgentID, Hostname: s.info.Hostname, HostPorts: s.info.HostPorts,
		Healthy: s.info.Healthy, Submitted: s.info.Submitted, Updated: s.info.Updated,
		Serial: s.serial, Launches: int(s.lost), Confirmed: s.confirmed, Doubtful: s.lost > 0,
		Killing: s.killing, UnknownSince: s.unknownSince,
	}
	for _, u := range s.uuids {
		if u != 0 {
			r.UUIDs = append(r.UUIDs, u)
		}
	}
	if a := s.agent; a != nil {
		r.Region, r.Zone = a.Region, a.Zone
		for _, attribute := range a.Attributes {
			wire, err := attribute.Marshal()
			if err != nil {
				return nil, err
			}
			r.Attributes = append(r.Attributes, wire)
		}
	}
	if s.info.Status != nil {
		var err error
		if r.Status, err = s.info.Status.Marshal(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(r)
}

// decodeRecords is the reverse of encodeChanges.
func decodeRecords(records map[string][]byte) (framework string, tasks []saved, err error) {
	for key, value := range records {
		switch {
		case key == frameworkKey:
			var r frameworkRecord
			if err = decodeRecord(value, &r, &r.Version); err == nil && r.ID == "" {
				err = fmt.Errorf("the framework has no ID")
			}
			framework = r.ID
		case strings.HasPrefix(key, taskPrefix):
			var s saved
			s, err = decodeTask(value)
			if id := s.info.Spec.ID; err == nil && taskPrefix+id != key {
				err = fmt.Errorf("it is about task %q", id)
			}
			tasks = append(tasks, s)
		}
		if err != nil {
			return "", nil, &RecordError{Key: key, Err: err}
		}
	}
	return framework, tasks, nil
}

func decodeRecord(value []byte, record any, version *int) error {
	if err := json.Unmarshal(value, record); err != nil {
		return err
	}
	if *version != recordVersion {
		return fmt.Errorf("version %d instead of %d", *version, recordVersion)
	}
	return nil
}

func decodeTask(value []byte) (saved, error) {
	var r taskRecord
	if err := decodeRecord(value, &r, &r.Version); err != nil {
		return saved{}, err
	}
	state, err := task.ParseState(r.State)
	if err != nil {
		return saved{}, err
	}
	s := saved{
		info: task.Info{
			Spec: r.Spec, State: state,
			AgentID: r.AgentID, Hostname: r.Hostname, HostPorts: r.HostPorts,
			Healthy: r.Healthy, Submitted: r.Submitted, Updated: r.Updated,
		},
		serial: r.Serial, confirmed: r.Confirmed,
		killing: r.Killing, unknownSince: r.UnknownSince,
	}
	if r.Doubtful {
		s.lost = int32(max(1, r.Launches))
	}
	copy(s.uuids[:], r.UUIDs)
	if occupies(state) && r.AgentID != "" {
		s.agent = &task.Agent{ID: r.AgentID, Hostname: r.Hostname, Region: r.Region, Zone: r.Zone}
		for _, wire := range r.Attributes {
			var attribute mesos.Attribute
			if err := attribute.Unmarshal(wire); err != nil {
				return saved{}, err
			}
			s.agent.Attributes = append(s.agent.Attributes, attribute)
		}
	}
	if len(r.Status) > 0 {
		s.info.Status = &mesos.TaskStatus{}
		if err := s.info.Status.Unmarshal(r.Status); err != nil {
			return saved{}, err
		}
	}
	return s, nil
}

// load makes a machine of what the store holds.
func load(ctx context.Context, from Store, s settings) (*machine, error) {
	records, err := loadRecords(ctx, from)
	if err != nil {
		return nil, asFenced(fmt.Errorf("scheduler: the store cannot be read: %w", err))
	}
	framework, tasks, err := decodeRecords(records)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		// Another framework would never hear of it again.
		if s := t.info.State; framework == "" && s != task.Pending && !s.Terminal() {
			return nil, &RecordError{Key: frameworkKey, Err: fmt.Errorf("it is missing, and task %q is %v", t.info.Spec.ID, s)}
		}
	}
	s.durable = true
	m := newMachine(s)
	m.restore(framework, tasks)
	return m, nil
}

func loadRecords(ctx context.Context, s Store) (records map[string][]byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked("the store", p)
		}
	}()
	return s.Load(ctx)
}
