package mesosengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// maxStreams is how many streams are remembered. The oldest are forgotten: of one whose file was rotated the offsets then begin anew.
const maxStreams = 1 << 16

// rotations is how often one read follows a stream into another file.
const rotations = 3

// stream is what a container prints to one of its streams, over the files that a logger of the agent rotates it through.
type stream struct {
	turn    chan struct{} // of capacity 1: full while it is read
	base    int64         // where the present file begins in the stream
	size    int64         // of the present file, when it was last read
	rotated int64         // size of the file before, which has ".1" behind its name; 0: there is none that can be read
}

// streams are those that were read, by the name of the file.
type streams struct {
	mu    sync.Mutex
	all   map[string]*stream
	order []string // oldest first
}

func (s *streams) of(name string) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.all[name]; found != nil {
		return found
	}
	if s.all == nil {
		s.all = map[string]*stream{}
	}
	if len(s.order) >= maxStreams {
		delete(s.all, s.order[0])
		s.order = s.order[1:]
	}
	made := &stream{turn: make(chan struct{}, 1)}
	s.all[name], s.order = made, append(s.order, name)
	return made
}

// ReadOutput reads from the files stdout and stderr in the sandbox of the container, at the agent: up to 64 KiB at once. It can
// be read as long as the agent keeps the sandbox, by default a week, also while the scheduler does not run. If Output is missing in the
// instance, the scheduler has to run, and must have the task in its history.
//
// When a logger of the agent has rotated a file it goes on in the next one, after the rest of the one before. A rotation is
// noticed by a file that is shorter than before. If it is longer again already, it is taken for the same one, and its
// beginning is missing.
func (e *Engine) ReadOutput(ctx context.Context, in invoker.Instance, name invoker.Stream, offset int64, buf []byte) (n int, size int64, err error) {
	if name != invoker.Stdout && name != invoker.Stderr || offset < 0 {
		return 0, 0, fmt.Errorf("mesosengine: there is no stream %q with an offset %d", name, offset)
	}
	s := e.streams.of(in.Incarnation + "/" + string(name))
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, 0, context.Cause(ctx)
	}
	defer func() { <-s.turn }()
	r := reading{engine: e, id: in.ID, file: string(name), stream: s}
	if in.Output != "" {
		r.box = &scheduler.Sandbox{}
		if err := json.Unmarshal([]byte(in.Output), r.box); err != nil {
			return 0, 0, fmt.Errorf("mesosengine: the output of %s: %w", in.ID, err)
		}
		if r.box.TaskID != in.ID {
			return 0, 0, fmt.Errorf("mesosengine: the output of %s: it is said to be that of %s", in.ID, r.box.TaskID)
		}
	}
	return r.read(ctx, offset, buf)
}

// outputOf returns where the output of a container is, as the Output of an instance; "" if that is not known yet.
func (e *Engine) outputOf(ctx context.Context, id string) string {
	box, err := e.scheduler.Sandbox(ctx, id)
	if err != nil {
		return ""
	}
	text, _ := json.Marshal(box) // never fails
	return string(text)
}

// reading is a read of a stream whose turn it has.
type reading struct {
	engine *Engine
	id     string
	file   string
	stream *stream
	box    *scheduler.Sandbox // nil: the scheduler has to know it
}

// lookTime is how long an agent's new address is looked for, in a process whose scheduler may not run.
const lookTime = 100 * time.Millisecond

// readFile reads from a file in the sandbox of the container.
func (r *reading) readFile(ctx context.Context, file string, offset int64, buf []byte) (n int, size int64, err error) {
	s := r.engine.scheduler
	if r.box == nil {
		return s.ReadFile(ctx, r.id, file, offset, buf)
	}
	n, size, err = s.ReadSandbox(ctx, *r.box, file, offset, buf)
	if scheduler.ErrorCode(err) != scheduler.CodeAgentAway {
		return n, size, err
	}
	looking, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if now, failed := s.Sandbox(looking, r.id); failed == nil && now.Address != r.box.Address {
		return s.ReadSandbox(ctx, now, file, offset, buf)
	}
	return n, size, err
}

func (r *reading) read(ctx context.Context, offset int64, buf []byte) (n int, size int64, err error) {
	s := r.stream
	for range rotations {
		into := buf
		if offset < s.base {
			into = nil // it is not in this file, whose size alone is asked for
		}
		n, size, err := r.readFile(ctx, r.file, max(0, offset-s.base), into)
		if err != nil {
			return 0, 0, readFailed(err)
		}
		if size < s.size {
			if err := r.rotate(ctx); err != nil {
				return 0, 0, err
			}
			continue
		}
		s.size = size
		if offset < s.base {
			return r.readRotated(ctx, offset, buf)
		}
		return n, s.base + s.size, nil
	}
	return 0, 0, fmt.Errorf("%w: the file %s is rotated again and again", invoker.ErrUnavailable, r.file)
}

// rotate goes on to the next file. The one before has at least what was seen of it, unless it was rotated, too.
func (r *reading) rotate(ctx context.Context) error {
	s := r.stream
	_, size, err := r.readFile(ctx, r.file+".1", 0, nil)
	switch {
	case err == nil && size >= s.size:
		s.rotated, s.base = size, s.base+size
	case err == nil, scheduler.ErrorCode(err) == scheduler.CodeOutputGone:
		s.rotated, s.base = 0, s.base+s.size
	default:
		return readFailed(err)
	}
	s.size = 0
	return nil
}

// readRotated reads what comes before the present file.
func (r *reading) readRotated(ctx context.Context, offset int64, buf []byte) (n int, size int64, err error) {
	s := r.stream
	begin := s.base - s.rotated
	if offset < begin {
		return 0, 0, &invoker.OutputGoneError{From: begin}
	}
	n, size, err = r.readFile(ctx, r.file+".1", offset-begin, buf)
	switch {
	case err != nil && scheduler.ErrorCode(err) != scheduler.CodeOutputGone:
		return 0, 0, readFailed(err)
	case err != nil, size != s.rotated: // there was another rotation
		return 0, 0, &invoker.OutputGoneError{From: s.base}
	}
	return n, s.base + s.size, nil
}

// readFailed returns the error of ReadOutput for one of the scheduler.
func readFailed(err error) error {
	if scheduler.ErrorCode(err) == scheduler.CodeAgentAway || errors.Is(err, scheduler.ErrNotRunning) {
		return fmt.Errorf("%w: %w", invoker.ErrUnavailable, err)
	}
	return err
}

// OutputLink returns where people find the output of a container: in the master's web interface.
func (e *Engine) OutputLink(in invoker.Instance) string {
	if e.config.MasterURL == "" {
		return ""
	}
	return fmt.Sprintf("task %s on agent %s at %s", in.ID, in.Agent, e.config.MasterURL)
}
