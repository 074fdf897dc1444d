package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// made returns the calls of a type, in order.
func (w *world) made(t calls.Call_Type) []*calls.Call {
	var list []*calls.Call
	entries, _ := w.read()
	for _, e := range entries {
		if e.call != nil && e.call.Type == t {
			list = append(list, e.call)
		}
	}
	return list
}

// untilMade waits for the nth call of a type and returns it.
func (w *world) untilMade(t calls.Call_Type, n int) *calls.Call {
	w.Helper()
	w.until(fmt.Sprintf("%s number %d", t, n), func() bool { return len(w.made(t)) >= n })
	return w.made(t)[n-1]
}

// updates returns the updates of a task that the scheduler has received.
func (w *world) updates(id string) []mesos.TaskStatus {
	var list []mesos.TaskStatus
	entries, _ := w.read()
	for _, e := range entries {
		if u := e.event.GetUpdate(); u != nil && u.Status.TaskID.Value == id {
			list = append(list, u.Status)
		}
	}
	return list
}

// offers returns all offers that the scheduler has received.
func (w *world) offers() []mesos.Offer {
	var list []mesos.Offer
	entries, _ := w.read()
	for _, e := range entries {
		list = append(list, e.event.GetOffers().GetOffers()...)
	}
	return list
}

// connections returns the connection events of watchers, and when they came.
func (w *world) connections() (list []scheduler.ConnectionEvent, at []time.Duration) {
	entries, _ := w.read()
	for _, e := range entries {
		if c, ok := e.told.(scheduler.ConnectionEvent); ok {
			list, at = append(list, c), append(at, e.at)
		}
	}
	return list, at
}

// untilConnected waits for the nth subscription.
func (w *world) untilConnected(n int) {
	w.Helper()
	w.until(fmt.Sprintf("subscription number %d", n), func() bool {
		list, _ := w.connections()
		list = slices.DeleteFunc(list, func(c scheduler.ConnectionEvent) bool { return !c.Connected })
		return len(list) >= n
	})
}

// infos returns what watchers have seen of a task.
func (w *world) infos(id string) []task.Info {
	var list []task.Info
	entries, _ := w.read()
	for _, e := range entries {
		if e, ok := e.told.(scheduler.TaskEvent); ok && e.Task.Spec.ID == id {
			list = append(list, e.Task)
		}
	}
	return list
}

// states returns the states that a task went through, without repetitions.
func (w *world) states(id string) []task.State {
	var states []task.State
	for _, info := range w.infos(id) {
		states = append(states, info.State)
	}
	return slices.Compact(states)
}

// untilState waits for a task to have been in a state.
func (w *world) untilState(id string, state task.State) {
	w.Helper()
	w.until(id+" is "+state.String(), func() bool { return slices.Contains(w.states(id), state) })
}

// untilOver waits for a task to end and returns what watchers saw last.
func (w *world) untilOver(id string) task.Info {
	w.Helper()
	var info task.Info
	w.until(id+" is over", func() bool {
		if list := w.infos(id); len(list) > 0 {
			info = list[len(list)-1]
		}
		return info.State.Terminal()
	})
	return info
}

// acknowledgements counts those of a task, by uuid.
func (w *world) acknowledgements(id string) map[string]int {
	count := map[string]int{}
	for _, c := range w.made(calls.Call_ACKNOWLEDGE) {
		if c.Acknowledge.TaskID.Value == id {
			count[string(c.Acknowledge.UUID)]++
		}
	}
	return count
}

// checkCalls requires what holds for all calls of every behaviour: they have the framework ID and the stream ID that
// the master has assigned.
func (w *world) checkCalls() {
	w.Helper()
	entries, _ := w.read()
	framework, streams := "", map[string]bool{}
	for _, e := range entries {
		switch {
		case e.event.GetType() == calls.Event_SUBSCRIBED:
			framework = e.event.Subscribed.FrameworkID.Value
			streams[e.given] = true
		case e.call != nil && e.call.Type != calls.Call_SUBSCRIBE:
			require.Equal(w, framework, e.call.GetFrameworkID().GetValue(), "framework of %s", e)
			require.True(w, streams[e.streamID], "stream %q of %s", e.streamID, e)
		case e.call != nil:
			require.Empty(w, e.streamID, "stream of %s", e)
		}
	}
}

func ids(list []mesos.OfferID) string {
	var names []string
	for _, id := range list {
		names = append(names, id.Value)
	}
	return strings.Join(names, ",")
}

// launchedBy returns the IDs of the tasks that an ACCEPT launches.
func launchedBy(c *calls.Call) []string {
	var names []string
	for _, t := range launches(c) {
		names = append(names, t.TaskID.Value)
	}
	return names
}

func launches(c *calls.Call) []mesos.TaskInfo {
	var tasks []mesos.TaskInfo
	for _, op := range c.GetAccept().GetOperations() {
		tasks = append(tasks, op.GetLaunch().GetTaskInfos()...)
		if op.LaunchGroup != nil {
			tasks = append(tasks, op.LaunchGroup.TaskGroup.Tasks...)
		}
	}
	return tasks
}

// launchesOf returns how often a task was launched, whether or not the call reached the master.
func (w *world) launchesOf(id string) (n int) {
	for _, c := range w.made(calls.Call_ACCEPT) {
		for _, name := range launchedBy(c) {
			if name == id {
				n++
			}
		}
	}
	return n
}
