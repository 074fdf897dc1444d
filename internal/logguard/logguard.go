// Package logguard protects the library from the log handlers of its users, and these from its log. A [Handler] sums up
// lines that repeat, so that a fault that occurs ten thousand times a second is a line a minute, and drops a line over which
// the user's handler panics. It does not protect from a handler that blocks: whoever logs waits for it.
//
// There are no goroutines, and the clock is that of the records.
package logguard

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/mesos-actor/mesos-actor-go/internal/logkey"
)

// Handler passes records on to another handler, but for the lines that repeat.
//
// Lines are of the same kind if they have the same level and message, but for digits, and the same values of the attributes
// that say what they are about, such as "call". Of each kind [Burst] lines pass, and then one per [Every]. The next line of
// the kind says with the attribute "left_out" how many were left out before it. If none follows, the last one that was
// left out is passed on a minute later, together with any other line, or by [Flush]. Lines below level Info are not
// counted, and neither are those at level Info that have an attribute [logkey.TaskID]: there is one for each change of a task.
//
// If the other handler panics, the line is lost, and the next one that passes says so with the attribute "handler_panics".
//
// All handlers that are derived from one by WithAttrs and WithGroup count together.
type Handler struct {
	to     slog.Handler
	about  uint64 // hash of the attributes in front of the record's own
	task   bool   // there is an attribute task_id among them
	counts *counts
	panics *atomic.Int64 // of the other handler that no line has reported yet
}

// New returns a handler around another one. A *Handler is returned as it is.
func New(to slog.Handler) *Handler {
	if h, is := to.(*Handler); is {
		return h
	}
	return &Handler{to: to, counts: newCounts(), panics: new(atomic.Int64)}
}

// Logger returns a logger with a handler around that of another one.
func Logger(l *slog.Logger) *slog.Logger { return slog.New(New(l.Handler())) }

// Flush passes on the last line of each kind of which some were left out. It does nothing if the logger's handler is no
// *Handler.
func Flush(ctx context.Context, l *slog.Logger) {
	if h, is := l.Handler().(*Handler); is {
		for _, line := range h.counts.flush() {
			_ = line.handler.pass(ctx, line.record, line.leftOut)
		}
	}
}

// Enabled reports what the other handler does, and false if it panics.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer func() {
		if recover() != nil {
			h.panics.Add(1)
			enabled = false
		}
	}()
	return h.to.Enabled(ctx, level)
}

// Handle passes a record on, unless it is left out.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	due, passes, leftOut := h.counts.take(h, r)
	for _, line := range due {
		_ = line.handler.pass(ctx, line.record, line.leftOut)
	}
	if !passes {
		return nil
	}
	return h.pass(ctx, r, leftOut)
}

// pass calls the other handler, which is user code.
func (h *Handler) pass(ctx context.Context, r slog.Record, leftOut int) (err error) {
	panics := h.panics.Swap(0)
	if panics+int64(leftOut) > 0 {
		r = r.Clone()
	}
	if leftOut > 0 {
		r.AddAttrs(slog.Int("left_out", leftOut))
	}
	if panics > 0 {
		r.AddAttrs(slog.Int64("handler_panics", panics))
	}
	defer func() {
		if p := recover(); p != nil {
			h.panics.Add(panics + 1)
			err = fmt.Errorf("logguard: the handler panicked: %v", p)
		}
	}()
	return h.to.Handle(ctx, r)
}

// WithAttrs returns a handler with attributes. If the other handler panics, it is without them.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := h.derive(func() slog.Handler { return h.to.WithAttrs(attrs) })
	for _, a := range attrs {
		derived.about = h.counts.add(derived.about, a)
		derived.task = derived.task || a.Key == logkey.TaskID
	}
	return derived
}

// WithGroup returns a handler with a group. If the other handler panics, it is without it.
func (h *Handler) WithGroup(name string) slog.Handler {
	return h.derive(func() slog.Handler { return h.to.WithGroup(name) })
}

// derive returns a handler around the one that with returns, which counts together with h.
func (h *Handler) derive(with func() slog.Handler) *Handler {
	derived := *h
	func() {
		defer func() {
			if recover() != nil {
				h.panics.Add(1)
			}
		}()
		derived.to = with()
	}()
	return &derived
}
