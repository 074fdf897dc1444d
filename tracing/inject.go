package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Label is the label of a task that has the context of its parent span, in the form of W3C Trace Context.
const Label = "traceparent"

// Inject makes the span in ctx the parent of the spans of a task: it sets the label [Label]. Without a span in ctx it does
// nothing. The map of labels is copied first.
//
// The label is a part of the spec, and of what Mesos is told. A request that is made again must have the same one: call Inject
// once, before the first attempt. For [scheduler.Scheduler.Ensure], which compares specs across restarts, do not call it.
//
// [scheduler.Scheduler.Ensure]: https://pkg.go.dev/github.com/mesos-actor/mesos-actor-go/scheduler#Scheduler.Ensure
func Inject(ctx context.Context, spec *task.Spec) {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if parent := carrier.Get(Label); parent != "" {
		spec.Labels = maps.Clone(spec.Labels)
		if spec.Labels == nil {
			spec.Labels = map[string]string{}
		}
		spec.Labels[Label] = parent
	}
}

// withParent returns a context with the parent of a task's spans: the one that was injected, or none, in the task's own
// trace.
func withParent(ctx context.Context, framework string, t *task.Info) context.Context {
	carrier := propagation.MapCarrier{Label: t.Spec.Labels[Label]}
	injected := propagation.TraceContext{}.Extract(context.Background(), carrier)
	parent := trace.SpanContextFromContext(injected)
	if !parent.IsValid() {
		// With a trace ID and without a span ID, a span of this trace begins that has no parent.
		parent = trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID(framework, t.Spec.ID, t.Submitted)})
	}
	return trace.ContextWithSpanContext(ctx, parent)
}

// traceID derives the ID of a task's own trace.
func traceID(framework, id string, submitted time.Time) trace.TraceID {
	b := append([]byte(framework), 0)
	b = append(append(b, id...), 0)
	hash := sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(submitted.UnixNano())))
	return trace.TraceID(hash[:len(trace.TraceID{})])
}
