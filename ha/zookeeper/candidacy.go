package zookeeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/internal/tokenbucket"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// candidacy is what a member does with one node of the election. Its fields belong to the goroutine of Run, except for
// those that look uses.
type candidacy struct {
	*Elector
	s       *session
	own     candidate
	timeout time.Duration // of the session

	candidates []candidate        // of the last good look
	term       *term              // nil: this member does not lead
	deadline   *time.Timer        // the session may have expired then
	ending     error              // why, while lead has not returned; nil: not yet
	planned    bool               // the end is that of Run's context
	grace      <-chan time.Time   // lead is waited for until then, except for a planned end
	leadsNow   context.CancelFunc // ends keepUp: only this member changes the log

	looks tokenbucket.Bucket // of looks after events; there is one each beat as well
	known map[string]known   // the nodes that there are, by name; used by one call of look at a time
}

// known is a node of the election that was read.
type known struct {
	candidate
	watched bool
}

// lookBurst is how many events of the election are looked at at once. After that one is in each sixth of a session timeout, so
// that servers which send events without end are not asked without end.
const lookBurst = 10

// creations is how often the member's node is created in a row when the connection breaks.
const creations = 3

// enter creates the member's node.
func (e *Elector) enter(s *session, stands bool) (candidate, error) {
	prefix := memberPrefix
	if !stands {
		prefix = waitingPrefix
	}
	data, err := json.Marshal(e.self)
	if err != nil {
		return candidate{}, err
	}
	// Without a reply nobody knows whether there is one: look deletes it. The library's protected nodes are no help, as
	// its search for a lost one panics over some names.
	var node string
	for range creations {
		node, err = s.conn.Create(e.election+"/"+prefix, data, zk.FlagEphemeralSequential, e.acl)
		if !errors.Is(err, zk.ErrConnectionClosed) {
			break
		}
	}
	if err != nil {
		return candidate{}, e.denied("create a node in "+e.election, err)
	}
	e.stale = append(e.stale, node)
	_, stat, err := s.conn.Get(node)
	if err != nil {
		return candidate{}, fmt.Errorf("read %s, which was just created: %w", node, err)
	}
	return candidate{node: path.Base(node), czxid: stat.Czxid, owner: stat.EphemeralOwner, data: e.self}, nil
}

// view is what look saw.
type view struct {
	begun      time.Time
	candidates []candidate // in order, all of them
	waiting    []candidate // members that are no candidates
	proved     bool        // the servers have agreed that the own node is there
	err        error
}

// errGone is the error of a view without the own node.
var errGone = errors.New("this member's node is gone")

// errNotFirst is the end of a term after somebody has changed the nodes by hand.
var errNotFirst = errors.New("another node is before that of this member")

// look sees who takes part, and watches who is before this member, who leads, and the own node. Watches report
// nothing while there is no connection, so it is called regularly as well.
func (c *candidacy) look(prove bool) view {
	v := view{begun: time.Now()}
	if prove {
		_, err := c.s.conn.Multi(&zk.CheckVersionRequest{Path: path.Join(c.election, c.own.node), Version: anyVersion})
		if errors.Is(err, zk.ErrNoNode) {
			err = errGone
		}
		if v.err = err; err != nil {
			return v
		}
		v.proved = true
	}
	children, _, err := c.s.conn.Children(c.election)
	if errors.Is(err, zk.ErrNoNode) {
		err = errGone
	}
	if err != nil {
		v.err = c.denied("list "+c.election, err)
		return v
	}
	if !slices.Contains(children, c.own.node) {
		v.err = errGone
		return v
	}
	maps.DeleteFunc(c.known, func(node string, _ known) bool { return !slices.Contains(children, node) })
	nodes := inOrder(children)
	at := slices.Index(nodes, c.own.node)
	for _, node := range children {
		if isWaiting(node) {
			nodes = append(nodes, node)
		}
	}
	for i, node := range nodes {
		seen, err := c.see(node, i == 0 || i == at-1 || node == c.own.node)
		switch {
		case errors.Is(err, zk.ErrNoNode):
			continue // deleted meanwhile; a watch or the next look tells
		case err != nil:
			v.err = c.denied("read "+node, err)
			return v
		}
		if seen.owner == 0 {
			continue // created by hand: it would never end
		}
		// The reply to its creation was lost: nobody would lead.
		if seen.owner == c.own.owner && node != c.own.node {
			if err := c.s.conn.Delete(path.Join(c.election, node), -1); err != nil && !errors.Is(err, zk.ErrNoNode) {
				v.err = err
				return v
			}
			continue
		}
		if isWaiting(node) {
			v.waiting = append(v.waiting, seen)
		} else {
			v.candidates = append(v.candidates, seen)
		}
	}
	return v
}

// see returns a candidate, and watches its node if asked to. Data of nodes do not change.
func (c *candidacy) see(node string, watch bool) (candidate, error) {
	seen, ok := c.known[node]
	watch = watch && !seen.watched // the library collects watches
	if ok && !watch {
		return seen.candidate, nil
	}
	var (
		data []byte
		stat *zk.Stat
		err  error
	)
	if full := path.Join(c.election, node); watch {
		data, stat, _, err = c.s.conn.GetW(full) // event is told, too
	} else {
		data, stat, err = c.s.conn.Get(full)
	}
	if err != nil {
		return candidate{}, err
	}
	seen.candidate = candidate{node: node, czxid: stat.Czxid, owner: stat.EphemeralOwner, data: decodeMember(node, data)}
	seen.watched = seen.watched || watch
	c.known[node] = seen
	return seen.candidate, nil
}

// follow waits for this member's turn to lead, and for the end of its term. It returns a *finalError if that ends Run. When
// it returns no lead is running, but for one whose term was lost and that is slow to return.
func (c *candidacy) follow(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
	var (
		views   = make(chan view, 1)
		looking bool // there will be a view
		again   = true
		every   = c.timeout / 6
		beat    = time.NewTimer(every)
		ended   = ctx.Done()
		done    chan outcome    // nil: no term
		over    <-chan struct{} // closed when the context of the term ends
	)
	var following context.Context
	following, c.leadsNow = context.WithCancel(ctx)
	defer c.leadsNow()
	c.looks = tokenbucket.Bucket{Burst: lookBurst, Interval: every}
	c.s.async(func() { c.keepUp(following, c.s, every) })
	c.deadline = time.NewTimer(c.timeout)
	defer c.deadline.Stop()
	defer beat.Stop()
	for c.ending == nil || c.term != nil {
		if again && !looking && c.ending == nil {
			looking, again = true, false
			prove := c.first()
			c.s.async(func() { views <- c.look(prove) })
		}
		select {
		case <-ended:
			ended, c.planned = nil, true
			c.stop(context.Cause(ctx))
		case <-c.s.wake:
			switch now := c.s.now(); {
			case now.expired:
				c.stop(zk.ErrSessionExpired)
			case now.connected:
				again = again || c.looks.Take(time.Now())
			case c.ending == nil:
				c.trouble(c.explain(errNoConnection))
			}
		case <-beat.C:
			again = true
			beat.Reset(every)
		case <-c.deadline.C:
			c.stop(c.explain(fmt.Errorf("no answer of the servers for %v", c.patience())))
		case v := <-views:
			looking = false
			c.digest(v)
			if c.ending == nil && c.term == nil && c.first() && v.proved {
				done, over = c.begin(ctx, v, lead)
			}
			again = again || v.err == nil && c.first() && !v.proved
		case <-over:
			over = nil
			if err := c.term.check(); err != nil { // by its store, which has met what ends it
				c.stop(err)
			}
		case out := <-done:
			return c.finish(out)
		case <-c.grace:
			c.slow = done
			return c.ending
		}
	}
	return c.ending
}

// explain adds to err the problem with the last server that was tried, which the library leaves out.
func (c *candidacy) explain(err error) error {
	if _, problem := c.s.link.state(); problem != nil {
		return fmt.Errorf("%w: %w", err, problem)
	}
	return err
}

// first reports whether this member is the first of the candidates.
func (c *candidacy) first() bool {
	return len(c.candidates) > 0 && c.candidates[0].node == c.own.node
}

// patience returns for how long after the begin of a good look the session surely lives. Servers count from the last
// sign of life that the leading one of them knows of; the others pass theirs on every half tick. A session timeout has
// two ticks or more, so a quarter of it covers that. A follower has nothing to give up in time.
func (c *candidacy) patience() time.Duration {
	timeout, _ := c.s.link.state() // servers that the session has moved to may have shortened it
	if c.term == nil {
		return timeout
	}
	return timeout * 3 / 4
}

// digest takes over what look saw.
func (c *candidacy) digest(v view) {
	switch {
	case c.ending != nil:
	case errors.Is(v.err, errGone):
		c.stop(v.err)
	case errors.Is(v.err, ErrDenied):
		c.stop(&finalError{v.err})
	case v.err != nil && !c.s.now().connected:
		c.trouble(c.explain(errNoConnection))
	case v.err != nil:
		c.trouble(c.explain(v.err))
	default:
		c.clear()
		c.candidates = v.candidates
		if c.term != nil && !c.first() {
			c.stop(errNotFirst)
			return
		}
		// Without a proof a member that leads has no more time, and one that will lead does not show it yet.
		if !c.first() || v.proved {
			c.deadline.Reset(time.Until(v.begun.Add(c.patience())))
			c.show(c.candidates, v.waiting, c.own.node, "")
		}
	}
}

// begin begins a term, which the view has proved. The channel receives its outcome.
func (c *candidacy) begin(ctx context.Context, v view, lead func(context.Context, scheduler.Term) error) (chan outcome, <-chan struct{}) {
	inside, cancel := context.WithCancelCause(ctx)
	t := &term{s: c.s, number: uint64(c.own.czxid), node: path.Join(c.election, c.own.node), cancel: cancel}
	c.term = t
	c.leadsNow()
	c.deadline.Reset(time.Until(v.begun.Add(c.patience())))
	done := make(chan outcome, 1)
	go func() { done <- t.run(inside, c.Elector, c.timeout, lead) }()
	return done, inside.Done()
}

// stop ends the candidacy, and the term if there is one: lead has to return.
func (c *candidacy) stop(why error) {
	if c.ending != nil {
		return
	}
	c.ending = why
	if c.term != nil {
		c.term.end(why) // does nothing to a context that has ended
		var final *finalError
		if !c.planned && !errors.As(why, &final) {
			c.grace = time.After(c.timeout / 2) // the node stays for so long if it can
		}
	}
	c.candidates = nil
	c.show(nil, nil, "", why.Error())
}

// finish ends the term after lead has returned.
func (c *candidacy) finish(out outcome) error {
	c.term.end(errOver)
	c.show(nil, nil, "", "this member has led, and hands over")
	if err, stops := out.stops(); stops {
		return &finalError{err}
	}
	var fenced *FencedError
	switch {
	case c.ending != nil:
		return c.ending
	case errors.As(out.err, &fenced):
		return out.err // says that the term is over
	}
	return fmt.Errorf("term %d is over: %w", c.term.number, out.err)
}

// leave deletes the node, so that another member leads at once. It reports whether the servers could be told.
func (c *candidacy) leave() bool {
	if !c.s.now().connected {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), min(c.timeout/2, time.Second))
	defer cancel()
	full := path.Join(c.election, c.own.node)
	_, err := call(ctx, c.s, func() (struct{}, error) { return struct{}{}, c.s.conn.Delete(full, -1) })
	if err == nil || errors.Is(err, zk.ErrNoNode) {
		c.stale = slices.DeleteFunc(c.stale, func(node string) bool { return node == full })
	}
	return err == nil || errors.Is(err, zk.ErrNoNode)
}
