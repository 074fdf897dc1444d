package zookeeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// term is one term of this member's leadership. It lasts as long as the member's node is there.
type term struct {
	s      *session
	number uint64
	node   string // the path of the member's node
	cancel context.CancelCauseFunc

	mu   sync.Mutex
	over *FencedError // nil: not yet
}

// outcome says how a term ended.
type outcome struct {
	led bool // err is what lead returned
	err error
}

// anyVersion is of a node that has only to be there: the data of a member's node do not change, but by hand.
const anyVersion = -1

// fence is the part of a request without which the servers do nothing of it: the member's node is there.
func (t *term) fence() *zk.CheckVersionRequest {
	return &zk.CheckVersionRequest{Path: t.node, Version: anyVersion}
}

// end fences the term, and ends its context.
func (t *term) end(why error) *FencedError {
	t.mu.Lock()
	if t.over == nil {
		t.over = &FencedError{Term: t.number, Err: why}
	}
	over := t.over
	t.mu.Unlock()
	t.cancel(over)
	return over
}

// check returns a *FencedError if the term is over.
func (t *term) check() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over != nil {
		return t.over
	}
	return nil
}

// fenced returns err, as a *FencedError if it means that the term is over.
func (t *term) fenced(err error) error {
	if over := t.check(); over != nil && err != nil {
		return over
	}
	if errors.Is(err, zk.ErrSessionExpired) {
		return &FencedError{Term: t.number, Err: err}
	}
	return err
}

// lost is the error of a term whose node is gone.
func (t *term) lost() error {
	return &FencedError{Term: t.number, Err: fmt.Errorf("its node %s is gone", path.Base(t.node))}
}

// prove returns nil if the member's node was there at some time after the call began. The check is made by a
// transaction, to which a majority of the servers agrees: a server that is cut off from the others would answer a
// mere question about the node from its memory, while the others have given the leadership away.
func (t *term) prove(ctx context.Context) error {
	_, err := call(ctx, t.s, func() (struct{}, error) { return struct{}{}, t.proveNow() })
	if err != nil && ctx.Err() == nil {
		return t.fenced(err)
	}
	return err
}

func (t *term) proveNow() error {
	_, err := t.s.conn.Multi(t.fence())
	switch {
	case err == nil:
		return t.check()
	case errors.Is(err, zk.ErrNoNode):
		return t.lost()
	}
	return t.fenced(fmt.Errorf("ha/zookeeper: leadership is not proved: %w", err))
}

// run records the epoch, then calls lead. Nothing of an earlier term can be written after that record.
func (t *term) run(ctx context.Context, e *Elector, timeout time.Duration, lead func(context.Context, scheduler.Term) error) outcome {
	st := newStore(t, e.replica, e.acl)
	record, err := json.Marshal(epochRecord{Term: t.number, Member: e.config.ID, Start: time.Now()})
	if err != nil {
		return outcome{err: err}
	}
	for {
		var fenced *FencedError
		err := st.apply(ctx, map[string][]byte{epochKey: record})
		if err == nil {
			break
		}
		if ctx.Err() != nil || errors.As(err, &fenced) || errors.Is(err, ErrFormat) || errors.Is(err, zk.ErrNoAuth) {
			return outcome{err: err}
		}
		e.trouble(fmt.Errorf("write who leads: %w", err))
		select {
		case <-time.After(timeout / 12):
		case <-ctx.Done():
		}
	}
	return outcome{led: true, err: lead(ctx, scheduler.Term{Number: t.number, Store: st, Confirm: t.prove})}
}

// stops reports whether an outcome ends Run, and with which error.
func (o outcome) stops() (err error, stops bool) {
	var stop *ha.StopError
	switch {
	case !o.led:
		return nil, false
	case o.err == nil:
		return nil, true
	case errors.As(o.err, &stop):
		return stop.Err, true
	}
	return nil, false
}
