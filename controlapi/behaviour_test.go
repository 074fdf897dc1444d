package controlapi_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// behaviour notes what the methods of a framework return, so that it can be compared.
type behaviour struct {
	notes []string
	fleet *fleet
}

func (b *behaviour) note(what string, of any, err error) {
	text := fmt.Sprintf("%s: %v", what, of)
	if err != nil {
		text += fmt.Sprintf("; error %q: %v", scheduler.ErrorCode(err), err)
		for _, target := range []error{scheduler.ErrUnknownTask, scheduler.ErrDuplicateTask, scheduler.ErrNotRunning, context.DeadlineExceeded, context.Canceled, errBored} {
			if errors.Is(err, target) {
				text += fmt.Sprintf(" is %q", target)
			}
		}
	}
	b.notes = append(b.notes, text)
}

func (b *behaviour) info(what string, i task.Info, err error) {
	b.note(what, described(i), err)
}

// described returns what does not depend on times and on the agent.
func described(i task.Info) string {
	s := fmt.Sprintf("%s %v %v cpus", i.Spec.ID, i.State, i.Spec.CPUs)
	if i.ExitStatus != nil {
		s += fmt.Sprintf(" exit %d", *i.ExitStatus)
	}
	if i.Err != nil {
		s += fmt.Sprintf(" err %v", i.Err)
	}
	return s
}

var errBored = errors.New("bored")

// behave makes calls of all kinds, and such as fail.
func (b *behaviour) behave(fw controlapi.Framework) {
	ctx, cancel := within(10 * time.Minute)
	defer cancel()
	soon := func(d time.Duration) context.Context {
		ctx, cancel := within(d)
		b.fleet.t.Cleanup(cancel)
		return ctx
	}
	b.submits(ctx, fw, soon)
	b.waits(ctx, fw, soon)
	b.pods(ctx, fw)
	b.reads(ctx, fw)
}

func (b *behaviour) submits(ctx context.Context, fw controlapi.Framework, soon func(time.Duration) context.Context) {
	info, err := fw.Launch(ctx, spec("a"))
	b.info("launch", info, err)
	b.note("submit again", nil, fw.Submit(ctx, spec("a")))
	named, other := spec("b"), spec("b")
	named.RequestID, other.RequestID = "r-1", "r-2"
	b.note("submit with a request ID", nil, fw.Submit(ctx, named))
	b.note("the same again", nil, fw.Submit(ctx, named))
	b.note("by another request", nil, fw.Submit(ctx, other))
	named.CPUs = 0.2
	b.note("another task by the same request", nil, fw.Submit(ctx, named))
	b.note("invalid", nil, fw.Submit(ctx, task.Spec{ID: "x", CPUs: math.NaN(), Command: task.Command{Shell: "true"}}))
	inPod := spec("x")
	inPod.Pod = "p"
	b.note("member of a pod alone", nil, fw.Submit(ctx, inPod))
	info, err = fw.Ensure(ctx, spec("a"))
	b.info("ensure", info, err)
	differs := spec("a")
	differs.CPUs = 0.3
	info, err = fw.Ensure(ctx, differs)
	b.info("ensure another spec", info, err)
	large := spec("large")
	large.CPUs = 1000
	info, err = fw.Launch(soon(time.Minute), large)
	b.info("launch what fits nowhere", info, err)
	time.Sleep(2 * time.Second)
	info, err = fw.Task(ctx, "large")
	b.info("which is withdrawn", info, err)
	bored, cancel := context.WithCancelCause(ctx)
	time.AfterFunc(time.Second, func() { cancel(errBored) })
	large.ID = "large-2"
	info, err = fw.Launch(bored, large)
	b.info("launch until bored", info, err)
	time.Sleep(2 * time.Second)
	info, err = fw.Task(ctx, "large-2")
	b.info("which is withdrawn", info, err)
	fails := spec("fails")
	fails.Command.Shell = "exit 3"
	info, err = fw.Launch(ctx, fails)
	b.info("launch what runs and fails", info, err)
	odd := spec("ä b%2F?#")
	info, err = fw.Launch(ctx, odd)
	b.info("odd ID", info, err)
	info, err = fw.Kill(ctx, odd.ID)
	b.info("kill it", info, err)
}

func (b *behaviour) waits(ctx context.Context, fw controlapi.Framework, soon func(time.Duration) context.Context) {
	info, err := fw.Wait(ctx, "a", scheduler.UntilRunning)
	b.info("wait", info, err)
	info, err = fw.Wait(soon(3*time.Minute), "a", scheduler.UntilEnded)
	b.info("wait for the end", info, err)
	bored, cancel := context.WithCancelCause(ctx)
	time.AfterFunc(time.Second, func() { cancel(errBored) })
	info, err = fw.Wait(bored, "a", scheduler.UntilEnded)
	b.info("wait until bored", info, err)
	info, err = fw.Wait(ctx, "a", 7)
	b.info("wait for nothing", info, err)
	info, err = fw.Wait(ctx, "a", scheduler.UntilRunningAnyHealth)
	b.info("wait, any health", info, err)
	info, err = fw.Wait(ctx, "nobody", scheduler.UntilEnded)
	b.info("wait for nobody", info, err)
	info, err = fw.Wait(ctx, "fails", scheduler.UntilRunning)
	b.info("wait for what has failed", info, err)
	of := (*scheduler.TaskError)(nil)
	require.True(b.fleet.t, errors.As(err, &of))
	b.info("as a TaskError", of.Task, of.Err)
	info, err = fw.Wait(ctx, "fails", scheduler.UntilEnded)
	b.info("wait for its end", info, err)
	b.note("forget what runs", nil, fw.Forget(ctx, "a"))
	active := (*scheduler.ForgetError)(nil)
	require.True(b.fleet.t, errors.As(fw.Forget(ctx, "a"), &active))
	b.note("as a ForgetError", *active, nil)
	info, err = fw.Kill(ctx, "a")
	b.info("kill", info, err)
	info, err = fw.Kill(ctx, "a")
	b.info("kill again", info, err)
	info, err = fw.Kill(ctx, "nobody")
	b.info("kill nobody", info, err)
	b.note("forget", nil, fw.Forget(ctx, "a"))
	b.note("forget again", nil, fw.Forget(ctx, "a"))
}

func (b *behaviour) pods(ctx context.Context, fw controlapi.Framework) {
	x, y := spec("x"), spec("y")
	x.Pod, y.Pod = "p", "p"
	infos, err := fw.LaunchPod(ctx, x, y)
	b.note("launch a pod", len(infos), err)
	for _, i := range infos {
		b.info("member", i, nil)
	}
	b.note("again", nil, fw.SubmitPod(ctx, x, y))
	b.note("no members", nil, fw.SubmitPod(ctx))
	y.Pod = "q"
	b.note("of two pods", nil, fw.SubmitPod(ctx, x, y))
	info, err := fw.Kill(ctx, "x")
	b.info("kill a member", info, err)
	info, err = fw.Wait(ctx, "y", scheduler.UntilEnded)
	b.info("the other one", info, err)
	_, err = fw.LaunchPod(ctx, x)
	b.note("an ID that is taken", nil, err)
}

func (b *behaviour) reads(ctx context.Context, fw controlapi.Framework) {
	all, err := fw.Tasks(ctx)
	b.note("tasks", len(all), err)
	for _, i := range all {
		b.info("  ", i, nil)
	}
	history, err := fw.History(ctx, "fails")
	for _, h := range history {
		b.note("history", fmt.Sprint(h.State, " ", h.Message), err)
	}
	_, err = fw.History(ctx, "nobody")
	b.note("history of nobody", nil, err)
	why, err := fw.Explain(ctx, "b")
	b.info("explain", why.Task, err)
	_, err = fw.Explain(ctx, "nobody")
	b.note("explain nobody", nil, err)
	_, err = fw.Task(ctx, "nobody")
	b.note("nobody", nil, err)
	agents, err := fw.Agents(ctx)
	b.note("agents", len(agents) > 0, err)
	_, err = fw.Offers(ctx)
	b.note("offers", nil, err)
	status, err := fw.Status(ctx)
	b.note("status", status.Connected, err)
	b.note("reconcile", nil, fw.Reconcile(ctx))
	over, cancel := context.WithCancelCause(ctx)
	cancel(errBored)
	_, err = fw.Tasks(over)
	b.note("after the end of a context", nil, err)
	b.note("teardown", nil, fw.Teardown(ctx))
}

// Code does not see whether it has a scheduler or a client, of the leader or of a follower.
func TestClientBehavesLikeTheScheduler(t *testing.T) {
	var beside []string
	for _, of := range []string{"scheduler", "client of the leader", "client of a follower"} {
		t.Run(of, func(t *testing.T) {
			inFleet(t, func(t *testing.T, f *fleet) {
				b := &behaviour{fleet: f}
				switch of {
				case "scheduler":
					b.behave(f.leader().scheduler)
					beside = b.notes
				case "client of the leader":
					b.behave(f.at(f.leader()))
				default:
					b.behave(f.at(f.follower()))
				}
				require.Greater(t, len(b.notes), 50)
				require.Equal(t, beside, b.notes)
			})
		})
	}
}
