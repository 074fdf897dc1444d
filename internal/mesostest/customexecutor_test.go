package mesostest

import (
	"fmt"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// launchedCustom launches a task on a custom executor at 100 ms; it runs from 200 ms on.
func launchedCustom(c *cluster, id string) *stream {
	s := c.subscribe(frameworkInfo())
	c.at(100 * time.Millisecond)
	s.launchCustom(id)
	c.at(200 * time.Millisecond)
	return s
}

func (s *stream) launchCustom(id string) {
	s.c.t.Helper()
	offers := s.offers()
	o := offers[len(offers)-1]
	task := taskInfo(o, id, "")
	task.Command = nil
	own, err := resources.Parse("cpus:0.1;mem:32")
	require.NoError(s.c.t, err)
	task.Executor = &mesos.ExecutorInfo{
		ExecutorID: mesos.ExecutorID{Value: "e"}, Resources: own.Proto(), Command: &mesos.CommandInfo{Value: ptr("./executor")},
	}
	s.accept(o, 0, task)
}

func (s *stream) message(data string) {
	s.c.t.Helper()
	s.call(202, &scheduler.Call{Type: scheduler.Call_MESSAGE, Message: &scheduler.Call_Message{
		AgentID: s.offers()[0].AgentID, ExecutorID: mesos.ExecutorID{Value: "e"}, Data: []byte(data),
	}})
}

func TestCustomExecutor(t *testing.T) {
	script := &CustomExecutor{
		Launch: func(task mesos.TaskInfo) []mesos.TaskStatus {
			return []mesos.TaskStatus{{State: mesos.TASK_STARTING.Enum()}, {}, {State: mesos.TASK_RUNNING.Enum(), Data: []byte(task.TaskID.Value)}}
		},
		Kill: func(id mesos.TaskID) []mesos.TaskStatus {
			if id.Value == "b" {
				return nil
			}
			return []mesos.TaskStatus{{State: mesos.TASK_FINISHED.Enum(), Message: ptr("good night")}}
		},
		Message:    func(data []byte) [][]byte { return [][]byte{data, []byte("bye")} },
		ExitStatus: 2,
	}
	config := Config{Agents: oneAgent(), Executors: func(info mesos.ExecutorInfo) *CustomExecutor {
		require.Equal(t, "./executor", info.Command.GetValue())
		return script
	}}
	inBubble(t, config, func(c *cluster) {
		s := launchedCustom(c, "a")
		s.ackAll()
		require.Equal(t, []byte("a"), s.lastStatus().Data)
		require.Nil(t, s.lastStatus().ExecutorID, "it sends just what it says")
		require.NotNil(t, s.lastStatus().ContainerStatus)
		c.at(1500 * time.Millisecond)
		s.launchCustom("b")
		s.ackAll()

		c.at(2 * time.Second)
		s.message("hello")
		var answers []string
		for _, r := range s.received() {
			if m := r.event.GetMessage(); m != nil {
				answers = append(answers, fmt.Sprintf("%g %s", r.at.Seconds(), m.Data))
			}
		}
		require.Equal(t, []string{"2 hello", "2 bye"}, answers)

		c.at(3 * time.Second)
		s.kill("a")
		s.kill("b")
		s.ackAll()
		c.at(5500 * time.Millisecond)
		s.call(202, &scheduler.Call{Type: scheduler.Call_SHUTDOWN, Shutdown: &scheduler.Call_Shutdown{
			AgentID: s.offers()[0].AgentID, ExecutorID: mesos.ExecutorID{Value: "e"},
		}})
		c.at(6 * time.Second)
		s.message("anybody there?")
		require.Equal(t, []string{
			"0.2 a TASK_STARTING", "0.2 a TASK_RUNNING", "1.5 b TASK_STARTING", "1.5 b TASK_RUNNING", "2 MESSAGE", "2 MESSAGE",
			"3 a TASK_FINISHED: good night", "5.55 FAILURE", "5.55 b TASK_FAILED: Executor terminated",
		}, notOffers(s.since(200*time.Millisecond)))
		for _, r := range s.received() {
			if f := r.event.GetFailure(); f != nil {
				require.Equal(t, int32(2<<8), f.GetStatus())
			}
		}
	})
}

// Without a function the executor does the least: it runs and ends its tasks.
func TestCustomExecutorOfNoWords(t *testing.T) {
	config := Config{Agents: oneAgent(), Executors: func(mesos.ExecutorInfo) *CustomExecutor { return &CustomExecutor{} }}
	inBubble(t, config, func(c *cluster) {
		s := launchedCustom(c, "a")
		s.ackAll()
		s.message("hello")
		c.at(time.Second)
		s.kill("a")
		s.ackAll()
		c.at(10 * time.Second)
		require.Equal(t, []string{"0.2 a TASK_RUNNING", "1 a TASK_KILLED"}, notOffers(s.since(200*time.Millisecond)))
		offers := s.offers()
		require.Equal(t, "e", offers[len(offers)-1].ExecutorIDs[0].Value, "it waits for other tasks")
		require.False(t, c.master.KillExecutor("a"), "the task is over")
	})
}

// One without a script cannot even register.
func TestCustomExecutorWithoutScript(t *testing.T) {
	config := Config{
		Agents:    []Agent{{ExecutorRegistrationTimeout: 3 * time.Second}},
		Executors: func(mesos.ExecutorInfo) *CustomExecutor { return nil },
	}
	inBubble(t, config, func(c *cluster) {
		s := launchedCustom(c, "a")
		c.at(10 * time.Second)
		require.Equal(t, []string{"0.15 FAILURE", "0.15 a TASK_FAILED: Executor terminated"},
			notOffers(s.since(110 * time.Millisecond))[:2], "./executor is not there")
	})
}
