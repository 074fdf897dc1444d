package mesostest

import (
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"
)

// Fault is what becomes of a call instead of its handling. A positive value is
// the HTTP status to answer with, such as Fault(http.StatusServiceUnavailable).
type Fault int

const (
	// Pass handles the call as if nobody had asked.
	Pass Fault = 0
	// Swallow answers 202 and does nothing.
	Swallow Fault = -1
	// Hang never answers; the request waits until its client leaves or Run ends.
	Hang Fault = -2
	// Cut breaks the connection of the request without an answer.
	Cut Fault = -3
	// HangAfter handles the call and never answers. A SUBSCRIBE gets no event either.
	HangAfter Fault = -4
	// CutAfter handles the call and breaks the connection instead of an answer.
	CutAfter Fault = -5
)

// Intercept has f asked before each call is handled, SUBSCRIBE too, after the
// checks that need no state. It runs on the master's loop: it must not block,
// and must not call methods of the Master. nil ends it.
func (m *Master) Intercept(f func(*scheduler.Call) Fault) { m.must(func() { m.intercept = f }) }

// fate is what becomes of a call.
type fate struct {
	handle bool
	reply  reply // instead of that of the handling, unless it is zero
}

// fate asks the test and chance what is to become of c, once.
func (m *Master) fate(c *scheduler.Call, from caller) fate {
	if from.delayed {
		return fate{handle: true}
	}
	m.callCounts[c.Type]++
	m.config.Logger.Debug("call", "type", c.Type, "framework", c.GetFrameworkID().GetValue())
	fault := Pass
	if m.intercept != nil {
		fault = m.intercept(c)
	}
	if fault == Pass {
		var delay time.Duration
		if fault, delay = m.disturbance.ofCall(); delay > 0 {
			return fate{reply: reply{delay: delay}}
		}
	}
	switch fault {
	case Pass:
		return fate{handle: true}
	case HangAfter:
		return fate{handle: true, reply: reply{fault: Hang}}
	case CutAfter:
		return fate{handle: true, reply: reply{fault: Cut}}
	case Swallow:
		return fate{reply: reply{status: 202}}
	case Hang, Cut:
		return fate{reply: reply{fault: fault}}
	}
	return fate{reply: reply{status: int(fault)}}
}

// CutStreams breaks the connection of every subscription, as if the network had
// failed. The frameworks count as disconnected at once.
func (m *Master) CutStreams() {
	m.must(func() {
		for _, f := range slices.Clone(m.order) {
			if f.stream != nil {
				m.cutStream(f.stream)
			}
		}
	})
}

func (m *Master) cutStream(s *subscription) {
	if !s.over {
		s.held = nil
		s.cut()
		m.disconnected(s)
	}
}

// Silence keeps all event streams open and sends nothing on them, not even heartbeats, as
// if packets were lost. Silence(false) sends what was kept back. Calls are
// answered meanwhile; see Intercept for those.
func (m *Master) Silence(on bool) {
	m.must(func() {
		m.silent = on
		m.releaseStreams()
	})
}

// releaseStreams sends what was kept back, unless it still has to wait.
func (m *Master) releaseStreams() {
	if m.muted() {
		return
	}
	for _, f := range m.order {
		if f.stream != nil {
			f.stream.release()
		}
	}
}

// RescindOffers takes every outstanding offer back with a RESCIND each. The resources are
// offered again at the next allocation.
func (m *Master) RescindOffers() {
	m.must(func() {
		for _, a := range m.agents {
			for _, o := range slices.Clone(a.offers) {
				m.rescind(o)
			}
		}
	})
}

// Update has the executor of the running task status.TaskID report state, healthy, reason,
// message, data and so on; agent, executor, uuid, timestamp and, by default, the
// source are filled in. A terminal state ends the process. It reports whether
// there was such a task.
func (m *Master) Update(status mesos.TaskStatus) bool {
	found := false
	m.must(func() {
		t := m.runningTask(status.TaskID.Value)
		if t == nil || status.State == nil {
			return
		}
		found = true
		if status.Source == nil {
			status.Source = mesos.SOURCE_EXECUTOR.Enum()
		}
		t.update(m, status)
	})
	return found
}

// KillExecutor ends the executor of a running task, as SIGKILL would; its tasks
// fail. It reports whether there was such a task.
func (m *Master) KillExecutor(taskID string) bool {
	found := false
	m.must(func() {
		if t := m.runningTask(taskID); t != nil {
			found = true
			t.executor.crash(m, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminated", 9)
		}
	})
	return found
}

// EndTask has the process of a running task exit with a status, whatever its command is. It reports whether there was
// such a task.
func (m *Master) EndTask(taskID string, status uint8) bool {
	found := false
	m.must(func() {
		t := m.runningTask(taskID)
		if t == nil || !t.started || t.ending {
			return
		}
		found = true
		t.process.Stop()
		t.exited(m, shell.Exit{Code: int(status)})
	})
	return found
}

// runningTask finds a task that is not terminal, among those of all frameworks.
func (m *Master) runningTask(id string) *task {
	for _, f := range m.order {
		if t := f.tasks[id]; t != nil && !terminal(t.latest) {
			return t
		}
	}
	return nil
}
