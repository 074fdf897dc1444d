package mesostest

import "github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"

// This file is what tests do to the output of tasks, as the agents' API shows it.

// WriteOutput appends to a file in the sandbox of the newest launch of a task, "stdout" or "stderr" or any other, which may
// have ended. It reports whether there is such a task whose sandbox is there, as do the methods below.
func (m *Master) WriteOutput(taskID, file string, data []byte) bool {
	return m.withSandbox(taskID, func(_ *executor, box *shell.Sandbox) { box.Append(file, data) })
}

// RotateOutput renames a file to the same with ".1", as a logger does, and begins an empty one.
func (m *Master) RotateOutput(taskID, file string) bool {
	return m.withSandbox(taskID, func(_ *executor, box *shell.Sandbox) { box.Rotate(file) })
}

// RemoveSandbox removes the sandbox of the executor of a task, as the garbage collection of an agent does.
func (m *Master) RemoveSandbox(taskID string) bool {
	return m.withSandbox(taskID, func(e *executor, _ *shell.Sandbox) { e.cleaned = true })
}

// SetAgentAPI closes the API of an agent, which goes on otherwise, or opens it again. It reports whether there is such an agent.
func (m *Master) SetAgentAPI(hostname string, open bool) bool {
	return m.withAgent(hostname, func(a *agent) {
		if open && a.alive {
			m.reopenAPI(a)
		} else {
			a.closeAPI()
		}
	})
}

// withSandbox runs f on the loop for the newest launch of a task that has begun.
func (m *Master) withSandbox(taskID string, f func(*executor, *shell.Sandbox)) (found bool) {
	m.must(func() {
		var newest *task
		for _, a := range m.everRegistered {
			for _, e := range a.everyExecutor() {
				for _, t := range e.history {
					if t.info.TaskID.Value == taskID && t.started && !e.cleaned && (newest == nil || t.order > newest.order) {
						newest = t
					}
				}
			}
		}
		if newest == nil {
			return
		}
		found = true
		e, box := newest.executor, newest.box
		if e.info != nil && !e.grouped() { // its tasks have none of their own
			if e.box == nil {
				e.box = &shell.Sandbox{}
			}
			box = e.box
		}
		f(e, box)
	})
	return found
}
