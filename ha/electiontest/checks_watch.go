package electiontest

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// watchEnds checks that Watch begins with the present state, also before Run, and ends with its context.
func watchEnds(t *trial) error {
	for i, m := range t.members {
		ctx, cancel := context.WithCancel(t.ctx)
		states := 0
		var last ha.Status
		for last = range m.Watch(ctx) {
			states++
			cancel()
		}
		cancel()
		if states != 1 || last.Leader != "" {
			return fmt.Errorf("member %d says before Run, in %d states: %+v", i, states, last)
		}
	}
	l, err := t.first()
	if err != nil {
		return err
	}
	if err := t.agree(l); err != nil {
		return err
	}
	for range t.members[l.member].Watch(t.ctx) {
		break // whoever ranges may end it as well
	}
	return nil
}

// follow checks that a member of an [ha.Replica] has the records of whoever leads. Other electors pass.
func follow(t *trial) error {
	l, err := t.first()
	if err != nil {
		return err
	}
	follower := (l.member + 1) % len(t.members)
	replica, able := t.members[follower].(ha.Replica)
	if !able {
		return nil
	}
	apply := func(changes map[string]string) error {
		values := map[string][]byte{}
		for key, value := range changes {
			if values[key] = []byte(value); value == "" {
				values[key] = nil
			}
		}
		return l.term.Store.Apply(t.ctx, values)
	}
	if err := apply(map[string]string{"a": "1", "b": "1"}); err != nil {
		return err
	}
	if err := t.agree(l); err != nil { // the follower takes part by then
		return err
	}
	told := t.following(replica)
	for _, step := range []struct{ change, want map[string]string }{
		{nil, map[string]string{"a": "1", "b": "1"}},
		{map[string]string{"a": "2", "b": "", "c": "1"}, map[string]string{"a": "2", "c": "1"}},
		{map[string]string{"a": "", "c": "2", "d": "1"}, map[string]string{"c": "2", "d": "1"}},
	} {
		if err := apply(step.change); err != nil {
			return err
		}
		if err := told.becomes(step.want, t.patience); err != nil {
			return err
		}
	}
	return nil
}

// replicated is what a member that follows knows.
type replicated struct {
	changes chan map[string][]byte
	records map[string]string
}

// following follows a member until the trial ends.
func (t *trial) following(from ha.Replica) *replicated {
	r := &replicated{changes: make(chan map[string][]byte), records: map[string]string{}}
	t.running.Go(func() {
		defer close(r.changes)
		for changes := range from.Follow(t.ctx) {
			select {
			case r.changes <- changes:
			case <-t.ctx.Done():
			}
		}
	})
	return r
}

// becomes waits until the records are these.
func (r *replicated) becomes(want map[string]string, patience time.Duration) error {
	late := time.After(patience)
	for !maps.Equal(r.records, want) {
		select {
		case changes, more := <-r.changes:
			if !more {
				return fmt.Errorf("Follow has ended, and has told %v instead of %v", r.records, want)
			}
			for key, value := range changes {
				if r.records[key] = string(value); value == nil {
					delete(r.records, key)
				}
			}
		case <-late:
			return fmt.Errorf("Follow has told %v instead of %v", r.records, want)
		}
	}
	return nil
}
