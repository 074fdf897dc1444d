package scheduler

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// beginStep clears the actions of the last step.
func (m *machine) beginStep() {
	clear(m.actions)
	m.actions = m.actions[:0]
}

// emit adds an action to those of the current step.
func (m *machine) emit(a action) { m.actions = append(m.actions, a) }

// call makes a call on the current subscription.
func (m *machine) call(c *scheduler.Call) { m.dispatch(m.newSend(c)) }

// newSend returns a send of this call on the current stream, and does not emit it.
func (m *machine) newSend(c *scheduler.Call) send {
	c.FrameworkID = m.conn.idOfCalls()
	return send{stream: m.conn.stream, call: c}
}

// dispatch makes a call, or has it wait while calls of its kind fail or very many are under way.
func (m *machine) dispatch(s send) {
	switch kind := kindOf(s.call); {
	case !m.backoff.closed(kind):
		m.send(s)
	case !m.backoff.keep(s.call):
		m.drop(kind)
	}
}

// drop leaves out a call, and says so if it is the first of its kind on this subscription.
func (m *machine) drop(kind callKind) {
	if m.backoff.drop(kind) {
		m.emit(dropping{kind})
	}
}

// send makes a call of the machine's own.
func (m *machine) send(s send) {
	m.backoff.made(s.call)
	m.emit(s)
}

func (m *machine) sendAll(calls []*scheduler.Call) {
	for _, c := range calls {
		m.send(m.newSend(c))
	}
}

// touch notes that the record of a task, or with "" that of the framework, is to be written.
func (m *machine) touch(id string) {
	switch {
	case !m.settings.durable:
	case id == "" && m.conn.frameworkID == "": // a running task must not be in the store without its framework
		m.storage.journal.TouchLast(id)
	default:
		m.storage.journal.Touch(id)
	}
}

// framework returns what is to be on record of the framework.
func (m *machine) framework() record.Framework {
	return m.conn.record(m.settings.fingerprint, m.settings.term)
}

// whenStored performs an action as soon as everything that has changed so far is stored.
func (m *machine) whenStored(now time.Time, a action) {
	if m.storage.postpone(now, a) {
		return
	}
	if s, isCall := a.(send); isCall {
		m.dispatch(s)
		return
	}
	m.emit(a)
}

// unregistered reports whether there is a store that does not have the framework's ID. The framework is then
// registered first, and subscribes again with its own failover timeout once the ID is stored.
func (m *machine) unregistered() bool {
	return m.settings.durable && (m.conn.frameworkID == "" || m.conn.frameworkID != m.storage.durable.ID)
}
