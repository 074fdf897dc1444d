package ha

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

const (
	// unsubscribedMax is how long a leader goes on without a subscription: then another member may reach the master that
	// it does not. It is longer than masters take to elect a leader of theirs. When that was of no use, the next one of this
	// member takes twice as long, up to an hour: the master may be away for all.
	unsubscribedMax = 2 * time.Minute
	unsubscribedEnd = time.Hour
)

// errUnsubscribed ends a term without a subscription.
var errUnsubscribed = errors.New("ha: no master was reached for long, another member may reach it")

// patience ends terms that go without a subscription for too long.
type patience struct {
	events func(context.Context) iter.Seq[scheduler.Event]
	others func() bool // reports whether another member could lead
	most   time.Duration
}

// watch calls end when there was no subscription for too long, until ctx ends. The function that it returns waits for its
// goroutines, which end with ctx.
func (p *patience) watch(ctx context.Context, end func(error)) (wait func()) {
	events, changes := p.events(ctx), make(chan bool)
	var watching sync.WaitGroup
	watching.Go(func() {
		for event := range events {
			if c, is := event.(scheduler.ConnectionEvent); is {
				select {
				case changes <- c.Connected:
				case <-ctx.Done():
				}
			}
		}
	})
	watching.Go(func() { p.wait(ctx, changes, end) })
	return watching.Wait
}

func (p *patience) wait(ctx context.Context, changes <-chan bool, end func(error)) {
	p.most = max(p.most, unsubscribedMax)
	timer := time.NewTimer(p.most)
	defer timer.Stop()
	for was := false; ; {
		select {
		case connected := <-changes:
			switch {
			case connected:
				timer.Stop()
				p.most = unsubscribedMax
			case was: // what fails after that is one and the same time without a subscription
				timer.Reset(p.most)
			}
			was = connected
		case <-timer.C:
			if !p.others() {
				timer.Reset(p.most)
				continue
			}
			p.most = min(2*p.most, unsubscribedEnd)
			end(errUnsubscribed)
			return
		case <-ctx.Done():
			return
		}
	}
}

// othersLive reports whether a member beside this one lives.
func othersLive(s Status) bool {
	return slices.ContainsFunc(s.Members, func(m Member) bool { return m.Alive && m.ID != s.Self })
}
