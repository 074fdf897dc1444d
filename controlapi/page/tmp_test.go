package page_test

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

type transition struct {
	At       time.Time  `json:"at"`
	State    task.State `json:"state"`
	AgentID  string     `json:"agentID,omitzero"`
	Hostname string     `json:"hostname,omitzero"`
	Message  string     `json:"message,omitzero"`
}
