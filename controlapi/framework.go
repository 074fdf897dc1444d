package controlapi

import (
	"context"
	"iter"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Framework is a framework as a program sees it: a [*scheduler.Scheduler] in the process that leads, and a [*Client] in
// any other. Their methods do the same and return the same errors, so that code need not know which of the two it has.
type Framework interface {
	Submit(ctx context.Context, spec task.Spec) error
	Launch(ctx context.Context, spec task.Spec) (task.Info, error)
	SubmitPod(ctx context.Context, members ...task.Spec) error
	LaunchPod(ctx context.Context, members ...task.Spec) ([]task.Info, error)
	Ensure(ctx context.Context, spec task.Spec) (task.Info, error)
	Wait(ctx context.Context, id string, until scheduler.Until) (task.Info, error)
	Kill(ctx context.Context, id string) (task.Info, error)
	Forget(ctx context.Context, id string) error
	Task(ctx context.Context, id string) (task.Info, error)
	Tasks(ctx context.Context) ([]task.Info, error)
	History(ctx context.Context, id string) ([]task.Transition, error)
	Explain(ctx context.Context, id string) (scheduler.Explanation, error)
	Agents(ctx context.Context) ([]scheduler.AgentStats, error)
	Offers(ctx context.Context) ([]scheduler.OfferAtHand, error)
	Status(ctx context.Context) (scheduler.Status, error)
	Reconcile(ctx context.Context) error
	Teardown(ctx context.Context) error
	Watch(ctx context.Context) iter.Seq[scheduler.Event]
	Logs(ctx context.Context, id string, o scheduler.LogOptions) iter.Seq2[scheduler.LogChunk, error]
}

var _ Framework = (*scheduler.Scheduler)(nil)

// noFramework is in place of a framework where there is none. It has what the routes use that remain, see [Config.routes].
type noFramework struct{ Framework }

func (noFramework) Status(context.Context) (scheduler.Status, error)       { return scheduler.Status{}, nil }
func (noFramework) Tasks(context.Context) ([]task.Info, error)             { return nil, nil }
func (noFramework) Agents(context.Context) ([]scheduler.AgentStats, error) { return nil, nil }
func (noFramework) Watch(ctx context.Context) iter.Seq[scheduler.Event] {
	return func(func(scheduler.Event) bool) { <-ctx.Done() }
}
