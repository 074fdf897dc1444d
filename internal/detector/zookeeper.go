package detector

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/internal/zkconn"
)

const (
	// defaultSessionTimeout is the one of Mesos' own detector. A connection without traffic for two thirds of it
	// is closed; servers may shorten it.
	defaultSessionTimeout = 10 * time.Second
	// defaultRetry is the pause before ZooKeeper is asked again after it could not say who leads.
	defaultRetry = time.Second
	// lookBurst is how many changes of the election are looked at at once. Masters that are restarted one after the other
	// cause a few.
	lookBurst = 10
	// lookInterval is the time between two looks after that, while changes are reported without end: 30 a minute. A leader
	// is then known so much later.
	lookInterval = 2 * time.Second
)

var (
	// errLost ends a session whose connection is lost.
	errLost = errors.New("the connection was lost")
	// errNoAnswer ends a session whose server lives and leaves a question without an answer.
	errNoAnswer = errors.New("a question was not answered")
)

// election is one session's view of the election.
type election struct {
	*Detector
	conn    *zk.Conn
	answer  *time.Timer     // ends the session; runs while an answer is waited for
	changed <-chan zk.Event // receives an event when the children have changed; nil: not watched
}

// candidate is a node of the election. A node that is deleted and created again has another czxid.
type candidate struct {
	czxid int64
	url   string
}

// watch keeps the Detector's leader up to date until ctx ends.
func (d *Detector) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := d.session(ctx)
		if ctx.Err() == nil {
			d.report(err)
		}
		select {
		case <-time.After(d.retry):
		case <-ctx.Done():
		}
	}
}

// session follows the election until the connection is lost, which it returns as an error, or ctx ends.
//
// The library could reconnect within a session, but nothing here needs that, and a new session avoids two problems:
// watches report nothing while there is no connection, and servers that have lost their data silently refuse a
// client that has seen later changes than they have.
//
// The library's calls take no context and may block for long; closing the session releases them. Its event channel
// drops events, so the callback is used instead.
func (d *Detector) session(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answer := time.AfterFunc(math.MaxInt64, func() { cancel(errNoAnswer) })
	defer answer.Stop()
	link := &link{ctx: ctx, dial: d.dial, timeout: d.sessionTimeout}
	lost := make(chan struct{}, 1)
	conn, ended, err := zk.Connect(d.ensemble.Servers, d.sessionTimeout,
		zk.WithHostProvider(new(servers)),
		zk.WithDialer(link.connect),
		zk.WithLogger(zkconn.Logger{To: d.logger}),
		zk.WithMaxBufferSize(maxPacket),
		zk.WithEventCallback(func(e zk.Event) {
			switch {
			case e.State == zk.StateHasSession:
				link.seal()
				answer.Reset(d.sessionTimeout)
			case e.State == zk.StateDisconnected && link.sealed():
				select {
				case lost <- struct{}{}:
				default:
				}
			}
		}))
	if err != nil {
		return err
	}
	var closing sync.WaitGroup
	closing.Go(func() {
		<-ctx.Done()
		if conn.State() == zk.StateHasSession {
			conn.Close() // says goodbye to the server, for a second at most
		}
		link.close()
		conn.Close()
	})
	err = (&election{Detector: d, conn: conn, answer: answer}).follow(ctx, lost)
	if errors.Is(context.Cause(ctx), errNoAnswer) {
		err = errNoAnswer
	}
	cancel(nil)
	closing.Wait()
	for range ended { // closed by the library's last goroutine
	}
	return link.explain(err)
}

// follow looks for the leader after each change, and after each failure.
func (e *election) follow(ctx context.Context, lost <-chan struct{}) error {
	if auth := e.ensemble.Auth; auth != "" {
		if err := e.conn.AddAuth("digest", []byte(auth)); err != nil {
			return fmt.Errorf("authentication: %w", err)
		}
	}
	// A server may lag behind the others. This also delays the first watch until the session is established: while
	// the library sets it up, it accesses watches without a lock.
	if _, err := e.conn.Sync(e.ensemble.Path); err != nil {
		return err
	}
	for {
		err := e.look()
		e.answer.Stop()
		select {
		case <-lost:
			return errLost
		case <-ctx.Done():
			return ctx.Err()
		default:
			e.report(err)
		}
		if err := e.wait(ctx, lost, err != nil); err != nil {
			return err
		}
		e.answer.Reset(e.sessionTimeout)
	}
}

// wait waits until the election is to be looked at again: after a change, and after a pause if the last look has failed.
func (e *election) wait(ctx context.Context, lost <-chan struct{}, failed bool) error {
	var again <-chan time.Time
	if failed {
		again = time.After(e.retry)
	}
	for {
		select {
		case <-e.changed:
			e.changed, again = nil, time.After(e.looks.Reserve(time.Now()))
		case <-again:
			return nil
		case <-lost:
			return errLost
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look finds the current leader.
func (e *election) look() error {
	path := e.ensemble.Path
	children, err := e.children(path)
	if err != nil {
		return fmt.Errorf("list %s: %w", path, err)
	}
	node := leaderOf(children)
	if node == "" {
		return fmt.Errorf("no master is a candidate in %s", path)
	}
	data, stat, err := e.conn.Get(path + "/" + node)
	if errors.Is(err, zk.ErrNoNode) {
		return nil // deleted since children listed it, which the watch reports
	}
	if err != nil {
		return fmt.Errorf("read %s/%s: %w", path, node, err)
	}
	url, err := decodeMaster(node, data, e.tls)
	if err != nil {
		return err
	}
	if found := (candidate{stat.Czxid, url}); found != e.leader {
		e.leader = found
		e.logger.Info("a master leads", "master", url, "node", node)
		e.elect(url)
	}
	return nil
}

// children returns the candidates, and sets a watch unless there is one already: watches would pile up in the
// library.
func (e *election) children(path string) (children []string, err error) {
	if e.changed != nil {
		children, _, err = e.conn.Children(path)
		return children, err
	}
	children, _, e.changed, err = e.conn.ChildrenW(path)
	return children, err
}
