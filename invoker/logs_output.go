package invoker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/logslice"
)

// LogCursor is a place in the output of a container: offsets in bytes.
type LogCursor struct {
	Stdout int64 `json:"stdout"`
	Stderr int64 `json:"stderr"`
}

// OutputOptions say what [Invoker.Output] reads. The zero value: what is there now, up to 10 MiB.
type OutputOptions struct {
	// From is where to begin.
	From LogCursor
	// Limit is how many bytes of lines are wanted. What follows is read up to the sentinels, and left out. Default 10 MiB.
	Limit int64
	// WaitForSentinels reads until both streams have a sentinel, or 2 s pass without a byte, or 30 s pass.
	WaitForSentinels bool
}

// Output reads what a container has printed, for those who send activations to it by themselves: others have [Result].Logs. It calls
// yield with each line, on the goroutine of the caller, and ends when yield returns an error. It returns where to go on: behind the
// sentinels, or before a line that is not complete yet. After an error that is where reading can be tried again; after one of yield
// lines may have been left out. It waits for the first run to begin, and works between runs as well.
//
// Errors: that of yield, of the engine, the cause of the end of ctx, and one that is errors.ErrUnsupported if the engine gives no access
// to the output of its containers.
func (v *Invoker) Output(ctx context.Context, in Instance, o OutputOptions, yield func(LogLine) error) (next LogCursor, err error) {
	if o.From.Stdout < 0 || o.From.Stderr < 0 || o.Limit < 0 {
		return o.From, &ConfigError{Field: "OutputOptions", Value: o, Reason: "must not be negative"}
	}
	p, err := v.pool(ctx)
	if err != nil {
		return o.From, err
	}
	if p.logs == nil {
		return o.From, fmt.Errorf("invoker: the output of containers: %w", errors.ErrUnsupported)
	}
	return p.logs.output(ctx, in, o, yield)
}

func (c *logCollector) output(ctx context.Context, in Instance, o OutputOptions, yield func(LogLine) error) (LogCursor, error) {
	mode := logslice.Serial // in which a sentinel ends nothing
	if o.WaitForSentinels {
		mode = logslice.Counted
	}
	if o.Limit == 0 {
		o.Limit = DefaultLogLimit
	}
	from := [2]int64{o.From.Stdout, o.From.Stderr}
	c.mu.Lock()
	agent := c.enter(in.Agent)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.leave(in.Agent)
	}()
	r := outputReader{collector: c, in: in, agent: agent, cutter: logslice.New(mode, from), yield: yield}
	number, _ := r.cutter.Begin(o.Limit, from)
	r.cutter.Ended(number, time.Now())
	err := r.readAll(ctx, o.WaitForSentinels)
	return LogCursor{Stdout: r.cutter.LineStart(logslice.Stdout), Stderr: r.cutter.LineStart(logslice.Stderr)}, err
}

// outputReader reads for one caller.
type outputReader struct {
	collector *logCollector
	in        Instance
	agent     *logAgent
	cutter    *logslice.Cutter
	yield     func(LogLine) error
}

// readAll reads what is there, or to the sentinels.
func (r *outputReader) readAll(ctx context.Context, wait bool) error {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		began := time.Now()
		for more := true; more; {
			more = false
			for s := range logslice.Stream(2) {
				again, err := r.readOnce(ctx, s)
				if err != nil {
					return err
				}
				more = more || again
			}
		}
		if !wait {
			return nil
		}
		if err := r.deliver(r.cutter.Silent(began, false)); err != nil || r.cutter.Open() == 0 {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// readOnce reads a stream once, if something is missing there, and reports whether there is more.
func (r *outputReader) readOnce(ctx context.Context, s logslice.Stream) (more bool, err error) {
	if !r.cutter.Needs(s) {
		return false, nil
	}
	var (
		buf     = r.collector.buffer(readSize)
		offset  = r.cutter.Offset(s)
		n       int
		size    int64
		gone    *OutputGoneError
		readErr error
	)
	defer r.collector.giveBack(buf)
	readErr = r.agent.read(ctx, func(ctx context.Context) (err error) {
		n, size, err = r.collector.reader.ReadOutput(ctx, r.in, streams[s], offset, buf)
		return err
	})
	switch {
	case errors.As(readErr, &gone) && gone.From > offset:
		return true, r.deliver(r.cutter.Lost(s, gone.From))
	case readErr != nil:
		return false, readErr
	}
	if err := r.deliver(r.cutter.Bytes(s, offset, buf[:n], time.Now())); err != nil {
		return false, err
	}
	if err := r.deliver(r.cutter.Overdue(time.Now())); err != nil {
		return false, err
	}
	return n > 0 && r.cutter.Offset(s) < size, nil
}

// deliver yields the lines of pieces.
func (r *outputReader) deliver(pieces []logslice.Piece) (err error) {
	now := time.Now()
	for _, p := range pieces {
		lineBlock{now, p.Stream, p.Text}.lines(func(l LogLine, _ error) bool {
			err = r.yield(l)
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
