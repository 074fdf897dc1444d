package invoker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// teardownPause is the pause before containers that are left are destroyed again.
const teardownPause = time.Second

// teardown removes all containers of the owner, after the run of a pool has ended, and then their records.
func (v *Invoker) teardown(ctx context.Context, p *pool) error {
	for {
		left, err := p.removeAll(ctx)
		if left == 0 && err == nil {
			return v.forgetAll(ctx, p)
		}
		select {
		case <-time.After(teardownPause):
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("invoker: not all containers are removed, %d are left: %w", left, context.Cause(ctx)), err)
		}
	}
}

// removeAll tries to remove all containers, and returns how many are left, with an error if one is not known to be gone.
func (p *pool) removeAll(ctx context.Context) (left int, err error) {
	p.mu.Lock()
	creating := len(p.creating)
	p.mu.Unlock()
	instances, err := engineCall(ctx, listTimeout, p.engine.Instances, nil)
	if err != nil {
		return creating, fmt.Errorf("the containers cannot be listed: %w", err)
	}
	var mu sync.Mutex
	forEach(instances, func(in Instance) {
		if failed := p.destroy(ctx, in.ID); failed != nil {
			mu.Lock()
			defer mu.Unlock()
			left, err = left+1, failed
		}
	})
	return left + creating, err
}

// forgetAll deletes the records of all containers.
func (v *Invoker) forgetAll(ctx context.Context, p *pool) error {
	p.mu.Lock()
	clear(p.memory.records)
	p.mu.Unlock()
	if p.store == nil {
		return nil
	}
	all, err := inTurn(ctx, p.store, 0, p.store.Load)
	if err != nil {
		return fmt.Errorf("invoker: the store cannot be read: %w", err)
	}
	var changes []storeChange
	for _, key := range sortedKeys(all) {
		if id, ours := strings.CutPrefix(key, containerPrefix); ours {
			changes = append(changes, storeChange{id: id})
		}
	}
	for len(changes) > 0 {
		batch, n := p.store.cut(changes)
		if err := p.store.apply(ctx, batch); err != nil {
			return fmt.Errorf("invoker: the store cannot be written: %w", err)
		}
		changes = changes[n:]
	}
	return nil
}
