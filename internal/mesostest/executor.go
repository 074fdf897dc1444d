package mesostest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// executor runs tasks on an agent. The executor of a command task is made up by
// Mesos, lives for that task alone and has no info.
type executor struct {
	id          string
	framework   *framework
	agent       *agent
	info        *mesos.ExecutorInfo // nil for a command task
	resources   resources.List      // of its own, allocated
	tasks       []*task             // by launch, until terminal
	unacked     int                 // terminal updates that wait for an acknowledgement
	containerID string
	pid         uint32
	registered  bool
	ending      bool
	timer       *timer // of the registration, later of the end
	created     time.Time
	history     []*task         // all that it was given, if the agent's API can show them
	box         *shell.Sandbox  // its own; that of a command task is the task's
	process     *shell.Process  // of a custom executor
	script      *CustomExecutor // what it does instead of that
	cleaned     bool            // its sandbox was removed
}

// lingering is how long an executor outlives its last task at most: it waits for the
// acknowledgement of the terminal update, or just a while.
const lingering = time.Second

// newExecutor puts an executor on its agent.
func (m *Master) newExecutor(f *framework, a *agent, id string, info *mesos.ExecutorInfo) *executor {
	e := &executor{
		id: id, framework: f, agent: a, info: info,
		containerID: m.newUUID().String(),
		pid:         1000 + uint32(m.launched),
		created:     time.Now(),
	}
	if m.config.Executors != nil && e.custom() {
		e.script = m.config.Executors(*info)
	}
	a.executors[executorKey{f.id, id}] = e
	a.running = append(a.running, e)
	return e
}

// remove takes the executor off its agent, with all that it runs and holds.
func (e *executor) remove(m *Master) {
	e.timer.stop()
	e.process.Stop()
	for _, t := range slices.Clone(e.tasks) {
		t.stop()
		t.free(m)
		delete(e.agent.tasks, t)
	}
	e.tasks = nil
	m.free(e.framework, e.agent, e.resources)
	e.resources = nil
	e.agent.remember(m, e)
	delete(e.agent.executors, executorKey{e.framework.id, e.id})
	e.agent.running = slices.DeleteFunc(e.agent.running, func(other *executor) bool { return other == e })
}

// start launches the executor for its first tasks.
func (e *executor) start(m *Master) {
	if e.script != nil {
		e.startScripted(m)
		return
	}
	if e.custom() {
		e.startCustom(m)
		return
	}
	delay := time.Duration(0)
	if len(e.tasks) > 0 {
		delay = m.config.launch(e.tasks[0].info.TaskID.Value)
	}
	failure, slow := e.containerFailure()
	if failure != nil {
		if !slow {
			delay = 0
		}
		e.timer = m.after(delay, func() { e.crash(m, failure.reason, failure.message, 0) })
		return
	}
	if !slices.ContainsFunc(e.tasks, func(t *task) bool { return m.programOf(t) != nil }) {
		e.timer = m.after(delay, func() { e.register(m) })
		return
	}
	e.timer = m.after(delay-headStart, func() {
		for _, t := range e.tasks {
			if !t.killing {
				t.spawnProgram(m)
			}
		}
		e.timer = m.after(headStart, func() { e.register(m) })
	})
}

// register starts the tasks that were waiting for the executor.
func (e *executor) register(m *Master) {
	e.registered = true
	for _, t := range slices.Clone(e.tasks) {
		if !t.killing {
			t.start(m)
		}
	}
}

// failure is why an executor ended before its tasks.
type failure struct {
	reason  mesos.TaskStatus_Reason
	message string
}

// containerFailure returns why the agent cannot start the container, nil when it can; slow
// failures take as long as a start.
func (e *executor) containerFailure() (f *failure, slow bool) {
	if len(e.tasks) == 0 || e.info != nil {
		return nil, false
	}
	info := e.tasks[0].info
	for _, u := range info.Command.GetURIs() {
		// The fake agents have no files of their own; every other address is there.
		if strings.HasPrefix(u.Value, "file:") || strings.HasPrefix(u.Value, "/") {
			return &failure{mesos.REASON_CONTAINER_LAUNCH_FAILED, fmt.Sprintf(
				"Failed to launch container: Failed to fetch all URIs for container '%s': exited with status 1", e.containerID)}, true
		}
	}
	c := info.Container
	switch {
	case info.Command.User != nil && !e.isUser(*info.Command.User):
		return &failure{mesos.REASON_CONTAINER_LAUNCH_FAILED, fmt.Sprintf(
			"Failed to launch container: Failed to chown '%[1]s/stdout' to user '%[2]s' : No such user '%[2]s'", e.directory(), *info.Command.User)}, true
	case validate.IsDocker(c) && !slices.Contains(strings.Split(e.agent.config.Containerizers, ","), "docker"):
		return &failure{mesos.REASON_EXECUTOR_TERMINATED, "Abnormal executor termination: unknown container"}, false
	case c.GetMesos().GetImage() != nil && e.agent.config.ImageProviders == "":
		return &failure{mesos.REASON_CONTAINER_LAUNCH_FAILED,
			"Failed to launch container: Unsupported container image type: " + c.Mesos.Image.GetType().String()}, false
	}
	return nil, false
}

// isUser reports whether the agent's machine knows a user: those of a small Linux, and the one of the framework.
func (e *executor) isUser(name string) bool {
	switch name {
	case "root", "daemon", "bin", "sys", "games", "man", "mail", "www-data", "backup", "nobody", e.framework.info.User:
		return true
	}
	return false
}

// startCustom runs the command of a custom executor without a script. The fake cannot run real
// ones: they never register, so their tasks end with the command or the registration timeout.
func (e *executor) startCustom(m *Master) {
	timeout := e.agent.config.ExecutorRegistrationTimeout
	e.timer = m.after(timeout, func() {
		e.process.Stop()
		e.crash(m, mesos.REASON_EXECUTOR_REGISTRATION_TIMEOUT, "Executor did not register within "+durationText(timeout), 9)
	})
	e.box = shell.NewSandbox(e.info.Command)
	e.process = m.spawn(e.info.Command, shell.Options{Sandbox: e.box, Ended: func(x shell.Exit) {
		e.timer.stop()
		e.timer = m.after(m.config.Reap, func() {
			e.crash(m, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminated", x.WaitStatus())
		})
	}})
}

// crash ends an executor whose tasks did not end by themselves: the agent reports them.
func (e *executor) crash(m *Master, reason mesos.TaskStatus_Reason, message string, status int32) {
	tasks := slices.Clone(e.tasks)
	e.ending = true
	if e.info != nil {
		e.fail(m, status)
	}
	for _, t := range tasks {
		t.stop()
		t.update(m, mesos.TaskStatus{
			State:   mesos.TASK_FAILED.Enum(),
			Source:  mesos.SOURCE_AGENT.Enum(),
			Reason:  &reason,
			Message: &message,
		})
	}
	e.remove(m)
}

// fail tells the framework that an executor of its own ended, if the master can hear of it.
func (e *executor) fail(m *Master, status int32) {
	if !e.agent.reachable() {
		return
	}
	e.framework.send(m, &scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{
		AgentID:    &mesos.AgentID{Value: e.agent.id},
		ExecutorID: &mesos.ExecutorID{Value: e.id},
		Status:     &status,
	}})
}

// taskEnded is called when a task became terminal. A default executor kills the others of its group
// with it, one after the other, unless it just finished.
func (e *executor) taskEnded(m *Master, t *task, state mesos.TaskState) {
	e.tasks = slices.DeleteFunc(e.tasks, func(other *task) bool { return other == t })
	e.unacked++
	if len(e.tasks) > 0 {
		if state != mesos.TASK_FINISHED && !e.ending {
			for _, other := range slices.Clone(e.tasks) {
				if other.inGroupOf(t) {
					other.kill(m, nil)
				}
			}
		}
		return
	}
	if e.script != nil {
		return
	}
	e.timer.stop()
	e.timer = m.after(lingering, func() { e.finish(m) })
}

// acknowledged is called when a terminal update was acknowledged.
func (e *executor) acknowledged(m *Master) {
	e.unacked--
	if e.info != nil && e.script == nil && len(e.tasks) == 0 && e.unacked == 0 && e.registered && !e.ending {
		e.ending = true
		e.timer.stop()
		e.timer = m.after(m.config.Reap/2, func() { e.finish(m) })
	}
}

// finish ends an executor that has nothing left to do.
func (e *executor) finish(m *Master) {
	if e.info != nil {
		e.fail(m, 0)
	}
	e.remove(m)
}

// durationText returns a duration as Mesos prints it: "3secs", "1mins".
func durationText(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{
		{7 * 24 * time.Hour, "weeks"}, {24 * time.Hour, "days"}, {time.Hour, "hrs"}, {time.Minute, "mins"},
		{time.Second, "secs"}, {time.Millisecond, "ms"}, {time.Microsecond, "us"},
	} {
		if d >= unit.size {
			return resources.FormatDouble(float64(d)/float64(unit.size)) + unit.name
		}
	}
	return fmt.Sprintf("%dns", d.Nanoseconds())
}
