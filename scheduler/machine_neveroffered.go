package scheduler

import (
	"fmt"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// notOffered returns an error for a task that needs what the framework, as it is subscribed now, is never offered.
func (m *machine) notOffered(s *task.Spec) error {
	switch {
	case s.GPUs > 0 && !m.can(mesos.FrameworkInfo_Capability_GPU_RESOURCES):
		return &task.FieldError{Field: "GPUs", Value: s.GPUs, Reason: "needs Framework.GPUs: agents with GPUs are not offered otherwise"}
	case s.Role != "" && !slices.Contains(m.conn.info.Roles, s.Role):
		return &task.FieldError{Field: "Role", Value: s.Role, Reason: fmt.Sprintf("is not one of the framework's roles %v", m.conn.info.Roles)}
	}
	return nil
}

// checkOffered returns the errors of notOffered, and one for a new task that may use what is never offered, though it does not
// need it.
func (m *machine) checkOffered(s *task.Spec) error {
	if s.Revocable && !m.can(mesos.FrameworkInfo_Capability_REVOCABLE_RESOURCES) {
		return &task.FieldError{Field: "Revocable", Value: s.Revocable, Reason: "needs Framework.Revocable: revocable resources are not offered otherwise"}
	}
	return m.notOffered(s)
}

// can reports whether the framework is subscribed with a capability.
func (m *machine) can(t mesos.FrameworkInfo_Capability_Type) bool {
	return slices.ContainsFunc(m.conn.info.Capabilities, func(c mesos.FrameworkInfo_Capability) bool { return c.Type == t })
}

// neverOffered is notOffered for a pending task on record, and for all members of its pod. Submit refuses such tasks, but
// the framework may have changed since.
func (m *machine) neverOffered(e *entry) error {
	for _, e := range e.members() {
		if err := m.notOffered(e.Info.Spec.Base()); err != nil {
			return err
		}
	}
	return nil
}

// reportNeverOffered tells users of the pending tasks that would wait for ever, with one event for each reason.
func (m *machine) reportNeverOffered() {
	var events []NeverOfferedEvent
	byReason := map[string]int{} // indexes of events
	for _, e := range m.tasks.filtered(func(e *entry) bool { return e.Info.State == task.StatePending && m.neverOffered(e) != nil }) {
		err := m.neverOffered(e)
		at, known := byReason[err.Error()]
		if !known {
			at = len(events)
			byReason[err.Error()] = at
			events = append(events, NeverOfferedEvent{Err: err})
		}
		events[at].Tasks = append(events[at].Tasks, e.Info.Spec.ID)
	}
	for _, event := range events {
		m.emit(notify{event})
	}
}
