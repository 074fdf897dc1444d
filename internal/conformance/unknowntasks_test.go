package conformance

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func meetingUnknownTasks() []behaviour {
	sources := []source{document("reconciliation", "Algorithm"), recording("reconcile_partition_aware")}
	return []behaviour{
		{
			name:    "a task that is not on record is reported, and not touched",
			sources: sources,
			run: func(w *world) {
				w.smuggle("stranger")
				w.untilReported("stranger")
				w.calm()
				require.Empty(w, w.made(calls.Call_KILL))
				_, err := w.sched.Task(w.ctx, "stranger")
				require.ErrorIs(w, err, scheduler.ErrUnknownTask)
			},
		},
		{
			name:    "a task that is not on record is adopted, if that is the policy",
			sources: sources,
			config:  scheduler.Config{UnknownTasks: scheduler.AdoptUnknown},
			run: func(w *world) {
				w.smuggle("stranger")
				w.untilState("stranger", task.StateRunning)
				require.NotEmpty(w, w.task("stranger").AgentID)
				require.Equal(w, task.StateKilled, w.kill("stranger").State)
			},
		},
		{
			name:    "a task that is not on record is killed, if that is the policy",
			sources: sources,
			config:  scheduler.Config{UnknownTasks: scheduler.KillUnknown},
			run: func(w *world) {
				w.smuggle("stranger")
				w.untilReported("stranger")
				w.poll("it is gone", func() bool { f, _ := w.view(); return len(f.Tasks) == 1 && f.Tasks[0].ID == "a" })
				require.Equal(w, task.StateRunning, w.task("a").State)
			},
		},
		{
			name:    "a task that is not on record and sends no updates is found by reconciliation",
			sources: sources,
			run: func(w *world) {
				w.wire.events(func(e *calls.Event) []*calls.Event {
					if u := e.GetUpdate(); u != nil && u.Status.TaskID.Value == "stranger" && len(u.Status.UUID) > 0 {
						w.wire.slipIn(&calls.Call{Type: calls.Call_ACKNOWLEDGE, Acknowledge: &calls.Call_Acknowledge{
							AgentID: *u.Status.AgentID, TaskID: u.Status.TaskID, UUID: u.Status.UUID,
						}})
						return nil
					}
					return []*calls.Event{e}
				})
				w.smuggle("stranger")
				require.NoError(w, w.sched.Reconcile(w.ctx))
				w.untilReported("stranger")
			},
		},
	}
}

// smuggle launches a task "a", and a second one with the same ACCEPT that the scheduler does not know.
func (w *world) smuggle(id string) {
	w.Helper()
	w.wire.calls(func(c *calls.Call) verdict {
		if c.Type == calls.Call_ACCEPT {
			stranger := launches(c)[0]
			stranger.TaskID, stranger.Name = mesos.TaskID{Value: id}, id
			c.Accept.Operations = append(c.Accept.Operations, mesos.Offer_Operation{
				Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{stranger}},
			})
		}
		return pass
	})
	w.launch(sleeper("a"))
	w.wire.calls(nil)
}

func (w *world) untilReported(id string) {
	w.Helper()
	w.until(id+" is reported", func() bool {
		entries, _ := w.read()
		return slices.ContainsFunc(entries, func(e entry) bool {
			u, ok := e.told.(scheduler.UnknownTaskEvent)
			return ok && u.Status.TaskID.Value == id
		})
	})
}
