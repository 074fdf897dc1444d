package virtualnet

import (
	"cmp"
	"os"
	"sync"
	"time"
)

// pipe is one direction of a connection. The mutex is held for a copy at
// most; who waits, waits on changed, since waiting for a mutex would keep a
// bubble's clock from advancing.
type pipe struct {
	mu            sync.Mutex
	changed       chan struct{} // closed and replaced at every change
	buffer        []byte        // has arrived
	under         []segment     // is under way, in order
	readErr       error         // what reads return once both are empty
	writeErr      error
	readDeadline  time.Time
	writeDeadline time.Time
}

// segment is what was written at once, and when it arrives.
type segment struct {
	bytes []byte
	at    time.Time
}

func newPipe() *pipe { return &pipe{changed: make(chan struct{})} }

// update changes the pipe and wakes everybody who waits on it.
func (p *pipe) update(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

// close sets the errors of both ends, unless they are set. What was written can still be read.
func (p *pipe) close(readErr, writeErr error) {
	p.update(func() { p.readErr, p.writeErr = cmp.Or(p.readErr, readErr), cmp.Or(p.writeErr, writeErr) })
}

// abort sets the errors of both ends and drops what was written and not yet read.
func (p *pipe) abort(readErr, writeErr error) {
	p.update(func() {
		p.buffer, p.under, p.readErr, p.writeErr = nil, nil, cmp.Or(readErr, p.readErr), cmp.Or(p.writeErr, writeErr)
	})
}

func (p *pipe) setReadDeadline(t time.Time)  { p.update(func() { p.readDeadline = t }) }
func (p *pipe) setWriteDeadline(t time.Time) { p.update(func() { p.writeDeadline = t }) }

func (p *pipe) read(b []byte) (int, error) {
	for {
		n, wait, err := p.tryRead(b)
		if wait == nil {
			return n, err
		}
		if wait.until.IsZero() {
			<-wait.changed
			continue
		}
		timer := time.NewTimer(time.Until(wait.until))
		select {
		case <-wait.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

type pipeWait struct {
	changed chan struct{}
	until   time.Time // the deadline, or when something arrives; zero: there is neither
}

// tryRead reads what there is; otherwise it returns what to wait for.
func (p *pipe) tryRead(b []byte) (int, *pipeWait, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.under) > 0 && !time.Now().Before(p.under[0].at) {
		p.buffer = append(p.buffer, p.under[0].bytes...)
		p.under = p.under[1:]
	}
	until := p.readDeadline
	if len(p.under) > 0 && (until.IsZero() || p.under[0].at.Before(until)) {
		until = p.under[0].at
	}
	switch {
	case !p.readDeadline.IsZero() && !time.Now().Before(p.readDeadline):
		return 0, nil, os.ErrDeadlineExceeded
	case len(p.buffer) > 0:
		n := copy(b, p.buffer)
		p.buffer = p.buffer[n:]
		return n, nil, nil
	case p.readErr != nil && len(p.under) == 0:
		return 0, nil, p.readErr
	case len(b) == 0:
		return 0, nil, nil
	}
	return 0, &pipeWait{p.changed, until}, nil
}

// readable reports whether bytes or the end have arrived.
func (p *pipe) readable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.buffer) > 0 || len(p.under) == 0 {
		return len(p.buffer) > 0 || p.readErr != nil
	}
	return !time.Now().Before(p.under[0].at)
}

// writable returns why nothing can be written.
func (p *pipe) writable() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writeErr == nil && !p.writeDeadline.IsZero() && !time.Now().Before(p.writeDeadline) {
		return os.ErrDeadlineExceeded
	}
	return p.writeErr
}

// deliver lets the reader have what was written, at that time, and not before what was written earlier. The zero time is
// now. Nothing is delivered to a reader that has ended.
func (p *pipe) deliver(b []byte, at time.Time) {
	p.update(func() {
		switch n := len(p.under); {
		case p.readErr != nil:
		case n == 0 && at.IsZero():
			p.buffer = append(p.buffer, b...)
		default:
			if n > 0 && at.Before(p.under[n-1].at) {
				at = p.under[n-1].at
			}
			p.under = append(p.under, segment{append([]byte(nil), b...), at})
		}
	})
}
