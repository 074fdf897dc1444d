package task

import "time"

// Cycle is what a matcher decides on: what is pending, what is offered, and what runs already.
type Cycle struct {
	Now time.Time
	// Seed is the source of whatever a matcher draws at random.
	Seed uint64
	// Tasks are pending, in order of submission.
	Tasks []Demand
	// Offers at hand. Several may be of the same agent.
	Offers []Offer
	// Running are the tasks that were launched and have not ended, counted by group and agent. Groups
	// that no pending task is in may be missing.
	Running []Presence
}

// Demand is a task that waits for a place.
type Demand struct {
	ID string
	// Spec says what the task asks for. Tasks that are alike to a matcher share one Spec, which has the
	// ID of another task then: see [Spec.Shape] for what tells tasks apart.
	Spec *Spec
}

// Presence counts the tasks of a group on an agent.
type Presence struct {
	Group string
	Agent Agent
	Tasks int
}
