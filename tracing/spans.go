package tracing

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The attributes of the spans task.launch and task.run. Those that are unknown or empty are left out.
const (
	KeyFrameworkID = attribute.Key("mesos.framework.id")
	KeyTaskID      = attribute.Key("mesos.task.id")
	KeyTaskName    = attribute.Key("mesos.task.name")
	KeyTaskGroup   = attribute.Key("mesos.task.group")
	KeyTaskRole    = attribute.Key("mesos.task.role")
	KeyPod         = attribute.Key("mesos.task.pod")
	KeyAgentID     = attribute.Key("mesos.agent.id")
	KeyHostname    = attribute.Key("mesos.agent.hostname")
	KeyState       = attribute.Key("mesos.task.state")       // at the end of the span
	KeyMessage     = attribute.Key("mesos.task.message")     // why the task changed to it
	KeyExitStatus  = attribute.Key("mesos.task.exit_status") // of task.run; a number
	KeyAttempt     = attribute.Key("mesos.launch.attempt")   // of task.launch; a number from 1
)

// The names of the spans.
const (
	spanLaunch  = "task.launch"
	spanPending = "task.pending"
	spanStore   = "task.store"
	spanAccept  = "task.accept"
	spanStart   = "task.start"
	spanRun     = "task.run"
)

// ended writes the last span of a task.
func (w *follower) ended(ctx context.Context, e *scheduler.TaskEvent, p *progress) {
	if p.ran.IsZero() {
		w.launched(ctx, e, p)
		return
	}
	ctx, span := w.tracer.Start(ctx, spanRun, trace.WithTimestamp(p.ran), trace.WithAttributes(w.attributes(e)...))
	w.addEvents(ctx, span, e, p.ran)
	finish(span, e, failed(e.Task.State))
}

// launched writes the span of a launch that ends with this event, in whichever way, and those of its phases.
func (w *follower) launched(ctx context.Context, e *scheduler.TaskEvent, p *progress) {
	attributes := append(w.attributes(e), KeyAttempt.Int(p.attempt))
	ctx, span := w.tracer.Start(ctx, spanLaunch, trace.WithTimestamp(p.began), trace.WithAttributes(attributes...))
	times := scheduler.LaunchTimes{}
	if e.Launch != nil {
		times = *e.Launch
	}
	times.Placed = firstKnown(times.Placed, p.placed)
	w.phase(ctx, spanPending, p.began, firstKnown(times.Placed, e.Task.Updated))
	if times.Stored.After(times.Placed) { // there is a store
		w.phase(ctx, spanStore, times.Placed, times.Stored)
	}
	w.phase(ctx, spanAccept, times.Stored, times.Accepted)
	w.phase(ctx, spanStart, firstKnown(times.Accepted, times.Stored, times.Placed), times.Running)
	finish(span, e, e.Task.State == task.StatePending || failed(e.Task.State))
}

// firstKnown returns the first of the times that is known.
func firstKnown(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// phase writes the span of a phase, if both of its ends are known.
func (w *follower) phase(ctx context.Context, name string, from, to time.Time) {
	if from.IsZero() || to.IsZero() {
		return
	}
	_, span := w.tracer.Start(ctx, name, trace.WithTimestamp(from))
	span.End(trace.WithTimestamp(to))
}

// addEvents adds what happened to a task while it ran: that it was unhealthy, or unreachable.
func (w *follower) addEvents(ctx context.Context, span trace.Span, e *scheduler.TaskEvent, ran time.Time) {
	if !span.IsRecording() {
		return
	}
	all, err := w.framework.History(ctx, e.Task.Spec.ID)
	if err != nil {
		return // it has been forgotten since
	}
	for _, t := range all {
		if t.At.After(ran) && t.At.Before(e.Task.Updated) {
			span.AddEvent(t.State.String(), trace.WithTimestamp(t.At), trace.WithAttributes(known(KeyMessage.String(t.Message))...))
		}
	}
}

// finish ends a span with a task's change.
func finish(span trace.Span, e *scheduler.TaskEvent, isError bool) {
	span.SetAttributes(known(KeyState.String(e.Task.State.String()), KeyMessage.String(e.Message))...)
	if e.Task.ExitStatus != nil {
		span.SetAttributes(KeyExitStatus.Int(*e.Task.ExitStatus))
	}
	if isError {
		span.SetStatus(codes.Error, valid(e.Message))
	}
	span.End(trace.WithTimestamp(e.Task.Updated))
}

// failed reports whether a task has ended other than by finishing or being killed.
func failed(s task.State) bool {
	return s.Terminal() && s != task.StateFinished && s != task.StateKilled
}

// attributes returns what a span says of a task.
func (w *follower) attributes(e *scheduler.TaskEvent) []attribute.KeyValue {
	t := &e.Task
	return known(
		KeyFrameworkID.String(w.id), KeyTaskID.String(t.Spec.ID), KeyTaskName.String(t.Spec.Name), KeyTaskGroup.String(t.Spec.Group),
		KeyTaskRole.String(t.Spec.Role), KeyPod.String(t.Spec.Pod), KeyAgentID.String(t.AgentID), KeyHostname.String(t.Hostname),
	)
}

// known returns those attributes that are not empty. Exporters refuse texts that are not UTF-8, together with all other spans.
func known(all ...attribute.KeyValue) []attribute.KeyValue {
	some := all[:0]
	for _, a := range all {
		if text := a.Value.AsString(); text != "" {
			some = append(some, a.Key.String(valid(text)))
		}
	}
	return some
}

func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
