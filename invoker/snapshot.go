package invoker

import "context"

// Snapshot is what a pool holds at one moment.
type Snapshot struct {
	// Epoch and Seq are those of the last [Event] before it.
	Epoch, Seq uint64
	Containers []Info // in the order in which they became known
	Stats      Stats
}

// Snapshot returns what the pool holds now. Its error wraps [ErrNotLeading] outside of Lead and Run.
func (v *Invoker) Snapshot(ctx context.Context) (Snapshot, error) {
	p, err := control{v}.pool(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		return Snapshot{}, p.notLeading()
	}
	m := p.machine
	return Snapshot{Epoch: m.term, Seq: m.events, Containers: m.infos(), Stats: m.stats()}, nil
}
