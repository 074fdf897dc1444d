package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/detector"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
)

const (
	// callTimeout limits one call, or one batch. A master that takes longer is probably gone, and
	// the calls behind this one wait.
	callTimeout = 10 * time.Second
	// findTimeout limits the look for a framework of an earlier registration. Most masters answer within milliseconds, and
	// one that does not keeps a framework from being registered.
	findTimeout = 3 * time.Second
	// ackConns is the number of connections for acknowledgements. While a batch is under way on
	// each of them, others collect for the next batch: more connections would only make the batches smaller.
	ackConns = 2
	// ackBatch is the largest number of acknowledgements in a batch. The outcome of a batch is reported when its
	// last call was answered.
	ackBatch = 64
)

// edges do the I/O of a run: they perform actions and report the outcomes as inputs. They decide nothing.
type edges struct {
	detector *detector.Detector
	client   *mesoshttp.Client // for subscriptions, and for calls in order on one connection
	prover   prover            // asks for proofs that this process leads
	inputs   chan<- []input
	inflow   inflow
	log      *slog.Logger
	running  sync.WaitGroup
	exit     context.CancelCauseFunc // ends the run
}

// start calls f on a goroutine of the edges. If user code, such as a log handler, ends that, it ends the run.
func (e *edges) start(f func()) {
	e.running.Go(func() {
		returned := false
		defer func() {
			if !returned {
				e.exit(errExited)
			}
		}()
		f()
		returned = true
	})
}

func newEdges(c Config, tokens *mesoshttp.TokenSource, t Term, inputs chan<- []input) (*edges, error) {
	d, err := c.detector()
	if err != nil {
		return nil, err
	}
	hosts, err := c.trusted(d)
	if err != nil {
		return nil, err
	}
	config := c.http(tokens, hosts)
	config.MaxConns = 1
	if c.JSON {
		config.Codec = mesoshttp.JSON
	}
	client, err := mesoshttp.New(config)
	if err != nil {
		return nil, err
	}
	return &edges{detector: d, client: client, prover: prover{t.Confirm, newTurn()}, inputs: inputs, log: c.Logger}, nil
}

// close waits for the goroutines of the edges, whose context has ended.
func (e *edges) close() {
	e.running.Wait()
	e.client.Close()
}

// put passes inputs to the loop. It returns false if the run has ended.
func (e *edges) put(ctx context.Context, ins ...input) bool {
	select {
	case e.inputs <- ins:
		return true
	case <-ctx.Done():
		return false
	}
}

// detect finds masters until ctx ends.
func (e *edges) detect(ctx context.Context) {
	e.start(func() { _ = e.detector.Run(ctx, func() { e.put(ctx, leaderElected{}) }) })
}

// errSilent is why a stream ends whose master sends not even heartbeats.
var errSilent = errors.New("the master said nothing")

// errNewLeader is why a stream ends whose master is no longer the leader.
var errNewLeader = errors.New("scheduler: another master leads")

// read opens a subscription and reads its events until it ends, another master leads, or ctx ends.
func (e *edges) read(ctx context.Context, s subscribe) {
	e.start(func() {
		err := e.follow(ctx, s)
		if ctx.Err() != nil {
			return // the machine has ended it, or the run has ended: that is no news
		}
		e.put(ctx, streamClosed{stream: s.stream, err: printable.Error(err)})
	})
}

// follow subscribes with the leading master and passes on its events until the stream ends. If Config.Master is a list,
// each master is tried once: the backoff pause should not follow each dead master, since the next one may lead.
func (e *edges) follow(ctx context.Context, s subscribe) error {
	first, nobody := "", true
	var untrusted error                   // of a master that has redirected to another host than trusted ones
	again := time.Duration(math.MaxInt64) // after which one of the masters may be asked again
	for {
		lead, err := e.detector.Leader(ctx)
		if err != nil {
			return fmt.Errorf("scheduler: cannot subscribe: %w", err)
		}
		call := e.identified(ctx, s, lead.URL)
		if err := e.prover.confirm(ctx); err != nil {
			return err
		}
		opened, err := e.followOne(ctx, s, call, lead)
		if opened || final(err) || ctx.Err() != nil {
			return err
		}
		nobody = nobody && nobodyLeads(err)
		if errors.Is(err, mesoshttp.ErrRedirectUntrusted) {
			untrusted = err
		}
		if lead.Changed != nil {
			return e.withZooKeeper(lead.URL, err)
		}
		again = min(again, retryAfter(err))
		first = cmp.Or(first, lead.URL)
		if next, _ := e.detector.Leader(ctx); next.URL == first {
			limitRetryAfter(err, again)
			switch {
			case nobody:
				return &leaderlessError{err}
			case untrusted != nil && !errors.Is(err, mesoshttp.ErrRedirectUntrusted):
				return fmt.Errorf("%w; and %w", err, untrusted) // the host that the user may have to trust
			}
			return err
		}
	}
}

// identified returns the call of a subscription, with the ID of the framework that an earlier attempt has registered, if
// the master shows it. If it does not, another is registered, and the master removes that one after a minute.
func (e *edges) identified(ctx context.Context, s subscribe, master string) *scheduler.Call {
	if s.find == "" {
		return s.call
	}
	finding, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	id, err := e.client.FindFramework(finding, master, nonceLabel, s.find)
	if err != nil && ctx.Err() == nil && !notConnected(err) && !isUntrusted(err) { // otherwise the end of the subscription says the same
		e.log.WarnContext(ctx, "cannot look for the framework of an earlier registration", "error", err)
	}
	if id == "" {
		return s.call
	}
	call, body := *s.call, *s.call.Subscribe
	info := *body.FrameworkInfo
	call.FrameworkID, call.Subscribe = &mesos.FrameworkID{Value: id}, &body
	body.FrameworkInfo, info.ID = &info, call.FrameworkID
	return &call
}

// followOne does the same with one master, and reports whether the subscription was opened.
func (e *edges) followOne(ctx context.Context, wanted subscribe, call *scheduler.Call, lead detector.Lead) (opened bool, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	if lead.Changed != nil {
		e.start(func() {
			select {
			case <-lead.Changed:
				end(errNewLeader)
			case <-ctx.Done():
			}
		})
	}
	s, err := e.client.Subscribe(ctx, lead.URL, call, offerConstraints(wanted.constraints))
	if err != nil {
		e.detector.Failed(lead.URL)
		return false, subscribeError(err)
	}
	defer s.Close()
	e.put(ctx, streamOpened{stream: wanted.stream, id: s.ID(), master: s.Master()})
	r := receiver{edges: e, stream: wanted.stream, from: s}
	err = r.run(ctx)
	var wrongID *FrameworkIDError
	if cause := context.Cause(ctx); !r.subscribed || errors.Is(cause, errSilent) || errors.As(cause, &wrongID) {
		e.detector.Failed(lead.URL) // or the next attempt would be with the same master, and most likely end the same way
	}
	return true, err
}

// call makes the calls that it receives from the channel, one after the other.
func (e *edges) call(ctx context.Context, calls <-chan []outgoing) {
	e.start(func() {
		e.make(ctx, calls, func(ctx context.Context, one []outgoing) []error {
			return []error{e.client.Call(ctx, one[0].master, one[0].streamID, one[0].call, offerConstraints(one[0].constraints))}
		})
	})
}

// acknowledge makes the calls that it receives from the channel, one batch after the other, on a connection of its
// own. The calls of a batch are for the same stream, and have no further effect if they arrive twice.
func (e *edges) acknowledge(ctx context.Context, batches <-chan []outgoing) {
	e.start(func() {
		pipeline := e.client.Pipeline()
		defer pipeline.Close()
		e.make(ctx, batches, func(ctx context.Context, batch []outgoing) []error {
			calls := make([]*scheduler.Call, len(batch))
			for i, out := range batch {
				calls[i] = out.call
			}
			return pipeline.Call(ctx, batch[0].master, batch[0].streamID, calls)
		})
	})
}

// make calls do for each batch that it receives from the channel, and reports the outcomes.
func (e *edges) make(ctx context.Context, batches <-chan []outgoing, do func(context.Context, []outgoing) []error) {
	for {
		select {
		case batch := <-batches:
			callCtx, cancel := context.WithTimeout(ctx, callTimeout)
			errs := do(callCtx, batch)
			cancel()
			done := make([]input, len(batch))
			for i, out := range batch {
				outcome, err := callOutcome(out.call, errs[i])
				done[i] = callDone{stream: out.stream, call: out.call, ref: out.ref, outcome: outcome, took: time.Since(out.decided), err: printable.Error(err)}
			}
			if !e.put(ctx, done...) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// tokenSource returns the source of the tokens of all runs, nil without Config.Token.
func (c Config) tokenSource() *mesoshttp.TokenSource {
	if c.Token == nil {
		return nil
	}
	return mesoshttp.NewTokenSource(func(ctx context.Context) (token string, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = panicked("the token source", p)
			}
		}()
		token, err = c.Token(ctx)
		return token, printable.Error(err)
	})
}

// callOutcome returns what is known about a call that returned err.
func callOutcome(call *scheduler.Call, err error) (outcome, error) {
	if err == nil {
		return accepted, nil
	}
	var (
		status *mesoshttp.StatusError
		token  *mesoshttp.TokenError
	)
	if errors.As(err, &token) || errors.Is(err, mesoshttp.ErrNotSent) {
		return unsent, err
	}
	if !errors.As(err, &status) {
		if notConnected(err) {
			return unsent, err
		}
		return unclear, err
	}
	err = &CallError{Master: status.Master, Call: call.GetType().String(), Status: status.Status, Message: mastertext.OfAnswer(status.Body), retryAfter: status.RetryAfter}
	switch status.Status {
	case http.StatusTemporaryRedirect, http.StatusForbidden, http.StatusNotFound:
		// Another master leads now, or this one knows no subscription of ours.
		return stale, err
	case http.StatusBadRequest:
		if mastertext.IsStale(status.Body) {
			return stale, err
		}
		return refused, err // the call itself is invalid, such as a task of a builder
	case http.StatusUnauthorized, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusUnsupportedMediaType, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return refused, err
	}
	// Such as 504 of a gateway, behind which the master may have taken the call.
	return unclear, err
}
