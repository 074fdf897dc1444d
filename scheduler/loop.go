package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/logkey"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
)

// loop owns the machine during a run: it turns what happens into inputs and performs the
// machine's actions in order. It waits for nothing but its next input.
type loop struct {
	machine  *machine
	decide   func(*machine, time.Time, input) []action
	run      *run
	watchers *watchers
	tally    *tally
	log      *slog.Logger
	edges    *edges

	inputs chan []input // from the edges
	again  []input      // caused by performing actions
	writes chan<- []change
	calls  lane // calls that keep their order
	acks   lane // acknowledgements, in any order
	timer  *time.Timer

	callers map[ref]*request
	lastRef ref

	stream      int    // the subscription in use
	streamID    string // assigned by the master
	master      string // URL of its master
	closeStream context.CancelCauseFunc
	tearingDown bool // TEARDOWN was asked for on this stream: other calls are not made, and whether they fail is of no interest

	ended bool
	err   error
}

// lane is a queue of calls for an edge, which takes up to batch calls of the same stream at once.
type lane struct {
	to      chan []outgoing
	batch   int
	waiting []outgoing
}

// outgoing is a call that is to be made.
type outgoing struct {
	stream   int
	streamID string
	master   string
	call     *scheduler.Call
	ref      ref
	decided  time.Time // when the machine decided to make it

	constraints offerfilter.Constraints
}

// head returns channel and value for a select, nil if no call waits.
func (l *lane) head() (chan<- []outgoing, []outgoing) {
	if len(l.waiting) == 0 {
		return nil, nil
	}
	n := 1
	for n < min(l.batch, len(l.waiting)) && l.waiting[n].stream == l.waiting[0].stream {
		n++
	}
	return l.to, l.waiting[:n:n]
}

// pop removes a head that was sent.
func (l *lane) pop(head []outgoing) {
	l.waiting = l.waiting[len(head):]
	if len(l.waiting) == 0 {
		l.waiting = nil // so that its array can be freed
	}
}

// inputsAhead is how many sends of inputs may wait for the loop, so that the goroutine that reads the stream need not
// wait for the loop after each event.
const inputsAhead = 64

// serve runs the machine until it stops or ctx ends. It returns when all goroutines that it started have ended.
func serve(ctx context.Context, s *Scheduler, m *machine, r *run, t Term, store storeTurn) error {
	inputs := make(chan []input, inputsAhead)
	config := s.config
	if t.Number > 0 {
		s.userCode.call(func() { config.Logger = config.Logger.With(logkey.Term, t.Number) })
	}
	e, err := newEdges(config, s.tokens, t, inputs)
	if err != nil {
		return err
	}
	defer e.close()
	defer func() {
		close(r.stopped)
		r.leaveSoon()
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e.exit = cancel
	l := &loop{
		machine: m, decide: s.decide, run: r, watchers: &s.watchers, tally: s.tally, log: slog.New(userHandler{config.Logger.Handler(), &s.userCode}),
		edges: e, inputs: inputs,
		calls:   lane{to: make(chan []outgoing), batch: 1},
		acks:    lane{to: make(chan []outgoing), batch: ackBatch},
		timer:   time.NewTimer(0),
		callers: map[ref]*request{},
	}
	defer l.timer.Stop()
	l.tally.beginRun(time.Now(), m, inputs)
	defer func() { l.tally.endRun(time.Now()) }()
	if t.Store != nil {
		l.writes = e.write(ctx, store, r.limit)
	}
	e.detect(ctx)
	e.call(ctx, l.calls.to)
	for range ackConns {
		e.acknowledge(ctx, l.acks.to)
	}
	err = l.serve(ctx)
	l.finish(ctx)
	return err
}

func (l *loop) serve(ctx context.Context) error {
	l.step(ctx, start{})
	l.watchers.begin(l.machine.tasks.version)
	for !l.ended {
		calls, call := l.calls.head()
		acks, ack := l.acks.head()
		select {
		case ins := <-l.inputs:
			l.step(ctx, ins...)
		case req := <-l.run.requests:
			l.take(ctx, req)
		case <-l.timer.C:
			l.step(ctx, wake{})
		case calls <- call:
			l.calls.pop(call)
		case acks <- ack:
			l.acks.pop(ack)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if l.machine.due(time.Now()) {
			l.drain(ctx)
			l.step(ctx, wake{})
		}
	}
	return l.err
}

// drainLimit is how many requests are taken before the machine is woken that is due.
const drainLimit = 10_000

// busyAfter is how long a step takes that the machine is told of: a matcher of the user's, for example.
const busyAfter = time.Second

// drain takes what is already waiting: inputs, such as the heartbeats that came while a matcher was at work, and requests.
func (l *loop) drain(ctx context.Context) {
	for range len(l.inputs) {
		if l.ended {
			return
		}
		l.step(ctx, <-l.inputs...)
	}
	for range drainLimit {
		select {
		case req := <-l.run.requests:
			l.take(ctx, req)
		default:
			return
		}
		if l.ended {
			return
		}
	}
}

// take turns a caller's request into an input.
func (l *loop) take(ctx context.Context, req *request) {
	switch {
	case req.read != nil:
		req.read(l.machine)
		req.answer <- result{}
	case req.cancels != nil:
		if of := req.cancels; l.callers[of.ref] != nil {
			delete(l.callers, of.ref)
			why := explainWait(l.machine, time.Now(), of.waits) // before a task that nobody else knows of is withdrawn
			l.step(ctx, of.cancelled())
			of.answer <- result{gaveUp: true, why: why}
		}
	default:
		l.lastRef++
		req.ref = l.lastRef
		l.callers[req.ref] = req
		l.step(ctx, req.input(req.ref))
	}
}

// step passes inputs to the machine, tells it if that took long, and sets the timer.
func (l *loop) step(ctx context.Context, ins ...input) {
	began := time.Now()
	l.tally.beginStep(began)
	l.feed(ctx, ins...)
	took := time.Since(began)
	if took >= busyAfter {
		l.feed(ctx, busy{took})
	}
	l.tally.endStep(took, len(l.calls.waiting), len(l.acks.waiting))
	if at := l.machine.deadline(); at.IsZero() {
		l.timer.Stop()
	} else {
		l.timer.Reset(time.Until(at))
	}
}

// maxAgain is for how many inputs room is kept: a step has some dozens of events at most, but far more may come of the end of a stream.
const maxAgain = 1024

// feed passes inputs to the machine, and those that its actions cause.
func (l *loop) feed(ctx context.Context, ins ...input) {
	l.again = append(l.again, ins...)
	next := 0
	for ; next < len(l.again) && !l.ended; next++ {
		in := l.again[next]
		l.again[next] = nil // the array lasts longer, and an event may be large
		switch in := in.(type) {
		case streamOpened:
			if in.stream == l.stream {
				l.streamID, l.master = in.id, in.master
			}
		case streamEvent:
			if in.stream == l.stream && l.watchers.publishRaw(in.event, in.size) {
				l.log.WarnContext(ctx, "a reader of WatchRaw is too slow and misses events")
			}
		case streamGarbled:
			l.log.ErrorContext(ctx, "event skipped", "error", in.err)
		case callDone:
			if in.outcome != accepted && in.outcome != unsent && (!l.tearingDown || in.call.GetType() == scheduler.Call_TEARDOWN) {
				l.logCall(ctx, in)
			}
		}
		now, actions := l.decideOn(in)
		for _, a := range actions {
			l.perform(ctx, now, a)
		}
		if e, ok := in.(streamEvent); ok {
			l.edges.inflow.give(e.size)
		}
	}
	switch {
	case next < len(l.again):
		l.again = l.again[next:]
	case next > maxAgain:
		l.again = nil
	default:
		l.again = l.again[:0]
	}
}

// finish passes to the machine the end of the run and the calls that were not sent, so that the
// next run knows about them. Nothing can be sent any more.
func (l *loop) finish(ctx context.Context) {
	l.drop(l.stream, nil)
	for _, in := range append([]input{end{}}, l.again...) {
		now, actions := l.decideOn(in)
		for _, a := range actions {
			switch a.(type) {
			case reply, notify:
				l.perform(ctx, now, a)
			}
		}
	}
}

// decideOn gives the machine an input now, counts what comes of it, and returns the actions.
func (l *loop) decideOn(in input) (now time.Time, actions []action) {
	now = time.Now()
	actions = l.decide(l.machine, now, in)
	l.tally.fold(l.machine, now, in, actions)
	return now, actions
}

// perform performs an action that the machine has returned now.
func (l *loop) perform(ctx context.Context, now time.Time, a action) {
	switch a := a.(type) {
	case subscribe:
		streamCtx, cancel := context.WithCancelCause(ctx)
		l.stream, l.closeStream, l.tearingDown = a.stream, cancel, false
		l.edges.read(streamCtx, a)
	case closeStream:
		l.drop(a.stream, a.err)
	case send:
		out := outgoing{a.stream, l.streamID, l.master, a.call, a.ref, now, a.constraints}
		switch t := a.call.GetType(); {
		case t == scheduler.Call_TEARDOWN:
			l.dropCalls() // they are no longer needed, and the master would refuse those behind this one
			l.calls.waiting, l.tearingDown = []outgoing{out}, true
		case l.tearingDown:
			l.unsent(out, errStreamGone)
		case t == scheduler.Call_ACKNOWLEDGE:
			l.acks.waiting = append(l.acks.waiting, out)
		default:
			l.calls.waiting = append(l.calls.waiting, out)
		}
	case dropping:
		l.log.WarnContext(ctx, "too many calls wait for the master, or for the store: some are dropped", "calls", a.kind.String())
	case takeBack:
		l.takeBack(a)
	case store:
		l.writes <- a.changes // never blocks: it has room for one, and one write is under way at a time
	case reply:
		if req := l.callers[a.ref]; req != nil {
			delete(l.callers, a.ref)
			req.answer <- result{info: a.info, err: a.err}
		}
	case notify:
		l.logEvent(ctx, a.event)
		l.watchers.publish(a.event)
	case warn:
		l.log.WarnContext(ctx, a.text)
	case stop:
		l.ended, l.err = true, a.err
	}
}

// drop ends a stream because of err, and reports to the machine each call that is therefore not sent.
func (l *loop) drop(stream int, err error) {
	if stream != l.stream || l.closeStream == nil {
		return
	}
	l.closeStream(err)
	l.closeStream = nil
	if n := len(l.calls.waiting) + len(l.acks.waiting); n > 0 {
		l.log.Warn("calls dropped with their stream", "calls", n)
	}
	l.dropCalls()
}

// dropCalls takes back the calls that have not been made.
func (l *loop) dropCalls() {
	for _, out := range append(l.calls.waiting, l.acks.waiting...) {
		l.unsent(out, errStreamGone)
	}
	l.calls.waiting, l.acks.waiting = nil, nil
}

// takeBack takes back the calls of a kind that have not been made, but for those of users.
func (l *loop) takeBack(a takeBack) {
	for _, lane := range [...]*lane{&l.calls, &l.acks} {
		lane.waiting = slices.DeleteFunc(lane.waiting, func(out outgoing) bool {
			taken := out.stream == a.stream && out.ref == 0 && kindOf(out.call) == a.kind
			if taken {
				l.unsent(out, errTakenBack)
			}
			return taken
		})
	}
}

// unsent reports a call to the machine that is not made.
func (l *loop) unsent(out outgoing, err error) {
	l.again = append(l.again, callDone{stream: out.stream, call: out.call, ref: out.ref, outcome: unsent, err: err})
}

var (
	errStreamGone = errors.New("scheduler: the subscription ended before the call was made")
	errTakenBack  = errors.New("scheduler: other calls of this kind failed before the call was made")
)
