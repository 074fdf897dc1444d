package scheduler

import (
	"context"
	"time"
)

// Status is the state of a framework's connections with the master and the store.
type Status struct {
	// FrameworkID is the ID that the master assigned. Empty: none has yet.
	FrameworkID string `json:"frameworkID,omitzero"`
	// Connected reports whether there is a subscription.
	Connected bool `json:"connected"`
	// Err is why there is no subscription. Nil if there is one, and during the first attempt.
	Err error `json:"err,omitzero"`
	// Master is the URL of the master with the subscription. Empty without one.
	Master string `json:"master,omitzero"`
	// Since is when the subscription began, or when the last one ended, or when Run began if there was none.
	Since time.Time `json:"since,omitzero"`
	// Dropped is how many calls were not made on this subscription, since the master takes no calls or too few, or the store
	// is slow, and so many events come that the others would not fit into memory: acknowledgements of updates, which agents
	// repeat, KILL of tasks that are not on record, and answers to inverse offers. It is 0 unless something is wrong.
	Dropped int `json:"dropped,omitzero"`
	// StoreErr is why the store fails, so that nothing is launched, see [StoreEvent]. Nil: it works, or there is none.
	StoreErr error `json:"storeErr,omitzero"`
}

// Status returns the state of the connections with the master and the store. It waits for Run to begin, and not for the master: once Run has
// begun it returns at once, whether or not a master can be reached.
func (s *Scheduler) Status(ctx context.Context) (Status, error) {
	var status Status
	_, err := s.ask(ctx, &request{read: func(m *machine) {
		status = m.conn.status()
		status.Dropped, status.StoreErr = m.backoff.dropped(), m.storage.journal.Err()
	}})
	return status, err
}
