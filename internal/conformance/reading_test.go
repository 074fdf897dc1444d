package conformance

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func readingOutput() []behaviour {
	sandbox := document("sandbox", "Sandbox files")
	return []behaviour{
		{
			name:    "what a task has written can be read while it runs and after it has ended, from any offset",
			sources: []source{sandbox, document("operator-http-api", "READ_FILE"), recording("sandbox")},
			run: func(w *world) {
				w.launch(command("a", "echo one; echo two; echo oops >&2; sleep 1000000"))
				w.untilWritten("a", "stdout", "one\ntwo\n")
				w.untilWritten("a", "stderr", "oops\n")
				all := w.output("a", scheduler.LogOptions{})
				w.kill("a")
				require.Equal(w, all, w.output("a", scheduler.LogOptions{}))
				require.Equal(w, all[3:], w.output("a", scheduler.LogOptions{Offset: 3}))
				require.Equal(w, "two\n", w.output("a", scheduler.LogOptions{Offset: -4}))
				require.Equal(w, all[:5], w.output("a", scheduler.LogOptions{Limit: 5}))
			},
		},
		{
			name:    "the output of a task is followed until the task has ended, and all of it was read",
			sources: []source{sandbox, recording("sandbox")},
			run: func(w *world) {
				w.launch(command("a", "for i in 1 2 3; do echo line $i; sleep 1; done; echo the end"))
				all := w.output("a", scheduler.LogOptions{Follow: true})
				require.Contains(w, all, "line 1\nline 2\nline 3\nthe end\n")
				require.True(w, w.task("a").State.Terminal())
			},
		},
		{
			name:    "each member of a pod has output of its own",
			sources: []source{sandbox, recording("sandbox_group")},
			run: func(w *world) {
				members := pod("p", 2)
				for i := range members {
					members[i].Command.Shell = fmt.Sprintf("echo I am %s; sleep 1000000", members[i].ID)
				}
				w.launchPod(members)
				for _, m := range members {
					w.untilWritten(m.ID, "stdout", "I am "+m.ID+"\n")
				}
				w.kill("p-0")
				for i, m := range members {
					all := w.output(m.ID, scheduler.LogOptions{})
					require.Contains(w, all, "I am "+m.ID+"\n")
					require.NotContains(w, all, "I am "+members[1-i].ID)
				}
			},
		},
		{
			name:    "of a task that was never launched it is said that there is no output",
			sources: []source{sandbox},
			run: func(w *world) {
				w.submit(oversized("a"))
				_, err := w.readAll("a", scheduler.LogOptions{})
				require.Equal(w, scheduler.CodeNotStarted, scheduler.ErrorCode(err))
				require.Equal(w, task.StatePending, w.task("a").State)
			},
		},
	}
}

// readAll returns what Logs returns.
func (w *world) readAll(id string, o scheduler.LogOptions) (text string, err error) {
	var all strings.Builder
	for c, err := range w.sched.Logs(w.ctx, id, o) {
		if err != nil {
			return "", err
		}
		all.Write(c.Data)
	}
	return all.String(), nil
}

func (w *world) output(id string, o scheduler.LogOptions) string {
	w.Helper()
	text, err := w.readAll(id, o)
	require.NoError(w, err, w.journal)
	return text
}

// untilWritten waits for the output of a task to end with a text.
func (w *world) untilWritten(id, stream, text string) {
	w.Helper()
	w.poll("the output of "+id, func() bool { return strings.HasSuffix(w.output(id, scheduler.LogOptions{Stream: stream}), text) })
}

// dialAnybody is the DialContext of the scheduler: to masters over the wire, and to agents, which their offers name, directly.
func (w *world) dialAnybody(ctx context.Context, network, address string) (net.Conn, error) {
	for _, o := range w.offers() {
		if a := o.URL.Address; address == net.JoinHostPort(a.GetHostname(), strconv.Itoa(int(a.Port))) {
			return w.place.dial(ctx, network, address)
		}
	}
	return w.wire.dial(ctx, network, address)
}
