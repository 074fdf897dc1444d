package zookeeper

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/internal/zkconn"
)

// session is one session with the servers. It survives its connections, but not its expiry: the library would begin
// another one silently.
type session struct {
	conn  *zk.Conn
	link  *link
	ended <-chan zk.Event // closed by the library's last goroutine

	// wake has something when now returns something else than before, or a watched node has changed.
	wake chan struct{}

	mu     sync.Mutex
	state  state
	closed bool // no more calls
	calls  sync.WaitGroup
}

// state is what is known of a session.
type state struct {
	connected bool // now
	begun     bool // it was connected before
	expired   bool
}

// open begins a session. It does not wait for a connection, and outlives ctx, so that the servers can be told of the end.
func (e *Elector) open(ctx context.Context) (*session, error) {
	l := &link{dial: e.config.DialContext, timeout: e.config.SessionTimeout}
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s := &session{link: l, wake: make(chan struct{}, 1)}
	var err error
	s.conn, s.ended, err = zk.Connect(e.servers, e.config.SessionTimeout,
		zk.WithHostProvider(&servers{link: s.link}),
		zk.WithDialer(s.link.connect),
		zk.WithLogger(zkconn.Logger{To: e.config.Logger}),
		zk.WithMaxBufferSize(maxPacket),
		zk.WithEventCallback(s.event)) // its channel drops events
	return s, err
}

// event is called by the library's goroutines, which must not be held up.
func (s *session) event(e zk.Event) {
	if e.Type == zk.EventNodeChildrenChanged {
		return // keepUp is told by a channel
	}
	s.mu.Lock()
	switch {
	case e.Type != zk.EventSession: // a node of the election that is watched has changed
	case e.State == zk.StateHasSession:
		s.state.connected, s.state.begun = true, true
	case e.State == zk.StateExpired:
		s.state.connected, s.state.expired = false, true
	case e.State == zk.StateDisconnected:
		s.state.connected = false
	}
	expired := s.state.expired
	s.mu.Unlock()
	if expired {
		s.link.close()
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *session) now() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// begin registers a call of the library, which ends with calls.Done. It reports whether the session still takes one.
func (s *session) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.calls.Add(1)
	}
	return !s.closed
}

// async runs f, which makes calls of the library, unless the session is over.
func (s *session) async(f func()) {
	if s.begin() {
		go func() {
			defer s.calls.Done()
			f()
		}()
	}
}

// close ends the session. With goodbye the servers are told, which takes a second at most; without it they wait for
// the session to expire.
func (s *session) close(goodbye bool) {
	s.mu.Lock()
	s.closed = true
	goodbye = goodbye && s.state.connected
	s.mu.Unlock()
	if goodbye {
		s.conn.Close()
	}
	s.link.close()
	s.conn.Close()
	for range s.ended {
	}
	s.calls.Wait()
}

// call runs one or several calls of the library, which take no context and may block for long, and returns what f
// returns, or the cause of ctx's end before that. F goes on then, at most until the session is closed.
func call[T any](ctx context.Context, s *session, f func() (T, error)) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	if !s.begin() {
		return none, errOver
	}
	return await(ctx, s, f)
}

// await is call after begin.
func await[T any](ctx context.Context, s *session, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		defer s.calls.Done()
		value, err := f()
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// established waits until the session is established, and returns its timeout.
func (e *Elector) established(ctx context.Context, s *session) (time.Duration, error) {
	again := time.NewTicker(e.config.SessionTimeout / 4) // each dial wakes as well
	defer again.Stop()
	for !s.now().begun {
		select {
		case <-s.wake:
		case <-again.C:
			_, problem := s.link.state()
			if problem == nil {
				problem = errNoAnswer
			}
			problem = fmt.Errorf("cannot connect: %w", problem)
			e.trouble(problem)
			e.show(nil, nil, "", problem.Error())
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
	}
	timeout, _ := s.link.state()
	return timeout, nil
}

// prepare authenticates the session, and creates the nodes that all members need and none of them removes.
func (e *Elector) prepare(s *session) error {
	if e.auth != "" {
		if err := s.conn.AddAuth("digest", []byte(e.auth)); err != nil {
			return e.denied("authenticate", err)
		}
	}
	// A server may lag behind the others.
	if _, err := s.conn.Sync(e.path); err != nil {
		return err
	}
	for _, node := range e.stale {
		if err := s.conn.Delete(node, -1); err != nil && !errors.Is(err, zk.ErrNoNode) {
			return e.denied("delete "+node, err)
		}
	}
	e.stale = nil
	_, err := identify(s.conn, e.state)
	if err != nil && !errors.Is(err, errNoLog) {
		return e.denied("find the records", err)
	}
	there, _, missing := s.conn.Exists(e.election)
	switch {
	case missing != nil:
		return e.denied("look for "+e.election, missing)
	case there && err == nil:
		return nil
	}
	return e.createAll(s)
}

// createAll creates the nodes that are missing.
func (e *Elector) createAll(s *session) error {
	var above strings.Builder
	for _, name := range strings.Split(path.Dir(e.path), "/")[1:] {
		if name == "" {
			continue
		}
		above.WriteString("/" + name)
		if err := s.create(above.String(), nil, e.above); err != nil {
			return e.denied("create "+above.String(), err)
		}
	}
	for _, node := range []string{e.path, e.election, e.state} {
		var data []byte
		if node == e.state {
			data = []byte(format + rand.Text())
		}
		if err := s.create(node, data, e.acl); err != nil {
			return e.denied("create "+node, err)
		}
	}
	return nil
}

// create creates a node unless it exists. Who may not create it may still be allowed to use it.
func (s *session) create(node string, data []byte, acl []zk.ACL) error {
	there, _, err := s.conn.Exists(node)
	if err != nil || there {
		return err
	}
	if _, err = s.conn.Create(node, data, zk.FlagPersistent, acl); errors.Is(err, zk.ErrNodeExists) {
		return nil
	}
	return err
}

// denied says what was tried, and what it means that the servers refuse it.
func (e *Elector) denied(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrAuthFailed), errors.Is(err, zk.ErrInvalidACL):
		why := "the nodes there belong to a user, and the address has neither user nor password"
		if e.auth != "" {
			why = "is the password right, and did the same user create the nodes?"
		}
		return fmt.Errorf("%w: %s: %s: %w (%s)", ErrDenied, e, what, err, why)
	}
	return fmt.Errorf("%s: %w", what, err)
}
