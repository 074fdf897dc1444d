package scheduler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/agenthttp"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// followMin and followMax bound the pause between two looks for more output.
	followMin = 500 * time.Millisecond
	followMax = 2 * time.Second
	// followPatience is for how long an agent may be away while its output is followed. After 75 s a master declares an agent
	// unreachable; a restart takes seconds.
	followPatience = 90 * time.Second
	// lookTimeout is how long a follower waits for the scheduler's goroutine, which a matcher may hold up, before it reads on.
	lookTimeout = time.Second
)

// logReader reads the output of a task for one caller.
type logReader struct {
	s       *Scheduler
	id      string
	options LogOptions
	yield   func(LogChunk) bool
	stopped bool // the caller wants no more

	box     sandbox
	ended   bool  // the task has ended, as far as is known
	began   bool  // the file was found
	offset  int64 // of what is read next
	left    int64 // how many bytes are to be read yet
	rotated bool  // the file is another one, which the caller was not told
}

func (r *logReader) run(ctx context.Context) (err error) {
	if r.options, err = r.options.check(); err != nil {
		return err
	}
	if r.box, err = r.s.sandbox(ctx, r.id); err != nil {
		return err
	}
	r.ended = r.box.info.State.Terminal()
	if r.options.Follow {
		return r.follow(ctx)
	}
	return r.read(ctx)
}

// follow reads until the task has ended, and once more after that.
func (r *logReader) follow(ctx context.Context) error {
	if r.box.info.AgentID == "" {
		return r.missing()
	}
	var away time.Time // since when the file cannot be read; zero: it can, or is not there yet
	for pause, last := followMin, false; ; {
		offset := r.offset
		err := r.read(ctx)
		switch {
		case err == nil && (r.stopped || r.left == 0 || r.ended && last):
			return nil
		case err == nil:
			away, last = time.Time{}, r.ended
		case !r.passes(err):
			return err
		case ErrorCode(err) == CodeNotStarted: // it is waited for
			away = time.Time{}
		case away.IsZero():
			away = time.Now()
		case time.Since(away) >= followPatience:
			return err
		}
		if pause = min(2*pause, followMax); r.offset != offset || r.ended {
			pause = followMin
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		if err := r.look(ctx); err != nil {
			return err
		}
	}
}

// passes reports whether the next attempt may succeed after an error.
func (r *logReader) passes(err error) bool {
	switch ErrorCode(err) {
	case CodeNotStarted:
		return !r.ended
	case CodeOutputGone: // an agent that restarts does not have all at once
		return r.began && !r.ended
	case CodeAgentAway:
		return r.began
	}
	return false
}

// look finds out again where the task is. While the scheduler does not answer it is taken to be where it was.
func (r *logReader) look(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	box, err := r.s.sandbox(limited, r.id)
	switch {
	case ctx.Err() != nil:
		return contextError(ctx)
	case limited.Err() != nil && err != nil:
		return nil
	case err != nil:
		return err
	case box.remembered: // it is no longer in the history, but its files are where they were
		r.ended = true
		return nil
	}
	if r.began && box.info.AgentID != "" && box.info.AgentID != r.box.info.AgentID {
		r.offset, r.rotated = 0, true
	}
	r.box, r.ended = box, box.info.State.Terminal()
	return nil
}

// read reads to the end of the file.
func (r *logReader) read(ctx context.Context) error {
	if r.box.remembered || r.box.info.AgentID == "" || r.box.address == "" {
		return r.missing()
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	for (r.left > 0 || r.rotated) && !r.stopped {
		p, err := r.piece(ctx, r.offset, int(min(r.left, agenthttp.MaxRead)))
		switch {
		case err != nil:
			return err
		case p.Size < r.offset:
			r.offset, r.rotated = 0, true
			continue
		case len(p.Data) == 0 && !r.rotated:
			return nil
		}
		c := LogChunk{Offset: r.offset, Data: p.Data, Rotated: r.rotated}
		r.offset, r.left, r.rotated = r.offset+int64(len(p.Data)), r.left-int64(len(p.Data)), false
		r.stopped = !r.yield(c)
	}
	return nil
}

// begin finds out, once, where in the file to begin, and how much is to be read.
func (r *logReader) begin(ctx context.Context) error {
	if r.began {
		return nil
	}
	p, err := r.piece(ctx, 0, 0)
	if err != nil {
		return err
	}
	r.began = true
	switch r.offset = r.options.Offset; {
	case r.offset < 0:
		r.offset = max(0, p.Size+r.offset)
	case r.offset > p.Size:
		r.offset, r.rotated = 0, true
	}
	r.left = math.MaxInt64
	if r.options.Limit > 0 {
		r.left = r.options.Limit
	}
	if !r.options.Follow {
		r.left = min(r.left, p.Size-r.offset)
	}
	return nil
}

// piece reads a part of the file.
func (r *logReader) piece(ctx context.Context, offset int64, length int) (agenthttp.Piece, error) {
	p, err := r.s.agents.Read(ctx, agenthttp.Read{
		Agent: r.box.address, Path: r.box.file(r.options.Stream), Offset: offset, Length: length,
	})
	if err != nil && ctx.Err() != nil {
		return p, contextError(ctx)
	}
	return p, r.explained(ctx, err)
}

// explained returns the LogError for an error of an agent.
func (r *logReader) explained(ctx context.Context, err error) error {
	var (
		away    *agenthttp.AwayError
		refused *agenthttp.RefusedError
	)
	state := r.box.info.State
	switch {
	case err == nil:
		return nil
	case errors.Is(err, agenthttp.ErrNoFile) && (state == task.StateStaging || state == task.StateStarting):
		return r.failed(CodeNotStarted, "it is being launched, and has no files yet", nil)
	case errors.Is(err, agenthttp.ErrNoFile) && r.ended && !r.ran(ctx):
		return r.failed(CodeNotStarted, fmt.Sprintf("it never ran: it is %v", state), nil)
	case errors.Is(err, agenthttp.ErrNoFile):
		return r.failed(CodeOutputGone, "its agent has no such file (any more): it may have removed the sandbox", nil)
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return r.failed(CodeRefused, "its agent answers "+refused.Error()+r.whatToDo(refused.Authorized), nil)
	case errors.As(err, &refused) && refused.Status == http.StatusForbidden:
		return r.failed(CodeRefused, "its agent answers "+refused.Error()+": the agent's ACLs must let the principal access sandboxes", nil)
	case errors.As(err, &refused):
		return r.failed(CodeRefused, "its agent answers "+refused.Error(), nil)
	case errors.As(err, &away):
		return r.away(printable.Error(away.Err))
	}
	return err
}

// ran reports whether the newest launch of a task that has ended is known to have begun, or nothing is known of it.
func (r *logReader) ran(ctx context.Context) bool {
	if r.began || r.box.info.State == task.StateFinished || r.box.info.ExitStatus != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	history, err := r.s.History(ctx, r.id)
	for _, t := range slices.Backward(history) {
		switch t.State {
		case task.StateStarting, task.StateRunning, task.StateUnreachable:
			return true
		case task.StateStaging:
			return false
		}
	}
	return err != nil
}

// away returns the LogError for an agent that cannot be reached.
func (r *logReader) away(err error) error {
	reason := fmt.Sprintf("its agent is away: %v", err)
	var token *mesoshttp.TokenError
	switch {
	case errors.As(err, &token):
		reason = fmt.Sprintf("its agent cannot be asked: %v", err)
	case r.box.info.State == task.StateUnreachable:
		reason = fmt.Sprintf("its agent is away, and the task unreachable: %v", err)
	}
	return r.failed(CodeAgentAway, reason, err)
}

// whatToDo says what to do about an agent that wants credentials.
func (r *logReader) whatToDo(authorized bool) string {
	switch {
	case authorized:
		return ": the credentials that masters take are not those of the agent"
	case r.s.config.authorizes():
		return ": it was asked without credentials, since it is not trusted: if it is one of your agents, add its host to Config.TrustedHosts, or use https"
	}
	return ": it wants credentials, see Config.Credential and Config.Token"
}

// missing returns why there is nothing to read.
func (r *logReader) missing() error {
	switch state := r.box.info.State; {
	case r.box.remembered:
		return r.failed(CodeOutputGone, "it has ended, and is no longer in the history, so that its agent is not known any more", nil)
	case r.box.info.AgentID == "" && state.Terminal():
		return r.failed(CodeNotStarted, fmt.Sprintf("it never ran: it is %v", state), nil)
	case r.box.info.AgentID == "":
		return r.failed(CodeNotStarted, fmt.Sprintf("it has not been launched: it is %v", state), nil)
	}
	return r.failed(CodeAgentAway, "where its agent serves HTTP is not known before the agent makes an offer", nil)
}

func (r *logReader) failed(code Code, reason string, err error) error {
	info := &r.box.info
	return &LogError{ID: r.id, AgentID: info.AgentID, Hostname: info.Hostname, Address: r.box.address, Code: code, Reason: printable.Line(reason), Err: err}
}

// sleep waits, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	}
}
