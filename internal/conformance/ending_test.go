package conformance

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func ending() []behaviour {
	return []behaviour{
		{
			name:    "a scheduler whose framework another one has taken over ends for good",
			sources: []source{recording("resubscribe_live"), recording("pb_failed_over"), document("scheduler-http-api", "Disconnections")},
			run: func(w *world) {
				w.untilConnected(1)
				f, _ := w.view()
				other, err := mesoshttp.New(mesoshttp.Config{DialContext: w.dial})
				require.NoError(w, err)
				defer other.Close()
				stream, err := other.Subscribe(w.ctx, w.url, subscribeAs(f.ID, w.name), nil)
				require.NoError(w, err)
				defer stream.Close()
				require.ErrorIs(w, w.end(), scheduler.ErrEvicted)
				w.calm()
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 1, "it does not strike back")
			},
		},
		{
			name:    "a framework that an operator removed ends for good",
			sources: []source{recording("subscribe_removed_id"), recording("teardown")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.teardownByOperator()
				var removed *scheduler.FrameworkRemovedError
				require.ErrorAs(w, w.end(), &removed)
				told, _ := w.connections()
				require.Equal(w, told[0].FrameworkID, removed.FrameworkID)
				w.calm()
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 2)
			},
		},
		{
			name:    "a framework whose failover timeout ran out ends for good",
			sources: []source{recording("disconnect_timeout_zero"), recording("disconnect_timeout_expires"), document("high-availability-framework-guide", "Recommendations for Highly Available Frameworks")},
			config:  scheduler.Config{Framework: scheduler.Framework{FailoverTimeout: -1}},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.fail()
				w.poll("the master removes it", func() bool {
					_, known := w.view()
					return !known
				})
				w.wire.restore()
				var removed *scheduler.FrameworkRemovedError
				require.ErrorAs(w, w.end(), &removed)
			},
		},
		{
			name:    "tasks live on when Run ends, and the next Run takes them up under the same ID",
			sources: []source{document("high-availability-framework-guide", "Recommendations for Highly Available Frameworks"), recording("resubscribe_after_disconnect")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				before, _ := w.view()
				w.stop()
				require.ErrorIs(w, w.end(), context.Canceled)
				require.Empty(w, w.made(calls.Call_TEARDOWN))
				w.poll("the master notices", func() bool {
					f, known := w.view()
					return known && !f.Active
				})
				f, _ := w.view()
				require.Len(w, f.Tasks, 1)
				w.start()
				w.untilConnected(2)
				after, _ := w.view()
				require.Equal(w, before.ID, after.ID)
				require.Equal(w, task.StateRunning, w.task("a").State)
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "Teardown ends framework and tasks, and Run without an error",
			sources: []source{document("scheduler-http-api", "TEARDOWN"), recording("teardown"), recording("teardown_tasks")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.NoError(w, w.sched.Teardown(w.ctx))
				require.NoError(w, w.end())
				_, known := w.view()
				require.False(w, known)
				w.untilState("a", task.StateKilled)
				told, _ := w.connections()
				require.Len(w, told, 1, "the end of the stream is no disconnection")
			},
		},
		{
			name:    "a teardown that is asked for while disconnected is made as soon as possible",
			sources: []source{document("scheduler-http-api", "TEARDOWN")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.fail()
				torn := w.background(func() error { return w.sched.Teardown(w.ctx) })
				w.until("it is noticed", func() bool { told, _ := w.connections(); return len(told) > 1 })
				w.wire.restore()
				require.NoError(w, w.result(torn))
				require.NoError(w, w.end())
				_, known := w.view()
				require.False(w, known)
			},
		},
		{
			name:    "a teardown whose answer is lost is done all the same",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture"), recording("subscribe_removed_id")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.once(calls.Call_TEARDOWN, lose)
				require.NoError(w, w.sched.Teardown(w.ctx))
				require.NoError(w, w.end())
			},
		},
		{
			name:    "after a teardown the next Run is a new framework",
			sources: []source{recording("subscribe_removed_id"), document("scheduler-http-api", "SUBSCRIBE")},
			run: func(w *world) {
				w.untilConnected(1)
				require.NoError(w, w.sched.Teardown(w.ctx))
				require.NoError(w, w.end())
				w.start()
				w.untilConnected(2)
				told, _ := w.connections()
				told = slices.DeleteFunc(told, func(c scheduler.ConnectionEvent) bool { return !c.Connected })
				require.NotEqual(w, told[0].FrameworkID, told[1].FrameworkID)
				// One before may have asked whether the framework was gone.
				subscribes := w.made(calls.Call_SUBSCRIBE)
				require.Empty(w, subscribes[len(subscribes)-1].GetFrameworkID().GetValue())
			},
		},
		{
			name:    "there is one Run at a time",
			sources: []source{recording("resubscribe_live")}, // two would evict each other
			run: func(w *world) {
				w.untilConnected(1)
				require.ErrorIs(w, w.sched.Run(w.ctx), scheduler.ErrRunning)
				w.launch(sleeper("a"))
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 1)
			},
		},
	}
}

// teardownByOperator removes the framework behind the scheduler's back.
func (w *world) teardownByOperator() {
	w.Helper()
	f, _ := w.view()
	client := &http.Client{Transport: &http.Transport{DialContext: w.dial}}
	defer client.CloseIdleConnections()
	answer, err := client.PostForm(w.url+"/master/teardown", url.Values{"frameworkId": {f.ID}})
	require.NoError(w, err)
	require.NoError(w, answer.Body.Close())
	require.Equal(w, http.StatusOK, answer.StatusCode)
}
