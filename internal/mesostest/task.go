package mesostest

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// task is a task from its launch until its terminal update is acknowledged.
type task struct {
	info      *mesos.TaskInfo
	order     uint64 // of launch
	group     uint64 // equal for the tasks of one LAUNCH_GROUP, 0 for others
	framework *framework
	agent     *agent
	executor  *executor

	// What the master knows.
	resources resources.List     // nil once they are free
	state     mesos.TaskState    // the latest that the agent told
	forwarded mesos.TaskStatus   // the last update sent to the framework
	statuses  []mesos.TaskStatus // one for each state in a row

	// What the agent knows.
	latest  mesos.TaskState
	updates []*mesos.TaskStatus // not acknowledged; only the first is sent
	retry   *timer
	wait    time.Duration // before the next retry

	// What the executor knows.
	process     process
	box         *shell.Sandbox
	stray       bool             // refused by the agent: the executor knows nothing of it
	containerID string           // its own in a group, else that of the executor
	last        mesos.TaskStatus // the last of the executor's updates
	started     bool
	began       time.Time // when started
	killing     bool
	killLater   *killRequest // while the agent is away
	ending      bool         // the process has ended, the update is due
	overdue     bool         // max_completion_time has passed
	unhealthy   bool         // killed by its health check
	escalation  *timer
	completion  *timer
	check       *healthCheck
	status      *statusCheck
}

const (
	firstRetry = 10 * time.Second // STATUS_UPDATE_RETRY_INTERVAL_MIN
	lastRetry  = 10 * time.Minute // STATUS_UPDATE_RETRY_INTERVAL_MAX

	defaultGrace = 3 * time.Second // between SIGTERM and SIGKILL
)

// launch adds a task to an executor; resources are its own, allocated.
func (m *Master) launch(info *mesos.TaskInfo, e *executor, rs resources.List) *task {
	m.launched++
	m.launches[info.TaskID.Value]++
	t := &task{
		info: info, order: m.launched, framework: e.framework, agent: e.agent, executor: e,
		resources: rs, state: mesos.TASK_STAGING, latest: mesos.TASK_STAGING,
		forwarded: mesos.TaskStatus{State: mesos.TASK_STAGING.Enum()},
	}
	if m.config.KeepTasks {
		m.kept = append(m.kept, t)
	}
	e.framework.tasks[info.TaskID.Value] = t
	e.tasks = append(e.tasks, t)
	if e.grouped() {
		t.containerID = m.newUUID().String()
	}
	if m.config.ListenAgents != nil {
		e.history = append(e.history, t)
	}
	e.agent.tasks[t] = struct{}{}
	return t
}

// start does the executor's part: it reports and runs the command.
func (t *task) start(m *Master) {
	t.started, t.began = true, time.Now()
	if t.process.program == nil && t.executor.script == nil {
		t.spawnProgram(m)
	}
	if t.process.program == nil {
		t.box = shell.NewSandbox(t.info.Command)
	}
	if t.executor.script != nil {
		t.executor.launchScripted(m, t)
		return
	}
	t.update(m, t.executorStatus(mesos.TASK_STARTING))
	if t.executor.info == nil && t.info.Command.Value == nil && !t.inImage() && t.process.program == nil {
		// The command executor does not survive a command without a value.
		t.escalation = m.after(m.config.Reap, func() {
			t.executor.crash(m, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminated", 0)
		})
		return
	}
	t.update(m, t.executorStatus(mesos.TASK_RUNNING))
	if t.process.program == nil {
		t.process.shell = m.spawn(t.info.Command, shell.Options{Sandbox: t.box, Image: t.inImage(), Ended: func(x shell.Exit) { t.exited(m, x) }})
	}
	if d := time.Duration(t.info.GetMaxCompletionTime().GetNanoseconds()); d > 0 { // 0 is no limit
		t.completion = m.after(d, func() {
			t.overdue = true
			t.kill(m, nil)
		})
	}
	t.startHealthCheck(m)
	t.startStatusCheck(m)
}

// inImage reports whether the command is one of a container image, of which
// the interpreter knows nothing.
func (t *task) inImage() bool {
	return validate.IsDocker(t.info.Container) || t.info.Container.GetMesos().GetImage() != nil
}

// exited is called when the process has ended; the executor learns it a little later.
func (t *task) exited(m *Master, x shell.Exit) {
	t.ending = true
	t.escalation.stop()
	t.completion.stop()
	t.check.stop()
	t.status.stop()
	t.escalation = m.after(m.config.reap(t.info.TaskID.Value, time.Since(t.began)), func() {
		state := mesos.TASK_FAILED
		switch {
		case t.overdue: // failed, though it was killed
		case t.killing:
			state = mesos.TASK_KILLED
		case x.Signal == "" && x.Code == 0:
			state = mesos.TASK_FINISHED
		}
		status := t.executorStatus(state)
		status.Message = ptr("Command " + x.String())
		if t.overdue {
			status.Reason = mesos.REASON_MAX_COMPLETION_TIME_REACHED.Enum()
		}
		if t.unhealthy {
			status.Healthy = ptr(false)
		}
		t.update(m, status)
	})
}

// executorStatus returns the status with which the executors of Mesos tell a new state: of a check there is nothing
// in it but its type.
func (t *task) executorStatus(state mesos.TaskState) mesos.TaskStatus {
	status := mesos.TaskStatus{State: &state, Source: mesos.SOURCE_EXECUTOR.Enum()}
	if t.info.Check != nil {
		status.CheckStatus = emptyCheckStatus(t.info.Check)
	}
	return status
}

// stop ends what the executor does for the task and reports nothing.
func (t *task) stop() {
	t.process.Stop()
	t.escalation.stop()
	t.completion.stop()
	t.check.stop()
	t.status.stop()
}

// free returns the task's resources to its agent, once.
func (t *task) free(m *Master) {
	rs := t.resources
	t.resources = nil
	m.free(t.framework, t.agent, rs)
}

// remove makes the master forget the task.
func (t *task) remove(m *Master) {
	t.stop()
	t.retry.stop()
	t.free(m)
	t.framework.complete(t)
	delete(t.framework.tasks, t.info.TaskID.Value)
	delete(t.agent.tasks, t)
}

// update takes a new status from the executor or agent to the agent's queue.
func (t *task) update(m *Master, status mesos.TaskStatus) {
	if terminal(t.latest) {
		return
	}
	id := m.newUUID()
	status.TaskID = t.info.TaskID
	status.AgentID = &mesos.AgentID{Value: t.agent.id}
	if t.executor.id != "" && (t.executor.script == nil || status.GetSource() != mesos.SOURCE_EXECUTOR) {
		status.ExecutorID = &mesos.ExecutorID{Value: t.executor.id}
	}
	status.Timestamp = timestamp(time.Now())
	status.UUID = id[:]
	if status.GetSource() == mesos.SOURCE_EXECUTOR {
		status.ContainerStatus = t.containerStatus()
		if state := status.GetState(); t.containerID != "" && (state == mesos.TASK_STARTING || terminal(state)) {
			// The container of a task in a group has no process yet, or none any more.
			status.ContainerStatus.NetworkInfos, status.ContainerStatus.ExecutorPID = nil, nil
		}
		t.last = status
	}
	t.agent.explain(t.framework, &status)
	t.latest = status.GetState()
	t.updates = append(t.updates, &status)
	if len(t.updates) == 1 {
		t.sendFirst(m)
	}
	if terminal(t.latest) {
		t.stop()
		if !t.stray {
			t.executor.taskEnded(m, t, t.latest)
		}
	}
}

// sendFirst sends the oldest update and starts its retries.
func (t *task) sendFirst(m *Master) {
	t.wait = firstRetry
	t.forward(m)
}

// forward brings the oldest update by way of the master to the framework. With it
// the master learns the latest state, and frees the resources of an ended task.
func (t *task) forward(m *Master) {
	t.retry.stop()
	if !t.agent.reachable() {
		return // it sends again when it is back
	}
	t.retry = m.after(t.wait, func() {
		t.wait = min(2*t.wait, lastRetry)
		t.forward(m)
	})
	t.state = t.latest
	if terminal(t.state) {
		t.free(m)
	}
	t.forwarded = *t.updates[0]
	t.remember(t.forwarded)
	t.framework.send(m, updateEvent(t.forwarded))
}

// acknowledge performs ACKNOWLEDGE. One that does not fit is ignored.
func (m *Master) acknowledge(f *framework, c *scheduler.Call_Acknowledge) {
	t := f.tasks[c.TaskID.Value]
	if t == nil || t.agent.id != c.AgentID.Value || !t.agent.reachable() ||
		len(t.updates) == 0 || !slices.Equal(t.updates[0].UUID, c.UUID) {
		return
	}
	t.retry.stop()
	done := terminal(t.updates[0].GetState())
	t.updates = t.updates[1:]
	switch {
	case done:
		t.remove(m)
		if !t.stray {
			t.executor.acknowledged(m)
		}
		m.checkDrained(t.agent)
	case len(t.updates) > 0:
		t.sendFirst(m)
	}
}

// resend has the agents send the oldest updates again, as they do when a
// framework re-subscribes.
func (m *Master) resend(f *framework) {
	for _, t := range f.byLaunch() {
		if len(t.updates) > 0 {
			t.sendFirst(m)
		}
	}
}

// byLaunch lists the framework's tasks in the order of their launch.
func (f *framework) byLaunch() []*task { return byLaunch(maps.Values(f.tasks)) }

// byLaunch lists the agent's tasks in the order of their launch, also those that the master does not know.
func (a *agent) byLaunch() []*task { return byLaunch(maps.Keys(a.tasks)) }

func byLaunch(tasks iter.Seq[*task]) []*task {
	return slices.SortedFunc(tasks, func(a, b *task) int { return cmp.Compare(a.order, b.order) })
}

// tasksOn lists the tasks that the master knows on an agent.
func (m *Master) tasksOn(a *agent) []*task {
	return slices.DeleteFunc(a.byLaunch(), func(t *task) bool { return t.framework.tasks[t.info.TaskID.Value] != t })
}

func (t *task) containerStatus() *mesos.ContainerStatus {
	ip := t.ip()
	container := &mesos.ContainerID{Value: t.executor.containerID}
	if t.containerID != "" {
		container = &mesos.ContainerID{Value: t.containerID, Parent: container}
	}
	return &mesos.ContainerStatus{
		ContainerID:  container,
		NetworkInfos: []mesos.NetworkInfo{{IPAddresses: []mesos.NetworkInfo_IPAddress{{Protocol: mesos.IPv4.Enum(), IPAddress: &ip}}}},
		ExecutorPID:  &t.executor.pid,
	}
}

// terminal reports whether a task never leaves the state again.
func terminal(s mesos.TaskState) bool {
	switch s {
	case mesos.TASK_FINISHED, mesos.TASK_FAILED, mesos.TASK_KILLED, mesos.TASK_ERROR, mesos.TASK_LOST,
		mesos.TASK_DROPPED, mesos.TASK_GONE, mesos.TASK_GONE_BY_OPERATOR:
		return true
	}
	return false
}

func updateEvent(status mesos.TaskStatus) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: status}}
}

// masterUpdate returns an update that the master makes up itself: it has no uuid and must
// not be acknowledged. agent is nil when none was named.
func (m *Master) masterUpdate(id mesos.TaskID, agent *string, state *mesos.TaskState, reason mesos.TaskStatus_Reason, message string) *scheduler.Event {
	status := mesos.TaskStatus{
		TaskID: id, State: state, Message: &message, Source: mesos.SOURCE_MASTER.Enum(), Reason: &reason, Timestamp: timestamp(time.Now()),
	}
	if agent != nil {
		status.AgentID = &mesos.AgentID{Value: *agent}
	}
	return updateEvent(status)
}

// timestamp returns the form of times in updates.
func timestamp(t time.Time) *float64 { return ptr(float64(t.UnixNano()) / 1e9) }
