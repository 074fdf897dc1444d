package conformance

import (
	"fmt"
	"net/http"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func updating() []behaviour {
	acknowledge := document("scheduler-http-api", "ACKNOWLEDGE")
	return []behaviour{
		{
			name:    "each update with a uuid is acknowledged once",
			sources: []source{acknowledge, recording("task_finished")},
			run: func(w *world) {
				for i := range 5 {
					w.submit(command(fmt.Sprint(i), "exit 0"))
				}
				for i := range 5 {
					w.untilOver(fmt.Sprint(i))
					w.acknowledged(fmt.Sprint(i))
				}
				w.calm()
				for i := range 5 {
					w.acknowledged(fmt.Sprint(i))
				}
				for _, c := range w.made(calls.Call_ACKNOWLEDGE) {
					id := c.Acknowledge.TaskID.Value
					require.Equal(w, *w.updates(id)[0].AgentID, c.Acknowledge.AgentID)
				}
			},
		},
		{
			name:    "an update is acknowledged only after watchers could see it",
			sources: []source{acknowledge, document("high-availability-framework-guide", "Mesos Architecture")},
			run: func(w *world) {
				early := make(chan string, 100)
				w.wire.calls(func(c *calls.Call) verdict {
					if c.Type == calls.Call_ACKNOWLEDGE {
						// While this call waits here, the watcher must see the update.
						seen := w.sees(c.Acknowledge.TaskID.Value, c.Acknowledge.UUID)
						if !seen {
							early <- c.Acknowledge.TaskID.Value
						}
					}
					return pass
				})
				w.submit(command("a", "exit 0"))
				w.untilOver("a")
				w.acknowledged("a")
				require.Empty(w, early)
			},
		},
		{
			name:    "the state is on record before an update is acknowledged",
			sources: []source{document("high-availability-framework-guide", "Recommendations for Highly Available Frameworks"), acknowledge},
			run: func(w *world) {
				wrong := make(chan string, 100)
				w.wire.calls(func(c *calls.Call) verdict {
					if c.Type == calls.Call_ACKNOWLEDGE {
						info, err := w.sched.Task(w.ctx, c.Acknowledge.TaskID.Value)
						if err != nil || info.State == task.StatePending || info.State == task.StateStaging {
							wrong <- fmt.Sprint(info.State, err)
						}
					}
					return pass
				})
				w.submit(command("a", "exit 0"))
				w.untilOver("a")
				w.acknowledged("a")
				require.Empty(w, wrong)
			},
		},
		{
			name:    "an update without a uuid is not acknowledged",
			sources: []source{acknowledge, recording("accept_invalid_offers")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				w.wire.inject(masterStatus("a", info.AgentID, task.StateUnreachable), masterStatus("a", info.AgentID, task.StateRunning))
				w.launch(sleeper("b"))
				w.acknowledged("a")
				w.acknowledged("b")
			},
		},
		{
			name:    "acknowledgements that the master refuses for a while are made less and less often, and all are when it takes them",
			sources: []source{acknowledge, document("high-availability-framework-guide", "Mesos Architecture")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.always(calls.Call_ACKNOWLEDGE, http.StatusServiceUnavailable)
				names := []string{"a", "b", "c", "d"}
				for _, name := range names {
					w.submit(sleeper(name))
				}
				w.wait(10 * time.Second)
				require.Less(w, len(w.made(calls.Call_ACKNOWLEDGE)), 14, "five, and some that were under way")
				w.wire.calls(nil)
				w.until("all are acknowledged", func() bool {
					for _, name := range names {
						if len(w.acknowledgements(name)) < 2 {
							return false
						}
					}
					return true
				})
			},
		},
		{
			name:    "an update that comes twice is acknowledged, and reported once",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture"), recording("agent_restart_checkpoint")},
			run: func(w *world) {
				w.wire.events(func(e *calls.Event) []*calls.Event {
					if e.Type == calls.Event_UPDATE {
						return []*calls.Event{e, e}
					}
					return []*calls.Event{e}
				})
				w.submit(command("a", "exit 0"))
				w.untilOver("a")
				w.until("all are acknowledged", func() bool { return len(w.acknowledgements("a")) == 3 })
				require.Len(w, w.infos("a"), 5, "pending, staging, and three updates")
			},
		},
		{
			name:    "an update of a task that is not on record is acknowledged, or it would be sent for ever",
			sources: []source{acknowledge, document("reconciliation", "Algorithm")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				e := masterStatus("stranger", info.AgentID, task.StateRunning)
				e.Update.Status.UUID = []byte("0123456789abcdef")
				w.wire.inject(e)
				w.until("it is acknowledged", func() bool { return w.acknowledgements("stranger")["0123456789abcdef"] == 1 })
			},
		},
		{
			name:    "an update whose acknowledgement is lost comes again and is acknowledged again",
			sources: []source{recording("unacked_retry"), acknowledge},
			run: func(w *world) {
				w.wire.once(calls.Call_ACKNOWLEDGE, swallow)
				w.submit(command("a", "exit 0"))
				require.Equal(w, task.StateFinished, w.untilOver("a").State)
				first := w.updates("a")[0]
				require.Equal(w, first.UUID, w.updates("a")[1].UUID)
				require.Len(w, w.infos("a"), 5, "pending, staging, and three updates")
				require.Equal(w, 2, w.acknowledgements("a")[string(first.UUID)])
			},
		},
		{
			name:    "an acknowledgement that the master refuses is made again",
			sources: []source{document("scheduler-http-api", "Overview"), acknowledge},
			run: func(w *world) {
				w.wire.times(2, calls.Call_ACKNOWLEDGE, http.StatusServiceUnavailable)
				w.submit(command("a", "exit 0"))
				require.Equal(w, task.StateFinished, w.untilOver("a").State)
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 1)
			},
		},
		{
			name:    "an acknowledgement without an answer does not hold up other tasks",
			sources: []source{acknowledge, document("high-availability-framework-guide", "Mesos Architecture")},
			run: func(w *world) {
				w.wire.once(calls.Call_ACKNOWLEDGE, hang)
				w.submit(sleeper("a"))
				w.untilMade(calls.Call_ACKNOWLEDGE, 1)
				w.launch(sleeper("b"))
				w.untilState("a", task.StateRunning)
			},
		},
		{
			name:    "an update that was not acknowledged when the stream broke comes with the next and is acknowledged then",
			sources: []source{recording("resubscribe_live"), recording("resubscribe_after_disconnect")},
			run: func(w *world) {
				w.wire.always(calls.Call_ACKNOWLEDGE, swallow)
				w.submit(sleeper("a"))
				w.untilMade(calls.Call_ACKNOWLEDGE, 1)
				w.wire.calls(nil)
				w.wire.cut()
				w.untilState("a", task.StateRunning)
				w.untilConnected(2)
				first := w.updates("a")[0]
				require.GreaterOrEqual(w, w.acknowledgements("a")[string(first.UUID)], 2)
			},
		},
		{
			name:    "updates of one task are reported in the order in which they came",
			sources: []source{recording("task_finished"), document("high-availability-framework-guide", "Mesos Architecture")},
			run: func(w *world) {
				for i := range 5 {
					w.submit(command(fmt.Sprint(i), "exit 0"))
				}
				for i := range 5 {
					w.untilOver(fmt.Sprint(i))
					require.Equal(w, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning, task.StateFinished}, w.states(fmt.Sprint(i)))
				}
			},
		},
	}
}

// acknowledged waits until the master has accepted an acknowledgement of each update of a task with a uuid, and
// requires that there was none twice and no other.
func (w *world) acknowledged(id string) {
	w.Helper()
	want := map[string]int{}
	w.until("the updates of "+id+" are acknowledged", func() bool {
		clear(want)
		for _, s := range w.updates(id) {
			if len(s.UUID) > 0 {
				want[string(s.UUID)]++
			}
		}
		entries, _ := w.read()
		taken := map[string]bool{}
		for _, e := range entries {
			if a := e.answered.GetAcknowledge(); a != nil && a.TaskID.Value == id {
				taken[string(a.UUID)] = true
			}
		}
		return len(taken) >= len(want)
	})
	w.wait(100 * time.Millisecond) // for the answers to reach the scheduler
	require.Equal(w, want, w.acknowledgements(id))
}

// sees waits for a watcher to see an update.
func (w *world) sees(id string, uuid []byte) bool {
	for {
		infos, news := w.infosAndNews(id)
		for _, info := range infos {
			if string(info.Status.GetUUID()) == string(uuid) {
				return true
			}
		}
		select {
		case <-news:
		case <-w.ctx.Done():
			return false
		}
	}
}

func (w *world) infosAndNews(id string) ([]task.Info, <-chan struct{}) {
	_, news := w.read()
	return w.infos(id), news
}
