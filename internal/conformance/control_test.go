package conformance

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// TestControl is the negative test of the behaviours: each scheduler here is worse than ours in one respect, and the
// behaviour named must fail.
func TestControl(t *testing.T) {
	for _, c := range []struct {
		worse    string
		sabotage saboteur
		notices  string
	}{
		{"it never acknowledges", times(0, calls.Call_ACKNOWLEDGE), "each update with a uuid is acknowledged once"},
		{"it acknowledges twice", times(2, calls.Call_ACKNOWLEDGE), "each update with a uuid is acknowledged once"},
		{"it never acknowledges", times(0, calls.Call_ACKNOWLEDGE), "an update of a task that is not on record is acknowledged, or it would be sent for ever"},
		{"it kills once", first(calls.Call_KILL), "a kill is repeated until the task has ended"},
		{"it goes on killing", times(2, calls.Call_KILL), "a kill is not repeated once the task has ended"},
		{"it kills without naming the agent", alter(func(c *calls.Call) { c.Kill.AgentID = nil }, calls.Call_KILL), "a running task is killing, then killed, and Kill returns when it has ended"},
		{"it forgets its ID", alter(func(c *calls.Call) { c.FrameworkID, c.Subscribe.FrameworkInfo.ID = nil, nil }, calls.Call_SUBSCRIBE), "after a broken stream it subscribes again under the same ID, and its tasks run on"},
		{"it calls under another ID", alter(func(c *calls.Call) { c.FrameworkID = &mesos.FrameworkID{Value: "x"} }, calls.Call_REVIVE), "calls go over other connections than the subscription's and none is made before SUBSCRIBED"},
		{"it can do little", alter(func(c *calls.Call) {
			c.Subscribe.FrameworkInfo.Capabilities = c.Subscribe.FrameworkInfo.Capabilities[:1]
		}, calls.Call_SUBSCRIBE), "it has the capabilities for several roles, reservations, partition awareness and TASK_KILLING"},
		{"it subscribes for offers when idle", alter(func(c *calls.Call) { c.Subscribe.SuppressedRoles = nil }, calls.Call_SUBSCRIBE), "while nothing is pending it subscribes with all roles suppressed and gets no offers"},
		{"it never suppresses", times(0, calls.Call_SUPPRESS), "a task that is submitted revives offers, and when none is pending they are suppressed"},
		{"it revives all roles", alter(func(c *calls.Call) { c.Revive.Roles = nil }, calls.Call_REVIVE), "only those roles are revived that a pending task can use"},
		{"it suppresses all roles", alter(func(c *calls.Call) { c.Suppress.Roles = nil }, calls.Call_SUPPRESS), "a role whose last task has gone is suppressed, the others are not"},
		{"it subscribes for all roles", alter(func(c *calls.Call) { c.Subscribe.SuppressedRoles = nil }, calls.Call_SUBSCRIBE), "a subscription names as suppressed those roles that no pending task can use"},
		// This one needs the role to be suppressed between the two tasks, that is, idleAfter of package demand to be short:
		// a role that stays revived is offered again by itself, once an hour is over.
		{"it revives once", first(calls.Call_REVIVE), "refusals are long while nothing is pending, and the next task lifts them"},
		{"it declines as if it were busy", alter(func(c *calls.Call) { c.Decline.Filters = nil }, calls.Call_DECLINE), "refusals are long while nothing is pending, and the next task lifts them"},
		{"it keeps what it does not use", times(0, calls.Call_DECLINE), "no more offers are kept than the policy says"},
		{"it never gives back what it has kept", times(0, calls.Call_DECLINE), "offers that are kept are declined when the time of each is over"},
		{"it never revives", times(0, calls.Call_REVIVE), "a new task lifts earlier refusals"},
		{"it hoards offers", times(0, calls.Call_DECLINE), "each offer is answered, and once"},
		{"it declines twice", times(2, calls.Call_DECLINE), "each offer is answered, and once"},
		{"it declines without filters", alter(func(c *calls.Call) { c.Decline.Filters = nil }, calls.Call_DECLINE), "what fits nothing is declined for the time that the policy says"},
		{"it tells nobody what its tasks need", times(0, calls.Call_UPDATE_FRAMEWORK), "agents that no pending task may run on are no longer offered"},
		{"it forgets constraints", alter(forgetful, calls.Call_UPDATE_FRAMEWORK), "agents that no pending task may run on are no longer offered"},
		{"it asks for offers no more", times(0, calls.Call_REVIVE), "a task that may run elsewhere lifts that at once, before offers are asked for"},
		{"it launches the members of a pod one by one", alter(separate, calls.Call_ACCEPT), "the members of a pod are launched by one LAUNCH_GROUP on one agent, under a default executor of their own"},
		{"it launches twice", times(2, calls.Call_ACCEPT), "an ACCEPT whose answer is lost is not made again while its task may run"},
		{"it takes more than was offered", alter(greedy, calls.Call_ACCEPT), "host ports are taken from those that were offered, each once"},
		{"it launches all in one operation", alter(merge, calls.Call_ACCEPT), "each task has an operation of its own, so that one that is malformed does not take others along"},
		{"it never asks", times(0, calls.Call_RECONCILE), "the end of a task during a disconnection is found out"},
		{"it asks once", first(calls.Call_RECONCILE), "a RECONCILE that is not answered is repeated, with pauses that grow"},
		{"it asks without naming agents", alter(nameNoAgents, calls.Call_RECONCILE), "after another subscription each task that has not ended is reconciled explicitly, with its agent"},
		{"it asks for no more than it knows", alter(func(c *calls.Call) { c.Reconcile.Tasks = append(c.Reconcile.Tasks, calls.Call_Reconcile_Task{}) }, calls.Call_RECONCILE), "a task that is not on record and sends no updates is found by reconciliation"},
		{"it never tears down", times(0, calls.Call_TEARDOWN), "Teardown ends framework and tasks, and Run without an error"},
	} {
		t.Run(c.worse+": "+c.notices, func(t *testing.T) {
			t.Parallel()
			b := find(t, c.notices)
			inBubble(t, b, func(t *testing.T, p place) {
				p.sabotage = c.sabotage
				observed := observe(p, b)
				require.NotEmpty(t, observed.errors)
			})
		})
	}
}

// TestControlStore: a scheduler that goes on before its store has written fails these behaviours.
func TestControlStore(t *testing.T) {
	for _, name := range []string{
		"after a process that died during a launch the next one knows of it and does not launch twice",
		"what was acknowledged is known to the next process",
		"the framework's ID is on record before anything is launched under it",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := find(t, name)
			inBubble(t, b, func(t *testing.T, p place) {
				p.late = time.Minute
				require.NotEmpty(t, observe(p, b).errors)
			})
		})
	}
}

func find(t *testing.T, name string) behaviour {
	for _, c := range suite() {
		for _, b := range c.behaviours {
			if b.name == name {
				return b
			}
		}
	}
	require.Fail(t, "no such behaviour: "+name)
	return behaviour{}
}

// observer is a testingT that records failures.
type observer struct {
	mu     sync.Mutex
	errors []string
}

// observe performs a behaviour on a goroutine of its own, which FailNow ends.
func observe(p place, b behaviour) *observer {
	o := &observer{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		perform(o, p, b)
	}()
	<-done
	return o
}

func (o *observer) Errorf(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.errors = append(o.errors, fmt.Sprintf(format, args...))
}

func (o *observer) FailNow()             { runtime.Goexit() }
func (o *observer) Helper()              {}
func (o *observer) Skipf(string, ...any) { runtime.Goexit() }

// times makes each call of a type n times.
func times(n int, t calls.Call_Type) saboteur {
	return func(c *calls.Call) int {
		if c.Type == t {
			return n
		}
		return 1
	}
}

// first makes only the first call of a type.
func first(t calls.Call_Type) saboteur {
	var mu sync.Mutex
	made := 0
	return func(c *calls.Call) int {
		mu.Lock()
		defer mu.Unlock()
		if c.Type != t {
			return 1
		}
		made++
		return max(0, 2-made)
	}
}

// alter changes calls of a type.
func alter(f func(*calls.Call), t calls.Call_Type) saboteur {
	return func(c *calls.Call) int {
		if c.Type == t {
			f(c)
		}
		return 1
	}
}

// greedy changes the ports of tasks to ports that were not offered.
func greedy(c *calls.Call) {
	for _, info := range launches(c) {
		for _, r := range info.Resources {
			for i := range r.GetRanges().GetRange() {
				r.Ranges.Range[i] = mesos.Value_Range{Begin: 1, End: 3}
			}
		}
	}
}

func nameNoAgents(c *calls.Call) {
	for i := range c.Reconcile.Tasks {
		c.Reconcile.Tasks[i].AgentID = nil
	}
}

// forgetful makes the call be encoded again, by mesos-go, which does not know offer constraints.
func forgetful(c *calls.Call) {
	hostname := "elsewhere"
	c.UpdateFramework.FrameworkInfo.Hostname = &hostname
}

// separate launches each member of a pod with an operation of its own.
func separate(c *calls.Call) {
	group := c.Accept.Operations[0].LaunchGroup
	c.Accept.Operations = nil
	for _, info := range group.TaskGroup.Tasks {
		alone := *group
		alone.TaskGroup.Tasks = []mesos.TaskInfo{info}
		c.Accept.Operations = append(c.Accept.Operations, mesos.Offer_Operation{Type: mesos.Offer_Operation_LAUNCH_GROUP, LaunchGroup: &alone})
	}
}

// merge puts all tasks into the first operation.
func merge(c *calls.Call) {
	all := launches(c)
	c.Accept.Operations = c.Accept.Operations[:1]
	c.Accept.Operations[0].Launch.TaskInfos = all
}
