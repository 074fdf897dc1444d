package mesostest

import (
	"context"
	"slices"
)

// waiter is a call of Await.
type waiter struct {
	is   func(Snapshot) bool
	done chan struct{}
}

// Await waits until is returns true of a snapshot. It is asked now and after each change, on the master's loop: it must
// not block, and must not call methods of the Master. The error is ctx's, or says that Run has ended.
func (m *Master) Await(ctx context.Context, is func(Snapshot) bool) error {
	w := &waiter{is: is, done: make(chan struct{})}
	if err := m.do(ctx, func() { m.waiting = append(m.waiting, w) }); err != nil {
		return err
	}
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		_ = m.do(context.Background(), func() {
			m.waiting = slices.DeleteFunc(m.waiting, func(other *waiter) bool { return other == w })
		})
		return ctx.Err()
	case <-m.ended:
		return errEnded
	}
}

// release lets those go on whose condition holds.
func (m *Master) release() {
	if len(m.waiting) == 0 {
		return
	}
	now := m.snapshot()
	m.waiting = slices.DeleteFunc(m.waiting, func(w *waiter) bool {
		if !w.is(now) {
			return false
		}
		close(w.done)
		return true
	})
}
