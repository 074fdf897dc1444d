package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// The limits of one Apply. Raft recommends entries below 512 KiB, since heartbeats wait for them; 16 KiB are reserved
// for the lengths of 1000 keys and values.
const (
	maxRecords = 1000
	maxBytes   = 512<<10 - 16<<10
)

// termStore is the scheduler.Store of one term.
type termStore struct {
	raft  *raft.Raft
	state *state
	term  uint64
	// over is closed when the term is over, in the leader's own view.
	over <-chan struct{}
	// turn has an element while an entry is handed to Raft. One that was given up because its context ended could
	// otherwise be overtaken by a later one, and undo it.
	turn chan struct{}
	// calls are the goroutines that wait for Raft.
	calls  *sync.WaitGroup
	counts *counts // nil: nothing is counted
}

// BatchLimit implements scheduler.BatchLimiter.
func (*termStore) BatchLimit() (records, bytes int) { return maxRecords, maxBytes }

// Load returns all records, those of the last Apply that returned nil among them, whichever member made it.
func (s *termStore) Load(ctx context.Context) (map[string][]byte, error) {
	// An entry that changes nothing: once it is committed and applied, so is everything before it.
	if err := s.commit(ctx, encodeWrite(s.term, nil)); err != nil {
		return nil, err
	}
	return s.state.copy(), nil
}

// Apply replicates the changes, all or none, and returns nil when a majority has them on its disks and they are made.
func (s *termStore) Apply(ctx context.Context, changes map[string][]byte) error {
	size := 0
	for key, value := range changes {
		if key == "" {
			return &ha.RecordError{Key: key, Reason: "the key is empty"} // as in the other stores
		}
		if size += len(key) + len(value); len(key)+len(value) > maxBytes {
			return &ha.RecordError{Key: key, Reason: fmt.Sprintf("key and value have more than %d bytes", maxBytes)}
		}
	}
	if size > maxBytes || len(changes) > maxRecords {
		return fmt.Errorf("ha/cluster: %d records of %d bytes at once, at most %d of %d are taken", len(changes), size, maxRecords, maxBytes)
	}
	return s.commit(ctx, encodeWrite(s.term, changes))
}

// commit has Raft replicate an entry, and waits until it is applied here.
func (s *termStore) commit(ctx context.Context, entry []byte) error {
	began := time.Now()
	err := s.replicate(ctx, entry)
	s.counts.committed(began, err)
	return err
}

func (s *termStore) replicate(ctx context.Context, entry []byte) error {
	if err := s.mayUse(ctx); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.mayUse(ctx); err != nil { // it may have waited for long
		<-s.turn
		return err
	}
	timeout := enqueueTimeout
	if deadline, has := ctx.Deadline(); has {
		timeout = max(1, min(timeout, time.Until(deadline)))
	}
	return s.wait(ctx, func() error {
		future := s.raft.Apply(entry, timeout) // returns when Raft has taken it, in its order
		<-s.turn
		if err := future.Error(); err != nil {
			return err
		}
		refused, _ := future.Response().(error)
		return refused
	})
}

// enqueueTimeout is how long an entry without a deadline waits for Raft to take it. What was not taken is not written.
const enqueueTimeout = 10 * time.Second

// confirm is the term's Confirm: a majority answers that this member leads.
func (s *termStore) confirm(ctx context.Context) error {
	if err := s.mayUse(ctx); err != nil {
		return err
	}
	if err := s.wait(ctx, func() error { return s.raft.VerifyLeader().Error() }); err != nil {
		return err
	}
	// It may lead in a later term, of which its own loop has not heard yet.
	if newest := s.state.epoch(); newest.term != s.term {
		return &FencedError{Term: s.term, Err: &errOlder{newest}}
	}
	return s.mayUse(ctx)
}

func (s *termStore) mayUse(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-s.over:
		return &FencedError{Term: s.term, Err: errTermOver}
	default:
		return nil
	}
}

// wait calls ask, which waits for Raft and returns after Raft's end at the latest, on a goroutine of its own, since
// Raft knows no contexts.
func (s *termStore) wait(ctx context.Context, ask func() error) error {
	answer := make(chan error, 1)
	s.calls.Go(func() { answer <- ask() })
	select {
	case err := <-answer:
		return s.explain(err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errTermOver = errors.New("the leadership was lost")

// explain returns Raft's error as the store's: when another member may lead now, it says so.
func (s *termStore) explain(err error) error {
	if err == nil {
		return nil
	}
	for _, lost := range []error{raft.ErrNotLeader, raft.ErrLeadershipLost, raft.ErrLeadershipTransferInProgress, raft.ErrRaftShutdown} {
		if errors.Is(err, lost) {
			return &FencedError{Term: s.term, Err: err}
		}
	}
	if older := (*errOlder)(nil); errors.As(err, &older) {
		return &FencedError{Term: s.term, Err: err}
	}
	return fmt.Errorf("ha/cluster: %w", err)
}
