package mesosengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// maxStreams is how many streams are remembered: those that were read last. Of another one whose file was rotated the offsets begin anew.
const maxStreams = 1 << 16

// ReadOutput reads from the files stdout and stderr in the sandbox of the container, at the agent: up to 64 KiB at once. It can
// be read as long as the agent keeps the sandbox, by default a week, also while the scheduler does not run. If Output is missing in the
// instance, the scheduler has to run, and must have the task in its history.
//
// When a logger of the agent has rotated a file it goes on in the next one, after the rest of the one before. A rotation is
// noticed by a file that is shorter than before, or in which the 64 bytes before the offset are not those that were read there. What
// cannot be found in "stdout.1" or "stderr.1" any more gives an [*invoker.OutputGoneError].
func (e *Engine) ReadOutput(ctx context.Context, in invoker.Instance, name invoker.Stream, offset int64, buf []byte) (n int, size int64, err error) {
	if name != invoker.Stdout && name != invoker.Stderr || offset < 0 {
		return 0, 0, fmt.Errorf("mesosengine: there is no stream %q with an offset %d", name, offset)
	}
	r := reading{engine: e, id: in.ID, file: string(name)}
	if in.Output != "" {
		r.box = &scheduler.Sandbox{}
		if err := json.Unmarshal([]byte(in.Output), r.box); err != nil {
			return 0, 0, fmt.Errorf("mesosengine: the output of %s: %w", in.ID, err)
		}
		if r.box.TaskID != in.ID {
			return 0, 0, fmt.Errorf("mesosengine: the output of %s: it is said to be that of %s", in.ID, r.box.TaskID)
		}
	}
	return e.streams.Read(ctx, in.Incarnation+"/"+r.file, r.readFile, offset, buf)
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

// reading is a read of a stream.
type reading struct {
	engine *Engine
	id     string
	file   string
	box    *scheduler.Sandbox // nil: the scheduler has to know it
}

// lookTime is how long an agent's new address is looked for, in a process whose scheduler may not run.
const lookTime = 100 * time.Millisecond

// readFile reads from a file of the stream, as a rotation.File.
func (r *reading) readFile(ctx context.Context, suffix string, offset int64, buf []byte) (n int, size int64, err error) {
	n, size, err = r.readSandbox(ctx, r.file+suffix, offset, buf)
	switch code := scheduler.ErrorCode(err); {
	case code == scheduler.CodeAgentAway, errors.Is(err, scheduler.ErrNotRunning):
		err = fmt.Errorf("%w: %w", invoker.ErrUnavailable, err)
	case code == scheduler.CodeOutputGone && suffix != "":
		err = fs.ErrNotExist
	}
	return n, size, err
}

// readSandbox reads from a file in the sandbox of the container.
func (r *reading) readSandbox(ctx context.Context, file string, offset int64, buf []byte) (n int, size int64, err error) {
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

// OutputLink returns where people find the output of a container: in the master's web interface.
func (e *Engine) OutputLink(in invoker.Instance) string {
	if e.config.MasterURL == "" {
		return ""
	}
	return fmt.Sprintf("task %s on agent %s at %s", in.ID, in.Agent, e.config.MasterURL)
}
