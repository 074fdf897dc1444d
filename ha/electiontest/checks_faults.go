package electiontest

import (
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// leaderCut checks that a leader that is cut off stops, another leads, and the old one follows when it is back.
func leaderCut(t *trial) error {
	l, err := t.first()
	if err != nil {
		return err
	}
	t.cluster.Cut(l.member)
	if err := t.over(l); err != nil {
		return err
	}
	if err := t.eventually(l.member, "it does not lead", func(s ha.Status) bool { return !s.Leads() }); err != nil {
		return err
	}
	next, err := t.next()
	if err != nil {
		return err
	}
	if next.member == l.member {
		return errors.New("a member that is cut off was elected")
	}
	if err := t.nobody(t.patience / 2); err != nil {
		return err
	}
	t.cluster.Heal(l.member)
	if err := t.agree(next); err != nil {
		return err
	}
	if err := t.fenced(l); err != nil {
		return err
	}
	return next.ctx.Err()
}

// followerCut checks that the leader does not change when a follower is cut off and comes back.
func followerCut(t *trial) error {
	l, err := t.first()
	if err != nil {
		return err
	}
	follower := (l.member + 1) % len(t.members)
	t.cluster.Cut(follower)
	if err := t.nobody(t.patience / 2); err != nil {
		return err
	}
	t.cluster.Heal(follower)
	if err := t.nobody(t.patience / 2); err != nil {
		return err
	}
	if err := l.ctx.Err(); err != nil {
		return fmt.Errorf("the leader's context ended: %w", err)
	}
	return t.agree(l)
}

// slowEnd checks that a member is not elected again before its lead has returned, however long that takes, and does not say
// meanwhile that it leads.
func slowEnd(t *trial) error {
	l, err := t.first()
	if err != nil {
		return err
	}
	slow := make(chan struct{})
	t.mu.Lock()
	l.slow = slow
	t.mu.Unlock()
	defer func() {
		if slow != nil {
			close(slow)
		}
	}()
	t.cluster.Cut(l.member)
	if err := t.over(l); err != nil {
		return err
	}
	if err := t.eventually(l.member, "it does not lead", func(s ha.Status) bool { return !s.Leads() }); err != nil {
		return err
	}
	next, err := t.next()
	if err != nil {
		return err
	}
	t.cluster.Heal(l.member)
	if err := t.agree(next); err != nil {
		return err
	}
	if err := t.nobody(t.patience / 2); err != nil { // then the first one could be elected again
		return err
	}
	for range len(t.members) - 1 { // it would be its turn after the others
		next.ends <- errTerm
		if next, err = t.next(); err != nil {
			return err
		}
		if next.member == l.member {
			return errors.New("a member was elected whose lead had not returned")
		}
	}
	close(slow)
	slow = nil
	return t.agree(next)
}
