package conformance

import (
	"context"
	"slices"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func restarting() []behaviour {
	ahead := document("high-availability-framework-guide", "Recommendations for Highly Available Frameworks")
	unreliable := document("high-availability-framework-guide", "Mesos Architecture")
	return []behaviour{
		{
			name:    "another process takes up the framework and its tasks",
			sources: []source{ahead, recording("resubscribe_after_disconnect")}, durable: true,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.submit(oversized("giant"))
				w.die()
				subscribed := w.goOn(w.store.snapshot())
				require.Equal(w, w.made(calls.Call_ACCEPT)[0].FrameworkID, subscribed.FrameworkID)
				require.Equal(w, task.StateRunning, w.task("a").State)
				require.Equal(w, task.StatePending, w.task("giant").State)
				require.ErrorIs(w, w.sched.Submit(w.ctx, sleeper("a")), scheduler.ErrDuplicateTask)
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "after a process that died during a launch the next one knows of it and does not launch twice",
			sources: []source{ahead}, durable: true, slowStore: 300 * time.Millisecond,
			run: func(w *world) {
				records := w.dieAt(calls.Call_ACCEPT, 1, pass)
				w.goOn(records)
				w.untilState("a", task.StateRunning)
				w.calm()
				require.Equal(w, 1, w.launchesOf("a"))
			},
		},
		{
			name:    "a launch that did not leave the process is made by the next one",
			sources: []source{ahead, unreliable}, durable: true, slowStore: 300 * time.Millisecond,
			run: func(w *world) {
				records := w.dieAt(calls.Call_ACCEPT, 1, cut)
				w.successor(records)
				w.start()
				w.untilState("a", task.StateRunning)
				require.Equal(w, 2, w.launchesOf("a"))
			},
		},
		{
			name:    "what was acknowledged is known to the next process",
			sources: []source{ahead, document("scheduler-http-api", "ACKNOWLEDGE")}, durable: true, slowStore: 300 * time.Millisecond,
			run: func(w *world) {
				records := w.dieAt(calls.Call_ACKNOWLEDGE, 2, pass)
				w.wire.fail() // it has nothing but its records
				w.successor(records)
				w.start()
				require.Equal(w, task.StateRunning, w.task("a").State)
				w.wire.restore()
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "the framework's ID is on record before anything is launched under it",
			sources: []source{ahead}, durable: true, slowStore: 300 * time.Millisecond,
			run: func(w *world) {
				subscribed := w.goOn(w.dieAt(calls.Call_ACCEPT, 1, cut))
				require.NotNil(w, subscribed.FrameworkID)
				require.Equal(w, w.made(calls.Call_ACCEPT)[0].FrameworkID, subscribed.FrameworkID)
			},
		},
		{
			name:    "a kill that was asked for is made by the next process",
			sources: []source{document("scheduler-http-api", "KILL"), ahead}, durable: true,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.once(calls.Call_KILL, swallow)
				killed := w.background(func() error { _, err := w.sched.Kill(w.ctx, "a"); return err })
				w.untilMade(calls.Call_KILL, 1)
				w.wait(time.Second) // for the store
				w.die()
				require.ErrorIs(w, w.result(killed), scheduler.ErrNotRunning)
				w.successor(w.store.snapshot())
				w.start()
				require.Equal(w, task.StateKilled, w.untilOver("a").State)
			},
		},
		{
			name:    "the end of a task between two processes is found out",
			sources: []source{document("reconciliation", "When To Reconcile"), recording("resubscribe_after_disconnect")}, durable: true,
			run: func(w *world) {
				w.launch(command("a", "sleep 3"))
				w.acknowledged("a")
				w.die()
				w.successor(w.store.snapshot())
				w.poll("it has ended", func() bool {
					f, _ := w.view()
					return len(f.Tasks) == 1 && f.Tasks[0].State == "TASK_FINISHED"
				})
				w.start()
				over := w.untilOver("a")
				require.Equal(w, task.StateFinished, over.State)
				w.until("its end is acknowledged", func() bool { return w.acknowledgements("a")[string(over.Status.UUID)] > 0 })
			},
		},
		{
			name:    "after a teardown the next process is a new framework with nothing on record",
			sources: []source{document("scheduler-http-api", "TEARDOWN"), recording("subscribe_removed_id")}, durable: true,
			run: func(w *world) {
				w.untilConnected(1)
				require.NoError(w, w.sched.Teardown(w.ctx))
				require.NoError(w, w.end())
				require.Empty(w, w.goOn(w.store.snapshot()).GetFrameworkID().GetValue())
			},
		},
		{
			name:    "a removed framework is not silently replaced by a new one",
			sources: []source{recording("subscribe_removed_id"), ahead}, durable: true,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.die()
				w.teardownByOperator()
				w.successor(w.store.snapshot())
				w.start()
				var removed *scheduler.FrameworkRemovedError
				require.ErrorAs(w, w.end(), &removed)
			},
		},
		{
			name:    "a removed framework is followed by a new one, if that is the policy",
			sources: []source{recording("subscribe_removed_id")}, durable: true,
			config: scheduler.Config{RenewFramework: true},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.kill("a")
				w.teardownByOperator()
				told, _ := w.connections()
				w.until("another framework is subscribed", func() bool {
					now, _ := w.connections()
					last := now[len(now)-1]
					return last.Connected && last.FrameworkID != told[0].FrameworkID
				})
				w.launch(sleeper("b"))
			},
		},
		{
			name:    "after longer than the failover timeout a new framework follows, if that is the policy: what ran is lost, what is pending stays",
			sources: []source{recording("disconnect_timeout_expires"), recording("subscribe_removed_id")}, durable: true,
			config: scheduler.Config{RenewFramework: true, Framework: scheduler.Framework{FailoverTimeout: time.Second}},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.submit(oversized("big"))
				told, _ := w.connections()
				w.die()
				w.wait(5 * time.Second)
				w.successor(w.store.snapshot())
				w.start()
				w.untilState("a", task.StateLost)
				var removed *scheduler.FrameworkRemovedError
				require.ErrorAs(w, w.task("a").Err, &removed)
				require.Equal(w, told[0].FrameworkID, removed.FrameworkID)
				require.Equal(w, task.StatePending, w.task("big").State)
				w.launch(sleeper("b"))
			},
		},
		{
			name:    "while the store fails nothing is launched and no offer is kept",
			sources: []source{ahead}, durable: true,
			run: func(w *world) {
				w.untilConnected(1)
				w.submit(oversized("known"))
				w.store.setBroken(true)
				submitted := w.background(func() error { return w.sched.Submit(w.ctx, sleeper("a")) })
				w.until("the failure is told", func() bool {
					entries, _ := w.read()
					return slices.ContainsFunc(entries, func(e entry) bool { s, ok := e.told.(scheduler.StoreEvent); return ok && s.Err != nil })
				})
				w.calm()
				require.Zero(w, w.launchesOf("a"))
				w.nothingHeld()
				w.store.setBroken(false)
				require.NoError(w, w.result(submitted))
				w.untilState("a", task.StateRunning)
			},
		},
		{
			name:    "while the store fails no update is acknowledged",
			sources: []source{ahead, document("scheduler-http-api", "ACKNOWLEDGE")}, durable: true,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.acknowledged("a")
				before := len(w.made(calls.Call_ACKNOWLEDGE))
				w.store.setBroken(true)
				killed := w.background(func() error { _, err := w.sched.Kill(w.ctx, "a"); return err })
				w.wait(w.quiet / 2)
				require.Len(w, w.made(calls.Call_ACKNOWLEDGE), before)
				w.store.setBroken(false)
				require.NoError(w, w.result(killed))
			},
		},
	}
}

// goOn starts a successor, waits until it is subscribed, and returns the first SUBSCRIBE that it made.
func (w *world) goOn(records map[string][]byte) *calls.Call {
	w.Helper()
	told, _ := w.connections()
	made := len(w.made(calls.Call_SUBSCRIBE))
	w.successor(records)
	w.start()
	w.until("the next process is subscribed", func() bool {
		now, _ := w.connections()
		return len(now) > len(told) && now[len(now)-1].Connected
	})
	return w.made(calls.Call_SUBSCRIBE)[made]
}

// die ends Run without a call to the master.
func (w *world) die() {
	w.Helper()
	w.stop()
	require.ErrorIs(w, w.end(), context.Canceled)
}

// dieAt submits a task "a" and ends the process when it makes the nth call of a type, which gets the verdict. It
// returns the records in the store at that moment.
func (w *world) dieAt(t calls.Call_Type, n int, v verdict) map[string][]byte {
	w.Helper()
	moment := make(chan map[string][]byte, 1)
	var call *calls.Call
	w.wire.calls(func(c *calls.Call) verdict {
		if c.Type != t {
			return pass
		}
		if n--; n == 0 {
			call = c
			moment <- w.store.snapshot()
			return v
		}
		return pass
	})
	w.submit(sleeper("a"))
	var records map[string][]byte
	w.until("that call", func() bool {
		select {
		case records = <-moment:
			return true
		default:
			return records != nil
		}
	})
	if v == pass { // or the successor's SUBSCRIBE might overtake it
		w.until("it is answered", func() bool {
			entries, _ := w.read()
			return slices.ContainsFunc(entries, func(e entry) bool { return e.answered == call })
		})
	}
	w.die()
	w.wire.calls(nil)
	return records
}
