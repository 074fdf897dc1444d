package task

import "time"

// Cycle is the input of a matcher: the pending tasks, the offers at hand, and the tasks that run already.
type Cycle struct {
	Now time.Time
	// Seed seeds the matcher's random choices, if it makes any.
	Seed uint64
	// Tasks are pending, in order of submission.
	Tasks []Demand
	// Offers at hand. Several may be of the same agent.
	Offers []Offer
	// Running counts the tasks that were launched and have not ended, by group and agent. Groups
	// without pending tasks may be missing.
	Running []Presence
}

// Demand is a pending task.
type Demand struct {
	ID string
	// Spec says what the task asks for. Tasks of one class share it, so that Spec.ID may be the ID of another task. A
	// class is the tasks that agree in role, group, amounts, revocability, ports, constraints, preferences, time limit
	// and image. A matcher must not read other fields.
	Spec *Spec
}

// Presence is the number of tasks of a group on an agent.
type Presence struct {
	Group string
	Agent Agent
	Tasks int
}
