package scheduler

import (
	"errors"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func (m *machine) submit(now time.Time, in submit) {
	if m.tasks.known(in.spec.ID) {
		m.submitAgain(now, in)
		return
	}
	e, err := m.put(now, in.spec)
	switch {
	case err != nil:
		m.emit(reply{ref: in.ref, err: err})
	case in.wait:
		e.wait(caller{ref: in.ref, owner: in.spec.RequestID == ""})
	default:
		info := e.Info
		m.whenStored(now, reply{ref: in.ref, info: &info, submitted: e.submitted()})
	}
}

// submitAgain takes a task whose ID is known. If the same request has submitted it, its caller is answered as the first
// time.
func (m *machine) submitAgain(now time.Time, in submit) {
	info, _ := m.tasks.info(in.spec.ID)
	switch err := m.checkRepeated(&in.spec); {
	case err != nil:
		m.emit(reply{ref: in.ref, err: err})
	case in.wait && info.State != task.StateFinished: // which has run
		m.wait(now, wait{ref: in.ref, id: in.spec.ID, until: UntilRunning})
	default:
		m.whenStored(now, reply{ref: in.ref, info: &info})
	}
}

// ensure puts a task on record unless it is there, in which case it compares the specs. The task stays on record if the caller
// gives up: it must still be there, and run, when the caller asks again.
func (m *machine) ensure(now time.Time, in ensure) {
	info, known := m.tasks.info(in.spec.ID)
	answer := reply{ref: in.ref, info: &info}
	switch e := m.tasks.byID[in.spec.ID]; {
	case !known:
		e, err := m.put(now, in.spec)
		if err != nil {
			m.emit(reply{ref: in.ref, err: err})
			return
		}
		info = e.Info
	case e == nil:
		if m.tasks.remembered.record(in.spec.ID).Spec != record.Sum(&in.spec) {
			answer.err = &SpecDiffError{ID: in.spec.ID}
		}
	default:
		spec := e.Info.Spec.Whole()
		if different := record.Differences(&spec, &in.spec); len(different) > 0 {
			answer.err = &SpecDiffError{ID: in.spec.ID, Fields: fieldDiffs(different)}
		}
	}
	m.whenStored(now, answer)
}

func (m *machine) submitPod(now time.Time, in submitPod) {
	if m.tasks.knownPod(in.specs[0].Pod) || slices.ContainsFunc(in.specs, func(s task.Spec) bool { return m.tasks.known(s.ID) }) {
		m.submitPodAgain(now, in)
		return
	}
	var errs []error
	for i := range in.specs {
		errs = append(errs, m.checkOffered(&in.specs[i]))
	}
	if err := errors.Join(errs...); err != nil {
		m.emit(reply{ref: in.ref, err: err})
		return
	}
	var entries []*entry
	for i := range in.specs {
		entries = append(entries, m.tasks.submit(now, in.specs[i]))
	}
	p := m.joinPod(entries)
	m.enqueue(entries[0])
	for _, e := range entries {
		m.touch(e.Info.Spec.ID)
		m.whenStored(now, notify{&taskChange{info: e.Info, previous: task.StatePending}})
	}
	if in.wait {
		p.wait(in.ref)
	} else {
		m.whenStored(now, reply{ref: in.ref, submitted: entries[0].submitted()})
	}
}

// submitPodAgain is submitAgain for a pod whose name, or some of whose IDs, are known.
func (m *machine) submitPodAgain(now time.Time, in submitPod) {
	if err := m.checkRepeatedPod(in.specs); err != nil {
		m.emit(reply{ref: in.ref, err: err})
		return
	}
	if in.wait {
		m.waitForPod(now, in.ref, in.specs)
		return
	}
	m.whenStored(now, reply{ref: in.ref})
}

// checkRepeated returns an error unless the task with this ID was submitted with an equal spec by the same request.
func (m *machine) checkRepeated(spec *task.Spec) error {
	e := m.tasks.byID[spec.ID]
	switch {
	case spec.RequestID == "" || e != nil && e.Info.Spec.RequestID != spec.RequestID:
		return duplicate(spec.ID)
	case e == nil:
		if m.tasks.remembered.record(spec.ID).Spec != record.Sum(spec) {
			return &SpecDiffError{ID: spec.ID}
		}
		return nil
	}
	recorded := e.Info.Spec.Whole()
	if different := record.Differences(&recorded, spec); len(different) > 0 {
		return &SpecDiffError{ID: spec.ID, Fields: fieldDiffs(different)}
	}
	return nil
}

// checkRepeatedPod returns an error unless the pod was submitted with equal members by the same request.
func (m *machine) checkRepeatedPod(specs []task.Spec) error {
	name := specs[0].Pod
	if !m.tasks.knownPod(name) {
		known := slices.IndexFunc(specs, func(s task.Spec) bool { return m.tasks.known(s.ID) })
		return duplicate(specs[known].ID)
	}
	for i := range specs {
		if !m.tasks.known(specs[i].ID) {
			return duplicate(name)
		}
		if err := m.checkRepeated(&specs[i]); err != nil {
			return err
		}
	}
	if m.tasks.podSize(name) != len(specs) {
		return duplicate(name)
	}
	return nil
}

// waitForPod answers a caller when all members run, or one of them has ended in any other way than by having finished.
func (m *machine) waitForPod(now time.Time, caller ref, specs []task.Spec) {
	for i := range specs {
		if info, _ := m.tasks.info(specs[i].ID); info.State.Terminal() && info.State != task.StateFinished {
			m.whenStored(now, reply{ref: caller, err: &TaskError{Task: info.Public(), Err: info.Err}})
			return
		}
	}
	p := m.tasks.pods[specs[0].Pod]
	if p == nil || p.up() {
		m.whenStored(now, reply{ref: caller})
		return
	}
	p.wait(caller)
}
