package detector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	// defaultSessionTimeout is that of Mesos' own detector. A connection that says nothing for two thirds of
	// it is given up; servers may shorten it.
	defaultSessionTimeout = 10 * time.Second
	// defaultRetry is the pause before ZooKeeper is asked again after it could not say who leads.
	defaultRetry = time.Second
)

// errLost ends a session.
var errLost = errors.New("the connection was lost")

// election is what a session with ZooKeeper sees.
type election struct {
	*Detector
	conn    *zk.Conn
	changed <-chan zk.Event // gets an event when the children have changed; nil: not watched
}

// candidate is a node of the election. A node made anew has another czxid, even under the same name.
type candidate struct {
	czxid int64
	url   string
}

// watch tells the Detector who leads, until ctx ends.
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

// session looks and watches until the connection is lost, which is the error, or ctx ends.
//
// The library could connect again, but we own nothing in ZooKeeper that would need the same session. So its
// watches, silent while there is no connection, are never carried over; nor is the memory of changes, for which
// servers refuse, without a word, a client that has seen more than they have, after their data was lost.
//
// The library's calls know no context and may wait long; closing the session releases them. Its channel of
// events drops some, hence the callback.
func (d *Detector) session(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	link := &link{ctx: ctx, dial: d.dial, timeout: d.sessionTimeout}
	lost := make(chan struct{}, 1)
	conn, ended, err := zk.Connect(d.ensemble.servers, d.sessionTimeout,
		zk.WithHostProvider(new(servers)),
		zk.WithDialer(link.connect),
		zk.WithLogger(logger{d.logger}),
		zk.WithMaxBufferSize(maxPacket),
		zk.WithEventCallback(func(e zk.Event) {
			switch {
			case e.State == zk.StateHasSession:
				link.seal()
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
	err = (&election{Detector: d, conn: conn}).follow(ctx, lost)
	cancel()
	closing.Wait()
	for range ended { // closed by the library's last goroutine
	}
	return link.explain(err)
}

// follow looks again and again.
func (e *election) follow(ctx context.Context, lost <-chan struct{}) error {
	if auth := e.ensemble.auth; auth != "" {
		if err := e.conn.AddAuth("digest", []byte(auth)); err != nil {
			return fmt.Errorf("authentication: %w", err)
		}
	}
	// A server may lag behind the others. This also keeps the first watch out of the library's way while it
	// is still setting up the session, where it looks at watches without a lock.
	if _, err := e.conn.Sync(e.ensemble.path); err != nil {
		return err
	}
	for {
		err := e.look()
		select {
		case <-lost:
			return errLost
		case <-ctx.Done():
			return ctx.Err()
		default:
			e.report(err)
		}
		var again <-chan time.Time
		if err != nil {
			again = time.After(e.retry)
		}
		select {
		case <-e.changed:
			e.changed = nil
		case <-again:
		case <-lost:
			return errLost
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look finds out who leads now.
func (e *election) look() error {
	path := e.ensemble.path
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
		return nil // gone since the list, which the watch notices, too
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

// children lists the candidates, and watches them unless a watch is still there: more of them would pile up in
// the library.
func (e *election) children(path string) (children []string, err error) {
	if e.changed != nil {
		children, _, err = e.conn.Children(path)
		return children, err
	}
	children, _, e.changed, err = e.conn.ChildrenW(path)
	return children, err
}

// logger hands what the library says to slog.
type logger struct{ to *slog.Logger }

// Printf implements zk.Logger.
func (l logger) Printf(format string, args ...any) {
	l.to.Debug("ZooKeeper client", "text", fmt.Sprintf(format, args...))
}
