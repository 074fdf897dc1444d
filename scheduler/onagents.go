package scheduler

import (
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// onAgents keeps which tasks are on each agent, from the first inverse offer on: most frameworks never get one, and need not keep it.
// Without it each inverse offer that comes after some task has changed would look at all tasks.
type onAgents struct {
	tasks  map[string]*ordered.List[*entry] // by the ID of the agent; nil: nobody has asked so far
	told   map[string][]string              // the IDs that were told when the version of the tasks was toldAt
	toldAt uint64
}

// begin begins to keep them, with those that are there now.
func (o *onAgents) begin(tasks []*entry) {
	o.tasks = map[string]*ordered.List[*entry]{}
	for _, e := range tasks {
		o.move(e, nil, e.Agent)
	}
}

// move notes that a task is on another agent, or on none any more. Nil: none.
func (o *onAgents) move(e *entry, from, to *task.Agent) {
	if o.tasks == nil || from != nil && to != nil && from.ID == to.ID {
		return
	}
	if from != nil {
		if there := o.tasks[from.ID]; there != nil && there.Remove(e.Serial) && there.Len() == 0 {
			delete(o.tasks, from.ID)
		}
	}
	if to != nil {
		there := o.tasks[to.ID]
		if there == nil {
			there = ordered.New(func(e *entry) int { return e.Serial })
			o.tasks[to.ID] = there
		}
		there.Add(e)
	}
}

// ids returns the IDs of the tasks on an agent, or of those on all agents for "", in order of submission. They must not be
// changed, and are the same until a task changes: a master may ask very often.
func (o *onAgents) ids(tasks *registry, agentID string) []string {
	if o.tasks == nil {
		o.begin(tasks.inOrder())
	}
	if o.told == nil || o.toldAt != tasks.version {
		o.told, o.toldAt = map[string][]string{}, tasks.version
	}
	ids := o.told[agentID]
	if ids != nil {
		return ids
	}
	if agentID == "" {
		for t := range tasks.records.All() {
			if occupies(t.Info.State) {
				ids = append(ids, t.Info.Spec.ID)
			}
		}
	} else if there := o.tasks[agentID]; there != nil {
		for e := range there.All() {
			ids = append(ids, e.Info.Spec.ID)
		}
	}
	if ids != nil {
		o.told[agentID] = ids
	}
	return ids
}
