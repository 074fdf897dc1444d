package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// playf plays one line.
func (s *stage) playf(format string, args ...any) string {
	return s.play(strings.Fields(fmt.Sprintf(format, args...)))
}

// unknownStage returns a stage with so many tasks, in turn on agents a0 and a1, of which the master says one after the other
// that it does not know them any more.
func unknownStage(t *testing.T, tasks int) *stage {
	s := newStage(t)
	s.configure(func(set *settings) { set.unknown = AdoptUnknown })
	s.playf("start")
	s.playf("subscribed fw heartbeat=1000000")
	for i := range tasks {
		s.playf("update t%d RUNNING agent=a%d", i, i%2)
	}
	for i := range tasks {
		s.now = s.now.Add(50 * time.Microsecond)
		s.playf("update t%d UNKNOWN agent=a%d reason=RECONCILIATION", i, i%2)
	}
	return s
}

// questions lets time pass. The master answers questions about single tasks from 1 ms later on, with a state. It returns how
// many calls ask about single tasks, and about how many.
func (s *stage) questions(state string, d time.Duration) (calls, tasks int) {
	end := s.now.Add(d)
	for at := s.machine.deadline(); !at.IsZero() && !at.After(end); at = s.machine.deadline() {
		s.now = at
		var asked []scheduler.Call_Reconcile_Task
		for _, a := range s.actions(wake{}) {
			if c, ok := a.(send); ok && len(c.call.GetReconcile().GetTasks()) > 0 {
				calls, asked = calls+1, append(asked, c.call.Reconcile.Tasks...)
			}
		}
		s.now = s.now.Add(min(time.Millisecond, time.Duration(len(asked))))
		for _, t := range asked {
			s.now = s.now.Add(50 * time.Microsecond)
			s.playf("update %s %s agent=%s reason=RECONCILIATION", t.TaskID.Value, state, t.AgentID.Value)
		}
		tasks += len(asked)
	}
	s.now = end
	return calls, tasks
}

// A master that has forgotten thousands of tasks says so of one after the other. It is asked about them again together, in
// calls of up to a thousand, and about each no more often than if it were the only one.
func TestManyUnknownTasks(t *testing.T) {
	s := unknownStage(t, 2500)
	calls, tasks := s.questions("UNKNOWN", 11*time.Minute)
	const each = 14 // questions about a task in ten minutes: after 2, 6, 14, 30, 62 and 122 s, then each minute, and at the end
	require.LessOrEqual(t, calls, 20*3)
	require.LessOrEqual(t, tasks, (each+1)*2500)
	for _, e := range s.machine.tasks.byID {
		require.Equal(t, task.StateLost, e.Info.State)
		waited := e.Info.Updated.Sub(e.UnknownSince)
		require.GreaterOrEqual(t, waited, unknownLimit)
		require.LessOrEqual(t, waited, unknownLimit+2*togetherWithin)
	}
}

// Thousands of containers are being pulled for minutes. The master is asked about them together, each minute.
func TestManyStagingTasks(t *testing.T) {
	const tasks = 2500
	s := newStage(t)
	s.playf("start")
	s.playf("subscribed fw heartbeat=1000000")
	for i := range tasks {
		s.playf("submit t%d", i)
	}
	s.playf("offers o1@a1:10000:10000000")
	s.playf("wait 10ms")
	s.playf("done ACCEPT accepted")
	for i := range tasks {
		s.now = s.now.Add(50 * time.Microsecond)
		s.playf("update t%d STAGING agent=a1 reason=RECONCILIATION", i)
	}
	calls, asked := s.questions("STAGING", 5*time.Minute)
	require.LessOrEqual(t, calls, 4*6) // three for all of them, and the first
	require.LessOrEqual(t, asked, 4*tasks+4)
}

// Another master leads before the ten minutes are over. It knows nothing of what the first one believed: agents have ten
// minutes to re-register with this one. A new subscription with the same master changes nothing.
func TestUnknownToTwoMasters(t *testing.T) {
	for id, extra := range map[string]time.Duration{"m-1": 0, "": 0, "m-2": 8 * time.Minute} {
		s := unknownStage(t, 0)
		s.machine.conn.led("m-1")
		s.playf("update t0 RUNNING agent=a0")
		s.playf("update t0 UNKNOWN agent=a0 reason=RECONCILIATION")
		began := s.now
		s.questions("UNKNOWN", 8*time.Minute)
		s.playf("close error=EOF")
		s.wait("100ms")
		event := s.eventOf("subscribed", []string{"fw"}, map[string]string{"heartbeat": "1000000"})
		event.Subscribed.MasterInfo.ID = id
		s.step(streamEvent{stream: s.machine.conn.stream, event: event})
		s.playf("update t0 UNKNOWN agent=a0 reason=RECONCILIATION")
		s.questions("UNKNOWN", began.Add(unknownLimit+extra-time.Second).Sub(s.now))
		require.Equal(t, task.StateUnknown, s.machine.tasks.byID["t0"].Info.State, id)
		s.questions("UNKNOWN", 3*time.Second)
		require.Equal(t, task.StateLost, s.machine.tasks.byID["t0"].Info.State, id)
	}
}

// An agent that is to be maintained offers again what the tasks on it are asked about, whatever other agents offer.
func TestUnknownOnAgentInMaintenance(t *testing.T) {
	s := unknownStage(t, 2)
	s.machine.settings.inverse = func(InverseOffer) bool { return true }
	s.playf("inverse i1 a0 maintenance=1h")
	require.Len(t, s.machine.vacated, 1)
	offers := offersOf([]string{"o1@a0:4:1024", "o2@a9:4:1024"})
	offers.Offers[0].Unavailability = s.maintenance(map[string]string{"maintenance": "1h"})
	s.out.Reset()
	s.event(nil, offersEvent(offers))
	require.Contains(t, s.out.String(), "DECLINE o1")
	require.Contains(t, s.out.String(), "RECONCILE t0 on a0\n")
}

// An ID that no task may have is not put on record: a store may refuse it, and go on to, and nothing would be launched.
func TestTasksWithImpossibleIDsAreNotAdopted(t *testing.T) {
	s := unknownStage(t, 1)
	for _, id := range []string{strings.Repeat("x", 256), "../../t", "a\nb", "..", "", "\xff"} {
		s.step(streamEvent{stream: 1, event: updateEvent(id, mesos.TASK_RUNNING)})
	}
	require.Len(t, s.machine.tasks.byID, 1)
	s.step(streamEvent{stream: 1, event: updateEvent(strings.Repeat("x", 255), mesos.TASK_RUNNING)})
	require.Len(t, s.machine.tasks.byID, 2)
}

func updateEvent(id string, state mesos.TaskState) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: mesos.TaskStatus{TaskID: mesos.TaskID{Value: id}, State: &state}}}
}
