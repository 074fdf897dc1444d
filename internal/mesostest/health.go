package mesostest

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"
)

// healthCheck runs the health check of a task: COMMAND in the interpreter, on the files of the task; HTTP and TCP
// succeed as long as the task runs, unless its sandbox knows that nothing listens on the port. SetHealth overrules
// them all.
type healthCheck struct {
	task     *task
	info     *mesos.HealthCheck
	began    time.Time
	healthy  *bool // nil before the first result
	script   *bool // the result of all checks, nil when they are run
	failures uint32
	timer    *timer
	process  *shell.Process
}

// startHealthCheck starts it, if the task has one.
func (t *task) startHealthCheck(m *Master) {
	if t.info.HealthCheck == nil {
		return
	}
	t.check = &healthCheck{task: t, info: t.info.HealthCheck, began: time.Now()}
	t.check.again(m, ofSeconds(t.info.HealthCheck.GetDelaySeconds()))
}

func (h *healthCheck) stop() {
	if h != nil {
		h.timer.stop()
		h.process.Stop()
	}
}

// spawnCheck starts the command of a check of a task. Executors send all that checks say to their stderr.
func (m *Master) spawnCheck(c *mesos.CommandInfo, t *task, ended func(shell.Exit)) *shell.Process {
	return m.spawn(c, shell.Options{Sandbox: t.box, Stdout: shell.StderrFile, Ended: ended})
}

// checkInterval returns the interval between checks, never zero: checks every 0 s, which Mesos allows, would keep the
// clock of a bubble from advancing.
func checkInterval(seconds float64) time.Duration {
	return max(ofSeconds(seconds), time.Millisecond)
}

func ofSeconds(x float64) time.Duration { return time.Duration(x * float64(time.Second)) }

// again runs the check in some seconds.
func (h *healthCheck) again(m *Master, in time.Duration) {
	h.timer = m.after(in, func() {
		switch {
		case h.script != nil:
			h.result(m, *h.script)
			return
		case h.info.Command == nil:
			h.result(m, h.task.box.Listens(h.port()))
			return
		}
		h.process = m.spawnCheck(h.info.Command, h.task, func(x shell.Exit) {
			h.timer.stop()
			h.timer = m.after(m.config.Reap, func() { h.result(m, x == shell.Exit{}) })
		})
		if timeout := h.info.GetTimeoutSeconds(); timeout > 0 {
			h.timer = m.after(ofSeconds(timeout), func() {
				h.process.Stop()
				h.result(m, false)
			})
		}
	})
}

// port returns where an HTTP or TCP check connects to.
func (h *healthCheck) port() int {
	if h.info.TCP != nil {
		return int(h.info.TCP.Port)
	}
	return int(h.info.GetHTTP().GetPort())
}

// SetHealth decides how the health checks of a running task end from the next one on, whatever
// they are; they come at their interval, and their results have the usual effects: updates, the grace
// period, and the kill after too many failures in a row. It reports whether
// there was such a task with a health check.
func (m *Master) SetHealth(taskID string, healthy bool) bool {
	found := false
	m.must(func() {
		if t := m.runningTask(taskID); t != nil && t.check != nil {
			t.check.script = &healthy
			found = true
		}
	})
	return found
}

// result reports the first success, every change, and every failure outside the
// grace period; too many failures in a row kill the task.
func (h *healthCheck) result(m *Master, healthy bool) {
	defer func() {
		if !h.task.killing {
			h.again(m, checkInterval(h.info.GetIntervalSeconds()))
		}
	}()
	if healthy {
		h.failures = 0
		if h.healthy == nil || !*h.healthy {
			h.report(m, true)
		}
		return
	}
	grace := ofSeconds(h.info.GetGracePeriodSeconds())
	if h.healthy == nil && time.Since(h.began) < grace {
		return
	}
	h.failures++
	h.report(m, false)
	if h.failures >= h.info.GetConsecutiveFailures() {
		h.task.unhealthy = true
		h.task.kill(m, nil)
	}
}

func (h *healthCheck) report(m *Master, healthy bool) {
	h.healthy = &healthy
	h.task.update(m, mesos.TaskStatus{
		State:   mesos.TASK_RUNNING.Enum(),
		Source:  mesos.SOURCE_EXECUTOR.Enum(),
		Reason:  mesos.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED.Enum(),
		Healthy: &healthy,

		CheckStatus: h.task.last.CheckStatus,
	})
}

// emptyCheckStatus returns the check status before there is a result, of which the fake
// has none.
func emptyCheckStatus(c *mesos.CheckInfo) *mesos.CheckStatusInfo {
	s := &mesos.CheckStatusInfo{Type: &c.Type}
	switch c.Type {
	case mesos.CheckInfo_COMMAND:
		s.Command = &mesos.CheckStatusInfo_Command{}
	case mesos.CheckInfo_HTTP:
		s.HTTP = &mesos.CheckStatusInfo_Http{}
	case mesos.CheckInfo_TCP:
		s.TCP = &mesos.CheckStatusInfo_Tcp{}
	}
	return s
}

// statusCheck runs the general check (CheckInfo) of a task: COMMAND in the interpreter;
// the others never have a result. Unlike a health check it kills nothing.
type statusCheck struct {
	task    *task
	last    *int32 // exit code, nil before the first result
	timer   *timer
	process *shell.Process
}

func (t *task) startStatusCheck(m *Master) {
	if c := t.info.Check; c != nil && c.Type == mesos.CheckInfo_COMMAND {
		t.status = &statusCheck{task: t}
		t.status.again(m, ofSeconds(c.GetDelaySeconds()))
	}
}

func (c *statusCheck) stop() {
	if c != nil {
		c.timer.stop()
		c.process.Stop()
	}
}

func (c *statusCheck) again(m *Master, in time.Duration) {
	info := c.task.info.Check
	c.timer = m.after(in, func() {
		c.process = m.spawnCheck(&info.Command.Command, c.task, func(x shell.Exit) {
			c.timer = m.after(m.config.Reap, func() {
				c.result(m, int32(x.Code))
				c.again(m, checkInterval(info.GetIntervalSeconds()))
			})
		})
	})
}

// result reports every change.
func (c *statusCheck) result(m *Master, code int32) {
	if c.last != nil && *c.last == code {
		return
	}
	c.last = &code
	status := emptyCheckStatus(c.task.info.Check)
	status.Command.ExitCode = &code
	c.task.update(m, mesos.TaskStatus{
		State:       mesos.TASK_RUNNING.Enum(),
		Source:      mesos.SOURCE_EXECUTOR.Enum(),
		Reason:      mesos.REASON_TASK_CHECK_STATUS_UPDATED.Enum(),
		CheckStatus: status,
		Healthy:     c.task.last.Healthy,
	})
}
