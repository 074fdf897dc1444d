package invoker

import (
	"context"
	"errors"
	"time"
)

const (
	// renewEvery is how often the session is renewed, and renewTimeout how long one attempt may take.
	renewEvery, renewTimeout = 3 * time.Second, time.Second
	// A leader that is not reached is looked for again after 20 ms, then after twice as long, up to 100 ms: those who wait for a
	// container wait so much longer than the change of the leader takes.
	firstLook, lastLook = 20 * time.Millisecond, 100 * time.Millisecond
)

var (
	errSessionOver = errors.New("the session is over")
	errSuspect     = errors.New("the leader is not reached")
)

// holderSession is the session of a dispatcher.
type holderSession struct {
	name   string
	until  time.Time            // when it ends, by this process' clock; zero: it has not begun
	open   bool                 // a leader was reached at last
	epoch  uint64               // of the leader where it was opened; 0: nowhere
	told   map[GrantID]struct{} // what it was to be opened with elsewhere since then
	after  uint64               // the number of the last notice
	ctx    context.Context
	cancel context.CancelCauseFunc // of calls to that leader
}

// until returns when the session ends: nothing is sent after that.
func (d *Dispatcher) until() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.session.until
}

// expire lets go of everything if the session is over. The mutex is held.
func (d *Dispatcher) expire(now time.Time) {
	s := &d.session
	if s.until.IsZero() || now.Before(s.until) && now.Round(0).Before(s.until.Round(0)) {
		return
	}
	for _, h := range d.held {
		for _, l := range h.leases {
			l.void()
		}
		d.remove(h)
		d.close(h)
		d.logs.gone(h.grant.Instance.ID) // others may print there from now on
	}
	clear(d.leaving)
	clear(d.early)
	d.report = Report{}
	s.leave(errSessionOver)
	// What the leader believes that this session holds it takes when it ends there. So another one begins.
	d.session = holderSession{name: newSession()}
	signal(d.kicked)
	if d.over == nil {
		d.work.Go(func() { d.log.Warn("the session of the dispatcher is over: it lets go of all containers") })
	}
}

// leave ends all calls that are under way to the leader.
func (s *holderSession) leave(why error) {
	s.open = false
	if s.cancel != nil {
		s.cancel(why)
	}
}

// suspect has a leader be looked for, since a call has failed. The mutex is held.
func (d *Dispatcher) suspect() {
	d.session.open = false
	signal(d.kicked)
}

// keep renews the session, and opens it where it is not open, until ctx ends.
func (d *Dispatcher) keep(ctx context.Context) {
	pause := firstLook
	logged := false
	for ctx.Err() == nil {
		wait := renewEvery
		switch err := d.renew(ctx); {
		case err == nil:
			pause, logged = firstLook, false
		case ctx.Err() != nil:
			return
		default:
			if !logged {
				d.log.WarnContext(ctx, "no leader is reached: the dispatcher goes on with what it holds", "error", err)
				logged = true
			}
			wait, pause = pause, min(2*pause, lastLook)
		}
		d.pause(ctx, wait)
	}
}

// pause waits until the session is to be renewed, and at least for a moment.
func (d *Dispatcher) pause(ctx context.Context, wait time.Duration) {
	select {
	case <-time.After(firstLook):
	case <-ctx.Done():
		return
	}
	select {
	case <-time.After(wait - firstLook):
	case <-d.kicked:
	case <-ctx.Done():
	}
}

// renew renews the session once.
func (d *Dispatcher) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	d.mu.Lock()
	d.expire(time.Now())
	r := Renewal{Session: d.session.name, Name: d.config.Name}
	if d.session.epoch == 0 {
		d.declare(&r)
	}
	d.mu.Unlock()
	sent := time.Now() // it counts from before the request is sent
	renewed, err := d.config.Control.Renew(ctx, r)
	if errors.Is(err, ErrSession) && !r.Open {
		d.mu.Lock()
		d.declare(&r)
		d.mu.Unlock()
		sent = time.Now()
		renewed, err = d.config.Control.Renew(ctx, r)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch s := &d.session; {
	case s.name != r.Session:
		return errSessionOver
	case err != nil:
		s.leave(errSuspect)
		return err
	case renewed.Epoch < s.epoch:
		return ErrNotLeading // it leads no longer, and does not know it
	case r.Open, renewed.Epoch == s.epoch:
		s.until = sent.Add(renewed.TTL)
		d.expire(time.Now())
		if d.session.name == r.Session {
			d.opened(ctx, renewed.Epoch)
			d.regret()
		}
	default:
		s.epoch = 0 // it has to be opened there
	}
	return nil
}

// opened notes that a leader was reached, and asks it for what callers wait for. The mutex is held.
func (d *Dispatcher) opened(ctx context.Context, epoch uint64) {
	s := &d.session
	if s.open && s.epoch == epoch || d.over != nil {
		return
	}
	if s.epoch != epoch {
		s.leave(errSuspect)
		s.after = FirstNotice(epoch)
		clear(d.early)
	}
	s.open, s.epoch = true, epoch
	if s.ctx == nil || s.ctx.Err() != nil {
		s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	}
	for _, k := range d.keys {
		d.ask(k)
	}
	signal(d.more)
}

// declare has a session be opened with what it holds, and not with what others may hold by now: the leader cannot tell who of two
// that declare a container was the last one to get it. The mutex is held.
func (d *Dispatcher) declare(r *Renewal) {
	r.Open, r.Held = true, nil
	if d.session.told == nil {
		d.session.told = map[GrantID]struct{}{}
	}
	for _, of := range []map[GrantID]*heldContainer{d.held, d.leaving} {
		for id, h := range of {
			if h.reported {
				continue
			}
			r.Held = append(r.Held, Held{id, h.initialised})
			d.session.told[id] = struct{}{}
		}
	}
}

// regret releases what the session was to be opened with, and let go of meanwhile: since an earlier leader has said so, or was told so.
// The mutex is held.
func (d *Dispatcher) regret() {
	for id := range d.session.told {
		d.deny(id)
	}
	d.session.told = nil
}

// deny tells the leader that the session does not hold something that it may be thought to hold. The mutex is held.
func (d *Dispatcher) deny(id GrantID) {
	if d.held[id] == nil && d.leaving[id] == nil {
		d.report.Released = append(d.report.Released, Released{id, Discard})
		signal(d.more)
	}
}

// listen takes notices until ctx ends.
func (d *Dispatcher) listen(ctx context.Context) {
	for ctx.Err() == nil {
		d.mu.Lock()
		s := d.session
		d.mu.Unlock()
		if s.open {
			notices, err := d.config.Control.Notices(s.ctx, s.name, s.after)
			d.noticed(s, notices, err)
			if err == nil {
				continue
			}
		}
		select {
		case <-time.After(firstLook):
		case <-ctx.Done():
		}
	}
}

// noticed acts on notices of a session.
func (d *Dispatcher) noticed(of holderSession, notices []Notice, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &d.session
	if s.name != of.name {
		return
	}
	if err != nil {
		if of.ctx.Err() == nil {
			signal(d.kicked) // the next renewal finds out
		}
		return
	}
	for _, n := range notices {
		if n.Number > s.after { // those of an earlier leader have lower numbers
			s.after = n.Number
			d.notice(n)
		}
	}
}

// reportAll reports what there is to report, until ctx ends.
func (d *Dispatcher) reportAll(ctx context.Context) {
	for {
		select {
		case <-d.more:
		case <-ctx.Done():
			return
		}
		d.mu.Lock()
		s, report := d.session, d.report
		if !s.open || len(report.Initialised)+len(report.Released)+len(report.Withdrawn) == 0 {
			d.mu.Unlock()
			continue
		}
		d.report = Report{}
		for _, r := range report.Released {
			if h := d.leaving[r.GrantID]; h != nil {
				h.reported = true
			}
		}
		d.mu.Unlock()
		report.Session, report.Epoch = s.name, s.epoch
		call, cancel := context.WithTimeout(s.ctx, renewTimeout)
		err := d.config.Control.Report(call, report)
		cancel()
		d.reported(s, report, err)
	}
}

// reported notes that a report has arrived, or keeps it for later.
func (d *Dispatcher) reported(of holderSession, report Report, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session.name != of.name {
		return
	}
	if err == nil {
		for _, r := range report.Released {
			delete(d.leaving, r.GrantID)
		}
		return
	}
	d.report = Report{
		Initialised: append(report.Initialised, d.report.Initialised...),
		Released:    append(report.Released, d.report.Released...),
		Withdrawn:   append(report.Withdrawn, d.report.Withdrawn...),
	}
	if of.ctx.Err() == nil {
		d.suspect()
	}
}
