package scheduler

import (
	"math/rand/v2"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// TestWalksSettle lets the disturbances of a walk end: from then on the master and the store answer everything, and
// the master says the truth, which is that either none of the tasks runs or all do until they are killed. Whatever came
// before, no task may then stay as it was for ever: soon it is pending, runs or has ended, and has ended if it was killed.
func TestWalksSettle(t *testing.T) {
	oneGoroutine(t)
	for seed := range *walkSeeds / 2 {
		random := rand.New(rand.NewPCG(seed, 1))
		c := newChecker(t)
		if seed%2 == 1 {
			c.play('D', 0)
		}
		c.configure(func(set *settings) { set.history, set.remember = int(seed%4), retentions[seed/4%4] })
		for range random.IntN(300) {
			const verbs = "sbbnnEWppppkkFxtooouuuuuuurecdddwwfgilyyyyyyyyzR"
			verb := verbs[random.IntN(len(verbs))]
			if (verb == 'R' || verb == 't' || verb == 'e' || verb == 'f' || verb == 'c') && random.IntN(10) > 0 {
				continue // else it would hardly ever be subscribed
			}
			c.play(verb, random.IntN(256))
		}
		killed, alive := random.IntN(2) == 0, random.IntN(2) == 0
		c.settle(killed, alive)
		for _, e := range c.machine.tasks.inOrder() {
			state := e.Info.State
			require.True(t, state.Terminal() || !killed && (state == task.StatePending || alive && state == task.StateRunning), "seed %d: %s is %v, its launch is %v", seed, e.Info.Spec.ID, state, e.launch)
		}
		if c.machine.conn.phase != stopped {
			require.Empty(t, c.machine.storage.callers, "seed %d", seed)
			require.Empty(t, c.machine.storage.specs, "seed %d", seed)
			require.Zero(t, c.machine.tasks.illegal, "seed %d", seed)
		}
	}
}

// settle answers everything for an hour.
func (c *checker) settle(killAll, alive bool) {
	if c.machine.conn.phase == stopped {
		c.restart()
		c.feed(start{})
	}
	c.feed(streamClosed{stream: c.machine.conn.stream, err: &CallError{}})
	for _, s := range c.sent { // what nobody has answered is answered now
		c.finish(s, unclear, nil)
	}
	answered := len(c.sent)
	for _, e := range c.machine.tasks.inOrder() {
		if killAll && !e.Info.State.Terminal() {
			c.lastRef++
			c.feed(kill{ref: c.lastRef, id: e.Info.Spec.ID})
		}
	}
	for end := c.now.Add(time.Hour); c.now.Before(end) && c.machine.conn.phase != stopped; {
		switch phase := c.machine.conn.phase; {
		case c.disk != nil && len(c.disk.writing) > 0:
			c.finishWriting(1<<20, true, true)
		case phase == connecting:
			c.play('b', 0)
		case answered < len(c.sent):
			s := c.sent[answered]
			answered++
			if s.stream == c.machine.conn.stream {
				c.finish(s, accepted, nil)
				c.answerTruly(s.call, alive)
			}
		default:
			at := c.machine.deadline()
			require.False(c.t, at.IsZero())
			if at.After(c.now) {
				c.now = at
			}
			c.feed(wake{})
		}
	}
}

// answerTruly says of each task that the master is asked about that it runs, or that the master does not know it.
func (c *checker) answerTruly(call *scheduler.Call, alive bool) {
	answer := mesos.TaskStatus{State: mesos.TASK_LOST.Enum(), Reason: mesos.REASON_RECONCILIATION.Enum()}
	switch {
	case call.GetType() == scheduler.Call_KILL && alive:
		c.tell(call.Kill.TaskID.Value, mesos.TaskStatus{State: mesos.TASK_KILLED.Enum(), AgentID: call.Kill.AgentID, UUID: []byte("killed " + call.Kill.TaskID.Value)})
	case call.GetType() == scheduler.Call_KILL:
		c.tell(call.Kill.TaskID.Value, answer)
	case call.GetType() == scheduler.Call_RECONCILE:
		for _, t := range call.Reconcile.Tasks {
			if alive {
				answer.State, answer.AgentID = mesos.TASK_RUNNING.Enum(), t.AgentID
			}
			c.tell(t.TaskID.Value, answer)
		}
	}
}

// tell sends an update without the check that it is acknowledged: it may have no uuid.
func (c *checker) tell(id string, status mesos.TaskStatus) {
	status.TaskID.Value = id
	if len(status.UUID) > 0 {
		c.expectWriting(status)
	}
	event := &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: status}}
	c.observe(wake{}, c.actions(streamEvent{stream: c.machine.conn.stream, event: event}))
}
