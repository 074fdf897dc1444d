package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// agentsKnown is how many distinct agents are remembered. One that is not only has to be decoded again.
const agentsKnown = 1 << 16

// tasksEach is the number of tasks from which on another goroutine is worth while.
const tasksEach = 1000

// decoder decodes tasks one after the other. Each goroutine has its own.
type decoder struct {
	*parser
	agents  *memo[*task.Agent] // of all goroutines
	specs   sharedSpecs
	scratch decodedTask
	whole   task.Spec // scratch space, too
}

func newDecoder(agents *memo[*task.Agent]) *decoder {
	return &decoder{parser: newParser(), agents: agents}
}

// Decode returns what the records of a store hold: the framework, which is zero if there is none, and the
// tasks in any order. Parts of specs that are equal mostly share their memory, and equal agents are the same pointer, so they
// must not be changed. An error is an [*Error].
func Decode(records map[string][]byte) (framework Framework, tasks []Task, err error) {
	return new(Cache).Decode(records)
}

// Decode is the function Decode, and does not decode again what the cache has. It empties the cache.
func (c *Cache) Decode(records map[string][]byte) (framework Framework, tasks []Task, err error) {
	defer func() { *c = Cache{} }()
	found, specs := make([]source, 0, len(records)/2), 0
	key := []byte(specPrefix) // scratch space
	for name, value := range records {
		if id, ok := strings.CutPrefix(name, taskPrefix); ok {
			key = append(key[:len(specPrefix)], id...)
			from := source{id: id, task: value, spec: records[string(key)]}
			if found = append(found, from); from.spec != nil {
				specs--
			}
		} else if strings.HasPrefix(name, specPrefix) {
			specs++
		} else if name == FrameworkKey {
			if framework, err = decodeFramework(value); err != nil {
				return Framework{}, nil, err
			}
		}
	}
	if specs > 0 {
		if err := findOrphan(records); err != nil {
			return Framework{}, nil, err
		}
	}
	if tasks, err = c.decodeTasks(found); err != nil {
		return Framework{}, nil, err
	}
	return framework, tasks, nil
}

// findOrphan returns an error for a record of a spec without one of its task's state, if there is one.
func findOrphan(records map[string][]byte) error {
	for key := range records {
		if id, ok := strings.CutPrefix(key, specPrefix); ok && records[TaskKey(id)] == nil {
			return &Error{Key: key, Err: errors.New("there is no record of the task's state")}
		}
	}
	return nil
}

// source is what a store holds of one task.
type source struct {
	id   string
	task []byte
	spec []byte // nil: there is no record of it
}

// decodeTasks decodes all tasks that the cache does not have.
func (c *Cache) decodeTasks(from []source) ([]Task, error) {
	tasks := make([]Task, len(from))
	err := inParts(len(from), func() func(int) error {
		d := newDecoder(&c.agents)
		return func(i int) error {
			if c.take(from[i], &tasks[i]) {
				return nil
			}
			return d.decode(from[i], nil, &tasks[i])
		}
	})
	if err != nil {
		return nil, err
	}
	return tasks, nil
}

// inParts passes each number below n to a worker, on as many processors as are worth while. Each has one, which begin
// returns. It returns the first error of one of them.
func inParts(n int, begin func() func(int) error) error {
	parts := max(1, min(runtime.GOMAXPROCS(0), n/tasksEach))
	errs := make([]error, parts)
	part := func(p int) {
		work := begin()
		for i := n * p / parts; i < n*(p+1)/parts && errs[p] == nil; i++ {
			errs[p] = work(i)
		}
	}
	var others sync.WaitGroup
	for p := 1; p < parts; p++ {
		others.Go(func() { part(p) })
	}
	part(0)
	others.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// decodedTask has the fields of both versions.
type decodedTask struct {
	storedTask[json.RawMessage]
	version1
}

// decode decodes a task. Spec is its spec if that was decoded before, and otherwise nil.
func (d *decoder) decode(from source, spec *Spec, t *Task) error {
	s := &d.scratch
	status, history := s.Status[:0], s.History[:0] // both are copied
	*s = decodedTask{}
	s.Status, s.History = status, history
	var err error
	if !d.parse(from.task, &s.storedTask) { // it may be of version 1
		*s = decodedTask{}
		err = json.Unmarshal(from.task, s)
	}
	err = checkVersion(err, s.Version, firstVersion, version)
	if err == nil && from.id == "" {
		err = errors.New("the task has no ID")
	}
	if err == nil && s.Version == 1 {
		err = s.upgrade(from.id)
	}
	if err == nil {
		err = d.state(s, from.id, t)
	}
	if err == nil && s.Version > 1 && from.spec == nil {
		err = errors.New("there is no record of the task's spec")
	}
	if err != nil {
		return &Error{Key: TaskKey(from.id), Err: err}
	}
	// Beside a state of version 1 there may be a record of the spec, if only one of the two was written. It is
	// ignored, since a state of version 1 has the spec in it, and will be written again.
	if from.spec != nil {
		if spec != nil {
			t.Info.Spec = *spec
		} else if t.Info.Spec, err = d.spec(from); err != nil {
			return &Error{Key: SpecKey(from.id), Err: err}
		}
		t.SpecStored = s.Version > 1
	}
	if s.Version == 1 {
		t.Info.Spec = NewSpec(*s.Spec)
	}
	t.Info.Spec.ID, t.Info.Spec.RequestID = from.id, s.RequestID // the ID is that of the key: one string for both
	return nil
}

// spec returns the spec in a record. What it has in common with others it shares.
func (d *decoder) spec(from source) (Spec, error) {
	var s storedSpec
	d.whole = task.Spec{}
	d.into = &d.whole
	switch err := checkVersion(d.unmarshal(from.spec, &s), s.Version, 2, version); {
	case err != nil:
		return Spec{}, err
	case s.Spec == nil:
		return Spec{}, errNoSpec
	case s.Spec.ID != "" && s.Spec.ID != from.id:
		return Spec{}, wrongID(s.Spec.ID)
	}
	return d.specs.share(s.Spec), nil
}

var errNoSpec = errors.New("it has no spec")

func wrongID(id string) error { return fmt.Errorf("it is about task %q", id) }

// state sets the fields of t from the record of the task's state. Of the spec it sets only the ID.
func (d *decoder) state(s *decodedTask, id string, t *Task) error {
	state, err := task.ParseState(s.State)
	if err != nil {
		return err
	}
	if s.Serial < 0 || s.Lost < 0 {
		return errors.New("a count is negative")
	}
	*t = Task{
		Info: Info{
			Spec: Spec{ID: id}, State: state, HostPorts: s.HostPorts, Health: HealthOf(s.Healthy),
			ExitStatus: s.ExitStatus, Version: s.InfoVersion,
			Submitted: s.Submitted, Updated: s.Updated,
		},
		Serial: s.Serial, Lost: s.Lost, Confirmed: s.Confirmed, Killing: s.Killing,
		UUIDs: s.UUIDs, UnknownSince: s.UnknownSince, History: History(s.History),
	}
	for _, at := range [...]*time.Time{&t.Info.Submitted, &t.Info.Updated, &t.UnknownSince} {
		*at = at.UTC()
		if year := at.Year(); year < 0 || year > 9999 { // only in another zone, and could not be written again
			return fmt.Errorf("a time is out of range: %v", at)
		}
	}
	if err := d.agent(s, t); err != nil {
		return err
	}
	if _, err := t.History.Transitions(t.Info.Submitted, Place{t.Info.AgentID, t.Info.Hostname}); err != nil {
		return err
	}
	if s.Err != "" {
		t.Info.Err = errors.New(s.Err)
	}
	if len(s.Status) > 0 {
		if err := unmarshalProto(&mesos.TaskStatus{}, s.Status); err != nil {
			return fmt.Errorf("status: %w", err)
		}
		t.Info.status = string(s.Status)
	}
	t.Info.ips = s.IPs
	return nil
}

// agent sets the agent of t. What differs from the agent's own has a field of its own in the record.
func (d *decoder) agent(s *decodedTask, t *Task) (err error) {
	if len(s.Agent) > 0 && string(s.Agent) != "null" {
		if t.Agent, err = d.agents.decode(s.Agent, agentsKnown, d.newAgent); err != nil {
			return err
		}
		t.Info.AgentID, t.Info.Hostname, t.Info.AgentAddress = t.Agent.ID, t.Agent.Hostname, t.Agent.Address
	}
	for _, own := range [...]struct{ to, from *string }{
		{&t.Info.AgentID, s.AgentID}, {&t.Info.Hostname, s.Hostname}, {&t.Info.AgentAddress, s.Address},
	} {
		if own.from != nil {
			*own.to = *own.from
		}
	}
	return nil
}

func (d *decoder) newAgent(value []byte) (*task.Agent, error) {
	var s storedAgent
	if err := d.unmarshal(value, &s); err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	a := &task.Agent{ID: s.ID, Hostname: s.Hostname, Address: s.Address, Region: s.Region, Zone: s.Zone}
	for _, wire := range s.Attributes {
		var attribute mesos.Attribute
		if err := unmarshalProto(&attribute, wire); err != nil {
			return nil, fmt.Errorf("attribute: %w", err)
		}
		a.Attributes = append(a.Attributes, attribute)
	}
	return a, nil
}

// checkVersion checks the version of a record, which must be from oldest to newest, and that it was decoded. A record of a
// later version gets an error of its own, even if nothing else in it can be decoded.
func checkVersion(err error, v, oldest, newest int) error {
	switch {
	case v > newest:
		return fmt.Errorf("version %d, which this program does not know: its own is %d", v, newest)
	case err != nil:
		return err
	case v < oldest:
		return fmt.Errorf("version %d, which this kind of record never had", v)
	}
	return nil
}

// maxMessage is the size of the largest message that is decoded. The generated code recurses once for each
// byte of what looks like nested groups, and 4 to 8 million levels overflow the stack, which cannot be recovered
// from. A status has some hundred bytes.
const maxMessage = 1 << 20

// unmarshalProto decodes a message. The generated code panics over some damaged messages, such as one with a
// length that overflows.
func unmarshalProto(message interface{ Unmarshal([]byte) error }, wire []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not a message: %v", p)
		}
	}()
	if len(wire) > maxMessage {
		return fmt.Errorf("%d bytes are too many: at most %d", len(wire), maxMessage)
	}
	return message.Unmarshal(wire)
}
