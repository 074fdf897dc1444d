package record

import (
	"encoding/json"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// version1 has the fields that only version 1 wrote into the record of a task.
type version1 struct {
	Spec       *task.Spec `json:"spec"`
	Launches   int32      `json:"launches"` // that the master accepted
	Doubtful   bool       `json:"doubtful"` // an earlier launch may still take effect
	Region     string     `json:"region"`
	Zone       string     `json:"zone"`
	Attributes [][]byte   `json:"attributes"`
}

// upgrade converts the fields of version 1 to those of version 2, except for the spec.
func (s *decodedTask) upgrade(id string) error {
	if s.Spec == nil {
		return errNoSpec
	}
	if s.Spec.ID != id {
		return wrongID(s.Spec.ID)
	}
	state, err := task.ParseState(s.State)
	if err != nil {
		return err
	}
	placed := state != task.StatePending && !state.Terminal()
	s.Lost, s.Agent = 0, nil
	if s.Doubtful {
		lost := int(s.Launches)
		if placed {
			lost-- // the present one
		}
		s.Lost = int32(max(1, lost)) // the answer to an ACCEPT may have been on its way
	}
	if !placed || s.AgentID == nil || *s.AgentID == "" {
		return nil
	}
	a := storedAgent{ID: *s.AgentID, Region: s.Region, Zone: s.Zone, Attributes: s.Attributes}
	if s.Hostname != nil {
		a.Hostname = *s.Hostname
	}
	s.Agent, err = json.Marshal(a)
	return err
}
