package scheduler

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A task is forgotten while its agent is away, and submitted again at once. Then its agent, or the master, says how the first
// task ended. That is acknowledged, and says nothing about the second one, which was never launched.
func TestEndOfForgottenTaskAfterSubmit(t *testing.T) {
	for _, late := range []string{"FAILED uuid=02", "FINISHED uuid=02", "KILLED uuid=02", "GONE uuid=02", "GONE_BY_OPERATOR", "LOST reason=RECONCILIATION"} {
		s := newStage(t)
		for _, line := range []string{
			"start", "subscribed fw", "submit t1", "offers o1@a1:4:1024", "wait 10ms", "done ACCEPT accepted", "update t1 RUNNING agent=a1 uuid=01",
			"update t1 UNREACHABLE agent=a1", "forget t1", "submit t1",
		} {
			s.playf("%s", line)
		}
		answer := s.playf("update t1 %s agent=a1", late)
		require.Equal(t, task.StatePending, s.machine.tasks.byID["t1"].Info.State, late)
		require.NotContains(t, answer, "notify", late)
		s.playf("offers o2@a2:4:1024")
		s.playf("wait 10ms")
		require.Equal(t, task.StateStaging, s.machine.tasks.byID["t1"].Info.State, late)
		s.playf("update t1 FAILED agent=a1 uuid=03")
		require.Equal(t, task.StateStaging, s.machine.tasks.byID["t1"].Info.State, late)
	}
}

// A program forgets almost every task by itself. What is kept of them to forget the oldest ones does not grow, and those
// that are left are forgotten in their order nevertheless.
func TestForgetOneByOne(t *testing.T) {
	r := newRemembered(Retention{Count: 10})
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var kept, gone []string
	for n := range 12_000 {
		id := fmt.Sprint(n)
		now := began.Add(time.Duration(n) * time.Second)
		r.add(record.Ended{ID: id, State: task.StateFinished, At: now})
		gone = append(gone, r.trim(now)...)
		if n%1000 == 0 {
			kept = append(kept, id)
		} else {
			require.Equal(t, []string{id}, r.forget(id, ""))
		}
		require.LessOrEqual(t, len(r.order), 100)
	}
	require.Equal(t, kept[:len(gone)], gone)
	require.Len(t, gone, 3)
	require.Len(t, r.tasks, 9)
}
