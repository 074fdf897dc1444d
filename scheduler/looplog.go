package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// logCall logs a call that failed. Its type alone is an attribute, by which lines that repeat are summed up.
func (l *loop) logCall(ctx context.Context, in callDone) {
	l.log.WarnContext(ctx, "call failed", "call", in.call.GetType().String(), "about", printable.Line(describePayload(in.call)),
		"outcome", in.outcome.String(), "error", in.err)
}

func (l *loop) logEvent(ctx context.Context, e Event) {
	switch e := e.(type) {
	case TaskEvent:
		level := slog.LevelInfo
		if e.minor {
			level = slog.LevelDebug
		}
		l.log.Log(ctx, level, "task", "task", printable.Line(e.Task.Spec.ID), "state", e.Task.State.String(),
			"agent", printable.Line(e.Task.Hostname), "message", printable.Line(e.Task.Status.GetMessage()))
	case ConnectionEvent:
		if e.Connected {
			l.log.InfoContext(ctx, "subscribed", "framework", printable.Line(e.FrameworkID))
		} else {
			l.log.LogAttrs(ctx, slog.LevelWarn, "not subscribed", problem(e.Err, e.NextAttempt)...)
		}
	case StoreEvent:
		if e.Err == nil {
			l.log.InfoContext(ctx, "the store works again")
		} else {
			l.log.LogAttrs(ctx, slog.LevelError, "the store fails", problem(e.Err, e.NextAttempt)...)
		}
	case FailureEvent:
		switch {
		case e.ExecutorID == "":
			l.log.WarnContext(ctx, "agent lost", "event", e.String())
		case e.Status != nil && *e.Status == 0: // the executor of a pod that has ended
			l.log.InfoContext(ctx, "executor ended", "event", e.String())
		default:
			l.log.WarnContext(ctx, "executor ended", "event", e.String())
		}
	case UnknownTaskEvent:
		l.log.WarnContext(ctx, "unknown task", "event", e.String())
	case InverseOfferEvent:
		l.log.LogAttrs(ctx, slog.LevelWarn, "inverse offer", append(problem(e.Err, time.Time{}), slog.String("event", e.String()))...)
	case NeverOfferedEvent:
		l.log.WarnContext(ctx, "tasks never offered what they need", "event", e.String())
	case OfferEvent:
		l.log.DebugContext(ctx, "offers", "offers", e.Offers, "placed", e.Placed, "pending", e.Pending)
		if e.Err != nil {
			l.log.LogAttrs(ctx, slog.LevelError, "matching", problem(e.Err, time.Time{})...)
		}
	}
}

// problem returns the attributes of what went wrong: the error, where user code panicked, and when the next attempt will be.
func problem(err error, next time.Time) (attrs []slog.Attr) {
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	if p := (*PanicError)(nil); errors.As(err, &p) {
		attrs = append(attrs, slog.String("stack", p.Stack))
	}
	if !next.IsZero() {
		attrs = append(attrs, slog.Time("next", next))
	}
	return attrs
}
