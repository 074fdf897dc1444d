package invoker

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// readsPerAgent is how many reads of an agent are under way at once: agents serve files one after the other.
	readsPerAgent = 2
	// readTimeout is how long a read may take.
	readTimeout = 5 * time.Second
	// readPatience is for how long output may be impossible to read before logs are given up: longer than an agent restarts.
	readPatience = 10 * time.Second
)

// errAgentFails is returned in place of a turn while no read of an agent succeeds.
var errAgentFails = errors.New("no output of the agent could be read for a while")

// logAgent lets the reads of an agent take turns, so that a slow one has few of them and does not slow others.
type logAgent struct {
	turns chan struct{}
	users int // containers and callers; guarded by the collector

	mu      sync.Mutex
	failing time.Time     // since when no read has succeeded; zero: the last one has
	down    chan struct{} // closed while nobody is to wait for a turn
}

func newLogAgent() *logAgent {
	return &logAgent{turns: make(chan struct{}, readsPerAgent), down: make(chan struct{})}
}

// read waits for a turn and reads.
func (a *logAgent) read(ctx context.Context, f func(context.Context) error) error {
	if err := a.take(ctx); err != nil {
		return err
	}
	defer func() { <-a.turns }()
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := f(limited)
	if ctx.Err() == nil {
		a.report(began, err)
	}
	return err
}

func (a *logAgent) take(ctx context.Context) error {
	select {
	case a.turns <- struct{}{}:
		return nil
	default:
	}
	a.mu.Lock()
	down := a.down
	a.mu.Unlock()
	select {
	case a.turns <- struct{}{}:
		return nil
	case <-down:
		return errAgentFails
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// report notes how a read ended.
func (a *logAgent) report(began time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	isDown := false
	select {
	case <-a.down:
		isDown = true
	default:
	}
	switch {
	case err == nil || isGone(err):
		if a.failing = (time.Time{}); isDown {
			a.down = make(chan struct{})
		}
	case a.failing.IsZero():
		a.failing = began
	case !isDown && time.Since(a.failing) >= readPatience:
		close(a.down)
	}
}

// isGone reports whether an agent has answered that what was asked for is not there any more.
func isGone(err error) bool {
	var gone *OutputGoneError
	return errors.As(err, &gone)
}
