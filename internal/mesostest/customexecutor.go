package mesostest

import (
	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"
)

// CustomExecutor is what a custom executor does, whose program the fake cannot run. It registers
// after Config.Launch, runs any number of tasks, and stays until SHUTDOWN or [Master.KillExecutor].
// The functions run on the master's loop: they must not block, and must not call methods of the
// Master. The statuses that they return are sent in order, with just what they hold; only
// IDs, timestamp, uuid and container status are filled in.
type CustomExecutor struct {
	// Launch is given each task. Default: it answers TASK_RUNNING.
	Launch func(mesos.TaskInfo) []mesos.TaskStatus

	// Kill is asked to end a task, each time anew. Default: it answers TASK_KILLED.
	Kill func(mesos.TaskID) []mesos.TaskStatus

	// Message is given the data of a MESSAGE, and returns that of the messages to send back.
	// Default: none.
	Message func(data []byte) [][]byte

	// ExitStatus is what it ends with on SHUTDOWN. Default 0.
	ExitStatus uint8
}

// custom reports whether the framework brought the executor along.
func (e *executor) custom() bool {
	return e.info != nil && e.info.Type != mesos.ExecutorInfo_DEFAULT
}

// grouped reports whether the executor is the one of Mesos for groups of tasks.
func (e *executor) grouped() bool { return e.info.GetType() == mesos.ExecutorInfo_DEFAULT }

// startScripted registers a scripted executor after a while.
func (e *executor) startScripted(m *Master) {
	e.timer = m.after(m.config.launch(e.tasks[0].info.TaskID.Value), func() { e.register(m) })
}

func (e *executor) launchScripted(m *Master, t *task) {
	if e.script.Launch == nil {
		t.report(m, []mesos.TaskStatus{{State: mesos.TASK_RUNNING.Enum()}})
		return
	}
	t.report(m, e.script.Launch(*t.info))
}

func (e *executor) killScripted(m *Master, t *task) {
	if e.script.Kill == nil {
		t.report(m, []mesos.TaskStatus{{State: mesos.TASK_KILLED.Enum()}})
		return
	}
	t.report(m, e.script.Kill(t.info.TaskID))
}

// report sends the updates of a scripted executor about its task.
func (t *task) report(m *Master, list []mesos.TaskStatus) {
	for _, status := range list {
		if status.State == nil {
			continue // a real agent refuses it
		}
		if status.Source == nil {
			status.Source = mesos.SOURCE_EXECUTOR.Enum()
		}
		t.update(m, status)
	}
}

// shutdownScripted ends the executor in good order: it reports nothing about its tasks.
func (e *executor) shutdownScripted(m *Master) {
	if e.ending {
		return
	}
	e.ending = true
	e.timer.stop()
	status := shell.Exit{Code: int(e.script.ExitStatus)}.WaitStatus()
	e.timer = m.after(m.config.Reap, func() {
		e.crash(m, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminated", status)
	})
}

// message performs MESSAGE, best effort: only scripted executors answer.
func (m *Master) message(f *framework, c *scheduler.Call_Message) {
	a := m.agentByID[c.AgentID.Value]
	if a == nil || !a.reachable() {
		return
	}
	e := a.executors[executorKey{f.id, c.ExecutorID.Value}]
	if e == nil || !e.registered || e.script == nil || e.script.Message == nil {
		return
	}
	for _, data := range e.script.Message(c.Data) {
		f.send(m, &scheduler.Event{Type: scheduler.Event_MESSAGE, Message: &scheduler.Event_Message{
			AgentID: c.AgentID, ExecutorID: c.ExecutorID, Data: data,
		}})
	}
}
