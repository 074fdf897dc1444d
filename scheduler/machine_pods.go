package scheduler

import (
	"errors"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// errPodBroken is what a member ends with that cannot be launched again, as another one has ended.
var errPodBroken = errors.New("scheduler: launched in vain, and another member of its pod has ended")

func (m *machine) submitPod(now time.Time, in submitPod) {
	name := in.specs[0].Pod
	if m.tasks.pods[name] != nil {
		m.emit(reply{ref: in.ref, err: duplicate(name)})
		return
	}
	for i := range in.specs {
		if m.tasks.byID[in.specs[i].ID] != nil {
			m.emit(reply{ref: in.ref, err: duplicate(in.specs[i].ID)})
			return
		}
	}
	var errs []error
	for i := range in.specs {
		errs = append(errs, m.notOffered(&in.specs[i]))
	}
	if err := errors.Join(errs...); err != nil {
		m.emit(reply{ref: in.ref, err: err})
		return
	}
	var records []*entry
	for i := range in.specs {
		records = append(records, m.tasks.submit(now, in.specs[i]))
	}
	p := m.joinPod(records)
	m.enqueue(records[0])
	for _, e := range records {
		m.touch(e.Info.Spec.ID)
		m.whenStored(now, notify{TaskEvent{Task: e.Info, Previous: task.Pending}})
	}
	if in.wait {
		p.callers = append(p.callers, in.ref)
	} else {
		m.whenStored(now, reply{ref: in.ref})
	}
}

// joinPod makes a pod of records, which share the class of all of them together.
func (m *machine) joinPod(records []*entry) *pod {
	p := m.tasks.join(records)
	specs := make([]task.Spec, len(records))
	for i, e := range records {
		specs[i] = e.Info.Spec
	}
	whole := combined(specs)
	for _, e := range records {
		m.classify(e, &whole)
	}
	return p
}

// buildPod asks the builder for a pod.
func (m *machine) buildPod(p *pod, whole task.Placement) ([]task.Placement, *mesos.Offer_Operation, error) {
	builder, able := m.settings.builder.(PodBuilder)
	if !able {
		return nil, nil, errors.New("it is no PodBuilder")
	}
	members := make([]task.Spec, len(p.members))
	for i, e := range p.members {
		members[i] = e.Info.Spec
	}
	parts, err := divide(whole, append(members, task.PodExecutor(members)))
	if err != nil {
		return nil, nil, err
	}
	last := len(members)
	executor, tasks, err := builder.BuildPod(members, parts[:last], parts[last])
	executor.FrameworkID = &mesos.FrameworkID{Value: m.conn.frameworkID}
	return parts[:last], &mesos.Offer_Operation{Type: mesos.Offer_Operation_LAUNCH_GROUP, LaunchGroup: &mesos.Offer_Operation_LaunchGroup{
		Executor: executor, TaskGroup: mesos.TaskGroupInfo{Tasks: tasks},
	}}, err
}

// returned takes a pod whose launch was taken for void, and one of whose members runs after all, out
// of the queue: the others are there as well, or the master will say what became of them.
func (m *machine) launchTookEffect(now time.Time, e *entry) {
	m.backlog.remove(e)
	for _, other := range e.members() {
		if other != e && other.Info.State == task.Pending {
			other.reassign()
			m.tasks.moves(other, eventTold)
			m.setState(now, other, task.Staging, nil)
			m.startLaunchTimer(other, now.Add(callRetry))
		}
	}
}

// podChanged answers whoever waits for a pod to run, after one of its members changed.
func (m *machine) podChanged(now time.Time, e *entry, err error) {
	if len(e.pod.callers) == 0 {
		return
	}
	var answer reply
	switch state := e.Info.State; {
	case state.Terminal() && state != task.Finished:
		answer.err = &TaskError{Task: e.Info, Err: err}
	case slices.ContainsFunc(e.pod.members, func(e *entry) bool { return e.Info.State != task.Finished && !e.up() }):
		return
	}
	for _, caller := range e.pod.callers {
		answer.ref = caller
		m.whenStored(now, answer)
	}
	e.pod.callers = nil
}

// restorePods restores the pods of records in order of submission.
func (m *machine) restorePods(records []*entry) {
	byName := map[string][]*entry{}
	var names []string
	for _, e := range records {
		if name := e.Info.Spec.Pod; name != "" {
			if byName[name] == nil {
				names = append(names, name)
			}
			byName[name] = append(byName[name], e)
		}
	}
	for _, name := range names {
		m.joinPod(byName[name])
	}
}
