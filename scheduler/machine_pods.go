package scheduler

import (
	"errors"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// errPodBroken is why a member of a pod is lost whose launch had no effect: it cannot be launched again if another
// member has ended.
var errPodBroken = errors.New("scheduler: the launch had no effect, and another member of its pod has ended")

// joinPod makes a pod of tasks. They share the class of their combined spec.
func (m *machine) joinPod(entries []*entry) *pod {
	p := m.tasks.join(entries)
	specs := make([]task.Spec, len(entries))
	for i, e := range entries {
		specs[i] = e.Info.Spec.Whole()
	}
	whole := combined(specs)
	for _, e := range entries {
		m.classify(e, &whole)
	}
	return p
}

// buildPod calls the builder and returns the operation that launches a pod. The last of the parts of the placement is the
// executor's.
func (m *machine) buildPod(p *pod, parts []task.Placement) (*mesos.Offer_Operation, error) {
	builder, able := m.settings.builder.(PodBuilder)
	if !able {
		return nil, errors.New("it is no PodBuilder")
	}
	members, last := p.specs(), len(p.members)
	executor, tasks, err := builder.BuildPod(task.PodBuildInput{
		Members: members, Placements: parts[:last], Executor: parts[last], FrameworkID: m.conn.frameworkID,
	})
	executor.FrameworkID = &mesos.FrameworkID{Value: m.conn.frameworkID}
	return &mesos.Offer_Operation{Type: mesos.Offer_Operation_LAUNCH_GROUP, LaunchGroup: &mesos.Offer_Operation_LaunchGroup{
		Executor: executor, TaskGroup: mesos.TaskGroupInfo{Tasks: tasks},
	}}, err
}

// launchTookEffect is for a task that is pending because its launch was taken for lost, and that runs after all. It
// is removed from the backlog. If it is a member of a pod, the other members probably run as well: they are staging
// again, and the master is asked about them.
func (m *machine) launchTookEffect(now time.Time, e *entry) {
	m.backlog.remove(e)
	for _, other := range e.members() {
		if other != e && other.Info.State == task.StatePending {
			other.reassign()
			m.tasks.advanceLaunch(other, eventTold)
			m.setState(now, other, task.StateStaging, nil)
			m.startLaunchTimer(other, now.Add(callRetry))
		}
	}
}

// restorePods restores the pods of tasks that are in order of submission.
func (m *machine) restorePods(entries []*entry) {
	byName := map[string][]*entry{}
	var names []string
	for _, e := range entries {
		if name := e.Info.Spec.Pod(); name != "" {
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
