package scheduler

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/logkey"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// logCall logs a call that failed. Its type alone is an attribute, by which lines that repeat are summed up.
func (l *loop) logCall(ctx context.Context, in callDone) {
	l.log.WarnContext(ctx, "call failed", "call", in.call.GetType().String(), "about", printable.Line(describePayload(in.call)),
		text(logkey.TaskID, taskOf(in.call)), text(logkey.AgentID, agentOf(in.call)), text(logkey.OfferID, offerOf(in.call)),
		"outcome", in.outcome.String(), "error", in.err)
	l.logPanic(ctx, in.err)
}

// taskOf, agentOf and offerOf return the ID of the task, agent or first offer that a call is about, "" for none.
func taskOf(c *scheduler.Call) string {
	return cmp.Or(c.GetKill().GetTaskID().Value, c.GetAcknowledge().GetTaskID().Value)
}

func agentOf(c *scheduler.Call) string {
	return cmp.Or(c.GetKill().GetAgentID().GetValue(), c.GetAcknowledge().GetAgentID().Value)
}

func offerOf(c *scheduler.Call) string {
	for _, id := range append(c.GetAccept().GetOfferIDs(), c.GetDecline().GetOfferIDs()...) {
		return id.Value
	}
	return ""
}

// text is an attribute with a text from outside, an empty one for none.
func text(key, value string) slog.Attr {
	if value == "" {
		return slog.Attr{}
	}
	return slog.String(key, shortLine(value)) // IDs have 255 bytes at most
}

func (l *loop) logEvent(ctx context.Context, e Event) {
	switch e := e.(type) {
	case *taskChange:
		l.logTask(ctx, e)
		l.logPanic(ctx, e.info.Err)
	case RemovedEvent:
		l.log.DebugContext(ctx, "tasks not on record any more", "event", e.String())
	case ConnectionEvent:
		if e.Connected {
			l.log.InfoContext(ctx, "subscribed", text(logkey.FrameworkID, e.FrameworkID))
		} else {
			l.log.WarnContext(ctx, "not subscribed", text(logkey.FrameworkID, e.FrameworkID), "error", e.Err, next(e.NextAttempt))
			l.logPanic(ctx, e.Err)
		}
	case StoreEvent:
		if e.Err == nil {
			l.log.InfoContext(ctx, "the store works again")
		} else {
			l.log.ErrorContext(ctx, "the store fails", "error", e.Err, next(e.NextAttempt))
			l.logPanic(ctx, e.Err)
		}
	case FailureEvent:
		l.logFailure(ctx, e)
	case UnknownTaskEvent:
		l.log.WarnContext(ctx, "unknown task", text(logkey.TaskID, e.Status.TaskID.Value), text(logkey.AgentID, e.Status.GetAgentID().GetValue()),
			"event", e.String())
	case InverseOfferEvent:
		l.log.WarnContext(ctx, "inverse offer", text(logkey.AgentID, e.Offer.AgentID), "event", e.String())
		l.logPanic(ctx, e.Err)
	case NeverOfferedEvent:
		l.log.WarnContext(ctx, "tasks never offered what they need", "event", e.String())
	case LagEvent:
		l.log.WarnContext(ctx, "too many events wait for the store: some are left out, also from the log", "events", e.Missed)
	case OfferEvent:
		l.log.DebugContext(ctx, "offers", "offers", e.Offers, "placed", e.Placed, "pending", e.Pending)
		if e.Err != nil {
			l.log.ErrorContext(ctx, "matching", "error", e.Err)
			l.logPanic(ctx, e.Err)
		}
	}
}

// logTask logs a change of a task. No other line comes as often: its texts are made only if somebody listens.
func (l *loop) logTask(ctx context.Context, e *taskChange) {
	level := slog.LevelInfo
	if e.minor {
		level = slog.LevelDebug
	}
	if l.log.Enabled(ctx, level) {
		l.log.Log(ctx, level, "task", text(logkey.TaskID, e.info.Spec.ID), "state", e.info.State.String(),
			text(logkey.AgentID, e.info.AgentID), text("hostname", e.info.Hostname), text("message", e.message))
	}
}

func (l *loop) logFailure(ctx context.Context, e FailureEvent) {
	agent := text(logkey.AgentID, e.AgentID)
	switch {
	case e.ExecutorID == "":
		l.log.WarnContext(ctx, "agent lost", agent)
	case e.Status != nil && *e.Status == 0: // the executor of a pod that has ended
		l.log.InfoContext(ctx, "executor ended", agent, "event", e.String())
	default:
		l.log.WarnContext(ctx, "executor ended", agent, "event", e.String())
	}
}

// logPanic logs where user code has panicked, if err says that it has.
func (l *loop) logPanic(ctx context.Context, err error) {
	if err == nil {
		return // before the variable, which is allocated
	}
	if p := (*PanicError)(nil); errors.As(err, &p) {
		l.log.ErrorContext(ctx, "user code panicked", "error", err, "stack", p.Stack)
	}
}

// next is the attribute with the time of the next attempt, an empty one if there will be none.
func next(attempt time.Time) slog.Attr {
	if attempt.IsZero() {
		return slog.Attr{}
	}
	return slog.Time("next", attempt)
}
