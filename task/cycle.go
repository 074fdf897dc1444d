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
	// Agents are agents that were offered recently and are not among Offers, ordered by ID and role. They may be missing
	// if no pending task has a GROUP_BY constraint.
	Agents []KnownAgent
}

// KnownAgent is an agent whose offers are not at hand, and what it offered last to one role. A matcher cannot place
// tasks on it, but may wait for it: otherwise GROUP_BY would spread tasks only over the racks in the present offers.
type KnownAgent struct {
	// Offer is the last offer to the role, without an ID and without what was launched on it since. Other frameworks
	// may have used it meanwhile.
	Offer Offer
	// OfferedAt is when the offer came.
	OfferedAt time.Time
	// ExpectedUntil is how long a matcher may wait for the agent: until a few seconds after the master was, or will be,
	// asked to offer it again. Once it has passed, nothing should wait for the agent.
	ExpectedUntil time.Time
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
