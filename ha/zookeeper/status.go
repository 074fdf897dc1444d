package zookeeper

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// board shows the latest Status. Its zero value shows none.
type board struct {
	mu      sync.Mutex
	shown   ha.Status
	term    uint64 // the last one of which a leader was shown
	changes uint64 // how often that was another one
	changed chan struct{}
}

// show replaces the Status if it is another one, and reports whether another leads or there is another reason why
// nobody does. Otherwise Since and Reason stay.
func (b *board) show(s ha.Status) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.Leader != "" && s.Term != b.term {
		b.term = s.Term
		b.changes++
	}
	first := b.changed == nil
	changed = first || s.Leader != b.shown.Leader || s.Term != b.shown.Term || s.Leader == "" && s.Reason != b.shown.Reason
	switch {
	case changed:
		s.Since = time.Now()
	case slices.EqualFunc(s.Members, b.shown.Members, equalMembers):
		return false
	default:
		s.Since, s.Reason = b.shown.Since, b.shown.Reason
	}
	b.shown = s
	if !first {
		close(b.changed)
	}
	b.changed = make(chan struct{})
	return changed && !first
}

func equalMembers(a, b ha.Member) bool {
	since := a.Since.Equal(b.Since)
	a.Since, b.Since = time.Time{}, time.Time{}
	return since && a == b
}

// now returns the Status, and a channel that is closed when there is another one.
func (b *board) now() (ha.Status, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shown
	s.Members = slices.Clone(s.Members)
	return s, b.changed
}

// Status returns what this member knows of the election now. A member that has lost its session knows no leader.
func (e *Elector) Status() ha.Status {
	s, _ := e.board.now()
	return s
}

// Watch yields the present status and then each change, until ctx ends. A slow reader misses changes in between, but
// not the last one.
func (e *Elector) Watch(ctx context.Context) iter.Seq[ha.Status] {
	return func(yield func(ha.Status) bool) {
		for ctx.Err() == nil {
			s, changed := e.board.now()
			if !yield(s) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	}
}
