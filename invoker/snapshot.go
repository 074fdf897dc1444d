package invoker

import (
	"context"
	"slices"
)

// Snapshot is what a pool holds at one moment.
type Snapshot struct {
	// Epoch and Seq are those of the last [Event] before it.
	Epoch, Seq uint64
	Containers []Info // in the order in which they became known
	Stats      Stats
	Agents     []AgentInfo // in the order in which they became known
	StemCells  []StemCells // that are configured, or set by [Invoker.SetStemCells]
}

// AgentInfo is what a pool knows of an agent.
type AgentInfo struct {
	ID          string
	Used        int  // MiB that containers take
	Memory      int  // MiB that containers can have; 0: it is not known
	Containers  int  // that run there, or are being removed
	Draining    bool // nothing new is started there
	Drained     bool // by [Invoker.Drain]
	Unreachable bool
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
	return Snapshot{
		Epoch: m.epoch(), Seq: m.events, Containers: m.infos(), Stats: m.stats(), Agents: m.agentInfos(), StemCells: slices.Clone(m.cells),
	}, nil
}

// stemCells returns the present settings, which are not modified.
func (p *pool) stemCells() []StemCells {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.machine.cells
}
