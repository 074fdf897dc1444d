package invoker

import (
	"context"
	"log/slog"
)

// logCollector reads what containers print, and cuts it into the logs of activations. A nil one, of an engine that is no
// [OutputReader], collects nothing. All methods may be called from any goroutine.
type logCollector struct{}

// activationLog is the log of one activation while it is being run and read. A nil one is of an activation without logs.
type activationLog struct{}

// newLogCollector returns nil if the engine gives no access to the output of its containers.
func newLogCollector(engine Engine, logger *slog.Logger) *logCollector {
	return nil
}

// run reads until ctx ends. Logs that are not complete then end with ErrNotRunning.
func (c *logCollector) run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// bound tells that a container is being bound to an action: what it has printed before belongs to nobody. It does not block.
func (c *logCollector) bound(in Instance) {}

// begin tells that an activation is about to be sent to a container, and with init that /init precedes it. It waits for up to a
// second to learn how much the container has printed before, if that is not known and matters: of a container that is new, and of
// one that does not mark the end of its activations.
func (c *logCollector) begin(ctx context.Context, in Instance, a *Action, init bool) *activationLog {
	return nil
}

// gone tells that a container does not run any more: its output is read to the end.
func (c *logCollector) gone(container string) {}

// settled waits until all that was printed during the activations of a container is read. Whoever gives a container to another
// process waits for this first.
func (c *logCollector) settled(ctx context.Context, container string) error { return nil }

// end tells that the answer to an activation is there, or will not come, and returns its log. If nothing was sent that makes the
// runtime mark the end of an activation, neither /run nor an /init that failed, the log is nil. The container may be
// used again when room is closed; at once if that is nil. It does not block.
func (l *activationLog) end(status Status, sent bool) (logs *Logs, room <-chan struct{}) {
	return nil, nil
}
