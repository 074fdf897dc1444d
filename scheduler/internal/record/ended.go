package record

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Ended is what is left on record of a task that has ended, once its other records are deleted.
type Ended struct {
	ID    string
	Pod   string // that it was a member of; "": none
	State task.State
	At    time.Time // when it ended
	Spec  uint64    // Sum of its spec
}

// NewEnded returns what is to be left of a task that has ended.
func NewEnded(info *Info) Ended {
	spec := info.Spec.Whole()
	return Ended{ID: spec.ID, Pod: spec.Pod, State: info.State, At: time.Unix(0, info.Updated.UnixNano()).UTC(), Spec: Sum(&spec)}
}

const endedPrefix = "ended/"

// EndedKey returns the key of the record that is left of a task.
func EndedKey(id string) string { return endedPrefix + id }

// endedVersion is the version of the record of an ended task.
const endedVersion = 1

// storedEnded is the record of an ended task. It is kept short, since a store may have one of every task there ever was.
type storedEnded struct {
	Version int    `json:"version"`
	State   string `json:"state"`
	At      int64  `json:"at"` // nanoseconds since 1970
	Spec    uint64 `json:"spec,omitzero"`
	Pod     string `json:"pod,omitzero"`
}

// EncodeEnded returns the record of an ended task.
func EncodeEnded(e Ended) ([]byte, error) {
	return encode(EndedKey(e.ID), storedEnded{Version: endedVersion, State: e.State.String(), At: e.At.UnixNano(), Spec: e.Spec, Pod: e.Pod})
}

// DecodeEnded returns what the records of a store hold of tasks of which nothing else is left, in any order. A task with a
// record of its state is none of them. An error is an [*Error].
func DecodeEnded(records map[string][]byte) ([]Ended, error) {
	var found []source
	key := []byte(taskPrefix) // scratch space
	for name, value := range records {
		if id, ok := strings.CutPrefix(name, endedPrefix); ok {
			if key = append(key[:len(taskPrefix)], id...); records[string(key)] == nil {
				found = append(found, source{id: id, task: value})
			}
		}
	}
	ended := make([]Ended, len(found))
	err := inParts(len(found), func() func(int) error {
		p := newParser()
		return func(i int) (err error) {
			ended[i], err = p.ended(found[i].id, found[i].task)
			return err
		}
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

func (p *parser) ended(id string, value []byte) (Ended, error) {
	var s storedEnded
	err := p.unmarshal(value, &s)
	err = checkVersion(err, s.Version, endedVersion, endedVersion)
	e := Ended{ID: id, Pod: s.Pod, At: time.Unix(0, s.At).UTC(), Spec: s.Spec}
	if err == nil {
		e.State, err = task.ParseState(s.State)
	}
	switch {
	case err != nil:
	case id == "":
		err = errors.New("the task has no ID")
	case !e.State.Terminal():
		err = fmt.Errorf("a task that is %v has not ended", e.State)
	}
	if err != nil {
		return Ended{}, &Error{Key: EndedKey(id), Err: err}
	}
	return e, nil
}
