package invoker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/mesos-actor/mesos-actor-go/internal/fenced"
)

const (
	// maxStems is how many shapes SetStemCells takes, and maxDrained how many agents are drained at once: both are in one record.
	maxStems   = 200
	maxDrained = 200
	// maxOrders is how many bytes that record may have. ha/cluster takes some 500,000.
	maxOrders = 400_000
	// maxAgentName is how many bytes the ID of an agent may have.
	maxAgentName = 256
)

// orders are what an operator has asked for at run time. They are stored, and outlive a run.
type orders struct {
	Stems   *[]StemCells `json:"stems,omitempty"`   // in place of the configured ones; nil: those
	Drained []string     `json:"drained,omitempty"` // agents
}

// SetStemCells replaces the stem cells of [PoolConfig.Stems], also for later runs, until [Invoker.ResetStemCells] is called. Initial
// of each whose settings differ are wanted at once, and follow the demand from then on. Stem cells that are not wanted any more end
// after IdleTimeout, or when somebody needs their memory. At most 200 are set.
//
// It returns when they are stored. Its error is a [*ConfigError] for each field that is invalid, joined, such as "Stems[0].Kind",
// and nothing has changed then. It wraps [ErrNotLeading] outside of Lead and Run; after any other error it is not known whether
// the next run begins with them.
func (v *Invoker) SetStemCells(ctx context.Context, cells []StemCells) error {
	var f faults
	f.add(len(cells) > maxStems, "Stems", len(cells), fmt.Sprintf("must be at most %d", maxStems))
	cells = completeStems(cells, v.config.Pool.Memory, &f, "Stems")
	if len(f) > 0 {
		return errors.Join(f...)
	}
	return v.order(ctx, setStemCells{cells}, func(o *orders) error {
		o.Stems = &cells
		return nil
	})
}

// ResetStemCells goes back to the stem cells of [PoolConfig.Stems]. Its errors are those of [Invoker.SetStemCells].
func (v *Invoker) ResetStemCells(ctx context.Context) error {
	return v.order(ctx, setStemCells{v.config.Pool.Stems}, func(o *orders) error {
		o.Stems = nil
		return nil
	})
}

// Drain has nothing new be started on an agent, also in later runs, until [Invoker.Undrain] is called: what is idle there is removed at
// once, and what is in use when it is not any more. The agent may be one that is not known yet. [Snapshot] says what is left on it.
// At most 200 are drained at once.
//
// Its errors are those of [Invoker.SetStemCells], with the field "Agent".
func (v *Invoker) Drain(ctx context.Context, agent string) error {
	if err := checkAgent(agent); err != nil {
		return err
	}
	return v.order(ctx, drainAgent{agent, true}, func(o *orders) error {
		if slices.Contains(o.Drained, agent) {
			return nil
		}
		if len(o.Drained) >= maxDrained {
			return &ConfigError{Field: "Agent", Value: agent, Reason: fmt.Sprintf("%d agents are drained already", maxDrained)}
		}
		o.Drained = append(slices.Clone(o.Drained), agent)
		return nil
	})
}

// Undrain has an agent be used again that was drained by [Invoker.Drain]. One that was not is no error. What the platform drains itself
// stays drained. Its errors are those of [Invoker.Drain].
func (v *Invoker) Undrain(ctx context.Context, agent string) error {
	if err := checkAgent(agent); err != nil {
		return err
	}
	return v.order(ctx, drainAgent{agent, false}, func(o *orders) error {
		o.Drained = slices.DeleteFunc(slices.Clone(o.Drained), func(a string) bool { return a == agent })
		return nil
	})
}

// checkAgent returns what is wrong with the ID of an agent.
func checkAgent(agent string) error {
	why := ""
	switch {
	case agent == "":
		why = "is required"
	case len(agent) > maxAgentName:
		why = fmt.Sprintf("must have at most %d bytes", maxAgentName)
	case !utf8.ValidString(agent):
		why = "must be UTF-8"
	default:
		return nil
	}
	return &ConfigError{Field: "Agent", Value: abridged([]byte(agent)), Reason: why}
}

// order changes the orders, has them stored, and then has the machine carry in out. One order is given after the other.
func (v *Invoker) order(ctx context.Context, in input, change func(*orders) error) error {
	p, err := control{v}.pool(ctx)
	if err != nil {
		return err
	}
	select {
	case p.ordering <- struct{}{}:
		defer func() { <-p.ordering }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if p.why() != nil {
		return p.notLeading()
	}
	next := p.orders
	if err := change(&next); err != nil {
		return err
	}
	value := encodeOrders(next)
	if len(value) > maxOrders {
		return &ConfigError{Field: "Stems", Value: len(value), Reason: fmt.Sprintf("with the drained agents they must take at most %d bytes", maxOrders)}
	}
	if p.store != nil {
		if err := p.store.apply(ctx, map[string][]byte{ordersKey: value}); fenced.Is(err) {
			return fmt.Errorf("%w: %w", ErrNotLeading, err)
		} else if err != nil {
			return fmt.Errorf("invoker: the store cannot be written: %w", err)
		}
	}
	p.orders = next
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		return p.notLeading()
	}
	p.memory.orders = next
	p.step(in)
	return nil
}

func encodeOrders(o orders) []byte {
	value, _ := json.Marshal(o) // fails for no value of this type
	return value
}
