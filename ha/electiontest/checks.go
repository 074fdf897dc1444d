package electiontest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

func checks() []check {
	return []check{
		{"one leads", oneLeads},
		{"error ends the term", errorEndsTerm},
		{"nil leaves", nilLeaves},
		{"StopError leaves", stopLeaves},
		{"context leaves", contextLeaves},
		{"records go on", recordsGoOn},
		{"second Run", secondRun},
		{"member returns", memberReturns},
		{"leader cut off", leaderCut},
		{"follower cut off", followerCut},
		{"slow end", slowEnd},
		{"Watch ends", watchEnds},
		{"Follow", follow},
	}
}

// errTerm is what a lead returns to end its term.
var errTerm = errors.New("the term is to end")

// first has all members take part, and returns the first lead.
func (t *trial) first() (*lead, error) {
	t.enterAll()
	return t.next()
}

// oneLeads checks that one member leads, with proof, and that all know of it.
func oneLeads(t *trial) error {
	l, err := t.first()
	if err != nil {
		return err
	}
	if err := t.agree(l); err != nil {
		return err
	}
	if err := l.term.Confirm(t.ctx); err != nil {
		return fmt.Errorf("the leader gets no proof: %w", err)
	}
	if err := l.term.Store.Apply(t.ctx, map[string][]byte{"a": []byte("1")}); err != nil {
		return fmt.Errorf("the leader cannot write: %w", err)
	}
	if err := t.nobody(t.patience / 2); err != nil {
		return err
	}
	return l.ctx.Err()
}

// agree checks that all members say that a lead is under way.
func (t *trial) agree(l *lead) error {
	self := t.members[l.member].Status().Self
	if self == "" {
		return fmt.Errorf("member %d has no ID", l.member)
	}
	for i := range t.members {
		if err := t.eventually(i, fmt.Sprintf("%s leads in term %d", self, l.term.Number), func(s ha.Status) bool {
			return s.Leader == self && s.Term == l.term.Number && s.Leads() == (i == l.member) && !s.Since.IsZero() && s.Reason != "" &&
				sorted(s.Members, len(t.members))
		}); err != nil {
			return err
		}
	}
	return nil
}

// sorted reports whether there are n members that are alive, in order of their IDs.
func sorted(members []ha.Member, n int) bool {
	alive := 0
	for i, m := range members {
		if i > 0 && members[i-1].ID >= m.ID {
			return false
		}
		if m.Alive {
			alive++
		}
	}
	return alive == n
}

// errorEndsTerm checks that a lead that returns an error ends the term: its store is fenced, and somebody leads again.
// The member goes on taking part.
func errorEndsTerm(t *trial) error {
	l, err := t.first()
	for range 3 {
		if err != nil {
			return err
		}
		l.ends <- errTerm
		last := l
		if l, err = t.next(); err != nil {
			return err
		}
		if err := t.fenced(last); err != nil {
			return err
		}
		if err := t.agree(l); err != nil {
			return err
		}
	}
	return nil
}

// nilLeaves checks that a lead that returns nil ends the member's Run with nil, and that another member leads.
func nilLeaves(t *trial) error { return t.leavesAfter(nil, nil) }

// stopLeaves checks that Run returns what a StopError wraps.
func stopLeaves(t *trial) error {
	return t.leavesAfter(fmt.Errorf("wrapped: %w", &ha.StopError{Err: errTerm}), errTerm)
}

func (t *trial) leavesAfter(ends, want error) error {
	l, err := t.first()
	if err != nil {
		return err
	}
	l.ends <- ends
	if err := t.leaves(l.member, want); err != nil {
		return err
	}
	return t.another(l)
}

// another checks that another member leads after l, whose term is over.
func (t *trial) another(l *lead) error {
	next, err := t.next()
	if err != nil {
		return err
	}
	if next.member == l.member {
		return fmt.Errorf("member %d leads again, and has left", l.member)
	}
	return t.fenced(l)
}

// contextLeaves checks that the end of its context ends a lead, and Run with its cause, whether the member leads or not.
func contextLeaves(t *trial) error {
	l, err := t.first()
	if err != nil {
		return err
	}
	follower := (l.member + 1) % len(t.members)
	t.entries[follower].leave(errLeft)
	if err := t.leaves(follower, errLeft); err != nil {
		return err
	}
	if err := l.ctx.Err(); err != nil {
		return fmt.Errorf("a follower left, and the leader's context ended: %w", err)
	}
	t.enter(follower)
	t.entries[l.member].leave(errLeft)
	if err := t.over(l); err != nil {
		return err
	}
	if err := t.leaves(l.member, errLeft); err != nil {
		return err
	}
	return t.another(l)
}

// recordsGoOn checks that each term finds what the earlier ones have written.
func recordsGoOn(t *trial) error {
	l, err := t.first()
	for i := range 4 {
		if err != nil {
			return err
		}
		records, err := l.term.Store.Load(t.ctx)
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		for j := range i {
			if key := fmt.Sprint("record-", j); string(records[key]) != key {
				return fmt.Errorf("the %dth term finds %q in record %q", i, records[key], key)
			}
		}
		key := fmt.Sprint("record-", i)
		if err := l.term.Store.Apply(t.ctx, map[string][]byte{key: []byte(key)}); err != nil {
			return fmt.Errorf("apply: %w", err)
		}
		l.ends <- errTerm
		l, err = t.next()
		if err != nil {
			return err
		}
	}
	return nil
}

// secondRun checks that a member takes part once at a time.
func secondRun(t *trial) error {
	l, err := t.first()
	if err != nil {
		return err
	}
	if err := t.agree(l); err != nil { // all take part by then
		return err
	}
	for i, m := range t.members {
		second := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.ctx)
		t.running.Go(func() { second <- m.Run(ctx, func(context.Context, scheduler.Term) error { return errTerm }) })
		select {
		case err = <-second:
			err = errOr(err)
		case <-time.After(t.patience):
			err = errNone
		}
		cancel()
		if errors.Is(err, errNone) {
			return fmt.Errorf("a second Run of member %d was no error", i)
		}
	}
	return l.ctx.Err()
}

// memberReturns checks that a member can take part again after it has left.
func memberReturns(t *trial) error {
	l, err := t.first()
	for range 3 {
		if err != nil {
			return err
		}
		l.ends <- nil
		if err := t.leaves(l.member, nil); err != nil {
			return err
		}
		t.enter(l.member)
		if l, err = t.next(); err != nil {
			return err
		}
	}
	return t.agree(l)
}
