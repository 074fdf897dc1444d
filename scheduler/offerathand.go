package scheduler

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// OfferAtHand is an offer of the master that has not been answered yet.
type OfferAtHand struct {
	ID string `json:"id"`
	// Agent is the agent whose resources are offered. It is shared and must not be changed.
	Agent task.Agent `json:"agent"`
	Role  string     `json:"role"` // that the offer is for
	// Resources is the sum of what is offered, without resources that the [TaskMatcher] never uses.
	Resources Amounts   `json:"resources,omitzero"`
	Since     time.Time `json:"since,omitzero"` // when it came
}

// Offers returns the offers at hand, ordered by agent and ID. Most are at hand for moments only: for as long as a cycle
// takes, or [OfferPolicy.Hold].
func (s *Scheduler) Offers(ctx context.Context) ([]OfferAtHand, error) {
	var all []OfferAtHand
	_, err := s.ask(ctx, &request{read: func(m *machine) { all = m.pool.list() }})
	slices.SortFunc(all, func(a, b OfferAtHand) int {
		return cmp.Or(cmp.Compare(a.Agent.ID, b.Agent.ID), cmp.Compare(a.ID, b.ID))
	})
	return all, err
}
