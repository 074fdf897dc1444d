package invoker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/logkey"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/logslice"
)

const (
	// minGap is the time between two reads of a container that is used again and again: one read has the output of several
	// activations then.
	minGap = 10 * time.Millisecond
	// minPause and maxPause bound the pauses between reads, which double, while a sentinel is waited for.
	minPause = 2 * time.Millisecond
	maxPause = 100 * time.Millisecond
	// linger is how long the goroutine that reads waits for the end of the next activation.
	linger = 100 * time.Millisecond
	// failPause is that after reads that fail.
	failPause = time.Second
	// readSize is how much is read at once, and largeRead how much at most if it is known to be there. An agent of Mesos gives
	// 64 KiB at most.
	readSize  = 64 << 10
	largeRead = 1 << 20
)

// streams are the streams by the numbers that logslice has for them.
var streams = [...]Stream{logslice.Stdout: Stdout, logslice.Stderr: Stderr}

// read has a goroutine read what is needed, soon. The mutex is held.
func (t *containerLog) read() {
	switch {
	case t.timer != nil:
		t.hurry()
	case t.needs():
		t.next, t.pause, t.retrying = t.polled.Add(minGap), minPause, false
		t.timer = time.NewTimer(time.Until(t.next))
		t.collector.start(t.follow)
	case t.over && (t.cutter == nil || t.cutter.Open() == 0):
		t.collector.remove(t, time.Now())
	}
}

// hurry has the goroutine that reads not pause for longer than minGap, but after a read that failed: each activation that ends would be
// a further attempt.
func (t *containerLog) hurry() {
	if t.hurried = true; t.retrying {
		return
	}
	at := t.polled.Add(minGap)
	if t.over && !t.needs() {
		at = time.Now() // there is nothing to wait for
	}
	t.pause = minPause
	if at.Before(t.next) {
		t.next = at
		t.timer.Reset(time.Until(at))
	}
}

// needs reports whether a slice is open whose activation is over.
func (t *containerLog) needs() bool {
	return t.cutter != nil && (t.cutter.Needs(logslice.Stdout) || t.cutter.Needs(logslice.Stderr))
}

// follow reads until the slices of all activations that are over are complete, and no activation has ended for a while.
func (t *containerLog) follow(ctx context.Context) {
	timer := t.timer
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if t.rests() {
			return
		}
		t.plan(t.poll(ctx))
	}
}

// rests reports whether there is nothing to read, and notes that the goroutine ends then.
func (t *containerLog) rests() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.needs() {
		return false
	}
	t.timer = nil
	t.read()
	return true
}

// plan sets the timer after a poll.
func (t *containerLog) plan(failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.retrying = failed && t.needs()
	switch {
	case t.retrying:
		t.pause = max(t.pause, maxPause)
		t.next = now.Add(min(t.pause, failPause))
		t.pause *= 2
	case !t.needs() && t.over:
		t.next = now
	case !t.needs():
		t.pause, t.next = minPause, now.Add(linger)
	case t.hurried:
		t.pause, t.next = minPause, t.polled.Add(minGap)
	default:
		t.next = now.Add(t.pause)
		t.pause = min(2*t.pause, maxPause)
	}
	t.timer.Reset(t.next.Sub(now))
}

// poll reads what is needed to the end, and reports whether that failed.
func (t *containerLog) poll(ctx context.Context) (failed bool) {
	began := time.Now()
	t.mu.Lock()
	over := t.over
	t.polled, t.hurried = began, false
	t.mu.Unlock()
	var failure error
	for more := true; more && failure == nil && ctx.Err() == nil; {
		more = false
		for s := range streams {
			again, err := t.readOnce(ctx, logslice.Stream(s))
			more = more || again
			if err != nil {
				failure = err
			}
		}
		t.mu.Lock()
		t.tell()
		t.mu.Unlock()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case failure != nil:
		t.failed(began, failure)
	default:
		t.failing, t.warned = time.Time{}, false
		t.deliver(t.cutter.Silent(began, over))
	}
	t.deliver(t.cutter.Overdue(time.Now()))
	t.checkBacklog()
	return failure != nil
}

// failed gives logs up if nothing could be read for long.
func (t *containerLog) failed(began time.Time, err error) {
	if t.failing.IsZero() {
		t.failing = began
	}
	if time.Since(t.failing) < readPatience {
		return
	}
	if !t.warned {
		t.collector.log.Warn("the output of a container cannot be read", "container", t.in.ID, logkey.AgentID, t.in.Agent, "error", err)
		t.warned = true
	}
	t.deliver(t.cutter.Fail(t.unreadable()))
}

// readOnce reads a stream once, if it is needed, and reports whether there is more.
func (t *containerLog) readOnce(ctx context.Context, s logslice.Stream) (more bool, err error) {
	t.mu.Lock()
	needed, offset := t.cutter.Needs(s), t.cutter.Offset(s)
	length := min(max(t.sizes[s]-offset, readSize), largeRead)
	t.mu.Unlock()
	if !needed {
		return false, nil
	}
	err = t.agent.read(ctx, func(ctx context.Context) error {
		buf := t.collector.buffer(int(length))
		defer t.collector.giveBack(buf)
		n, size, err := t.collector.reader.ReadOutput(ctx, t.in, streams[s], offset, buf)
		if err != nil {
			return err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.sizes[s] = size
		now := time.Now()
		t.hand(t.cutter.Bytes(s, offset, buf[:n], now), now)
		t.hand(t.cutter.Overdue(now), now)
		t.checkBacklog()
		more = n > 0 && t.cutter.Offset(s) < size
		return nil
	})
	if err == nil {
		return more, nil
	}
	var gone *OutputGoneError
	if errors.As(err, &gone) && gone.From > offset {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.deliver(t.cutter.Lost(s, gone.From))
		return true, nil
	}
	return false, err
}

// carefulReader reads with an engine that may panic, and whose numbers may be wrong.
type carefulReader struct{ engine OutputReader }

func (r carefulReader) ReadOutput(ctx context.Context, in Instance, stream Stream, offset int64, buf []byte) (n int, size int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, size, err = 0, 0, &panicError{who: "the engine's ReadOutput", value: p, stack: string(debug.Stack())}
		}
	}()
	n, size, err = r.engine.ReadOutput(ctx, in, stream, offset, buf)
	if err == nil && (n < 0 || n > len(buf)) {
		return 0, 0, fmt.Errorf("%d bytes were read into a buffer of %d", n, len(buf))
	}
	return n, size, printable.Error(err)
}

// linkTo returns what the engine says of where people find the output.
func linkTo(engine OutputLinker, in Instance) (link string) {
	defer func() {
		if recover() != nil {
			link = ""
		}
	}()
	return printable.Line(engine.OutputLink(in))
}
